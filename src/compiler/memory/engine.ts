// What onnxruntime does with a graph, foreseen: the order in which nodes run, and which results share a buffer.
import { depthFirst } from '../targets/onnx/depth-first.ts'
import { readsOf, VIEWS, type OnnxGraph, type OnnxNode } from '../targets/onnx/graph.ts'
import { bytesOf, type ValueType } from '../targets/onnx/types.ts'

/** Indices of nodes in the order of execution: depth first from the nodes whose results nobody reads, the last of them first, and the operands of a node likewise (graph_utils.cc, ReverseDFSFrom). */
export function executionOrder(graph: OnnxGraph): number[] {
  const { nodes } = graph
  const maker = new Map<string, number>()
  nodes.forEach((node, i) => node.outputs.forEach(o => maker.set(o, i)))
  const before = nodes.map(node => [...new Set(readsOf(node).flatMap(name => maker.get(name) ?? []))].toSorted((a, b) => a - b))
  const read = new Set(before.flat())
  return depthFirst(nodes.map((_, i) => i).filter(i => !read.has(i)), before)
}

/** Operators whose result may take over the buffer of one of these operands, when nothing else reads it. */
const IN_PLACE: Readonly<Record<string, readonly number[]>> = {
  ...Object.fromEntries(['Add', 'Sub', 'Mul', 'Div'].map(op => [op, [0, 1]])),
  ...Object.fromEntries(['Neg', 'Exp', 'Log', 'Sqrt', 'Abs', 'Sign', 'Floor', 'Sigmoid', 'Tanh', 'Relu', 'Softplus', 'Reciprocal', 'Not', 'Gelu', 'Clip', 'ScatterElements', 'ScatterND'].map(op => [op, [0]])),
}

/** A buffer of the engine: made by the first value in it, free after the last node that reads any of them. Positions in the order of execution. */
export interface Buffer { readonly bytes: number; readonly from: number; to: number; readonly values: string[] }

/**
 * The buffers of all intermediate results, as the planner of onnxruntime hands them out (allocation_planner.cc): a view shares its operand's, an elementwise operator takes that of an operand
 * that dies there, and any result takes a free one of exactly its shape, which is kept for it. Results that are outputs lie in buffers of the caller.
 */
export function buffersOf(graph: OnnxGraph, order: readonly number[], types: ReadonlyMap<string, ValueType>, hidden: ReadonlySet<string> = new Set()): Buffer[] {
  const outside = new Set([...graph.inputs, ...graph.initialisers, ...graph.outputs].map(v => v.name))
  const uses = new Map<string, number>()
  const use = (name: string, n = 1): void => { uses.set(name, (uses.get(name) ?? 0) + n) }
  for (const node of graph.nodes) for (const name of node.inputs) if (name !== '') use(name)
  outside.forEach(name => use(name))
  const root = new Map<string, string>()
  const rootOf = (name: string): string => root.get(name) ?? name
  const buffers = new Map<string, Buffer>()
  /** Free buffers by shape, the one freed last at the end. */
  const free = new Map<string, string[]>()
  const key = (name: string): string => { const t = types.get(name)!; return hidden.has(name) ? name : `${t.dtype}${t.shape.join()}` }

  const share = (name: string, original: string): void => {
    root.set(name, original)
    use(original, uses.get(name) ?? 0)
    buffers.get(original)?.values.push(name)
  }
  const reusable = (node: OnnxNode, name: string): string | undefined => {
    if (VIEWS.has(node.op)) return rootOf(node.inputs[0])
    for (const i of IN_PLACE[node.op] ?? []) {
      const operand = node.inputs[i], original = rootOf(operand)
      if (uses.get(original) === 1 && key(operand) === key(name)) return original
    }
    const found = free.get(key(name))?.pop()
    return found === undefined ? undefined : rootOf(found)
  }
  order.forEach((index, position) => {
    const node = graph.nodes[index]
    for (const name of node.outputs) {
      if (name === '' || outside.has(name)) continue
      const original = reusable(node, name)
      if (original !== undefined) share(name, original)
      else buffers.set(name, { bytes: bytesOf(types.get(name)!), from: position, to: position, values: [name] })
    }
    const release = (name: string): void => {
      const original = rootOf(name)
      const buffer = buffers.get(original)
      if (buffer !== undefined) buffer.to = position
      if (uses.get(original) === 0 && buffer !== undefined) (free.get(key(name)) ?? free.set(key(name), []).get(key(name))!).push(name)
    }
    for (const name of node.inputs) {
      if (name === '') continue
      use(rootOf(name), -1)
      release(name)
    }
    for (const name of node.outputs) if ((uses.get(rootOf(name)) ?? 0) === 0) release(name)
  })
  return [...buffers.values()]
}

/** The engine's alignment of buffers within one block. */
const ALIGNMENT = 256

/**
 * Bytes of the one block that holds all buffers of a run, placed as the engine's memory pattern places them (mem_pattern_planner.h): one after the other in the order in which they are made, each into the
 * gap that it fills best, or behind the last one.
 */
export function packedSize(buffers: readonly Buffer[]): number {
  const live: { readonly from: number; readonly end: number; readonly to: number }[] = []
  let size = 0
  for (const { bytes, from, to } of buffers.toSorted((a, b) => a.from - b.from)) {
    for (let i = live.length - 1; i >= 0; i--) if (live[i].to < from) live.splice(i, 1)
    const wanted = Math.ceil(bytes / ALIGNMENT) * ALIGNMENT
    if (wanted === 0) continue
    let free = 0, least = Infinity, place = -1
    for (const block of live) {
      const gap = block.from - free
      if (gap >= wanted && gap - wanted < least) { least = gap - wanted; place = free }
      free = Math.max(free, block.end)
    }
    const start = place < 0 ? free : place
    size = Math.max(size, start + wanted)
    const next = live.findIndex(block => block.from > start)
    live.splice(next < 0 ? live.length : next, 0, { from: start, end: start + wanted, to })
  }
  return size
}

/** Bytes that a kernel takes for itself while it runs. */
export function workspaceOf(node: OnnxNode, types: ReadonlyMap<string, ValueType>): number {
  // The transposed convolution writes all taps of all places before it adds them up.
  if (node.op === 'ConvTranspose') { const [x, w] = node.inputs.map(i => types.get(i)!); return 4 * w.shape[1] * w.shape[2] * w.shape[3] * x.shape[2] * x.shape[3] }
  // Of the values inside, four exist together.
  if (node.op === 'Scan') return 16 * types.get(node.inputs[0])!.shape[1]
  if (node.op === 'DeformConv') { const [x, w] = node.inputs.map(i => types.get(i)!); const y = types.get(node.outputs[0])!; return 4 * x.shape[1] * w.shape[2] * w.shape[3] * y.shape[2] * y.shape[3] }
  return 0
}
