// The engine over onnxruntime-node: programs become ONNX graphs, which a worker thread runs.
import { existsSync } from 'node:fs'
import type { MemoryMode } from '../../../compiler/memory/plan.ts'
import type { InputRole, OutputRole, Program } from '../../../compiler/ir/program.ts'
import { sameShape, showType, type TensorData, type TensorType } from '../../../compiler/ir/types.ts'
import { encodeGraph } from '../../../compiler/targets/onnx/encode.ts'
import { DEFAULT_OPSET, OnnxTargetError } from '../../../compiler/targets/onnx/graph.ts'
import { groupUpdates } from '../../../compiler/targets/onnx/group-updates.ts'
import { hideShapes } from '../../../compiler/targets/onnx/hide-shapes.ts'
import { guardInPlace } from '../../../compiler/targets/onnx/inplace.ts'
import { lowerProgram } from '../../../compiler/targets/onnx/lower.ts'
import { workerPath } from '../../worker-path.ts'
import { EngineError, type Engine, type HostTensors, type Session } from '../engine.ts'
import { withSequence } from './fetch.ts'
import type { Port, Reply } from './protocol.ts'
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

const MAX_MODEL_BYTES = 2 ** 31 - 1
const STATE_ROLES: ReadonlySet<InputRole | OutputRole> = new Set(['parameter', 'state', 'moment'])
const isState = (port: { readonly role: InputRole | OutputRole }): boolean => STATE_ROLES.has(port.role)

/** Starts the worker and loads onnxruntime. Throws EngineError where it cannot be loaded. */
export async function openOnnxRuntime(options: OnnxRuntimeOptions = {}): Promise<Engine> {
  const { device = 'cpu', threads = 0, inPlace = true } = options
  const path = workerPath('onnxruntime-worker')
  if (!existsSync(path)) throw new EngineError(`${path} is missing: run npm run build`)
  const thread = new WorkerThread(path)
  const hello = await thread.ask({ kind: 'hello', zeroCopy: options.zeroCopy ?? true })
  if (hello.kind !== 'hello') throw new Error('internal: the onnxruntime worker did not introduce itself')
  return {
    name: 'onnxruntime', device,
    open: (program, state, { outputs, give = false, memory = 'plain' } = {}) => {
      const zeroCopy = hello.zeroCopy && device === 'cpu'
      return openSession(thread, program, state, { outputs, give, memory, device, threads, zeroCopy, inPlace: inPlace && zeroCopy })
    },
    close: () => thread.close(),
  }
}

interface SessionSettings { readonly outputs: readonly string[] | undefined; readonly give: boolean; readonly memory: MemoryMode; readonly device: string; readonly threads: number; readonly zeroCopy: boolean; readonly inPlace: boolean }

async function openSession(thread: WorkerThread, program: Program, state: HostTensors, settings: SessionSettings): Promise<Session> {
  const { outputs, give, device, threads, zeroCopy } = settings
  const { program: grouped, groups } = groupUpdates(program)
  const wanted = outputs === undefined ? undefined
    : [...new Set([...grouped.outputs.filter(isState), ...program.outputs.filter(o => !isState(o) && outputs.includes(o.name))].map(o => o.name).concat(outputs.filter(n => !program.outputs.some(o => o.name === n))))]
  const lowered = lower(grouped, device, wanted)
  for (const input of program.inputs) if (isState(input)) checkTensor(`the ${input.role}`, input.name, state[input.name], input.type)
  // The vector of grouped parameters is read in parts as well, which the guards do not see: it gets two buffers.
  const vectors = new Set(groups.map(g => g.name))
  const pairs = lowered.outputs.filter(o => isState(o) && !(o.role === 'parameter' && vectors.has(o.name))).map(o => ({ input: o.name, output: o.onnx }))
  const fed = new Set(lowered.inputs.filter(p => !isState(p) && p.type.shape.length > 0).map(p => p.onnx))
  const { graph, inPlace } = guardInPlace(settings.memory === 'plain' ? lowered.graph : hideShapes(lowered.graph, fed), settings.inPlace ? pairs : [])
  const { model } = encodeGraph(zeroCopy ? withSequence(graph) : graph, Infinity)
  if (model.length > MAX_MODEL_BYTES) throw new EngineError(`the constants of "${program.name}" make a model of ${(model.length / 2 ** 30).toFixed(1)} GiB; onnxruntime reads at most 2 GiB`)
  const feeds = lowered.inputs.filter(p => !isState(p)).map(port)
  const names = program.inputs.filter(isState).map(i => i.name)
  const kept = Object.fromEntries(names.map(n => [n, unshared(state[n])]))
  const reply = await thread.ask({
    kind: 'open', model, state: kept, groups, feeds, stateInputs: lowered.inputs.filter(isState).map(port),
    stateOutputs: lowered.outputs.filter(isState).map(p => ({ ...port(p), inPlace: inPlace.has(p.onnx) })), results: lowered.outputs.filter(p => !isState(p)).map(port), device, threads, arena: settings.memory !== 'released', zeroCopy,
  }, give ? buffersOf(kept) : [])
  if (reply.kind !== 'open') throw new Error('internal: the onnxruntime worker opened no session')
  const { session } = reply
  return {
    run: async given => {
      for (const { name, type } of feeds) checkTensor('the input', name, given[name], type)
      return tensors(await thread.ask({ kind: 'run', session, feeds: Object.fromEntries(feeds.map(({ name }) => [name, unshared(given[name])])) }))
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

function lower(program: Program, device: string, outputs: readonly string[] | undefined): ReturnType<typeof lowerProgram> {
  try {
    return lowerProgram(program, { profile: 'training', contrib: device === 'cpu', opset: DEFAULT_OPSET, outputs })
  } catch (error) {
    if (error instanceof OnnxTargetError) throw new EngineError(error.message)
    throw error
  }
}

const port = ({ name, onnx, type }: Port): Port => ({ name, onnx, type })

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
