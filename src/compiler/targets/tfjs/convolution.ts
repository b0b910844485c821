// Lowering of convolutions and of their two gradients: maps as [B, H, W, C], weights as [kh, kw, C, O].
import { kernelSpan } from '../../ir/convolution-geometry.ts'
import type { ConvAttrs, OpName } from '../../ir/ops.ts'
import { sameShape, sizeOf, type Shape, type TensorType } from '../../ir/types.ts'
import type { Backend, Emitter, Form, Tensor, Value } from './emitter.ts'
import type { Lowering } from './form.ts'
import { concatenated, padded } from './movement.ts'
import { CHANNELS_LAST, type Order } from './order.ts'

type Pair = readonly [number, number]

/** Of a weight [O, C, kh, kw]. */
const WEIGHT_ORDER: Order = [2, 3, 1, 0]

interface Geometry { readonly kernel: Pair; readonly stride: Pair; readonly pad: ConvAttrs['pad']; readonly dilation: Pair; readonly input: Pair; readonly places: Pair }

const isPointwise = ({ kernel, stride, pad }: Geometry): boolean => kernel[0] === 1 && kernel[1] === 1 && stride[0] === 1 && stride[1] === 1 && pad.every(p => p === 0)
const isDilated = ({ dilation }: Geometry): boolean => dilation[0] !== 1 || dilation[1] !== 1
const isStrided = ({ stride }: Geometry): boolean => stride[0] !== 1 || stride[1] !== 1

/** Patches that neither overlap nor leave anything out. */
const isTiling = ({ kernel, stride, pad, dilation, input, places }: Geometry): boolean =>
  pad.every(p => p === 0) && [0, 1].every(i => stride[i] === kernel[i] && dilation[i] === 1 && places[i] * stride[i] === input[i])

/** The padding as tfjs calls it where it has a name for it; undefined where it has none. */
function namedPadding({ kernel, stride, pad, dilation, input, places }: Geometry): 'valid' | 'same' | undefined {
  if (pad.every(p => p === 0)) return 'valid'
  const same = [0, 1].every(i => {
    const total = Math.max(0, (Math.ceil(input[i] / stride[i]) - 1) * stride[i] + kernelSpan(kernel[i], dilation[i]) - input[i])
    return places[i] === Math.ceil(input[i] / stride[i]) && pad[i] === Math.floor(total / 2) && pad[i + 2] === total - pad[i]
  })
  return same ? 'same' : undefined
}

/** The map with its zeros around it. */
const withPadding = (e: Emitter, x: Tensor, pad: ConvAttrs['pad']): Tensor =>
  pad.every(p => p === 0) ? x : e.once(`${x.text} padded ${pad.join()}`, () => padded(e, x, x.shape, [0, pad[0], pad[1], 0], [0, pad[2], pad[3], 0], 0))

const paddedSize = ({ input, pad }: Geometry): Pair => [input[0] + pad[0] + pad[2], input[1] + pad[1] + pad[3]]

/** What tap (i, j) reads of a padded map: [B, places, C]. */
function tapOf(e: Emitter, map: Tensor, i: number, j: number, { stride, dilation, places }: Geometry): Tensor {
  const start = [0, i * dilation[0], j * dilation[1], 0], size = [map.shape[0], ...places, map.shape[3]]
  if (stride[0] === 1 && stride[1] === 1) return e.slice(map, map.shape, start, size)
  const stop = [map.shape[0], start[1] + (places[0] - 1) * stride[0] + 1, start[2] + (places[1] - 1) * stride[1] + 1, map.shape[3]]
  return e.call('stridedSlice', [map, start, stop, [1, ...stride, 1]], size)
}

const flat = (e: Emitter, x: Tensor): Tensor => e.view(x, [sizeOf(x.shape.slice(0, -1)), x.shape.at(-1)!])
const taps = ({ kernel }: Geometry): Pair[] => Array.from({ length: kernel[0] * kernel[1] }, (_, t) => [Math.floor(t / kernel[1]), t % kernel[1]] as const)
const summed = (e: Emitter, terms: readonly Tensor[]): Tensor => terms.reduce((a, b) => e.binary('add', a, b))

/** Weight of one tap as [C, O]. */
const tapWeight = (e: Emitter, weight: Tensor, i: number, j: number): Tensor => e.view(e.slice(weight, weight.shape, [i, j, 0, 0], [1, 1, weight.shape[2], weight.shape[3]]), weight.shape.slice(2))

/** Patches side by side: [B * places, kernel * C]. */
function tiles(e: Emitter, x: Tensor, { kernel, places }: Geometry): Tensor {
  const [batch, , , channels] = x.shape
  const moved = e.transpose(x, [batch * places[0], kernel[0], places[1], kernel[1] * channels], [0, 2, 1, 3])
  return e.view(moved, [batch * places[0] * places[1], kernel[0] * kernel[1] * channels])
}

