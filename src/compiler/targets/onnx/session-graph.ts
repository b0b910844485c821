// A program as the graph that a session of onnxruntime runs: small updates grouped, lowered, shapes hidden, updates in place guarded, gradients in order. The plan of the memory looks at the same graph.
import type { InputRole, OutputRole, Program } from '../../ir/program.ts'
import type { Shape } from '../../ir/types.ts'
import { chunkUpdates } from './chunk-updates.ts'
import { cutMembers } from './cut-members.ts'
import { DEFAULT_OPSET, type OnnxGraph } from './graph.ts'
import { gradientsOf, inOrder } from './gradient-order.ts'
import { groupUpdates, type StateGroup } from './group-updates.ts'
import { hideShapes } from './hide-shapes.ts'
import { guardInPlace } from './inplace.ts'
import { lowerProgram, type Lowered, type Port } from './lower.ts'
import { orderOperands } from './operand-order.ts'

const STATE_ROLES: ReadonlySet<InputRole | OutputRole> = new Set(['parameter', 'state', 'moment'])

/** Whether an input or output is kept in the session from one run to the next. */
export const isState = (port: { readonly role: InputRole | OutputRole }): boolean => STATE_ROLES.has(port.role)

export interface SessionGraphOptions {
  /** Only these of the outputs that are no state; all, if undefined. */
  readonly outputs?: readonly string[]
  /** Whether the engine has com.microsoft operators, and runs on the processor. */
  readonly contrib: boolean
  /** Keep the shapes of activations from the engine, so that it frees each buffer after its last use. */
  readonly hidden: boolean
  /** Update state in the buffers it is read from where that is safe. */
  readonly inPlace: boolean
  /** The graph cuts members of groups out of their vectors (cut-members.ts); else both are inputs. */
  readonly cut?: boolean
}

export interface SessionGraph {
  readonly graph: OnnxGraph
  readonly inputs: Lowered['inputs']
  readonly outputs: Lowered['outputs']
  /** Vectors that hold several tensors of the state. */
  readonly groups: readonly StateGroup[]
  /** Outputs (by their names in the graph) that may be written over their inputs. */
  readonly inPlace: ReadonlySet<string>
}

/** Names of the graph inputs whose shapes are hidden: batches, targets and random draws. */
export const fedTensors = (inputs: readonly Port<InputRole>[]): Set<string> => new Set(inputs.filter(p => !isState(p) && p.type.shape.length > 0).map(p => p.onnx))

/** Throws OnnxTargetError if the program cannot be expressed with these options. */
export function sessionGraph(program: Program, options: SessionGraphOptions): SessionGraph {
  const { outputs: chosen, contrib } = options
  const { program: grouped, groups } = groupUpdates(program)
  const wanted = chosen === undefined ? undefined
    : [...new Set([...grouped.outputs.filter(isState), ...program.outputs.filter(o => !isState(o) && chosen.includes(o.name))].map(o => o.name).concat(chosen.filter(n => !program.outputs.some(o => o.name === n))))]
  const { graph: whole, inputs: all, outputs, names } = lowerProgram(grouped, { profile: 'training', contrib, opset: DEFAULT_OPSET, outputs: wanted })
  const { graph: lowered, inputs } = options.cut === true ? cutMembers(whole, all, groups) : { graph: whole, inputs: all }
  // The vector of grouped parameters is read in parts as well, which the guards do not see: it gets two buffers.
  const vectors = new Set(groups.map(g => g.name))
  const pairs = outputs.filter(o => isState(o) && !(o.role === 'parameter' && vectors.has(o.name))).map(o => ({ input: o.name, output: o.onnx }))
  const { graph: guarded, inPlace } = guardInPlace(options.hidden ? hideShapes(lowered, fedTensors(inputs)) : lowered, options.inPlace ? pairs : [])
  const { graph, shapes } = contrib ? chunkUpdates(guarded, grouped, names) : { graph: guarded, shapes: new Map<string, Shape>() }
  const shaped = <P extends Port<unknown>>(port: P): P => shapes.has(port.onnx) ? { ...port, type: { ...port.type, shape: shapes.get(port.onnx)! } } : port
  return { graph: contrib ? inOrder(orderOperands(graph), gradientsOf(grouped).flatMap(v => names.get(v) ?? [])) : graph, inputs: inputs.map(shaped), outputs: outputs.map(shaped), groups, inPlace }
}
