// A session that runs in a worker thread, seen from the engine: what goes in is checked, what comes out are tensors.
import { sameShape, showType, type TensorData, type TensorType } from '../../compiler/ir/types.ts'
import { collectGarbage } from '../collect.ts'
import { EngineError, type HostTensors, type Session } from './engine.ts'
import { buffersOf, type NamedType, type Reply, type StatePort, type WorkerKind } from './worker-protocol.ts'
import type { WorkerThread } from './worker-thread.ts'

export interface WorkerOpening<K extends WorkerKind> {
  /** What the engine's worker opens. */
  readonly request: K['open']
  /** Inputs of role parameter, state and moment. */
  readonly state: readonly StatePort[]
  /** Inputs given at each run. */
  readonly feeds: readonly NamedType[]
  /** Buffers of the request that go over to the worker. */
  readonly given?: readonly ArrayBuffer[]
  /** What messages of errors need (Readable). */
  readonly names?: string
}

/** `give`: the buffers of `values` go over to the worker. Throws EngineError where a value is missing or has another type. */
export async function openWorkerSession<K extends WorkerKind>(thread: WorkerThread<K>, { request, state, feeds, given = [], names }: WorkerOpening<K>, values: HostTensors, give: boolean): Promise<Session> {
  for (const input of state) checkTensor(`the ${input.role}`, input.name, values[input.name], input.type)
  const kept = Object.fromEntries(state.map(({ name }) => [name, unshared(values[name])]))
  const reply = await thread.ask({ ...request, kind: 'open', state: kept }, [...given, ...(give ? buffersOf(kept) : [])], names)
  if (reply.kind !== 'open') throw new Error('internal: the worker opened no session')
  const { session } = reply
  collectGarbage()
  return {
    run: async fed => {
      for (const { name, type } of feeds) checkTensor('the input', name, fed[name], type)
      return tensors(await thread.ask({ kind: 'run', session, feeds: Object.fromEntries(feeds.map(({ name }) => [name, unshared(fed[name])])) }, [], names))
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

const tensors = (reply: Reply<WorkerKind>): HostTensors => {
  if (reply.kind !== 'tensors') throw new Error('internal: the worker returned no tensors')
  return reply.tensors
}

function checkTensor(what: string, name: string, given: TensorData | undefined, expected: TensorType): void {
  if (given === undefined) throw new EngineError(`${what} "${name}" is missing: ${showType(expected)} expected`)
  if (given.dtype !== expected.dtype || !sameShape(given.shape, expected.shape)) throw new EngineError(`${what} "${name}" is ${showType(given)}, but ${showType(expected)} is expected`)
}

/** Engines refuse shared memory; anything else is copied on its way to the worker. */
const unshared = (t: TensorData): TensorData => t.data.buffer instanceof SharedArrayBuffer ? { ...t, data: t.data.slice() } : t
