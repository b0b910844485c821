// Lowering of resizing and of its adjoint.
//
// Resizing is linear along each axis: a product with a matrix of interpolation weights, which is exact for every size and the same on every backend. (The backends' own resizing computes source
// coordinates in float32 in several ways, and its gradient knows other coordinates than ours.)
import type { OpName, ResizeMode } from '../../ir/ops.ts'
import { resizeAxis } from '../../ir/resize.ts'
import { sizeOf } from '../../ir/types.ts'
import type { Emitter, Form, Tensor, Value } from './emitter.ts'
import { storedShape } from './order.ts'
import type { Lowering } from './form.ts'

/** The weights [out, in] of an axis. */
const weights = (e: Emitter, input: number, output: number, mode: ResizeMode): Tensor => e.constant(`${mode} ${input} to ${output}`, () => {
  const { index0, index1, weight1 } = resizeAxis(input, output, mode)
  const data = new Float32Array(output * input)
  for (let i = 0; i < output; i++) {
    data[i * input + index0[i]] += 1 - weight1[i]
    data[i * input + index1[i]] += weight1[i]
  }
  return { dtype: 'float32', shape: [output, input], data }
})

/** One axis of a tensor seen in `shape`, by its matrix or, as adjoint, by the transposed one of the way back. */
function alongAxis(e: Emitter, x: Tensor, shape: readonly number[], axis: number, to: number, mode: ResizeMode, adjoint: boolean): Tensor {
  const from = shape[axis]
  if (from === to) return x
  const matrix = adjoint ? weights(e, to, from, mode) : weights(e, from, to, mode)
  const before = sizeOf(shape.slice(0, axis)), inner = sizeOf(shape.slice(axis + 1))
  if (inner === 1) return e.call('matMul', [e.view(x, [before, from]), matrix, false, !adjoint], [before, to])
  const flags = adjoint ? [true] : []
  if (before === 1) return e.call('matMul', [matrix, e.view(x, [from, inner]), ...flags], [to, inner])
  return e.call('matMul', [e.view(matrix, [1, ...matrix.shape]), e.view(x, [before, from, inner]), ...flags], [before, to, inner])
}

/** Rows of the nearest neighbours. */
function taken(e: Emitter, x: Tensor, shape: readonly number[], axis: number, to: number): Tensor {
  const from = shape[axis]
  if (from === to) return x
  const rows = e.constant(`rows ${from} to ${to}`, () => ({ dtype: 'int32', shape: [to], data: resizeAxis(from, to, 'nearest').index0 }))
  const blocks = [sizeOf(shape.slice(0, axis)), from, sizeOf(shape.slice(axis + 1))]
  return e.call('gather', [e.view(x, blocks), rows, 1], blocks.with(1, to))
}

/** Both axes, the cheaper one first. */
function resized(x: Value, size: readonly [number, number], along: (x: Tensor, shape: readonly number[], axis: number, to: number) => Tensor): Form {
  const [{ tensor, order }] = x.forms, [, , height, width] = x.type.shape
  let [current, shape] = [tensor, storedShape(x.type.shape, order)]
  const widthFirst = size[1] * (height * width + size[0] * height) <= size[0] * (height * width + width * size[1])
  for (const axis of widthFirst ? [3, 2] : [2, 3]) {
    const at = order.indexOf(axis)
    current = along(current, shape, at, size[axis - 2])
    shape = shape.with(at, size[axis - 2])
  }
  return { tensor: current, order }
}

export const resizing = {
  resize2d: (e, [x], { mode, size }) => resized(x, size, (t, shape, axis, to) => mode === 'nearest' ? taken(e, t, shape, axis, to) : alongAxis(e, t, shape, axis, to, mode, false)),
  resize2dGrad: (e, [dy], { mode, size }) => resized(dy, size, (t, shape, axis, to) => alongAxis(e, t, shape, axis, to, mode, true)),
} satisfies { [K in OpName]?: Lowering<K> }
