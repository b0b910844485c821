// Lowering of convolutions and of their two gradients.
import { kernelSpan } from '../../ir/convolution-geometry.ts'
import type { ConvAttrs, OpName } from '../../ir/ops.ts'
import { sizeOf } from '../../ir/types.ts'
import type { Lowering } from './elementwise.ts'
import type { Emitter, Operand } from './emitter.ts'
import { OnnxTargetError, type OnnxAttributes } from './graph.ts'
import { product } from './product.ts'
import { sum } from './reduce.ts'

const attributes = (a: ConvAttrs, kernel: readonly number[]): OnnxAttributes => ({ kernel_shape: kernel, strides: a.stride, pads: a.pad, dilations: a.dilation, group: a.groups })

export const convolution = (e: Emitter, x: Operand, weight: Operand, a: ConvAttrs, bias?: string): string =>
  e.node('Conv', bias === undefined ? [x.name, weight.name] : [x.name, weight.name, bias], attributes(a, weight.type.shape.slice(2)))

/** [O, C/g, kh, kw] -> [C, O/g, kh, kw]; once for all convolutions that share the weight. */
const swapped = (e: Emitter, weight: Operand, groups: number): string => e.once(`swapped ${weight.name} ${groups}`, () => {
  const [outputs, perGroup, kh, kw] = weight.type.shape
  if (groups === 1) return e.transpose(weight.name, [1, 0, 2, 3])
  return e.reshape(e.transpose(e.reshape(weight.name, [groups, outputs / groups, perGroup, kh, kw]), [0, 2, 1, 3, 4]), [groups * perGroup, outputs / groups, kh, kw])
})

/** A map turned by half a turn: its places in reverse order. */
const turned = (e: Emitter, x: string, shape: readonly number[]): string => {
  const flat = [shape[0], shape[1], shape[2] * shape[3]]
  return e.reshape(e.slice(e.reshape(x, flat), flat, [0, 0, flat[2] - 1], [flat[0], flat[1], -1], [1, 1, -1]), shape)
}

/**
 * Gradient of x: at stride 1 a convolution with the mirrored kernel, which is faster than ConvTranspose; else ConvTranspose. Mirroring the kernel costs more than turning both maps where
 * there are fewer places than weights per channel, as in deep layers.
 */
const inputGradient: Lowering<'conv2dInputGrad'> = (e, [dy, weight], a) => {
  const kernel = weight.type.shape.slice(2), places = dy.type.shape.slice(2)
  const before = [0, 1].map(i => kernelSpan(kernel[i], a.dilation[i]) - 1 - a.pad[i])
  const after = [0, 1].map(i => a.inputSize[i] + kernelSpan(kernel[i], a.dilation[i]) - 1 - places[i] - before[i])
  if (e.fast && a.stride[0] === 1 && a.stride[1] === 1 && [...before, ...after].every(p => p >= 0)) {
    const attrs = { kernel_shape: kernel, strides: [1, 1], dilations: a.dilation, group: a.groups }
    const rotated = swapped(e, weight, a.groups)
    if (kernel[0] === 1 && kernel[1] === 1) return e.node('Conv', [dy.name, rotated], { ...attrs, pads: [...before, ...after] })
    const [batch, outputs] = dy.type.shape, channels = weight.type.shape[1] * a.groups
    const maps = batch * (outputs * places[0] * places[1] + channels * a.inputSize[0] * a.inputSize[1])
    if (maps < sizeOf(weight.type.shape)) {
      const turnedBack = e.node('Conv', [turned(e, dy.name, dy.type.shape), rotated], { ...attrs, pads: [...after, ...before] })
      return turned(e, turnedBack, [batch, channels, ...a.inputSize])
    }
    const shape = [channels, outputs / a.groups, kernel[0] * kernel[1]]
    const mirrored = e.once(`mirrored ${weight.name} ${a.groups}`, () => e.reshape(
      e.slice(e.reshape(rotated, shape), shape, [0, 0, shape[2] - 1], [shape[0], shape[1], -1], [1, 1, -1]), [shape[0], shape[1], ...kernel]))
    return e.node('Conv', [dy.name, mirrored], { ...attrs, pads: [...before, ...after] })
  }
  const outputPadding = [0, 1].map(i => a.inputSize[i] - ((places[i] - 1) * a.stride[i] + kernelSpan(kernel[i], a.dilation[i]) - a.pad[i] - a.pad[i + 2]))
  return e.node('ConvTranspose', [dy.name, weight.name], { ...attributes(a, kernel), output_padding: outputPadding })
}

/** What one tap reads: every stride-th row and column of the padded map, as many as there are places. */
const tapSlice = (e: Emitter, padded: string, shape: readonly number[], spatial: readonly [number, number], tap: readonly [number, number], places: readonly number[], a: ConvAttrs): string => {
  const start = shape.map(() => 0), stop = [...shape], step = shape.map(() => 1)
  spatial.forEach((axis, i) => {
    start[axis] = tap[i] * a.dilation[i]
    step[axis] = a.stride[i]
    stop[axis] = start[axis] + (places[i] - 1) * a.stride[i] + 1
  })
  return e.slice(padded, shape, start, stop, step)
}

const padded = (e: Emitter, x: string, before: readonly number[], after: readonly number[]): string =>
  [...before, ...after].every(p => p === 0) ? x : e.node('Pad', [x, e.ints([...before, ...after]), e.scalar(0)], { mode: 'constant' })

/** Up to this many bytes all taps of x are laid side by side for one product; beyond, a product per tap needs less memory and is as fast. */
const COLUMN_BYTES = 8 * 2 ** 20

