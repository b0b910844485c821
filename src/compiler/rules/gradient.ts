// The gradient of every operator: how the cotangents of its operands follow from that of its result.
import type { Builder } from '../ir/builder.ts'
import type { OpName } from '../ir/ops.ts'
import type { Node, ValueId } from '../ir/program.ts'
import { Emitter } from './gradient-language.ts'
import { concatGradient, padGradient, sliceGradient, transposeGradient } from './gradient-movement.ts'
import { batchNormGradient, groupNormGradient, layerNormGradient } from './gradient-norm.ts'
import { conv2dGradient, conv2dInputGradGradient, conv2dWeightGradGradient, matmulGradient } from './gradient-products.ts'
import type { Cotangents, GradientRule, Place } from './gradient-rule.ts'

/** Ties share the gradient half and half, as in PyTorch. `wins` is 1 where the operand is the one taken. */
const chosen = ({ g, dy }: Place<'max' | 'min'>, wins: ValueId, tie: ValueId): ValueId => g.mul(dy, g.add(wins, g.scale(tie, 0.5)))

/** The quotient without its fraction, towards zero. */
const truncate = (g: Emitter, x: ValueId): ValueId => g.mul(g.sign(x), g.floor(g.abs(x)))

/**
 * At kinks the rules follow PyTorch: abs and sign give 0 at 0, relu gives 0 at 0, max and min share ties half and half, reduceMax shares among all maxima,
 * sqrt and log at 0 give an infinite (or, for a zero cotangent, no) value.
 */
