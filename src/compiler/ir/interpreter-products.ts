// Interpretation of matrix products, convolutions and resizing.
import { tapRange } from './convolution-geometry.ts'
import { floats, type Kernel, type Value } from './interpreter-value.ts'
import type { ConvAttrs, OpName } from './ops.ts'
import { resizeAxis } from './resize.ts'
import { broadcastStrides, forEachRow } from './strides.ts'
import { sizeOf, type Shape } from './types.ts'

const transposed = (x: Float64Array, rows: number, columns: number): Float64Array => {
  const y = new Float64Array(rows * columns)
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) y[j * rows + i] = x[i * columns + j]
  return y
}

/** c [m, n] += a [m, k] . b [k, n], all row-major. Four rows of b at a time keep the sums of a row of c in registers longer. */
const addProduct = (a: Float64Array, b: Float64Array, c: Float64Array, m: number, n: number, k: number): void => {
  for (let i = 0; i < m; i++) {
    const row = i * n
    let p = 0
    for (; p + 4 <= k; p += 4) {
      const at = i * k + p
      const a0 = a[at], a1 = a[at + 1], a2 = a[at + 2], a3 = a[at + 3]
      const b0 = p * n, b1 = b0 + n, b2 = b1 + n, b3 = b2 + n
      for (let j = 0; j < n; j++) c[row + j] += a0 * b[b0 + j] + a1 * b[b1 + j] + a2 * b[b2 + j] + a3 * b[b3 + j]
    }
    for (; p < k; p++) {
      const s = a[i * k + p]
      for (let j = 0; j < n; j++) c[row + j] += s * b[p * n + j]
    }
  }
}

/** The sizes of a convolution of one image, one group: C channels of H x W, k = kh * kw taps, P = oh * ow places. */
interface Window { readonly channels: number; readonly size: readonly [number, number]; readonly kernel: readonly [number, number]; readonly places: readonly [number, number]; readonly attrs: ConvAttrs }

/** Calls `run` for each row of places of each tap that reads inside the image: places [to, to + count) of the columns [C * k, P] read image elements from, from + step, ... */
const forEachTapRow = ({ channels, size: [h, w], kernel: [kh, kw], places: [oh, ow], attrs: { stride, pad, dilation } }: Window, run: (to: number, from: number, count: number, step: number) => void): void => {
  for (let row = 0; row < channels * kh * kw; row++) {
    const dx = row % kw
    const dy = Math.floor(row / kw) % kh
    const c = Math.floor(row / (kw * kh))
    const ys = tapRange(dy, h, oh, stride[0], pad[0], dilation[0])
    const xs = tapRange(dx, w, ow, stride[1], pad[1], dilation[1])
    for (let y = ys.first; y < ys.end; y++) {
      const line = y * stride[0] + dy * dilation[0] - pad[0]
      run((row * oh + y) * ow + xs.first, (c * h + line) * w + xs.first * stride[1] + dx * dilation[1] - pad[1], xs.end - xs.first, stride[1])
    }
  }
}

const columnsOf = (image: Float64Array, win: Window): Float64Array => {
  const columns = new Float64Array(win.channels * win.kernel[0] * win.kernel[1] * win.places[0] * win.places[1])
  forEachTapRow(win, (to, from, count, step) => {
    for (let i = 0; i < count; i++) columns[to + i] = image[from + i * step]
  })
  return columns
}

/** The sizes shared by a convolution and its two gradients. */
const convolution = (x: Shape, weight: Shape, y: Shape, attrs: ConvAttrs) => {
  const channels = x[1] / attrs.groups
  const kernel = [weight[2], weight[3]] as const
  const window: Window = { channels, size: [x[2], x[3]], kernel, places: [y[2], y[3]], attrs }
  return { window, outputs: y[1] / attrs.groups, taps: channels * kernel[0] * kernel[1], places: y[2] * y[3], image: channels * x[2] * x[3] }
}

const part = (data: Float64Array, index: number, length: number): Float64Array => data.subarray(index * length, (index + 1) * length)

const conv2d: Kernel<'conv2d'> = ([x, weight], attrs, type) => {
  const { window, outputs, taps, places, image } = convolution(x.shape, weight.shape, type.shape, attrs)
  const y = new Float64Array(sizeOf(type.shape))
  for (let i = 0; i < x.shape[0] * attrs.groups; i++) {
    addProduct(part(floats(weight), i % attrs.groups, outputs * taps), columnsOf(part(floats(x), i, image), window), part(y, i, outputs * places), outputs, places, taps)
  }
  return y
}

const conv2dInputGrad: Kernel<'conv2dInputGrad'> = ([dy, weight], attrs, type) => {
  const { window, outputs, taps, places, image } = convolution(type.shape, weight.shape, dy.shape, attrs)
  const dx = new Float64Array(sizeOf(type.shape))
  for (let i = 0; i < type.shape[0] * attrs.groups; i++) {
    const columns = new Float64Array(taps * places)
    addProduct(transposed(part(floats(weight), i % attrs.groups, outputs * taps), outputs, taps), part(floats(dy), i, outputs * places), columns, taps, places, outputs)
    const target = part(dx, i, image)
    forEachTapRow(window, (to, from, count, step) => {
      for (let k = 0; k < count; k++) target[from + k * step] += columns[to + k]
    })
  }
  return dx
}

