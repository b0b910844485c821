// Small operands and attributes for every operator that has a gradient, away from kinks.
import type { ConvAttrs, OpAttrs, OpName } from '../../src/compiler/ir/ops.ts'
import { sizeOf, type Shape } from '../../src/compiler/ir/types.ts'
import type { gradientRules } from '../../src/compiler/rules/gradient.ts'

export interface Operand { readonly shape: Shape; readonly data: Float64Array | Int32Array | Uint8Array }
type Rules = typeof gradientRules
export type DifferentiableOp = { [K in OpName]: Rules[K] extends 'none' ? never : K }[OpName]
export interface Case<Attrs> { readonly attrs: Attrs; readonly operands: readonly Operand[] }

/** Uniform numbers in [0, 1) from a linear congruential generator: the same in every run. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0
  return () => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return state / 2 ** 32 }
}

const draw = uniform(7)
const f = (shape: Shape, low = -1, high = 1): Operand => ({ shape, data: Float64Array.from({ length: sizeOf(shape) }, () => low + (high - low) * draw()) })
/** Between 0.2 and 1.2, with either sign. */
const awayFromZero = (shape: Shape): Operand => ({ shape, data: f(shape, 0.2, 1.2).data.map(v => draw() < 0.5 ? v : -v) as Float64Array })
const indices = (shape: Shape, size: number): Operand => ({ shape, data: Int32Array.from({ length: sizeOf(shape) }, () => Math.floor(draw() * size)) })
const bits = (shape: Shape): Operand => ({ shape, data: Uint8Array.from({ length: sizeOf(shape) }, () => draw() < 0.5 ? 0 : 1) })

const unary = (low = -1.5, high = 1.5): Case<OpAttrs['exp']>[] => [{ attrs: {}, operands: [f([2, 3], low, high)] }, { attrs: {}, operands: [f([], low, high)] }]
const shapes: readonly (readonly [Shape, Shape])[] = [[[2, 3], [2, 3]], [[2, 3, 2], [3, 1]], [[1, 3], [2, 1, 3]], [[], [2, 2]], [[3], []]]
const binary = (a: (s: Shape) => Operand, b: (s: Shape) => Operand = a): Case<OpAttrs['add']>[] => shapes.map(([s, t]) => ({ attrs: {}, operands: [a(s), b(t)] }))
const reduce: Case<OpAttrs['reduceSum']>[] = [[[0], [3, 4]], [[1], [3, 4]], [[0, 2], [2, 3, 4]], [[0, 1], [2, 3]], [[1], [2, 1, 3]]]
  .flatMap(([axes, shape]) => [true, false].map(keepDims => ({ attrs: { axes, keepDims }, operands: [f(shape)] })))
const axis: Case<OpAttrs['softmax']>[] = [{ attrs: { axis: 1 }, operands: [f([2, 5])] }, { attrs: { axis: 0 }, operands: [f([3, 2])] }, { attrs: { axis: 1 }, operands: [f([2, 3, 2], -3, 3)] }]

const conv = (a: Partial<ConvAttrs> = {}): ConvAttrs => ({ stride: [1, 1], pad: [0, 0, 0, 0], dilation: [1, 1], groups: 1, ...a })
interface ConvCase { readonly attrs: ConvAttrs; readonly x: Shape; readonly weight: Shape; readonly y: Shape }
const convs: readonly ConvCase[] = [
  { attrs: conv(), x: [2, 3, 4, 5], weight: [2, 3, 3, 3], y: [2, 2, 2, 3] },
  { attrs: conv({ pad: [1, 1, 1, 1], stride: [2, 2] }), x: [1, 2, 5, 6], weight: [3, 2, 3, 3], y: [1, 3, 3, 3] },
  { attrs: conv({ pad: [2, 1, 0, 3], stride: [2, 3], dilation: [2, 1] }), x: [1, 2, 6, 7], weight: [2, 2, 3, 2], y: [1, 2, 2, 4] },
  { attrs: conv({ groups: 2, pad: [1, 1, 1, 1] }), x: [2, 4, 3, 3], weight: [4, 2, 3, 3], y: [2, 4, 3, 3] },
  { attrs: conv({ groups: 4, stride: [2, 1] }), x: [1, 4, 4, 3], weight: [4, 1, 2, 2], y: [1, 4, 2, 2] },
  { attrs: conv(), x: [2, 3, 2, 2], weight: [2, 3, 1, 1], y: [2, 2, 2, 2] },
]
const spatial = (s: Shape): readonly [number, number] => [s[2], s[3]]
const resizes: readonly { readonly mode: 'bilinear' | 'nearest'; readonly from: readonly [number, number]; readonly to: readonly [number, number] }[] = [
  { mode: 'bilinear', from: [3, 4], to: [6, 8] }, { mode: 'bilinear', from: [4, 5], to: [3, 7] }, { mode: 'nearest', from: [3, 4], to: [6, 5] }, { mode: 'nearest', from: [5, 4], to: [2, 3] },
  { mode: 'bilinear', from: [2, 2], to: [2, 2] },
]
const slice = (shape: Shape, start: number[], stop: number[], step: number[]): Case<OpAttrs['slice']> => ({ attrs: { start, stop, step }, operands: [f(shape)] })
const matmul = (a: Shape, b: Shape, transA = false, transB = false, alpha = 1): Case<OpAttrs['matmul']> => ({ attrs: { transA, transB, alpha }, operands: [f(a), f(b)] })