function untiled(e: Emitter, columns: Tensor, batch: number, channels: number, { kernel, places, input }: Geometry): Tensor {
  const moved = e.transpose(columns, [batch * places[0], places[1], kernel[0], kernel[1] * channels], [0, 2, 1, 3])
  return e.view(moved, [batch, ...input, channels])
}

/** x [B, H, W, C], weight [kh, kw, C, O] -> [B, H', W', O] */
function forward(e: Emitter, x: Tensor, weight: Tensor, g: Geometry, bias?: Tensor, activation?: 'relu'): Tensor {
  const [batch] = x.shape, [, , channels, outputs] = weight.shape, shape = [batch, ...g.places, outputs]
  const finish = (t: Tensor): Tensor => {
    const biased = bias === undefined ? t : e.binary('add', t, bias)
    return activation === undefined ? biased : e.unary(activation, biased)
  }
  const product = (a: Tensor, b: Tensor): Tensor => e.view(bias === undefined && activation === undefined ? e.call('matMul', [a, b], [a.shape[0], outputs])
    : e.call('fused.matMul', [{ a, b, bias, activation }], [a.shape[0], outputs]), shape)
  if (isPointwise(g)) return product(flat(e, x), e.view(weight, [channels, outputs]))
  if (isTiling(g)) return product(tiles(e, x, g), e.view(weight, [g.kernel[0] * g.kernel[1] * channels, outputs]))
  if (isDilated(g) && isStrided(g)) {
    const map = withPadding(e, x, g.pad)
    return finish(e.view(summed(e, taps(g).map(([i, j]) => e.call('matMul', [flat(e, tapOf(e, map, i, j, g)), tapWeight(e, weight, i, j)], [sizeOf(shape) / outputs, outputs]))), shape))
  }
  const pad = namedPadding(g) ?? [[0, 0], [g.pad[0], g.pad[2]], [g.pad[1], g.pad[3]], [0, 0]]
  if (bias === undefined && activation === undefined) return e.call('conv2d', [x, weight, g.stride, pad, ...isDilated(g) ? ['NHWC', g.dilation] : []], shape)
  return e.call('fused.conv2d', [{ x, filter: weight, strides: g.stride, pad, ...isDilated(g) ? { dilations: g.dilation } : {}, bias, activation }], shape)
}

/** dy [B, H', W', O], weight [kh, kw, C, O] -> [B, H, W, C] */
function inputGradient(e: Emitter, dy: Tensor, weight: Tensor, g: Geometry): Tensor {
  const [batch] = dy.shape, [, , channels, outputs] = weight.shape, whole = paddedSize(g)
  const product = (rows: number): Tensor => e.call('matMul', [flat(e, dy), e.view(weight, [rows, outputs]), false, true], [sizeOf(dy.shape) / outputs, rows])
  if (isPointwise(g)) return e.view(product(channels), [batch, ...g.input, channels])
  if (isTiling(g)) return untiled(e, product(g.kernel[0] * g.kernel[1] * channels), batch, channels, g)
  if (isDilated(g)) {
    const back = taps(g).map(([i, j]) => {
      const tap = e.call('matMul', [flat(e, dy), tapWeight(e, weight, i, j), false, true], [sizeOf(dy.shape) / outputs, channels])
      return spread(e, e.view(tap, [batch, ...g.places, channels]), i, j, g)
    })
    return cropped(e, summed(e, back), g)
  }
  const pad = namedPadding(g)
  if (pad !== undefined) return e.call('conv2dTranspose', [dy, weight, [batch, ...g.input, channels], g.stride, pad], [batch, ...g.input, channels])
  return cropped(e, e.call('conv2dTranspose', [dy, weight, [batch, ...whole, channels], g.stride, 'valid'], [batch, ...whole, channels]), g)
}

/** What tap (i, j) gives back to a padded map: the adjoint of tapOf. */
function spread(e: Emitter, tap: Tensor, i: number, j: number, g: Geometry): Tensor {
  const [batch, , , channels] = tap.shape, whole = paddedSize(g), [rows, columns] = g.places, [down, right] = g.stride
  const wide = padded(e, tap, [batch * rows, 1, columns, channels], [0, 0, 0, 0], [0, down - 1, 0, (right - 1) * channels], 0)
  const map = e.view(wide, [batch, rows * down, columns * right, channels])
  const size = [(rows - 1) * down + 1, (columns - 1) * right + 1], at = [i * g.dilation[0], j * g.dilation[1]]
  const cut = e.slice(map, map.shape, [0, 0, 0, 0], [batch, size[0], size[1], channels])
  return padded(e, cut, [batch, size[0], size[1], channels], [0, ...at, 0], [0, whole[0] - at[0] - size[0], whole[1] - at[1] - size[1], 0], 0)
}

const cropped = (e: Emitter, map: Tensor, { pad, input }: Geometry): Tensor => e.slice(map, map.shape, [0, pad[0], pad[1], 0], [map.shape[0], ...input, map.shape[3]])

