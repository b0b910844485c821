// Convolutions of enlarged maps, computed at the size the maps had before.
//
// A convolution is linear, and so is resizing: the products with the weight can be made where there are few places, and what they give be enlarged. Of a 3x3 convolution over four levels that
// were brought to the size of the largest, a fifth of the multiply-adds stay.
import type { ConvAttrs, OpAttrs } from '../../ir/ops.ts'
import type { Node, ValueId } from '../../ir/program.ts'
import { resizeAxis } from '../../ir/resize.ts'
import { sizeOf, type TensorData } from '../../ir/types.ts'
import type { Rewriter } from '../rewriter.ts'
import { ELEMENT_COST, LEAST_GAIN, type Emit } from './cost.ts'

type Conv = Extract<Node, { readonly op: 'conv2d' }>
type Resize = OpAttrs['resize2d']

/** Channels `from` to `to` of the convolution's operand: a map, and how it is resized if it is. */
interface Part { readonly value: ValueId; readonly from: number; readonly to: number; readonly resize: Resize | undefined }

/** The rewritten convolution costs at most this share of the original. */
const WORTHWHILE = 0.75

const partsOf = (r: Rewriter, x: ValueId): Part[] => {
  const maker = r.definition(x)
  let from = 0
  return (maker?.op === 'concat' && maker.attrs.axis === 1 ? maker.inputs : [x]).map(value => {
    const part = r.definition(value), to = from + r.type(value).shape[1]
    const made: Part = part?.op === 'resize2d' ? { value: part.inputs[0], from, to, resize: part.attrs } : { value, from, to, resize: undefined }
    from = to
    return made
  })
}

/** Along one axis: places x (taps * before) -> what each place takes of each element before resizing, tap after tap; nothing where a tap lies outside the map. */
export function tapMatrix(before: number, resized: number, places: number, { mode, kernel, stride, pad, dilation }: { mode: Resize['mode']; kernel: number; stride: number; pad: number; dilation: number }): Float32Array {
  const { index0, index1, weight1 } = resizeAxis(before, resized, mode), columns = kernel * before
  const matrix = new Float32Array(places * columns)
  for (let p = 0; p < places; p++) {
    for (let k = 0; k < kernel; k++) {
      const at = p * stride - pad + k * dilation
      if (at < 0 || at >= resized) continue
      matrix[p * columns + k * before + index0[at]] += 1 - weight1[at]
      matrix[p * columns + k * before + index1[at]] += weight1[at]
    }
  }
  return matrix
}

const transposed = (data: Float32Array, rows: number): Float32Array => {
  const columns = data.length / rows
  return Float32Array.from({ length: data.length }, (_, i) => data[i % rows * columns + Math.floor(i / rows)])
}

const axis = (a: ConvAttrs, i: 0 | 1, kernel: number, mode: Resize['mode']) => ({ mode, kernel, stride: a.stride[i], pad: a.pad[i], dilation: a.dilation[i] })

/** A convolution that reads each place by itself: it can change places with a resize. */
const isPointwise = (a: ConvAttrs, kernel: readonly number[]): boolean => [...kernel, ...a.stride].every(n => n === 1) && a.pad.every(p => p === 0)

class ResizedConvolution {
  readonly #r: Rewriter
  readonly #node: Conv
  readonly #emit: Emit

  constructor(r: Rewriter, node: Conv, emit: Emit) {
    this.#r = r
    this.#node = node
    this.#emit = emit
  }