export const gradientRules = {
  constant: 'none', fill: 'none', iota: 'none',
  neg: ({ g, dy }) => [() => g.neg(dy)],
  exp: ({ g, y, dy }) => [() => g.mul(dy, y)],
  log: ({ g, x: [x], dy }) => [() => g.div(dy, x)],
  sqrt: ({ g, y, dy }) => [() => g.div(g.scale(dy, 0.5), y)],
  abs: ({ g, x: [x], dy }) => [() => g.mul(dy, g.sign(x))],
  sign: 'none', floor: 'none',
  erf: ({ g, x: [x], dy }) => [() => g.mul(dy, g.scale(g.exp(g.neg(g.square(x))), 2 / Math.sqrt(Math.PI)))],
  sigmoid: ({ g, y, dy }) => [() => g.mul(dy, g.mul(y, g.from(1, y)))],
  tanh: ({ g, y, dy }) => [() => g.mul(dy, g.from(1, g.square(y)))],
  relu: ({ g, y, dy }) => [() => g.mul(dy, g.greater(y, g.fill(0)))],
  softplus: ({ g, x: [x], dy }) => [() => g.mul(dy, g.sigmoid(x))],
  sin: ({ g, x: [x], dy }) => [() => g.mul(dy, g.cos(x))],
  cos: ({ g, x: [x], dy }) => [() => g.neg(g.mul(dy, g.sin(x)))],
  reciprocal: ({ g, y, dy }) => [() => g.neg(g.mul(dy, g.square(y)))],
  /** cdf(x) + x pdf(x) of the normal distribution. Hendrycks and Gimpel 2016 */
  gelu: ({ g, x: [x], dy }) => [() => {
    const cdf = g.shift(g.scale(g.erf(g.scale(x, Math.SQRT1_2)), 0.5), 0.5)
    const pdf = g.scale(g.exp(g.scale(g.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI))
    return g.mul(dy, g.add(cdf, g.mul(x, pdf)))
  }],
  not: 'none',
  /** Reached only from float32 to float32: other casts have no cotangent on one of their sides. */
  cast: ({ dy }) => [() => dy],
  stopGradient: 'none',
  add: ({ dy }) => [() => dy, () => dy],
  sub: ({ g, dy }) => [() => dy, () => g.neg(dy)],
  /** A square has one cotangent, not two to be added. */
  mul: ({ g, x: [a, b], dy }) => a === b ? [() => g.mul(g.scale(dy, 2), a), undefined] : [() => g.mul(dy, b), () => g.mul(dy, a)],
  div: ({ g, x: [, b], y, dy }) => [() => g.div(dy, b), () => g.neg(g.div(g.mul(dy, y), b))],
  mod: ({ g, x: [a, b], dy }) => [() => dy, () => g.neg(g.mul(dy, truncate(g, g.div(a, b))))],
  max: p => [() => chosen(p, p.g.greater(p.x[0], p.x[1]), p.g.equal(p.x[0], p.x[1])), () => chosen(p, p.g.greater(p.x[1], p.x[0]), p.g.equal(p.x[0], p.x[1]))],
  min: p => [() => chosen(p, p.g.greater(p.x[1], p.x[0]), p.g.equal(p.x[0], p.x[1])), () => chosen(p, p.g.greater(p.x[0], p.x[1]), p.g.equal(p.x[0], p.x[1]))],
  /** b a^(b-1), with the exponent kept away from -1 where b = 0; log(a) a^b, 0 where a is not positive. */
  pow: ({ g, x: [a, b], y, dy }) => [
    () => g.mul(g.mul(dy, b), g.pow(a, g.shift(g.add(b, g.equal(b, g.fill(0))), -1))),
    () => {
      const positive = g.op('greater', [a, g.fill(0)], {})
      return g.where(positive, g.mul(g.mul(dy, y), g.log(g.where(positive, a, g.fill(1)))), g.fill(0))
    },
  ],
  less: 'none', greater: 'none', equal: 'none', and: 'none', or: 'none',
  where: ({ g, x: [condition], dy }) => [undefined, () => g.where(condition, dy, g.fill(0)), () => g.where(condition, g.fill(0), dy)],
  reduceSum: ({ g, attrs: { axes }, x: [x], dy }) => [() => g.keepDims(dy, g.shape(x), axes)],
  reduceMean: ({ g, attrs: { axes }, x: [x], dy }) => [() => {
    const count = axes.reduce((n, axis) => n * g.shape(x)[axis], 1)
    return g.keepDims(g.scale(dy, 1 / count), g.shape(x), axes)
  }],
  reduceMax: ({ g, attrs: { axes }, x: [x], y, dy }) => [() => {
    const kept = (v: ValueId): ValueId => g.keepDims(v, g.shape(x), axes)
    const maxima = g.equal(x, kept(y))
    return g.mul(maxima, g.div(kept(dy), g.sum(maxima, axes, true)))
  }],
  softmax: ({ g, attrs: { axis }, y, dy }) => [() => g.mul(y, g.sub(dy, g.sum(g.mul(y, dy), [axis], true)))],
  logSoftmax: ({ g, attrs: { axis }, y, dy }) => [() => g.sub(dy, g.mul(g.exp(y), g.sum(dy, [axis], true)))],
  layerNorm: layerNormGradient, groupNorm: groupNormGradient, batchNorm: batchNormGradient,
  reshape: ({ g, x: [x], dy }) => [() => g.reshape(dy, g.shape(x))],
  transpose: transposeGradient,
  broadcast: ({ dy }) => [() => dy],
  slice: sliceGradient, pad: padGradient, concat: concatGradient,
  roll: ({ g, attrs: { shifts, axes }, dy }) => [() => g.op('roll', [dy], { shifts: shifts.map(s => -s), axes })],
  after: ({ dy }) => [() => dy, undefined],
  gather: ({ g, attrs: { axis }, x: [x, indices], dy }) => [() => g.op('scatterAdd', [indices, dy], { axis, size: g.shape(x)[axis] }), undefined],
  scatterAdd: ({ g, attrs: { axis }, x: [indices], dy }) => [undefined, () => g.gather(dy, indices, axis)],
  matmul: matmulGradient,
  conv2d: conv2dGradient, conv2dInputGrad: conv2dInputGradGradient, conv2dWeightGrad: conv2dWeightGradGradient,
  deformConv2d: 'expand',
  resize2d: ({ g, attrs: { mode }, x: [x], dy }) => [() => g.op('resize2dGrad', [dy], { mode, size: [g.shape(x)[2], g.shape(x)[3]] })],
  resize2dGrad: ({ g, attrs: { mode }, x: [x], dy }) => [() => g.op('resize2d', [dy], { mode, size: [g.shape(x)[2], g.shape(x)[3]] })],
} satisfies { [K in OpName]: GradientRule<K> }

/**
 * Operators that compute each element from the elements at the same place: their rules are right for a cotangent `dy` that merely broadcasts to the shape of the result,
 * and then give cotangents that broadcast to it as well. The others need `dy` whole.
 */
export const elementwise: ReadonlySet<OpName> = new Set<OpName>([
  'neg', 'exp', 'log', 'sqrt', 'abs', 'erf', 'sigmoid', 'tanh', 'relu', 'softplus', 'sin', 'cos', 'reciprocal', 'gelu', 'cast',
  'add', 'sub', 'mul', 'div', 'mod', 'max', 'min', 'pow', 'where', 'broadcast',
])

/** Whether cotangents pass through the operator at all. */
export const isDifferentiable = (op: OpName): boolean => gradientRules[op] !== 'none'

/**
 * The cotangents of the operands of `node`, given the cotangent `dy` of its result (whole, unless the operator is in `elementwise`), emitted on demand at the end of `builder`; the new nodes have the node's path and span and the
 * phase 'backward'. Nodes that need their expansion are an internal error.
 */
export function cotangents(builder: Builder, node: Node, dy: ValueId): Cotangents {
  const rule = gradientRules[node.op] as GradientRule<OpName>
  if (typeof rule === 'string') throw new Error(`internal: ${node.op} has no gradient rule of its own (${rule})`)
  const g = new Emitter(builder, { ...node.origin, phase: 'backward' })
  return rule({ g, attrs: node.attrs, x: node.inputs, y: node.id, dy })
}