/** What all taps read, side by side: [B, places * taps, C] from the padded map [B, H, W, C], by one Gather of rows. */
const columnsOf = (e: Emitter, map: string, [batch, height, width, channels]: readonly number[], { kernel: [kh, kw], stride, dilation }: ConvAttrs & { kernel: readonly [number, number] }, places: readonly number[]): string => {
  const geometry = [height, width, kh, kw, ...stride, ...dilation, ...places], taps = kh * kw
  const indices = Int32Array.from({ length: places[0] * places[1] * taps }, (_, i) => {
    const k = i % taps, place = Math.floor(i / taps)
    const y = Math.floor(place / places[1]) * stride[0] + Math.floor(k / kw) * dilation[0], x = place % places[1] * stride[1] + k % kw * dilation[1]
    return y * width + x
  })
  const rows = e.shared(`taps[${geometry.join()}]`, { dtype: 'int32', shape: [indices.length], data: indices })
  return e.node('Gather', [e.reshape(map, [batch, height * width, channels]), rows], { axis: 1 })
}

/** One group: products [O, places] x [places, C] of NHWC rows, one per tap or one for all. */
const weightGradientOfRows = (e: Emitter, x: Operand, dy: Operand, a: ConvAttrs & { kernel: readonly [number, number] }): string => {
  const [batch, channels, height, width] = x.type.shape, [, outputs, ...places] = dy.type.shape
  const [kh, kw] = a.kernel, [top, left, bottom, right] = a.pad, rows = batch * places[0] * places[1]
  const dyRows = { name: e.reshape(e.transpose(dy.name, [0, 2, 3, 1]), [rows, outputs]), shape: [rows, outputs] }
  const source = e.once(`rows ${x.name} ${a.pad.join()}`, () => padded(e, e.transpose(x.name, [0, 2, 3, 1]), [0, top, left, 0], [0, bottom, right, 0]))
  const shape = [batch, top + height + bottom, left + width + right, channels]
  const times = (rowsOf: string, n: number): string => product(e, dyRows, { name: e.reshape(rowsOf, [rows, n]), shape: [rows, n] }, { transA: true })
  const taps = kh * kw, tap = (k: number): string => tapSlice(e, source, shape, [1, 2], [Math.floor(k / kw), k % kw], places, a)
  if (taps === 1) return e.reshape(times(tap(0), channels), [outputs, channels, 1, 1])
  const gradient = rows * channels * taps * 4 <= COLUMN_BYTES
    ? times(e.once(`columns ${source} ${[kh, kw, ...a.dilation, ...a.stride, ...places].join()}`, () => columnsOf(e, source, shape, a, places)), channels * taps)
    : e.node('Concat', Array.from({ length: taps }, (_, k) => times(e.once(`tap ${source} ${[k, kw, ...a.dilation, ...a.stride, ...places].join()}`, () => tap(k)), channels)), { axis: 1 })
  return e.reshape(e.transpose(e.reshape(gradient, [outputs, taps, channels]), [0, 2, 1]), [outputs, channels, kh, kw])
}

/** Several groups: per tap a batched product over samples and groups, in NCHW; one channel per group needs no product, only a sum. */
const weightGradientOfGroups = (e: Emitter, x: Operand, dy: Operand, a: ConvAttrs & { kernel: readonly [number, number] }): string => {
  const [batch, channels, height, width] = x.type.shape, [, outputs, ...places] = dy.type.shape, [kh, kw] = a.kernel, [top, left, bottom, right] = a.pad
  const count = places[0] * places[1], groups = a.groups, perIn = channels / groups, perOut = outputs / groups
  const source = padded(e, x.name, [0, 0, top, left], [0, 0, bottom, right])
  const shape = [batch, channels, top + height + bottom, left + width + right]
  const dyGrouped = { name: e.reshape(dy.name, [batch, groups, perOut, count]), shape: [batch, groups, perOut, count] }
  const taps: string[] = []
  for (let i = 0; i < kh; i++) {
    for (let j = 0; j < kw; j++) {
      const tap = tapSlice(e, source, shape, [2, 3], [i, j], places, a)
      if (perIn === 1 && perOut === 1) taps.push(e.reshape(sum(e, e.node('Mul', [tap, dy.name]), [batch, channels, ...places], { axes: [0, 2, 3], keepDims: false }), [1, outputs, 1]))
      else {
        const each = product(e, dyGrouped, { name: e.reshape(tap, [batch, groups, perIn, count]), shape: [batch, groups, perIn, count] }, { transB: true })
        taps.push(e.reshape(sum(e, each, [batch, groups, perOut, perIn], { axes: [0], keepDims: false }), [1, outputs, perIn]))
      }
    }
  }
  const stacked = taps.length === 1 ? taps[0] : e.node('Concat', taps, { axis: 0 })
  return e.reshape(e.transpose(stacked, [1, 2, 0]), [outputs, perIn, kh, kw])
}

export const convolutions = {
  conv2d: (e, [x, weight], a) => convolution(e, x, weight, a),
  conv2dInputGrad: inputGradient,
  conv2dWeightGrad: (e, [x, dy], a) => a.groups === 1 ? weightGradientOfRows(e, x, dy, a) : weightGradientOfGroups(e, x, dy, a),
  deformConv2d: (e, [x, offset, mask, weight], a) => {
    if (e.opset < 19) throw new OnnxTargetError(`deform_conv2d needs opset 19 or later, not ${e.opset}`)
    const zeros = e.fill(0, 'float32', [weight.type.shape[0]])
    return e.node('DeformConv', [x.name, weight.name, offset.name, zeros, mask.name], { ...attributes(a, weight.type.shape.slice(2)), offset_group: 1 })
  },
} satisfies { [K in OpName]?: Lowering<K> }
