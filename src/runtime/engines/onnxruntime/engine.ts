// The engine over onnxruntime-node: a worker thread runs the ONNX graphs that programs have become.
import { existsSync } from 'node:fs'
import { sameShape, showType, type TensorData, type TensorType } from '../../../compiler/ir/types.ts'
import { collectGarbage } from '../../collect.ts'
import { workerPath } from '../../worker-path.ts'
import { EngineError, type Engine, type EngineTarget, type HostTensors, type PreparedProgram, type Session } from '../engine.ts'
import type { Reply } from './protocol.ts'
import { WorkerThread } from './worker-thread.ts'

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
export async function openOnnxRuntime(options: OnnxRuntimeOptions = {}): Promise<Engine> {
  const { device = 'cpu', threads = 0, inPlace = true } = options
  const path = workerPath('onnxruntime-worker')
  if (!existsSync(path)) throw new EngineError(`${path} is missing: run npm run build`)
  const thread = new WorkerThread(path)
  const hello = await thread.ask({ kind: 'hello', zeroCopy: options.zeroCopy ?? true })
  if (hello.kind !== 'hello') throw new Error('internal: the onnxruntime worker did not introduce itself')
  const zeroCopy = hello.zeroCopy && device === 'cpu'
  const target: EngineTarget = { device, zeroCopy, inPlace: inPlace && zeroCopy }
  const openPrepared: Engine['openPrepared'] = (prepared, state, { give = false } = {}) => openSession(thread, prepared, state, { give, device, threads })
  return {
    name: 'onnxruntime', device, target, openPrepared,
    open: async (program, state, options = {}) => {
      // The compiler is loaded only where it is needed: a process that trains gets its programs prepared.
      const { prepareProgram } = await import('./prepare.ts')
      return openPrepared(prepareProgram(program, target, options), state, options)
    },
    close: () => thread.close(),
  }
}

async function openSession(thread: WorkerThread, prepared: PreparedProgram, state: HostTensors, { give, device, threads }: { readonly give: boolean; readonly device: string; readonly threads: number }): Promise<Session> {
  const { names, state: stateful, ...graph } = prepared
  const { feeds } = graph
  for (const input of stateful) checkTensor(`the ${input.role}`, input.name, state[input.name], input.type)
  const kept = Object.fromEntries(stateful.map(({ name }) => [name, unshared(state[name])]))
  const reply = await thread.ask({ kind: 'open', ...graph, state: kept, device, threads }, [graph.model.buffer as ArrayBuffer, ...(give ? buffersOf(kept) : [])], names)
  if (reply.kind !== 'open') throw new Error('internal: the onnxruntime worker opened no session')
  const { session } = reply
  collectGarbage()
  return {
    run: async given => {
      for (const { name, type } of feeds) checkTensor('the input', name, given[name], type)
      return tensors(await thread.ask({ kind: 'run', session, feeds: Object.fromEntries(feeds.map(({ name }) => [name, unshared(given[name])])) }, [], names))
    },
    readState: async () => tensors(await thread.ask({ kind: 'state', session })),
    lendState: async use => {
      const lent = tensors(await thread.ask({ kind: 'lend', session }))
      try {
        return await use(lent)
      } finally {
        await thread.ask({ kind: 'return', session, state: lent }, buffersOf(lent))
      }
    },
    dispose: async () => { await thread.ask({ kind: 'dispose', session }) },
  }
}

const tensors = (reply: Reply): HostTensors => {
  if (reply.kind !== 'tensors') throw new Error('internal: the onnxruntime worker returned no tensors')
  return reply.tensors
}

/** Each buffer once, for handing over instead of copying. */
const buffersOf = (given: HostTensors): ArrayBuffer[] => [...new Set(Object.values(given).map(t => t.data.buffer as ArrayBuffer))]

function checkTensor(what: string, name: string, given: TensorData | undefined, expected: TensorType): void {
  if (given === undefined) throw new EngineError(`${what} "${name}" is missing: ${showType(expected)} expected`)
  if (given.dtype !== expected.dtype || !sameShape(given.shape, expected.shape)) throw new EngineError(`${what} "${name}" is ${showType(given)}, but ${showType(expected)} is expected`)
}

/** onnxruntime refuses shared memory; anything else is copied on its way to the worker. */
const unshared = (t: TensorData): TensorData => t.data.buffer instanceof SharedArrayBuffer ? { ...t, data: t.data.slice() } : t
