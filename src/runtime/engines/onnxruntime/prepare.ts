// A program made ready for onnxruntime: the encoded graph and what has to be fed and fetched, as plain data that can go from one process to another.
import type { Program } from '../../../compiler/ir/program.ts'
import type { DType } from '../../../compiler/ir/types.ts'
import { encodeGraph } from '../../../compiler/targets/onnx/encode.ts'
import { DEFAULT_OPSET, OnnxTargetError, type OnnxGraph } from '../../../compiler/targets/onnx/graph.ts'
import { isState, sessionGraph, type SessionGraph, type SessionGraphOptions } from '../../../compiler/targets/onnx/session-graph.ts'
import { shortNames } from '../../../compiler/targets/onnx/short-names.ts'
import { EngineError, type PrepareOptions } from '../engine.ts'
import { withSequence } from './fetch.ts'
import { keepsStateOn, type OnnxRuntimeTarget, type Port, type PreparedOnnx } from './protocol.ts'

const MAX_MODEL_BYTES = 2 ** 31 - 1

/** y = x, of any shape. */
const copier = (dtype: DType): OnnxGraph => ({
  name: 'copy', opset: DEFAULT_OPSET, initialisers: [], inputs: [{ name: 'x', dtype, dims: [], hidden: true }], outputs: [{ name: 'y', dtype, dims: [], hidden: true }],
  nodes: [{ op: 'Identity', domain: '', name: 'copy', doc: '', inputs: ['x'], outputs: ['y'], attributes: {} }],
})

const copiersOf = (program: Program): PreparedOnnx['copiers'] => Object.fromEntries([...new Set(program.inputs.filter(isState).map(i => i.type.dtype))].map(dtype => [dtype, Uint8Array.from(encodeGraph(copier(dtype)).model)]))

/** Throws EngineError (a user-readable message) if the engine cannot run the program. */
export function prepareOnnx(program: Program, { device, zeroCopy, inPlace }: OnnxRuntimeTarget, { outputs, memory = 'plain' }: PrepareOptions = {}): PreparedOnnx {
  const lowered = lower(program, { outputs, contrib: device === 'cpu', hidden: memory !== 'plain', inPlace, cut: keepsStateOn(device) })
  const { graph, names } = shortNames(zeroCopy ? withSequence(lowered.graph) : lowered.graph)
  const { model } = encodeGraph(graph, Infinity)
  if (model.length > MAX_MODEL_BYTES) throw new EngineError(`the constants of "${program.name}" make a model of ${(model.length / 2 ** 30).toFixed(1)} GiB; onnxruntime reads at most 2 GiB`)
  const [inputs, results] = [lowered.inputs, lowered.outputs]
  return {
    engine: 'onnxruntime',
    // A buffer of its own: it is handed over.
    model: model.byteLength === model.buffer.byteLength ? model : Uint8Array.from(model),
    copiers: keepsStateOn(device) ? copiersOf(program) : {},
    names,
    state: program.inputs.filter(isState).map(({ name, role, type }) => ({ name, role, type })),
    groups: lowered.groups,
    feeds: inputs.filter(p => !isState(p)).map(port),
    stateInputs: inputs.filter(isState).map(port),
    stateOutputs: results.filter(isState).map(p => ({ ...port(p), inPlace: lowered.inPlace.has(p.onnx) })),
    results: results.filter(p => !isState(p)).map(port),
    arena: memory !== 'released', zeroCopy,
  }
}

function lower(program: Program, options: SessionGraphOptions): SessionGraph {
  try {
    return sessionGraph(program, options)
  } catch (error) {
    if (error instanceof OnnxTargetError) throw new EngineError(error.message)
    throw error
  }
}

const port = ({ name, onnx, type }: Port): Port => ({ name, onnx, type })
