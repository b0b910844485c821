// Lowering of softmax and of layer, group and batch normalisation.
import type { OpName } from '../../ir/ops.ts'
import { sizeOf, type Shape } from '../../ir/types.ts'
import type { Emitter, Form, Tensor, Value } from './emitter.ts'
import { inPlainOrder, type Lowering } from './form.ts'
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

/** (x - mean) / sqrt(variance + eps) along the last axis. */
function standardised(e: Emitter, rows: Tensor, eps: number): Tensor {
  const centred = e.binary('sub', rows, alongLast(e, 'mean', rows))
  const variance = alongLast(e, 'mean', e.unary('square', centred))
  return e.binary('mul', centred, e.unary('rsqrt', e.binary('add', variance, e.scalar(eps))))
}

const layerNorm: Lowering<'layerNorm'> = (e, [x, weight, bias], { eps }) => {
  const { rows, order } = rowsAlong(e, x, x.type.shape.length - 1)
  return { tensor: e.binary('add', e.binary('mul', standardised(e, rows, eps), e.stored(weight)), e.stored(bias)), order }
}

const groupNorm: Lowering<'groupNorm'> = (e, [x, weight, bias], { groups, eps }) => {
  const { shape } = x.type, [batch, channels] = shape, rest = sizeOf(shape) / (batch * channels)
  const rows = e.view(e.ordered(x, plain(shape.length)), [batch * groups, channels / groups * rest])
  const maps = e.view(standardised(e, rows, eps), [batch, channels, rest])
  const perChannel = (v: Value): Tensor => e.view(e.ordered(v, [0]), [channels, 1])
  return inPlainOrder(e.binary('add', e.binary('mul', maps, perChannel(weight)), perChannel(bias)), { shape })
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

export const normalisation = { softmax, logSoftmax, layerNorm, groupNorm, batchNorm } satisfies { [K in OpName]?: Lowering<K> }

