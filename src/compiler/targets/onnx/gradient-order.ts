// Makes the engine compute gradients of parameters in the order of the program: each one as soon as the backward pass has come to its layer.
//
// onnxruntime runs a graph depth first from its last result, operands likewise. Left to itself it follows the chain of cotangents to the first layer before it comes back for gradients of parameters,
// and keeps what these read until then: a fifth to a third of the results of a step. So there is one more result, the last, made of the sizes of all gradients: Shape reads its operand and lets it go,
// and the one of the gradient that is to come first stands last.
import type { Node, Program, ValueId } from '../../ir/program.ts'
import { sizeOf } from '../../ir/types.ts'
import type { OnnxGraph, OnnxNode } from './graph.ts'

const ORDER = 'order'
const MOVES: ReadonlySet<Node['op']> = new Set(['reshape', 'transpose'])
const PRODUCTS: ReadonlySet<Node['op']> = new Set(['matmul', 'conv2dWeightGrad'])

/** Values that the backward pass makes for the updates, in the order of the program, and each loss right before the first of them that shares a tensor of the loss with it. */
export function gradientsOf(program: Program): ValueId[] {
  const made = new Map(program.nodes.map(n => [n.id, n] as const))
  const read = new Set(program.nodes.filter(n => n.origin.phase === 'update').flatMap(n => n.inputs))
  const reached = new Set<ValueId>()
  /** The tensors that phase `loss` makes for `value` and that nothing before needed. */
  const tensors = (value: ValueId, seen: Set<ValueId>): ValueId[] => {
    const found: ValueId[] = [], stack = [value]
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const node = made.get(at)
      if (node === undefined || seen.has(at)) continue
      seen.add(at)
      if (node.origin.phase === 'loss' && node.type.shape.length > 0) found.push(at)
      stack.push(...node.inputs)
    }
    return found
  }
  const losses = program.outputs.filter(o => o.role === 'loss').map(o => ({ value: o.value, tensors: new Set(tensors(o.value, new Set())) }))
    // Sums of other losses need nothing large.
    .filter((a, _, all) => a.tensors.size > 0 && all.every(b => b === a || ![...b.tensors].every(v => a.tensors.has(v)) || b.tensors.size === 0))
  /** Whether a result is larger than what is kept to make it: such a product is made when the backward pass is over and nothing else is large. */
  const grows = (value: ValueId): boolean => {
    let node = made.get(value)
    while (node !== undefined && MOVES.has(node.op)) node = made.get(node.inputs[0])
    return node !== undefined && PRODUCTS.has(node.op) && sizeOf(node.type.shape) > node.inputs.reduce((n, v) => n + sizeOf(made.get(v)?.type.shape ?? []), 0)
  }
  const order: ValueId[] = [], late: ValueId[] = []
  for (const { id, origin } of program.nodes) {
    if (origin.phase !== 'backward' || !read.has(id)) continue
    if (grows(id)) { late.push(id); continue }
    const needed = tensors(id, reached)
    for (const loss of losses) if (!order.includes(loss.value) && needed.some(v => loss.tensors.has(v))) order.push(loss.value)
    order.push(id)
  }
  return [...order, ...late]
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
