// Lowering of softmax and of normalisation by given statistics.
import type { OpName } from '../../ir/ops.ts'
import { sizeOf, type Shape } from '../../ir/types.ts'
import type { Emitter, Form, Tensor, Value } from './emitter.ts'
import type { Lowering } from './form.ts'
import { plain, sameOrder, storedShape, CHANNELS_LAST, type Order } from './order.ts'

/** The first form in which `axis` is the last one. */
const withLast = (x: Value, axis: number): Form | undefined => x.forms.find(f => sameOrder(x.type.shape, f.order, [...f.order.filter(a => a !== axis), axis]))

/** As [rows, size along the axis], and the order this is in. */
function rowsAlong(e: Emitter, x: Value, axis: number): { rows: Tensor; order: Order } {
  const known = withLast(x, axis)?.order
  const order = [...(known ?? plain(x.type.shape.length)).filter(a => a !== axis), axis]
  const size = x.type.shape[axis]
  const tensor = e.ordered(x, order)
  return { rows: tensor.shape.at(-1) === size && tensor.shape.length <= 4 ? tensor : e.view(tensor, [sizeOf(x.type.shape) / size, size]), order }
}

const column = (rows: Tensor): Shape => [...rows.shape.slice(0, -1), 1]
/** tf.<fn> along the last axis, which is kept with size 1. */
const alongLast = (e: Emitter, fn: 'mean' | 'max' | 'sum', rows: Tensor): Tensor => e.call(fn, [rows, rows.shape.length - 1, true], column(rows))

const softmax: Lowering<'softmax'> = (e, [x], { axis }) => {
  const { rows, order } = rowsAlong(e, x, axis)
  return { tensor: e.call('softmax', [rows], rows.shape), order }
}

/** x - max - log(sum(exp(x - max))) */
const logSoftmax: Lowering<'logSoftmax'> = (e, [x], { axis }) => {
  const { rows, order } = rowsAlong(e, x, axis)
  const shifted = e.binary('sub', rows, alongLast(e, 'max', rows))
  return { tensor: e.binary('sub', shifted, e.unary('log', alongLast(e, 'sum', e.unary('exp', shifted)))), order }
}

/** tfjs normalises the last axis with given statistics. */
const batchNorm: Lowering<'batchNorm'> = (e, [x, weight, bias, mean, variance], { eps }) => {
  const { shape } = x.type, channels = shape[1], rank = shape.length
  const order = rank === 4 ? CHANNELS_LAST : [0, ...plain(rank).slice(2), 1]
  const stored = storedShape(shape, order)
  const maps = e.view(e.ordered(x, order), rank === 4 ? stored : [sizeOf(stored) / channels, 1, 1, channels])
  const [m, v, b, w] = [mean, variance, bias, weight].map(t => e.stored(t))
  return { tensor: e.call('batchNorm', [maps, m, v, b, w, eps], maps.shape), order }
}

const expanded = (): never => { throw new Error('internal: this normalisation is lowered through its expansion') }

export const normalisation = {
  softmax, logSoftmax, batchNorm,
  layerNorm: expanded, groupNorm: expanded,
} satisfies { [K in OpName]?: Lowering<K> }

