// Makes the engine compute gradients of parameters in the order of the program: each one as soon as the backward pass has come to its layer.
//
// onnxruntime runs a graph depth first from its last result, operands likewise. Left to itself it follows the chain of cotangents to the first layer before it comes back for gradients of parameters,
// and keeps what these read until then: a fifth to a third of the results of a step. So there is one more result, the last, made of the sizes of all gradients: Shape reads its operand and lets it go,
// and the one of the gradient that is to come first stands last.
import type { Program, ValueId } from '../../ir/program.ts'
import type { OnnxGraph, OnnxNode } from './graph.ts'

const ORDER = 'order'

/** Values that the backward pass makes for the updates, in the order of the program. */
export function gradientsOf(program: Program): ValueId[] {
  const backward = new Set(program.nodes.filter(n => n.origin.phase === 'backward').map(n => n.id))
  const read = new Set(program.nodes.filter(n => n.origin.phase === 'update').flatMap(n => n.inputs))
  return [...backward].filter(v => read.has(v))
}

/** The graph with `values` (names of results) computed one after the other, each with what it needs. */
export function inOrder(graph: OnnxGraph, values: readonly string[]): OnnxGraph {
  const made = new Set(graph.nodes.flatMap(n => n.outputs))
  const wanted = [...new Set(values)].filter(name => made.has(name))
  if (wanted.length < 2) return graph
  const node = (op: string, name: string, inputs: string[]): OnnxNode => ({ op, domain: '', name, doc: 'the order of gradients', inputs, outputs: [name], attributes: {} })
  const sizes = wanted.toReversed().map((value, i) => node('Shape', `${ORDER}.${i}`, [value]))
  return { ...graph, nodes: [...graph.nodes, ...sizes, node('SequenceConstruct', ORDER, sizes.map(s => s.name))] }
}
