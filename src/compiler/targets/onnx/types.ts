// Types of the values of an ONNX graph with static shapes: what each node of the lowering makes.
import type { OnnxAttribute, OnnxDType, OnnxGraph, OnnxNode } from './graph.ts'
import type { Shape } from '../../ir/types.ts'

/** `ints` are the elements of a small int64 list, where they are known. */
export interface ValueType { readonly dtype: OnnxDType; readonly shape: Shape; readonly ints?: readonly number[] }

export const bytesOf = ({ dtype, shape }: ValueType): number => shape.reduce((n, d) => n * d, { float32: 4, int32: 4, int64: 8, bool: 1 }[dtype])

interface Place { readonly node: OnnxNode; readonly x: readonly ValueType[]; ints(input: number): readonly number[]; attribute(name: string, otherwise: readonly number[]): readonly number[]; one(name: string, otherwise: number): number }
type Rule = (p: Place) => ValueType

const broadcast = (shapes: readonly Shape[]): Shape => {
  const rank = Math.max(...shapes.map(s => s.length))
  return Array.from({ length: rank }, (_, i) => shapes.reduce((d, s) => { const own = s[i - rank + s.length] ?? 1; return own === 1 ? d : own }, 1))
}

const same: Rule = ({ x: [x] }) => ({ dtype: x.dtype, shape: x.shape })
const elementwise: Rule = ({ x }) => ({ dtype: x[0].dtype, shape: broadcast(x.map(v => v.shape)) })
const comparison: Rule = ({ x }) => ({ dtype: 'bool', shape: broadcast(x.map(v => v.shape)) })

const reduction: Rule = p => {
  const { dtype, shape } = p.x[0]
  const axes = p.node.inputs.length > 1 ? p.ints(1) : p.attribute('axes', shape.map((_, i) => i))
  return { dtype, shape: p.one('keepdims', 1) === 1 ? shape.map((d, i) => axes.includes(i) ? 1 : d) : shape.filter((_, i) => !axes.includes(i)) }
}

const product: Rule = p => {
  const [a, b] = p.x
  const swap = (s: Shape, name: string): Shape => p.one(name, 0) === 1 ? [...s.slice(0, -2), s.at(-1)!, s.at(-2)!] : s
  const [left, right] = [swap(a.shape, 'transA'), swap(b.shape, 'transB')]
  return { dtype: a.dtype, shape: [...broadcast([left.slice(0, -2), right.slice(0, -2)]), left.at(-2)!, right.at(-1)!] }
}

const convolution: Rule = p => {
  const [x, w] = p.x, pads = p.attribute('pads', [0, 0, 0, 0]), strides = p.attribute('strides', [1, 1]), dilations = p.attribute('dilations', [1, 1])
  const spatial = [0, 1].map(i => Math.floor((x.shape[i + 2] + pads[i] + pads[i + 2] - dilations[i] * (w.shape[i + 2] - 1) - 1) / strides[i]) + 1)
  return { dtype: x.dtype, shape: [x.shape[0], w.shape[0], ...spatial] }
}

const transposedConvolution: Rule = p => {
  const [x, w] = p.x, pads = p.attribute('pads', [0, 0, 0, 0]), strides = p.attribute('strides', [1, 1]), dilations = p.attribute('dilations', [1, 1]), more = p.attribute('output_padding', [0, 0])
  const spatial = [0, 1].map(i => strides[i] * (x.shape[i + 2] - 1) + more[i] + dilations[i] * (w.shape[i + 2] - 1) + 1 - pads[i] - pads[i + 2])
  return { dtype: x.dtype, shape: [x.shape[0], w.shape[1] * p.one('group', 1), ...spatial] }
}

/** Elements taken from start to stop in steps, as ONNX counts them. */
const taken = (size: number, start: number, stop: number, step: number): number => {
  const within = (v: number, low: number, high: number): number => Math.min(Math.max(v < 0 ? v + size : v, low), high)
  return step > 0 ? Math.max(0, Math.ceil((within(stop, 0, size) - within(start, 0, size)) / step)) : Math.max(0, Math.ceil((within(start, 0, size - 1) - within(stop, -1, size - 1)) / -step))
}

const slice: Rule = p => {
  const { dtype, shape, ints } = p.x[0]
  const [start, stop, axes, step] = [p.ints(1), p.ints(2), p.x.length > 3 ? p.ints(3) : shape.map((_, i) => i), p.x.length > 4 ? p.ints(4) : shape.map(() => 1)]
  const result = [...shape]
  axes.forEach((axis, i) => { result[axis] = taken(shape[axis], start[i], stop[i], step[i]) })
  return { dtype, shape: result, ints: ints?.slice(start[0], stop[0]) }
}

const reshape: Rule = p => {
  const { dtype, shape } = p.x[0], wanted = p.ints(1), size = shape.reduce((n, d) => n * d, 1)
  const known = wanted.map((d, i) => d === 0 && p.one('allowzero', 0) === 0 ? shape[i] : d)
  const rest = known.reduce((n, d) => d === -1 ? n : n * d, 1)
  return { dtype, shape: known.map(d => d === -1 ? size / Math.max(1, rest) : d) }
}

const DTYPES: Readonly<Record<number, OnnxDType>> = { 1: 'float32', 6: 'int32', 7: 'int64', 9: 'bool' }

