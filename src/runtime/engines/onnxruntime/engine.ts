// The engine over onnxruntime-node: a worker thread runs the ONNX graphs that programs have become.
import { workerPath } from '../../worker-path.ts'
import type { Engine } from '../engine.ts'
import { openWorkerSession } from '../worker-session.ts'
import { WorkerThread } from '../worker-thread.ts'
import { readableError } from './messages.ts'
import type { OnnxRuntimeTarget, OnnxRuntimeWorker } from './protocol.ts'

export interface OnnxRuntimeOptions {
  /** `cpu` (default), `webgpu`, `cuda` */
  readonly device?: string
  /** Threads per operator; 0 (default) for one per core. */
  readonly threads?: number
  /** Fill outputs without a copy where it works (default). */
  readonly zeroCopy?: boolean
  /** Update state in the buffers it is read from where that is safe (default). */
  readonly inPlace?: boolean
}

/** Starts the worker and loads onnxruntime. Throws EngineError where it cannot be loaded. */
export async function openOnnxRuntime(options: OnnxRuntimeOptions = {}): Promise<Engine & { readonly target: OnnxRuntimeTarget }> {
  const { device = 'cpu', threads = 0, inPlace = true } = options
  const thread = new WorkerThread<OnnxRuntimeWorker>('onnxruntime', workerPath('onnxruntime-worker'), readableError)
  const hello = await thread.ask({ kind: 'hello', zeroCopy: options.zeroCopy ?? true })
  if (hello.kind !== 'hello') throw new Error('internal: the onnxruntime worker did not introduce itself')
  const zeroCopy = hello.zeroCopy && device === 'cpu'
  const target: OnnxRuntimeTarget = { engine: 'onnxruntime', device, zeroCopy, inPlace: inPlace && zeroCopy }
  const openPrepared: Engine['openPrepared'] = (prepared, values, { give = false } = {}) => {
    if (prepared.engine !== 'onnxruntime') throw new Error(`internal: a program prepared for ${prepared.engine} was given to onnxruntime`)
    const { engine: _engine, names, state, ...graph } = prepared
    return openWorkerSession(thread, { request: { ...graph, device, threads }, state, feeds: graph.feeds, given: [graph.model.buffer as ArrayBuffer], names }, values, give)
  }
  return {
    name: 'onnxruntime', device, detail: `onnxruntime-node ${hello.version}`, target, openPrepared,
    open: async (program, state, options = {}) => {
      // The compiler is loaded only where it is needed: a process that trains gets its programs prepared.
      const { prepareOnnx } = await import('./prepare.ts')
      return openPrepared(prepareOnnx(program, target, options), state, options)
    },
    memory: () => Promise.resolve(undefined),
    close: () => thread.close(),
  }
}
