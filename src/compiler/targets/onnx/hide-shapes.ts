// Keeps the shapes of activations from the engine's planner.
//
// onnxruntime gives a free buffer to a later result of exactly the same shape, and keeps it allocated in between: temporaries of a forward layer are held until the backward pass of that layer
// needs one like them, a fifth of the memory of a step. Where it does not know a shape, each buffer is freed after its last use. So the inputs lose their shapes, and the targets of reshapes
// become results of the run: constants plus a zero that is made from the shape of an input. The rank has to be hidden as well: for results of known rank the planner compares all free buffers,
// and takes a minute where it took a second. Large parameters that are moved (sliced, transposed) for a layer are read through a view of hidden shape, for the same reason.
import type { OnnxGraph, OnnxNode, OnnxTensor } from './graph.ts'

/** The input that holds the target shape. */
const TARGETS: Readonly<Record<string, number>> = { Reshape: 1, Expand: 1, ConstantOfShape: 0 }
const ZERO = 'hidden/zero'
const MOVES = new Set(['Slice', 'Transpose', 'Concat'])
/** Elements; the results of moving smaller parameters may share buffers. */
const LARGE = 2 ** 18

/** `inputs`: those whose sizes are hidden; what depends on none of them keeps its shape, and may be computed in place. */
export function hideShapes(graph: OnnxGraph, inputs: ReadonlySet<string>): OnnxGraph {
  const source = graph.inputs.find(i => inputs.has(i.name) && i.dims.length > 0)
  if (source === undefined) return graph
  const hidden = new Set(inputs)
  const constants = new Map(graph.initialisers.filter(t => t.dtype === 'int64').map(t => [t.name, t] as const))
  const parameters = new Map(graph.inputs.filter(i => !inputs.has(i.name) && i.dtype === 'float32' && i.dims.reduce<number>((n, d) => n * Number(d), 1) >= LARGE).map(i => [i.name, i.dims.map(Number)] as const))
  const targets = new Map<string, string>(), views = new Map<string, string>(), more: OnnxTensor[] = []
  const made: OnnxNode[] = []
  const add = (op: string, from: string[], to: string, attributes: OnnxNode['attributes'] = {}): string => {
    made.push({ op, domain: '', name: to, doc: 'hides the sizes of activations from the engine', inputs: from, outputs: [to], attributes })
    return to
  }
  const targetOf = (name: string): string => {
    if (!targets.has(name)) targets.set(name, add('Add', [name, ZERO], `hidden/${name}`))
    return targets.get(name)!
  }
  const viewOf = (name: string): string => {
    const dims = parameters.get(name)
    if (dims === undefined) return name
    const shape = `int64[${dims.join()}]`
    if (!constants.has(shape)) {
      const tensor: OnnxTensor = { name: shape, dtype: 'int64', dims: [dims.length], data: BigInt64Array.from(dims, BigInt) }
      constants.set(shape, tensor)
      more.push(tensor)
    }
    if (!views.has(name)) views.set(name, add('Reshape', [name, targetOf(shape)], `hidden/${name}`))
    hidden.add(views.get(name)!)
    return views.get(name)!
  }
  const nodes = graph.nodes.map(given => {
    const node = MOVES.has(given.op) ? { ...given, inputs: given.inputs.map(viewOf) } : given
    const at = TARGETS[node.op]
    const target = at === undefined ? undefined : node.inputs[at]
    const moving = node.inputs.some(name => hidden.has(name)) || node.op === 'ConstantOfShape'
    if (moving) node.outputs.forEach(o => hidden.add(o))
    if (!moving || target === undefined || !constants.has(target)) return node
    return { ...node, inputs: node.inputs.with(at, targetOf(target)) }
  })
  if (made.length === 0) return graph
  const first: OnnxTensor = { name: 'int64[0]', dtype: 'int64', dims: [1], data: BigInt64Array.of(0n) }
  const adds = made.splice(0)
  const none = add('Slice', [add('Shape', [source.name], 'hidden/shape'), first.name, first.name], 'hidden/none')
  add('ConstantOfShape', [none], ZERO, { value: { tensor: { name: '', dtype: 'int64', dims: [1], data: BigInt64Array.of(0n) } } })
  return {
    ...graph,
    inputs: graph.inputs.map(i => inputs.has(i.name) ? { ...i, hidden: true } : i),
    initialisers: [...graph.initialisers, ...more, ...constants.has(first.name) ? [] : [first]],
    nodes: [...made, ...adds, ...nodes],
  }
}
