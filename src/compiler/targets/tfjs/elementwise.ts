// Lowering of constants and elementwise operators.
import type { OpName } from '../../ir/ops.ts'
import { sameShape, sizeOf, type DType, type Shape, type TensorType } from '../../ir/types.ts'
import { MAX_RANK, type Emitter, type Form, type Tensor, type Value } from './emitter.ts'
import { inPlainOrder, type Lowering } from './form.ts'
import { broadcastShapes, extendedOrder, mergedAxes, plain, restrictedOrder, sameOrder, shapeBeside, storedShape, withoutLeadingOnes, CHANNELS_LAST, type Order } from './order.ts'

/** What computes the result from operands that broadcast. */
type Combine = (e: Emitter, operands: readonly Tensor[]) => Tensor

const of = (fn: string, dtype?: DType): Combine => (e, [a, b]) => e.binary(fn, a, b, dtype)
const one = (fn: string, dtype?: DType): Combine => (e, [x]) => e.unary(fn, x, dtype)

/** The order in which to compute: one that costs least to bring all large operands into. */
function chosenOrder(operands: readonly Value[], { shape }: TensorType): Order {
  const rank = shape.length, size = sizeOf(shape)
  const cost = (order: Order): number => operands.reduce((n, { type, forms }) => {
    const own = restrictedOrder(order, type.shape.length)
    return n + (forms.some(f => sameOrder(type.shape, f.order, own)) ? 0 : sizeOf(type.shape))
  }, 0)
  const candidates = operands.filter(v => sizeOf(v.type.shape) === size).flatMap(v => v.forms.map(f => extendedOrder(f.order, rank)))
  if (candidates.length === 0) candidates.push(...operands.filter(v => v.type.shape.length === rank).flatMap(v => v.forms.map(f => f.order)), plain(rank))
  const rated = candidates.map(order => ({ order, cost: cost(order), preferred: rank === 4 ? sameOrder(shape, order, CHANNELS_LAST) : sameOrder(shape, order, plain(rank)) }))
  return rated.reduce((best, c) => c.cost < best.cost || c.cost === best.cost && c.preferred && !best.preferred ? c : best).order
}

/** Whether a tensor can stand where `shape` is wanted: leading axes of size 1 make no difference. */
const fits = (x: Tensor, shape: Shape, rank: number): boolean => x.shape.length <= rank && sameShape(withoutLeadingOnes(x.shape), withoutLeadingOnes(shape))

/** Tensors of one order (`shapes`, broadcasting to `full`) in shapes that broadcast, with as few views as possible: that of one of the large tensors, or the full one. */
function aligned(e: Emitter, tensors: readonly Tensor[], shapes: readonly Shape[], full: Shape): readonly Tensor[] {
  const size = sizeOf(full)
  const candidates = [...tensors.filter((_, i) => sizeOf(shapes[i]) === size).map(t => t.shape), full].filter(s => s.length <= MAX_RANK)
  const plans = candidates.flatMap(actual => {
    const wanted = shapes.map(s => shapeBeside(actual, full, s))
    return wanted.every(s => s !== undefined) ? [{ wanted, rank: actual.length, views: tensors.filter((t, i) => !fits(t, wanted[i], actual.length) && !e.hasView(t, withoutLeadingOnes(wanted[i]))).length }] : []
  })
  if (plans.length > 0) {
    const { wanted, rank } = plans.reduce((best, p) => p.views < best.views ? p : best)
    return tensors.map((t, i) => fits(t, wanted[i], rank) ? t : e.view(t, withoutLeadingOnes(wanted[i])))
  }
  const runs = mergedAxes(full, axis => shapes.map(s => s[axis] === 1 ? '1' : 'n').join(''))
  return tensors.map((t, i) => e.view(t, runs.map(run => sizeOf(run.axes.map(axis => shapes[i][axis])))))
}

/** Operands brought to one order and to shapes that broadcast. */
function combined(e: Emitter, operands: readonly Value[], type: TensorType, combine: Combine): Form {
  const rank = type.shape.length
  const order = chosenOrder(operands, type)
  const full = storedShape(type.shape, order)
  const shapes = operands.map(({ type: { shape } }) => storedShape([...plain(rank - shape.length).map(() => 1), ...shape], order))
  const tensors = operands.map(v => e.ordered(v, restrictedOrder(order, v.type.shape.length)))
  return { tensor: combine(e, aligned(e, tensors, shapes, full)), order }
}

