// Loads a device of tfjs, or the best that works here.
import { DeviceError, unwatched, type LoadedDevice, type Tf } from './device.ts'
import { ours } from './locate.ts'
import type { TfjsDevice, TfjsWorker } from './protocol.ts'
import { loadTensorflow } from './tensorflow.ts'
import { loadWasm } from './wasm.ts'
import { loadWebgpu } from './webgpu.ts'

async function loadCpu(): Promise<LoadedDevice> {
  const tf = ours('@tensorflow/tfjs-core') as Tf
  const { version_cpu: version } = ours('@tensorflow/tfjs-backend-cpu') as { version_cpu: string }
  await tf.setBackend('cpu')
  return { device: 'cpu', tf, detail: `@tensorflow/tfjs-backend-cpu ${version}`, watch: unwatched }
}

const loaders: Readonly<Record<TfjsDevice, () => Promise<LoadedDevice>>> = {
  tensorflow: () => Promise.resolve(loadTensorflow()),
  webgpu: () => loadWebgpu(),
  wasm: () => loadWasm(),
  cpu: loadCpu,
}

/** Fastest first. */
const preferred: readonly (() => Promise<LoadedDevice>)[] = [
  () => Promise.resolve(loadTensorflow(['@tensorflow/tfjs-node-gpu'])),
  () => loadWebgpu({ hardware: true }),
  loaders.tensorflow, loaders.wasm, loaders.cpu,
]

async function best(): Promise<LoadedDevice> {
  for (const load of preferred) {
    try { return await load() } catch (error) {
      if (!(error instanceof DeviceError)) throw error
    }
  }
  throw new DeviceError('no device of tfjs can be loaded: run npm install')
}

/** Throws DeviceError where it does not double two numbers. */
async function tryOut({ tf, device, watch }: LoadedDevice): Promise<void> {
  const x = tf.tensor1d([1.5, -2]), y = tf.mul(x, 2)
  const found = await watch(y.data())
  x.dispose()
  y.dispose()
  if (found[0] !== 3 || found[1] !== -4) throw new DeviceError(`tfjs on ${device} does not work here: it computes 2 * [1.5, -2] as [${found.join(', ')}]`)
}

/** Throws DeviceError. */
export async function loadDevice({ device }: TfjsWorker['hello']): Promise<LoadedDevice> {
  const loaded = await (device === undefined ? best() : loaders[device]())
  // Without the checks and hints for people who write tfjs by hand.
  loaded.tf.enableProdMode()
  await tryOut(loaded)
  return loaded
}
