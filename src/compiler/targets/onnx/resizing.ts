// Lowering of resizing and of its adjoint.
import type { OpName, ResizeMode } from '../../ir/ops.ts'
import { resizeAxis } from '../../ir/resize.ts'
import type { Lowering } from './elementwise.ts'
import type { Emitter, Operand } from './emitter.ts'
import { product } from './product.ts'

/** Up to this many elements per axis interpolation as a matrix product is as fast as the Resize operator, and is the same on every device. */
const MATRIX_AXIS = 256

/** The interpolation matrix [out, in] of an axis. */
const matrix = (e: Emitter, input: number, output: number, mode: ResizeMode): string => {
  const name = `${mode}[${output},${input}]`
  if (e.has(name)) return name
  const { index0, index1, weight1 } = resizeAxis(input, output, mode)
  const data = new Float32Array(output * input)
  for (let i = 0; i < output; i++) {
    data[i * input + index0[i]] += 1 - weight1[i]
    data[i * input + index1[i]] += weight1[i]
  }
  return e.shared(name, { dtype: 'float32', shape: [output, input], data })
}

/** Both axes by matrices, the cheaper one first. `adjoint` maps from the larger program order back: the matrices are those of size -> given size, transposed. */
const byMatrices = (e: Emitter, x: Operand, size: readonly [number, number], mode: ResizeMode, adjoint: boolean): string => {
  const [batch, channels, height, width] = x.type.shape
  const of = (from: number, to: number): { name: string; shape: readonly number[] } =>
    adjoint ? { name: matrix(e, to, from, mode), shape: [from, to] } : { name: matrix(e, from, to, mode), shape: [to, from] }
  const alongWidth = (t: string, h: number): string => {
    const rows = e.reshape(t, [batch * channels * h, width])
    return e.reshape(product(e, { name: rows, shape: [batch * channels * h, width] }, of(width, size[1]), { transB: !adjoint }), [batch, channels, h, size[1]])
  }
  const alongHeight = (t: string, w: number): string => {
    const maps = { name: e.reshape(t, [batch * channels, height, w]), shape: [batch * channels, height, w] }
    return e.reshape(product(e, of(height, size[0]), maps, { transA: adjoint }), [batch, channels, size[0], w])
  }
  const [rows, columns] = size, widthFirst = columns * (height * width + rows * height), heightFirst = rows * (height * width + width * columns)
  return widthFirst <= heightFirst ? alongHeight(alongWidth(x.name, height), columns) : alongWidth(alongHeight(x.name, width), rows)
}

const byGather = (e: Emitter, x: Operand, size: readonly [number, number]): string => size.reduce((t, to, i) => {
  const from = x.type.shape[i + 2]
  if (from === to) return t
  const indices = e.shared(`nearest_rows[${to},${from}]`, { dtype: 'int32', shape: [to], data: resizeAxis(from, to, 'nearest').index0 })
  return e.node('Gather', [t, indices], { axis: i + 2 })
}, x.name)

const byResize = (e: Emitter, x: Operand, size: readonly [number, number]): string => {
  const attributes = { mode: 'linear', coordinate_transformation_mode: 'half_pixel' }
  if (e.opset >= 18) return e.node('Resize', [x.name, '', '', e.ints(size)], { ...attributes, axes: [2, 3] })
  return e.node('Resize', [x.name, '', '', e.shape([...x.type.shape.slice(0, 2), ...size])], attributes)
}

/** Beyond it coordinates in float32, as Resize computes them, are off by 1e-4 of a pixel: too much for the noise of an image. */
const RESIZE_AXIS = 512

/** Both neighbours by index and a weighted sum, one axis after the other: the exact coordinates of `resizeAxis` for any size. */
const byNeighbours = (e: Emitter, x: Operand, size: readonly [number, number]): string => size.reduce((t, to, i) => {
  const from = x.type.shape[i + 2]
  if (from === to) return t
  const { index0, index1, weight1 } = resizeAxis(from, to, 'bilinear')
  const neighbours = [index0, index1].map((data, k) => e.node('Gather', [t, e.shared(`bilinear_rows_${k}[${to},${from}]`, { dtype: 'int32', shape: [to], data })], { axis: i + 2 }))
  const weight = e.shared(`bilinear_weight_${i}[${to},${from}]`, { dtype: 'float32', shape: i === 0 ? [to, 1] : [to], data: weight1 })
  return e.node('Add', [neighbours[0], e.node('Mul', [e.node('Sub', [neighbours[1], neighbours[0]]), weight])])
}, x.name)

/** Nearest rows are taken by index, which is exact where Resize would round its scale differently. */
const resize: Lowering<'resize2d'> = (e, [x], { mode, size }) => {
  if (mode === 'nearest') return byGather(e, x, size)
  const largest = Math.max(...x.type.shape.slice(2))
  if (largest > RESIZE_AXIS) return byNeighbours(e, x, size)
  return e.fast && largest <= MATRIX_AXIS ? byMatrices(e, x, size, mode, false) : byResize(e, x, size)
}

export const resizing = {
  resize2d: resize,
  resize2dGrad: (e, [dy], { mode, size }) => byMatrices(e, dy, size, mode, true),
} satisfies { [K in OpName]?: Lowering<K> }
