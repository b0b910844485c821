// The order of the nodes in which the engine's walk holds the least: of the operands of a node, what needs most on the way is computed first.
//
// onnxruntime runs a graph depth first from its results, and of a node's operands the one that stands last in the graph comes first. So the nodes are written from the results up, lightest operand first.
// What is held while the operands of one node are computed is least if they come in the order of (peak on the way - size of the result), largest first (Liu 1987, for trees). Results that several nodes
// read make it a rule of thumb; the plan of the memory follows the order that comes out.
import { depthFirst } from './depth-first.ts'
import { readsOf, VIEWS, type OnnxGraph } from './graph.ts'
import { bytesOf, typesOf } from './types.ts'

/** The same nodes, sorted; whatever depends on another stays behind it. */
export function orderOperands(graph: OnnxGraph): OnnxGraph {
  const { nodes } = graph, { types } = typesOf(graph)
  const maker = new Map<string, number>()
  nodes.forEach((node, i) => node.outputs.forEach(o => maker.set(o, i)))
  const size = nodes.map(node => node.outputs.reduce((n, o) => n + (o === '' ? 0 : bytesOf(types.get(o)!)), 0))
  /** Bytes that are held at most until the result of a node is there, if nothing else is. */
  const peak = new Float64Array(nodes.length)
  /** Heaviest first. */
  const operands = nodes.map((node, i) => {
    const own = [...new Set(readsOf(node).flatMap(name => maker.get(name) ?? []))].sort((a, b) => peak[b] - size[b] - (peak[a] - size[a]))
    let held = 0
    for (const k of own) { peak[i] = Math.max(peak[i], held + peak[k]); held += size[k] }
    peak[i] = Math.max(peak[i], held + (VIEWS.has(node.op) ? 0 : size[i]))
    return own
  })
  const read = new Set(operands.flat())
  const place = new Map(graph.outputs.map((o, i) => [o.name, i] as const))
  const placeOf = (i: number): number => Math.min(...nodes[i].outputs.map(o => place.get(o) ?? Infinity))
  // Results come in the order of the outputs, so the last one is written first; of operands the lightest.
  const roots = nodes.map((_, i) => i).filter(i => !read.has(i)).sort((a, b) => placeOf(a) - placeOf(b))
  return { ...graph, nodes: depthFirst(roots, operands).map(i => nodes[i]) }
}
