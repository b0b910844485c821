// Interpretation of reductions and normalisation.
import { floats, type Kernel, type Value } from './interpreter-value.ts'
import type { OpName, ReduceAttrs } from './ops.ts'
import { aroundAxis, forEachRow, rowMajorStrides } from './strides.ts'
import { sizeOf, type Shape, type TensorType } from './types.ts'

const reduce = (f: (accumulated: number, x: number) => number, initial: number) => ([v]: readonly Value[], { axes }: ReduceAttrs, type: TensorType): Float64Array => {
  const x = floats(v)
  const y = new Float64Array(sizeOf(type.shape)).fill(initial)
  const kept = v.shape.map((d, i) => axes.includes(i) ? 1 : d)
  const strides = rowMajorStrides(kept).map((s, i) => axes.includes(i) ? 0 : s)
  const length = v.shape.at(-1) ?? 1
  const step = strides.at(-1) ?? 0
  forEachRow(v.shape, [strides], (index, [offset]) => {
    for (let i = 0; i < length; i++) y[offset + i * step] = f(y[offset + i * step], x[index + i])
  })
  return y
}

const sum = reduce((a, x) => a + x, 0)

const softmax = (log: boolean) => ([v]: readonly Value[], { axis }: { readonly axis: number }): Float64Array => {
  const x = floats(v)
  const y = new Float64Array(x.length)
  const [outer, size, inner] = aroundAxis(v.shape, axis)
  for (let row = 0; row < outer * inner; row++) {
    const first = Math.floor(row / inner) * size * inner + row % inner
    let largest = -Infinity
    for (let i = 0; i < size; i++) largest = Math.max(largest, x[first + i * inner])
    let total = 0
    for (let i = 0; i < size; i++) total += Math.exp(x[first + i * inner] - largest)
    const logTotal = Math.log(total)
    for (let i = 0; i < size; i++) {
      const shifted = x[first + i * inner] - largest
      y[first + i * inner] = log ? shifted - logTotal : Math.exp(shifted) / total
    }
  }
  return y
}

/** Subtract the mean and divide by the standard deviation (biased) of each run of `length` elements. */
const standardise = (x: Float64Array, length: number, eps: number): Float64Array => {
  const y = new Float64Array(x.length)
  for (let first = 0; first < x.length; first += length) {
    let mean = 0
    for (let i = first; i < first + length; i++) mean += x[i]
    mean /= length
    let variance = 0
    for (let i = first; i < first + length; i++) variance += (x[i] - mean) ** 2
    const scale = 1 / Math.sqrt(variance / length + eps)
    for (let i = first; i < first + length; i++) y[i] = (x[i] - mean) * scale
  }
  return y
}

/** y * weight + bias in place, channels on `axis`. */
const affine = (y: Float64Array, shape: Shape, axis: number, weight: Float64Array, bias: Float64Array): Float64Array => {
  const [, channels, inner] = aroundAxis(shape, axis)
  for (let first = 0, c = 0; first < y.length; first += inner, c = (c + 1) % channels) {
    for (let i = first; i < first + inner; i++) y[i] = y[i] * weight[c] + bias[c]
  }
  return y
}

export const reductionKernels = {
  reduceSum: sum,
  reduceMean: (inputs, attrs, type) => {
    const y = sum(inputs, attrs, type)
    const count = attrs.axes.reduce((n, axis) => n * inputs[0].shape[axis], 1)
    return y.map(s => s / count)
  },
  reduceMax: reduce(Math.max, -Infinity),
  softmax: softmax(false),
  logSoftmax: softmax(true),
  layerNorm: ([x, weight, bias], { eps }) => affine(standardise(floats(x), x.shape.at(-1)!, eps), x.shape, x.shape.length - 1, floats(weight), floats(bias)),
  groupNorm: ([x, weight, bias], { groups, eps }) => affine(standardise(floats(x), sizeOf(x.shape.slice(1)) / groups, eps), x.shape, 1, floats(weight), floats(bias)),
  batchNorm: ([x, weight, bias, mean, variance], { eps }) => {
    const scale = floats(weight).map((w, c) => w / Math.sqrt(variance.data[c] + eps))
    return affine(floats(x).slice(), x.shape, 1, scale, floats(bias).map((b, c) => b - mean.data[c] * scale[c]))
  },
} satisfies { [K in OpName]?: Kernel<K> }