/** Backends whose own kernel for the gradient of a weight is there and better than a product per tap. It is no function of tfjs. */
const WEIGHT_GRADIENT_KERNEL: readonly (Backend | undefined)[] = ['tensorflow', 'cpu']

/** x [B, H, W, C], dy [B, H', W', O] -> [kh, kw, C, O] */
function weightGradient(e: Emitter, x: Tensor, dy: Tensor, g: Geometry): Tensor {
  const [, , , channels] = x.shape, outputs = dy.shape[3], shape = [...g.kernel, channels, outputs]
  const product = (rows: Tensor): Tensor => e.call('matMul', [rows, flat(e, dy), true], [rows.shape[1], outputs])
  if (isPointwise(g)) return e.view(product(flat(e, x)), shape)
  if (isTiling(g)) return e.view(product(tiles(e, x, g)), shape)
  if (WEIGHT_GRADIENT_KERNEL.includes(e.backend) && !isDilated(g)) {
    const pad = namedPadding(g)
    const map = pad === undefined ? withPadding(e, x, g.pad) : x
    return e.call('engine().runKernel', ['Conv2DBackpropFilter', { x: map, dy }, { strides: g.stride, pad: pad ?? 'valid', dataFormat: 'NHWC', filterShape: shape }], shape)
  }
  const map = withPadding(e, x, g.pad)
  const parts = taps(g).map(([i, j]) => product(flat(e, tapOf(e, map, i, j, g))))
  return e.view(concatenated(e, parts, parts.map(p => p.shape), 0), shape)
}

const pair = (shape: Shape): Pair => [shape[2], shape[3]]

/** Parts of a tensor along an axis, as many as there are groups. */
const parts = (e: Emitter, x: Tensor, axis: number, groups: number): readonly Tensor[] => {
  if (groups === 1) return [x]
  const size = x.shape.with(axis, x.shape[axis] / groups)
  return e.calls('split', [x, groups, axis], Array.from({ length: groups }, () => ({ shape: size, dtype: x.dtype })))
}

const joined = (e: Emitter, list: readonly Tensor[], axis: number): Tensor => concatenated(e, list, list.map(t => t.shape), axis)

const maps = (e: Emitter, x: Value): Tensor => e.stored(x, CHANNELS_LAST)
const kernels = (e: Emitter, weight: Value): Tensor => e.stored(weight, WEIGHT_ORDER)

export function convolution(e: Emitter, [x, weight]: readonly Value[], a: ConvAttrs, { shape }: TensorType, bias?: Tensor, activation?: 'relu'): Form {
  const g: Geometry = { ...a, kernel: pair(weight.type.shape), input: pair(x.type.shape), places: pair(shape) }
  const [map, kernel] = [maps(e, x), kernels(e, weight)]
  if (a.groups > 1 && a.groups === x.type.shape[1] && !(isDilated(g) && isStrided(g)) && a.stride[0] === a.stride[1] && sameShape(weight.type.shape.slice(0, 2), [a.groups, 1])) {
    const filter = e.view(kernel, [...g.kernel, a.groups, 1])
    const result = e.call('depthwiseConv2d', [namedPadding(g) === undefined ? withPadding(e, map, g.pad) : map, filter, g.stride, namedPadding(g) ?? 'valid', 'NHWC', g.dilation], [shape[0], ...g.places, a.groups])
    return { tensor: bias === undefined ? result : e.binary('add', result, bias), order: CHANNELS_LAST }
  }
  if (a.groups === 1) return { tensor: forward(e, map, kernel, g, bias, activation), order: CHANNELS_LAST }
  const inputs = parts(e, map, 3, a.groups), weights = parts(e, kernel, 3, a.groups)
  return { tensor: joined(e, inputs.map((t, i) => forward(e, t, weights[i], g)), 3), order: CHANNELS_LAST }
}

export const convolutions = {
  conv2d: (e, inputs, attrs, type) => convolution(e, inputs, attrs, type),
  conv2dInputGrad: (e, [dy, weight], a) => {
    const g: Geometry = { ...a, kernel: pair(weight.type.shape), input: a.inputSize, places: pair(dy.type.shape) }
    const gradients = parts(e, maps(e, dy), 3, a.groups), weights = parts(e, kernels(e, weight), 3, a.groups)
    return { tensor: joined(e, gradients.map((t, i) => inputGradient(e, t, weights[i], g)), 3), order: CHANNELS_LAST }
  },
  conv2dWeightGrad: (e, [x, dy], a) => {
    const g: Geometry = { ...a, input: pair(x.type.shape), places: pair(dy.type.shape) }
    const inputs = parts(e, maps(e, x), 3, a.groups), gradients = parts(e, maps(e, dy), 3, a.groups)
    return { tensor: joined(e, inputs.map((t, i) => weightGradient(e, t, gradients[i], g)), 3), order: WEIGHT_ORDER }
  },
  deformConv2d: () => { throw new Error('internal: a deformable convolution is lowered through its expansion') },
} satisfies { [K in OpName]?: Lowering<K> }
