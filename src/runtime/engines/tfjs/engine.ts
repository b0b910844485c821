// The engine over TensorFlow.js: a worker thread runs the modules of tfjs calls that programs have become.
import { tmpdir } from 'node:os'
import { workerPath } from '../../worker-path.ts'
import { EngineError, type Engine, type HostTensors, type PreparedProgram, type Session } from '../engine.ts'
import { buffersOf } from '../worker-protocol.ts'
import { openWorkerSession } from '../worker-session.ts'
import { WorkerThread } from '../worker-thread.ts'
import { tfjsDevices, type TfjsDevice, type TfjsTarget, type TfjsWorker } from './protocol.ts'

export interface TfjsOptions {
  /** One of `tfjsDevices`; the best that works, where undefined. */
  readonly device?: string
  /** Threads of the wasm device; 0 (default) for one per core. */
  readonly threads?: number
}

const isDevice = (name: string): name is TfjsDevice => (tfjsDevices as readonly string[]).includes(name)

/** Starts the worker and loads the device. Throws EngineError where it cannot be loaded, with the way to get it. */
export async function openTfjs({ device, threads = 0 }: TfjsOptions = {}): Promise<Engine & { readonly target: TfjsTarget }> {
  if (device !== undefined && !isDevice(device)) throw new EngineError(`the engine tfjs has no device "${device}": choose one of ${tfjsDevices.join(', ')}`)
  // Native libraries read the environment of the process, of which a worker has a copy. TensorFlow says on stderr what it was built for, unless told otherwise.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'
  // Without it, Vulkan's loader complains.
  process.env.XDG_RUNTIME_DIR ??= tmpdir()
  const thread = new WorkerThread<TfjsWorker>('tfjs', workerPath('tfjs-worker'), message => message)
  let hello
  try {
    hello = await thread.ask({ kind: 'hello', device, threads })
  } catch (error) {
    await thread.close()
    throw error
  }
  if (hello.kind !== 'hello') throw new Error('internal: the tfjs worker did not introduce itself')
  const target: TfjsTarget = { engine: 'tfjs', device: hello.device }
  /** `own`: nothing else holds the constants. */
  const start = (prepared: PreparedProgram, values: HostTensors, { give = false }, own: boolean): Promise<Session> => {
    if (prepared.engine !== 'tfjs' || prepared.device !== target.device) throw new Error(`internal: a program prepared for ${prepared.engine} was given to tfjs on ${target.device}`)
    const { engine: _engine, device: _device, state, ...step } = prepared
    return openWorkerSession(thread, { request: step, state, feeds: step.feeds, given: own ? buffersOf(step.constants) : [] }, values, give)
  }
  return {
    name: 'tfjs', device: target.device, detail: hello.detail, target,
    openPrepared: (prepared, state, options = {}) => start(prepared, state, options, true),
    open: async (program, state, options = {}) => {
      // The compiler is loaded only where it is needed: a process that trains gets its programs prepared.
      const { prepareProgram } = await import('../prepare.ts')
      return start(await prepareProgram(program, target, options), state, options, false)
    },
    memory: async () => {
      const reply = await thread.ask({ kind: 'memory' })
      if (reply.kind !== 'memory') throw new Error('internal: the tfjs worker counted no tensors')
      return { tensors: reply.tensors, bytes: reply.bytes }
    },
    close: () => thread.close(),
  }
}
