// Shape rules of constants, elementwise operators, reductions and normalisation.
import type { OpAttrs, OpName, ReduceAttrs } from '../ir/ops.ts'
import { sizeOf, type DType, type TensorType } from '../ir/types.ts'
import { broadcastShapes, checkArity, checkAxis, checkDistinctAxes, checkDType, checkMinRank, checkPositive, checkSameDType, checkShape, checkSizes, fail, showShape } from './shape-checks.ts'

export type ShapeRule<K extends OpName> = (inputs: readonly TensorType[], attrs: OpAttrs[K]) => TensorType

type Rule = (inputs: readonly TensorType[]) => TensorType

const unary: Rule = inputs => {
  checkArity(inputs, 1)
  checkDType(inputs[0], 'the operand', 'float32')
  return inputs[0]
}

const binary = (dtypes: readonly DType[], result?: DType): Rule => inputs => {
  checkArity(inputs, 2)
  const [a, b] = inputs
  checkSameDType(a, b)
  checkDType(a, 'an operand', ...dtypes)
  return { dtype: result ?? a.dtype, shape: broadcastShapes(a.shape, b.shape) }
}
const arithmetic = binary(['float32', 'int32'])
const comparison = binary(['float32', 'int32'], 'bool')
const logical = binary(['bool'])

const reduce = (inputs: readonly TensorType[], { axes, keepDims }: ReduceAttrs): TensorType => {
  checkArity(inputs, 1)
  const [x] = inputs
  checkDType(x, 'the operand', 'float32')
  checkDistinctAxes(axes, x.shape)
  if (axes.some((axis, i) => i > 0 && axis < axes[i - 1])) fail(`the axes ${showShape(axes)} must be sorted`)
  return { dtype: x.dtype, shape: keepDims ? x.shape.map((d, i) => axes.includes(i) ? 1 : d) : x.shape.filter((_, i) => !axes.includes(i)) }
}

/** A reduction that has no value over no elements. */
const reduceNonEmpty = (inputs: readonly TensorType[], attrs: ReduceAttrs): TensorType => {
  const type = reduce(inputs, attrs)
  for (const axis of attrs.axes) if (inputs[0].shape[axis] === 0) fail(`axis ${axis} of ${showShape(inputs[0].shape)} has no elements to reduce`)
  return type
}

const alongAxis = (inputs: readonly TensorType[], { axis }: { readonly axis: number }): TensorType => {
  const type = unary(inputs)
  checkAxis(axis, type.shape.length, type.shape)
  return type
}

/** x and vectors of one value per channel, channels on axis `axis` of x (-1: the last). */
const normalised = (inputs: readonly TensorType[], roles: readonly string[], axis: 1 | -1, eps: number): TensorType => {
  checkArity(inputs, 1 + roles.length)
  const [x] = inputs
  checkDType(x, 'the operand', 'float32')
  checkMinRank(x, 'the operand', axis === 1 ? 2 : 1)
  if (!(eps >= 0)) fail(`eps must not be negative, but is ${eps}`)
  const channels = x.shape.at(axis)!
  roles.forEach((role, i) => {
    checkDType(inputs[i + 1], role, 'float32')
    checkShape(inputs[i + 1], role, [channels], `${axis === 1 ? 'axis 1' : 'the last axis'} of ${showShape(x.shape)}`)
  })
  return x
}

const arrayOf = (dtype: DType): ElementArray => ({ float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const)[dtype]
type ElementArray = Float32ArrayConstructor | Int32ArrayConstructor | Uint8ArrayConstructor

const fits = (value: number, dtype: DType): boolean => dtype === 'float32' || (dtype === 'int32' ? Number.isInteger(value) && Math.abs(value) <= 2 ** 31 : value === 0 || value === 1)

export const elementwiseShapes = {
  constant: (inputs, { value }) => {
    checkArity(inputs, 0)
    checkSizes(value.shape)
    if (!(value.data instanceof arrayOf(value.dtype))) fail(`a constant of type ${value.dtype} must be held in ${arrayOf(value.dtype).name}`)
    if (value.data.length !== sizeOf(value.shape)) fail(`the constant has ${value.data.length} elements, but its shape ${showShape(value.shape)} has ${sizeOf(value.shape)}`)
    return { dtype: value.dtype, shape: value.shape }
  },
  fill: (inputs, { dtype, shape, value }) => {
    checkArity(inputs, 0)
    checkSizes(shape)
    if (!fits(value, dtype)) fail(`${value} is not a value of type ${dtype}`)
    return { dtype, shape }
  },
  iota: (inputs, { shape, axis }) => {
    checkArity(inputs, 0)
    checkSizes(shape)
    checkAxis(axis, shape.length, shape)
    return { dtype: 'int32', shape }
  },
  neg: unary, exp: unary, log: unary, sqrt: unary, abs: unary, sign: unary, floor: unary, erf: unary, sigmoid: unary, tanh: unary,
  relu: unary, softplus: unary, sin: unary, cos: unary, reciprocal: unary, gelu: unary,
  not: inputs => {
    checkArity(inputs, 1)
    checkDType(inputs[0], 'the operand', 'bool')
    return inputs[0]
  },
  cast: (inputs, { to }) => {
    checkArity(inputs, 1)
    return { dtype: to, shape: inputs[0].shape }
  },
  stopGradient: inputs => {
    checkArity(inputs, 1)
    return inputs[0]
  },
  add: arithmetic, sub: arithmetic, mul: arithmetic, div: arithmetic, mod: arithmetic, max: arithmetic, min: arithmetic, pow: binary(['float32']),
  less: comparison, greater: comparison, equal: comparison, and: logical, or: logical,
  where: inputs => {
    checkArity(inputs, 3)
    const [condition, a, b] = inputs
    checkDType(condition, 'the condition', 'bool')
    checkSameDType(a, b)
    return { dtype: a.dtype, shape: broadcastShapes(condition.shape, a.shape, b.shape) }
  },
  reduceSum: reduce, reduceMean: reduceNonEmpty, reduceMax: reduceNonEmpty,
  softmax: alongAxis, logSoftmax: alongAxis,
  layerNorm: (inputs, { eps }) => normalised(inputs, ['the weight', 'the bias'], -1, eps),
  groupNorm: (inputs, { groups, eps }) => {
    const x = normalised(inputs, ['the weight', 'the bias'], 1, eps)
    checkPositive(groups, 'the number of groups')
    if (x.shape[1] % groups !== 0) fail(`${x.shape[1]} channels cannot be divided into ${groups} groups`)
    return x
  },
  batchNorm: (inputs, { eps }) => normalised(inputs, ['the weight', 'the bias', 'the mean', 'the variance'], 1, eps),
} satisfies { [K in OpName]?: ShapeRule<K> }