/** Offsets in pixels up to `reach`: large ones leave the image. */
const deformable = (attrs: ConvAttrs, x: Shape, weight: Shape, [rows, columns]: readonly [number, number], reach: number): Case<OpAttrs['deformConv2d']> => {
  const taps = weight[2] * weight[3]
  return { attrs, operands: [f(x), f([x[0], 2 * taps, rows, columns], -reach, reach), f([x[0], taps, rows, columns], 0, 1), f(weight)] }
}

export const gradientCases = {
  neg: unary(), exp: unary(), log: unary(0.3, 2), sqrt: unary(0.3, 2), abs: unary(), erf: unary(), sigmoid: unary(-4, 4), tanh: unary(), relu: unary(), softplus: unary(-4, 4),
  sin: unary(-4, 4), cos: unary(-4, 4), reciprocal: unary(0.3, 2), gelu: unary(-3, 3),
  cast: [{ attrs: { to: 'float32' }, operands: [f([2, 3])] }],
  add: binary(f), sub: binary(f), mul: binary(f), div: binary(f, awayFromZero), max: binary(f), min: binary(f),
  mod: binary(s => f(s, -4, 4), awayFromZero), pow: binary(s => f(s, 0.3, 2), s => f(s, -2, 3)),
  where: [
    { attrs: {}, operands: [bits([2, 3]), f([2, 3]), f([2, 3])] }, { attrs: {}, operands: [bits([2, 1]), f([3]), f([])] }, { attrs: {}, operands: [bits([3]), f([2, 1]), f([2, 3])] },
  ],
  reduceSum: reduce, reduceMean: reduce, reduceMax: reduce, softmax: axis, logSoftmax: axis,
  layerNorm: [{ attrs: { eps: 1e-5 }, operands: [f([2, 3, 5]), f([5]), f([5])] }, { attrs: { eps: 0.1 }, operands: [f([4]), f([4]), f([4])] }],
  groupNorm: [
    { attrs: { groups: 2, eps: 1e-5 }, operands: [f([2, 4, 2, 3]), f([4]), f([4])] }, { attrs: { groups: 1, eps: 0.01 }, operands: [f([1, 3, 2]), f([3]), f([3])] },
    { attrs: { groups: 3, eps: 1e-5 }, operands: [f([1, 3, 2, 2]), f([3]), f([3])] },
  ],
  batchNorm: [
    { attrs: { eps: 1e-5 }, operands: [f([2, 3, 2, 2]), f([3]), f([3]), f([3]), f([3], 0.3, 2)] }, { attrs: { eps: 0.1 }, operands: [f([4, 2]), f([2]), f([2]), f([2]), f([2], 0.3, 2)] },
  ],
  reshape: [{ attrs: { shape: [3, 2] }, operands: [f([2, 3])] }, { attrs: { shape: [] }, operands: [f([1, 1])] }],
  transpose: [{ attrs: { perm: [1, 0] }, operands: [f([2, 3])] }, { attrs: { perm: [2, 0, 3, 1] }, operands: [f([2, 3, 1, 2])] }],
  broadcast: [{ attrs: { shape: [2, 3] }, operands: [f([3])] }, { attrs: { shape: [4, 2, 3] }, operands: [f([2, 1])] }, { attrs: { shape: [2, 2] }, operands: [f([])] }],
  slice: [
    slice([4, 5], [1, 0], [3, 5], [1, 1]), slice([5, 7], [0, 1], [5, 7], [2, 3]), slice([6, 5], [5, 3], [-1, 0], [-1, -2]), slice([7, 6], [6, 5], [0, -1], [-3, -4]),
    slice([3, 4], [1, 0], [1, 4], [1, 1]), slice([2, 8], [0, 1], [2, 3], [1, 5]), slice([3, 3, 4], [2, 0, 0], [-1, 3, 4], [-1, 1, 2]),
  ],
  pad: [{ attrs: { before: [1, 0], after: [0, 2], value: 0 }, operands: [f([2, 3])] }, { attrs: { before: [0, 2], after: [1, 1], value: 3 }, operands: [f([1, 2])] }],
  concat: [{ attrs: { axis: 1 }, operands: [f([2, 1]), f([2, 3]), f([2, 2])] }, { attrs: { axis: 0 }, operands: [f([1, 2]), f([2, 2])] }, { attrs: { axis: 0 }, operands: [f([3])] }],
  roll: [{ attrs: { shifts: [1, -2], axes: [0, 1] }, operands: [f([3, 5])] }, { attrs: { shifts: [7], axes: [1] }, operands: [f([2, 3, 2])] }],
  gather: [
    { attrs: { axis: 0 }, operands: [f([4, 3]), indices([5], 4)] }, { attrs: { axis: 1 }, operands: [f([2, 4, 2]), indices([2, 3], 4)] }, { attrs: { axis: 1 }, operands: [f([2, 4]), indices([], 4)] },
  ],
  after: [{ attrs: {}, operands: [f([2, 3]), f([2])] }],
  scatterAdd: [
    { attrs: { axis: 0, size: 4 }, operands: [indices([5], 4), f([5, 2])] }, { attrs: { axis: 1, size: 3 }, operands: [indices([2, 2], 3), f([2, 2, 2, 3])] },
    { attrs: { axis: 0, size: 3 }, operands: [indices([], 3), f([2])] },
  ],
  matmul: [
    matmul([2, 3], [3, 4]), matmul([3, 2], [3, 4], true), matmul([2, 3], [4, 3], false, true, 0.5), matmul([3, 2], [4, 3], true, true, -2), matmul([2, 2, 3], [2, 3, 2]),
    matmul([2, 3, 2, 3], [3, 4], false, false, 3), matmul([2, 2, 3], [4, 3], false, true), matmul([2, 3, 2], [3, 4], true), matmul([2, 3], [2, 3, 4]), matmul([2, 3], [2, 4, 3], false, true),
    matmul([2, 1, 2, 3], [3, 4, 3], false, true), matmul([3, 2], [2, 3, 2], true), matmul([2, 3, 2, 3], [1, 1, 3, 2]), matmul([2, 3, 2], [1, 4, 3], true, true),
  ],
  conv2d: convs.map(c => ({ attrs: c.attrs, operands: [f(c.x), f(c.weight)] })),
  conv2dInputGrad: convs.map(c => ({ attrs: { ...c.attrs, inputSize: spatial(c.x) }, operands: [f(c.y), f(c.weight)] })),
  conv2dWeightGrad: convs.map(c => ({ attrs: { ...c.attrs, kernel: spatial(c.weight) }, operands: [f(c.x), f(c.y)] })),
  deformConv2d: [
    deformable(conv({ pad: [1, 1, 1, 1] }), [2, 2, 4, 5], [3, 2, 3, 3], [4, 5], 1.5), deformable(conv({ pad: [1, 1, 1, 1] }), [1, 2, 3, 3], [2, 2, 3, 3], [3, 3], 5),
    deformable(conv({ pad: [1, 2, 0, 1], stride: [2, 1], dilation: [1, 2] }), [1, 3, 4, 5], [2, 3, 2, 3], [2, 4], 1),
  ],
  resize2d: resizes.map(r => ({ attrs: { mode: r.mode, size: r.to }, operands: [f([1, 2, ...r.from])] })),
  resize2dGrad: resizes.map(r => ({ attrs: { mode: r.mode, size: r.from }, operands: [f([1, 2, ...r.to])] })),
} satisfies { [K in DifferentiableOp]: readonly Case<OpAttrs[K]>[] }