const unary = (combine: Combine): ((e: Emitter, inputs: readonly Value[]) => Form) => (e, [x]) => {
  const [{ tensor, order }] = x.forms
  return { tensor: combine(e, [tensor]), order }
}
const many = (combine: Combine) => (e: Emitter, inputs: readonly Value[], _: unknown, type: TensorType): Form => combined(e, inputs, type, combine)

/** x / 2 * (1 + erf(x / sqrt 2)) */
const gelu: Combine = (e, [x]) => {
  const half = e.binary('mul', x, e.scalar(0.5))
  const distribution = e.binary('add', e.unary('erf', e.binary('mul', x, e.scalar(Math.SQRT1_2))), e.scalar(1))
  return e.binary('mul', half, distribution)
}

/** tfjs divides integers towards minus infinity: one more where signs differ and there is a rest. */
const truncatedQuotient: Combine = (e, [a, b]) => {
  const quotient = e.binary('floorDiv', a, b)
  const rest = e.binary('sub', a, e.binary('mul', quotient, b))
  const uneven = e.binary('notEqual', rest, e.scalar(0, 'int32'), 'bool')
  const negative = e.binary('less', quotient, e.scalar(0, 'int32'), 'bool')
  return e.binary('add', quotient, e.unary('cast', e.binary('logicalAnd', uneven, negative, 'bool'), 'int32', ['int32']))
}

/** tfjs gives the rest the sign of the divisor: that of the magnitudes gets the sign of the dividend. */
const rest: Combine = (e, [a, b]) => {
  if (a.dtype === 'int32') return e.binary('sub', a, e.binary('mul', truncatedQuotient(e, [a, b]), b))
  return e.binary('mul', e.unary('sign', a), e.binary('mod', e.unary('abs', a), e.unary('abs', b)))
}

const cast: Lowering<'cast'> = (e, [x], { to }) => {
  if (x.type.dtype === to) return x.forms
  return unary((_e, [t]) => to === 'bool' ? e.binary('notEqual', t, e.scalar(0, t.dtype), 'bool') : e.unary('cast', t, to, [to]))(e, [x])
}

/** Select copies its operands to full size; for bools, logic does not. */
const where: Combine = (e, [condition, a, b]) => {
  if (a.dtype === 'bool') return e.binary('logicalOr', e.binary('logicalAnd', condition, a, 'bool'), e.binary('logicalAnd', e.unary('logicalNot', condition), b, 'bool'), 'bool')
  return e.call('where', [condition, a, b], broadcastShapes([condition.shape, a.shape, b.shape]), a.dtype)
}

export const elementwise = {
  constant: (e, _, { value }) => inPlainOrder(e.tensor(value), value),
  fill: (e, _, { dtype, shape, value }) => inPlainOrder(e.fill(value, dtype, shape), { shape }),
  iota: (e, _, { shape, axis }) => {
    const line = e.constant(`iota ${shape[axis]}`, () => ({ dtype: 'int32', shape: [shape[axis]], data: Int32Array.from({ length: shape[axis] }, (_, i) => i) }))
    const lying = e.view(line, shape.map((d, i) => i === axis ? d : 1))
    return inPlainOrder(sizeOf(shape) === shape[axis] ? lying : e.broadcast(lying, shape), { shape })
  },
  neg: unary(one('neg')), exp: unary(one('exp')), log: unary(one('log')), sqrt: unary(one('sqrt')), abs: unary(one('abs')), sign: unary(one('sign')), floor: unary(one('floor')), erf: unary(one('erf')),
  sigmoid: unary(one('sigmoid')), tanh: unary(one('tanh')), relu: unary(one('relu')), softplus: unary(one('softplus')), sin: unary(one('sin')), cos: unary(one('cos')), reciprocal: unary(one('reciprocal')),
  not: unary(one('logicalNot')),
  gelu: unary(gelu),
  cast,
  stopGradient: (_, [x]) => x.forms,
  add: many(of('add')), sub: many(of('sub')), mul: many((e, [a, b]) => a === b ? e.unary('square', a) : e.binary('mul', a, b)),
  div: many((e, [a, b]) => a.dtype === 'int32' ? truncatedQuotient(e, [a, b]) : e.binary('div', a, b)),
  mod: many(rest), max: many(of('maximum')), min: many(of('minimum')), pow: many(of('pow')),
  less: many(of('less', 'bool')), greater: many(of('greater', 'bool')), equal: many(of('equal', 'bool')), and: many(of('logicalAnd', 'bool')), or: many(of('logicalOr', 'bool')),
  where: many(where),
} satisfies { [K in OpName]?: Lowering<K> }
