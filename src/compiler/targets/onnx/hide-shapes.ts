// Keeps the shapes of activations from the engine's planner.
//
// onnxruntime gives a free buffer to a later result of exactly the same shape, and keeps it allocated in between: temporaries of a forward layer are held until the backward pass of that layer
// needs one like them, a fifth of the memory of a step. Where it does not know a shape, each buffer is freed after its last use. So the inputs lose their shapes, and the targets of reshapes
// become results of the run: constants plus a zero that is made from the shape of an input. The rank has to be hidden as well: for results of known rank the planner compares all free buffers,
// and takes a minute where it took a second.
import type { OnnxGraph, OnnxNode, OnnxTensor } from './graph.ts'

/** The input that holds the target shape. */
const TARGETS: Readonly<Record<string, number>> = { Reshape: 1, Expand: 1, ConstantOfShape: 0 }
const ZERO = 'hidden/zero'

/** `inputs`: those whose sizes are hidden; what depends on none of them keeps its shape, and may be computed in place. */
export function hideShapes(graph: OnnxGraph, inputs: ReadonlySet<string>): OnnxGraph {
  const source = graph.inputs.find(i => inputs.has(i.name) && i.dims.length > 0)
  if (source === undefined) return graph
  const hidden = new Set(inputs)
  const constants = new Map(graph.initialisers.filter(t => t.dtype === 'int64').map(t => [t.name, t] as const))
  const targets = new Map<string, string>()
  const made: OnnxNode[] = []
  const add = (op: string, from: string[], to: string, attributes: OnnxNode['attributes'] = {}): string => {
    made.push({ op, domain: '', name: to, doc: 'hides the sizes of activations from the engine', inputs: from, outputs: [to], attributes })
    return to
  }
  const nodes = graph.nodes.map(node => {
    const at = TARGETS[node.op]
    const target = at === undefined ? undefined : node.inputs[at]
    const moving = node.inputs.some(name => hidden.has(name)) || node.op === 'ConstantOfShape'
    if (moving) node.outputs.forEach(o => hidden.add(o))
    if (!moving || target === undefined || !constants.has(target)) return node
    if (!targets.has(target)) targets.set(target, add('Add', [target, ZERO], `hidden/${target}`))
    return { ...node, inputs: node.inputs.with(at, targets.get(target)!) }
  })
  if (made.length === 0) return graph
  const first: OnnxTensor = { name: 'int64[0]', dtype: 'int64', dims: [1], data: BigInt64Array.of(0n) }
  const adds = made.splice(0)
  const none = add('Slice', [add('Shape', [source.name], 'hidden/shape'), first.name, first.name], 'hidden/none')
  add('ConstantOfShape', [none], ZERO, { value: { tensor: { name: '', dtype: 'int64', dims: [1], data: BigInt64Array.of(0n) } } })
  return {
    ...graph,
    inputs: graph.inputs.map(i => inputs.has(i.name) ? { ...i, hidden: true } : i),
    initialisers: constants.has(first.name) ? graph.initialisers : [...graph.initialisers, first],
    nodes: [...made, ...adds, ...nodes],
  }
}