  /** Multiply-adds, and elements moved at their price, of convolving parts of one size before resizing them. */
  cost(channels: number, height: number, width: number): number {
    const [batch, outputs, rows, columns] = this.#node.type.shape, [kh, kw] = this.#kernel
    const products = batch * outputs * channels * kh * kw * height * width
    if (isPointwise(this.#node.attrs, this.#kernel)) return products + ELEMENT_COST * batch * outputs * rows * columns
    const enlarging = batch * outputs * rows * width * kw * (kh * height + columns)
    const moved = 2 * outputs * channels * kh * kw + batch * outputs * (2 * kh * kw * height * width + 4 * kw * rows * width + 3 * rows * columns)
    return products + enlarging + ELEMENT_COST * moved
  }

  get #kernel(): readonly number[] { return this.#r.type(this.#node.inputs[1]).shape.slice(2) }

  /** The weight of some channels; neighbouring ranges are taken as one. */
  #weight(parts: readonly Part[]): ValueId {
    const [outputs, channels, kh, kw] = this.#r.type(this.#node.inputs[1]).shape
    const ranges: [number, number][] = []
    for (const { from, to } of parts) {
      const last = ranges.at(-1)
      if (last?.[1] === from) last[1] = to
      else ranges.push([from, to])
    }
    const slices = ranges.map(([from, to]) => to - from === channels ? this.#node.inputs[1]
      : this.#emit('slice', [this.#node.inputs[1]], { start: [0, from, 0, 0], stop: [outputs, to, kh, kw], step: [1, 1, 1, 1] }))
    return slices.length === 1 ? slices[0] : this.#emit('concat', slices, { axis: 1 })
  }

  #maps(parts: readonly Part[]): ValueId { return parts.length === 1 ? parts[0].value : this.#emit('concat', parts.map(p => p.value), { axis: 1 }) }

  /** The convolution of maps that are not resized. */
  direct(parts: readonly Part[]): ValueId { return this.#emit('conv2d', [this.#maps(parts), this.#weight(parts)], this.#node.attrs) }

  /** The convolution of maps resized by `resize`: per tap at their own size, then rows and columns enlarged, shifted and summed by one matrix each. */
  enlarged(parts: readonly Part[], resize: Resize): ValueId {
    const emit = this.#emit, a = this.#node.attrs, [kh, kw] = this.#kernel
    const [batch, outputs, rows, columns] = this.#node.type.shape
    const z = this.#maps(parts), weight = this.#weight(parts), [, channels, height, width] = this.#r.type(z).shape
    if (isPointwise(a, this.#kernel)) return emit('resize2d', [emit('conv2d', [z, weight], a)], resize)
    const filters = emit('reshape', [emit('transpose', [weight], { perm: [3, 0, 2, 1] })], { shape: [kw * outputs * kh, channels] })
    const plain = { transA: false, transB: false, alpha: 1 }
    const taps = emit('matmul', [filters, emit('reshape', [z], { shape: [batch, channels, height * width] })], plain)
    const vertical = tapMatrix(height, resize.size[0], rows, axis(a, 0, kh, resize.mode))
    const tall = emit('matmul', [this.#constant(vertical, [rows, kh * height]), emit('reshape', [taps], { shape: [batch, kw * outputs, kh * height, width] })], plain)
    const inRows = emit('transpose', [emit('reshape', [tall], { shape: [batch, kw, outputs, rows, width] })], { perm: [0, 2, 3, 1, 4] })
    const horizontal = transposed(tapMatrix(width, resize.size[1], columns, axis(a, 1, kw, resize.mode)), columns)
    return emit('matmul', [emit('reshape', [inRows], { shape: [batch, outputs, rows, kw * width] }), this.#constant(horizontal, [kw * width, columns])], plain)
  }

  #constant(data: Float32Array, shape: readonly number[]): ValueId {
    const value: TensorData = { dtype: 'float32', shape, data }
    return this.#emit('constant', [], { value })
  }
}

/** What stands for a convolution over maps of which some were resized; undefined where that would not be cheaper. The sum is rounded differently. */
export function convolveBeforeResizing(r: Rewriter, node: Conv, emit: Emit): ValueId | undefined {
  if (node.attrs.groups !== 1) return undefined
  const parts = partsOf(r, node.inputs[0])
  const [batch, outputs, rows, columns] = node.type.shape, [, , kh, kw] = r.type(node.inputs[1]).shape
  const c = new ResizedConvolution(r, node, emit)
  const bySize = new Map<string, Part[]>()
  for (const part of parts) if (part.resize !== undefined) {
    const key = [part.resize.mode, ...r.type(part.value).shape.slice(2)].join()
    bySize.set(key, [...bySize.get(key) ?? [], part])
  }
  const chosen = [...bySize.values()].filter(group => {
    const channels = group.reduce((n, p) => n + p.to - p.from, 0), [, , height, width] = r.type(group[0].value).shape
    const before = batch * channels * (outputs * rows * columns * kh * kw + ELEMENT_COST * sizeOf(group[0].resize!.size)), after = c.cost(channels, height, width)
    return after <= WORTHWHILE * before && before - after >= LEAST_GAIN
  })
  if (chosen.length === 0) return undefined
  const taken = new Set(chosen.flat())
  const rest = partsAsGiven(r, node.inputs[0]).filter((_, i) => !taken.has(parts[i]))
  const sums = [...rest.length === 0 ? [] : [c.direct(rest)], ...chosen.map(group => c.enlarged(group, group[0].resize!))]
  return sums.reduce((a, b) => emit('add', [a, b], {}))
}

/** The parts with their maps as they are, resized or not. */
const partsAsGiven = (r: Rewriter, x: ValueId): Part[] => {
  const maker = r.definition(x)
  const values = maker?.op === 'concat' && maker.attrs.axis === 1 ? maker.inputs : [x]
  return partsOf(r, x).map((part, i) => ({ ...part, value: values[i], resize: undefined }))
}
