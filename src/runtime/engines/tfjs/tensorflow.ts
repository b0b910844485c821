// The device `tensorflow`: the native package @tensorflow/tfjs-node-gpu or @tensorflow/tfjs-node, which the user has installed.
import * as util from 'node:util'
import { DeviceError, unwatched, type LoadedDevice, type Tf } from './device.ts'
import { locate, optionalFolders, TFJS_NODE_VARIABLE } from './locate.ts'
import { loadForGood } from './stay-loaded.ts'
import { directCalls, type NodeBackend } from './tensorflow-calls.ts'

/** The one that runs on a GPU comes first. */
export const tensorflowPackages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const

const HOW = 'run npm install @tensorflow/tfjs-node (or @tensorflow/tfjs-node-gpu); where its download is refused, mtlc doctor --fix tfjs-node builds it against the TensorFlow of a Python installation'

/** Functions of node:util that later versions of Node no longer have, and the package calls while it is loaded and run. */
const removed: Readonly<Record<string, (v: unknown) => boolean>> = {
  isNullOrUndefined: v => v === null || v === undefined, isArray: Array.isArray, isString: v => typeof v === 'string', isNumber: v => typeof v === 'number', isObject: v => v !== null && typeof v === 'object', isFunction: v => typeof v === 'function',
}

/** Throws DeviceError where neither package is installed, or the one that is cannot be loaded. `names`: only these. */
export function loadTensorflow(names: readonly string[] = tensorflowPackages): LoadedDevice {
  const found = locate(names)
  if (found === undefined) throw new DeviceError(`tfjs on tensorflow needs ${names.at(-1)}, which is not installed: ${HOW}. Looked from ${optionalFolders().join(', ')}; ${TFJS_NODE_VARIABLE}=FOLDER names another folder`)
  const old = (found.require('node:util') ?? util) as Record<string, unknown>
  for (const [name, test] of Object.entries(removed)) old[name] ??= test
  let tf: Tf
  try {
    tf = loadForGood(() => found.require(found.path) as Tf)
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0]
    throw new DeviceError(`${found.name} is installed (${found.path}), but cannot be loaded: ${reason}. To get it working: ${HOW}`)
  }
  const tensorflow = (tf.backend() as unknown as NodeBackend).binding.TF_Version
  return { device: 'tensorflow', tf, calls: directCalls(tf), detail: `${found.name} ${found.version}${tensorflow === undefined ? '' : `, TensorFlow ${tensorflow}`}`, watch: unwatched }
}