const conv2dWeightGrad: Kernel<'conv2dWeightGrad'> = ([x, dy], attrs, type) => {
  const { window, outputs, taps, places, image } = convolution(x.shape, type.shape, dy.shape, attrs)
  const dw = new Float64Array(sizeOf(type.shape))
  for (let i = 0; i < x.shape[0] * attrs.groups; i++) {
    const columns = transposed(columnsOf(part(floats(x), i, image), window), taps, places)
    addProduct(part(floats(dy), i, outputs * places), columns, part(dw, i % attrs.groups, outputs * taps), outputs, taps, places)
  }
  return dw
}

/** Bilinear sample of an H x W map at (y, x) in pixels; elements outside are zero. */
const sample = (map: Float64Array, h: number, w: number, y: number, x: number): number => {
  const top = Math.floor(y)
  const left = Math.floor(x)
  const at = (i: number, j: number): number => i < 0 || i >= h || j < 0 || j >= w ? 0 : map[i * w + j]
  const fy = y - top
  const fx = x - left
  return (1 - fy) * ((1 - fx) * at(top, left) + fx * at(top, left + 1)) + fy * ((1 - fx) * at(top + 1, left) + fx * at(top + 1, left + 1))
}

const deformConv2d: Kernel<'deformConv2d'> = ([x, offset, mask, weight], attrs, type) => {
  const { window, outputs, taps, places, image } = convolution(x.shape, weight.shape, type.shape, attrs)
  const { channels, size: [h, w], kernel: [kh, kw], places: [, ow] } = window
  const y = new Float64Array(sizeOf(type.shape))
  for (let b = 0; b < x.shape[0]; b++) {
    const maps = part(floats(x), b, image)
    const columns = new Float64Array(taps * places)
    for (let tap = 0; tap < kh * kw; tap++) {
      for (let p = 0; p < places; p++) {
        const at = ((b * kh * kw + tap) * 2) * places + p
        const row = Math.floor(p / ow) * attrs.stride[0] + Math.floor(tap / kw) * attrs.dilation[0] - attrs.pad[0] + offset.data[at]
        const column = p % ow * attrs.stride[1] + tap % kw * attrs.dilation[1] - attrs.pad[1] + offset.data[at + places]
        const scale = mask.data[(b * kh * kw + tap) * places + p]
        for (let c = 0; c < channels; c++) columns[(c * kh * kw + tap) * places + p] = scale * sample(part(maps, c, h * w), h, w, row, column)
      }
    }
    addProduct(floats(weight), columns, part(y, b, outputs * places), outputs, places, taps)
  }
  return y
}

const matmul: Kernel<'matmul'> = ([a, b], { transA, transB, alpha }, type) => {
  const [m, n] = type.shape.slice(-2)
  const k = a.shape.at(transA ? -2 : -1)!
  const batch = type.shape.slice(0, -2)
  const y = new Float64Array(sizeOf(type.shape))
  const strides = [a, b].map(v => broadcastStrides(v.shape.slice(0, -2), batch))
  const multiply = (ia: number, ib: number, iy: number): void => {
    const left = part(floats(a), ia, m * k)
    const right = part(floats(b), ib, k * n)
    addProduct(transA ? transposed(left, k, m) : left, transB ? transposed(right, n, k) : right, part(y, iy, m * n), m, n, k)
  }
  const length = batch.at(-1) ?? 1
  const [sa, sb] = strides.map(s => s.at(-1) ?? 0)
  forEachRow(batch, strides, (index, [oa, ob]) => {
    for (let i = 0; i < length; i++) multiply(oa + i * sa, ob + i * sb, index + i)
  })
  return alpha === 1 ? y : y.map(v => alpha * v)
}

/** Calls `blend` for each result element with the four elements it is made of and their weights. */
const forEachBlend = (small: Shape, large: Shape, mode: 'bilinear' | 'nearest', blend: (to: number, from: number, weight: number) => void): void => {
  const rows = resizeAxis(small[2], large[2], mode)
  const columns = resizeAxis(small[3], large[3], mode)
  for (let map = 0; map < small[0] * small[1]; map++) {
    for (let i = 0; i < large[2]; i++) {
      const top = (map * small[2] + rows.index0[i]) * small[3]
      const bottom = (map * small[2] + rows.index1[i]) * small[3]
      const wy = rows.weight1[i]
      for (let j = 0; j < large[3]; j++) {
        const to = (map * large[2] + i) * large[3] + j
        const wx = columns.weight1[j]
        blend(to, top + columns.index0[j], (1 - wy) * (1 - wx))
        blend(to, top + columns.index1[j], (1 - wy) * wx)
        blend(to, bottom + columns.index0[j], wy * (1 - wx))
        blend(to, bottom + columns.index1[j], wy * wx)
      }
    }
  }
}

export const productKernels = {
  matmul, conv2d, conv2dInputGrad, conv2dWeightGrad, deformConv2d,
  resize2d: ([x]: readonly Value[], { mode }, type) => {
    const y = new Float64Array(sizeOf(type.shape))
    const source = floats(x)
    forEachBlend(x.shape, type.shape, mode, (to, from, weight) => { if (weight !== 0) y[to] += weight * source[from] })
    return y
  },
  resize2dGrad: ([dy]: readonly Value[], { mode }, type) => {
    const dx = new Float64Array(sizeOf(type.shape))
    const source = floats(dy)
    forEachBlend(type.shape, dy.shape, mode, (to, from, weight) => { dx[from] += weight * source[to] })
    return dx
  },
} satisfies { [K in OpName]?: Kernel<K> }