const rules: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(['Neg', 'Exp', 'Log', 'Sqrt', 'Abs', 'Sign', 'Floor', 'Erf', 'Sigmoid', 'Tanh', 'Relu', 'Softplus', 'Sin', 'Cos', 'Reciprocal', 'Not', 'Gelu', 'FastGelu', 'QuickGelu', 'Softmax', 'LogSoftmax', 'LayerNormalization',
    'GroupNormalization', 'InstanceNormalization', 'BatchNormalization', 'ScatterElements', 'ScatterND', 'Identity', 'Clip', 'Scan'].map(op => [op, same])),
  ...Object.fromEntries(['Add', 'Sub', 'Mul', 'Div', 'Mod', 'Max', 'Min', 'Pow', 'BiasGelu'].map(op => [op, elementwise])),
  ...Object.fromEntries(['Less', 'Greater', 'Equal', 'And', 'Or', 'LessOrEqual', 'GreaterOrEqual'].map(op => [op, comparison])),
  ...Object.fromEntries(['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceSumSquare', 'ReduceL2'].map(op => [op, reduction])),
  /** Sizes with the zeros that are added to them to delay or hide them. */
  Add: ({ x: [a, b] }) => ({ dtype: a.dtype, shape: broadcast([a.shape, b.shape]), ints: a.dtype === 'int64' ? a.ints : undefined }),
  Where: ({ x: [c, a, b] }) => ({ dtype: a.dtype, shape: broadcast([c.shape, a.shape, b.shape]) }),
  Cast: p => ({ dtype: DTYPES[p.one('to', 1)], shape: p.x[0].shape, ints: p.x[0].ints }),
  MatMul: product, Gemm: product, FusedMatMul: product,
  Conv: convolution, DeformConv: convolution, ConvTranspose: transposedConvolution,
  Reshape: reshape, Slice: slice,
  Transpose: p => { const { dtype, shape } = p.x[0]; return { dtype, shape: p.attribute('perm', shape.map((_, i) => shape.length - 1 - i)).map(axis => shape[axis]) } },
  Expand: p => ({ dtype: p.x[0].dtype, shape: broadcast([p.x[0].shape, p.ints(1)]) }),
  Concat: p => {
    const axis = p.one('axis', 0), { dtype, shape } = p.x[0]
    return { dtype, shape: shape.with(axis, p.x.reduce((n, v) => n + v.shape[axis], 0)), ints: dtype === 'int64' && p.x.every(v => v.ints) ? p.x.flatMap(v => v.ints!) : undefined }
  },
  Pad: p => { const pads = p.ints(1), { dtype, shape } = p.x[0]; return { dtype, shape: shape.map((d, i) => d + pads[i] + pads[i + shape.length]) } },
  Gather: p => { const axis = p.one('axis', 0), [{ dtype, shape }, { shape: at }] = p.x; return { dtype, shape: [...shape.slice(0, axis), ...at, ...shape.slice(axis + 1)] } },
  GatherElements: ({ x: [x, at] }) => ({ dtype: x.dtype, shape: at.shape }),
  Resize: p => {
    const { dtype, shape } = p.x[0], sizes = p.ints(3), axes = p.attribute('axes', shape.map((_, i) => i)), result = [...shape]
    axes.forEach((axis, i) => { result[axis] = sizes[i] })
    return { dtype, shape: result }
  },
  ConstantOfShape: p => {
    const value = p.node.attributes.value
    return { dtype: typeof value === 'object' && 'tensor' in value ? value.tensor.dtype : 'float32', shape: p.ints(0) }
  },
  Shape: ({ x: [x] }) => ({ dtype: 'int64', shape: [x.shape.length], ints: x.shape }),
  Squeeze: ({ x: [x] }) => ({ dtype: x.dtype, shape: x.shape.filter(d => d !== 1), ints: x.ints }),
  Unsqueeze: p => { const shape = [...p.x[0].shape]; for (const axis of p.ints(1).toSorted((a, b) => a - b)) shape.splice(axis, 0, 1); return { dtype: p.x[0].dtype, shape } },
}

const listOf = (a: OnnxAttribute | undefined): readonly number[] | undefined => Array.isArray(a) ? a as readonly number[] : undefined

/**
 * The type of every input, initialiser and result. A result of an operator without a rule is taken to be like its first operand, and the operator is in `unknown`; the sequences of the engine have
 * no type.
 */
export function typesOf(graph: OnnxGraph): { readonly types: ReadonlyMap<string, ValueType>; readonly unknown: ReadonlySet<string> } {
  const types = new Map<string, ValueType>(), unknown = new Set<string>()
  for (const t of graph.initialisers) types.set(t.name, { dtype: t.dtype, shape: t.dims, ints: t.dtype === 'int64' ? Array.from(t.data as BigInt64Array, Number) : undefined })
  for (const i of graph.inputs) types.set(i.name, { dtype: i.dtype, shape: i.dims.map(Number) })
  const none: ValueType = { dtype: 'float32', shape: [0] }
  for (const node of graph.nodes) {
    const rule = rules[node.op]
    if (rule === undefined) unknown.add(node.op)
    const x = node.inputs.map(name => name === '' ? none : types.get(name) ?? none)
    const type = (rule ?? same)({
      node, x,
      ints: i => x[i].ints ?? [],
      attribute: (name, otherwise) => listOf(node.attributes[name]) ?? otherwise,
      one: (name, otherwise) => { const a = node.attributes[name]; return typeof a === 'number' ? a : otherwise },
    })
    types.set(node.outputs[0], type)
    // The further results that the lowering asks for are the statistics of a normalisation.
    for (const name of node.outputs.slice(1)) if (name !== '') types.set(name, { dtype: 'float32', shape: [...type.shape.slice(0, -1), 1] })
  }
  return { types, unknown }
}
