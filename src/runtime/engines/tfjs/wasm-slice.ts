// Slicing on wasm without a copy of the whole: the package's own kernels (4.22) copy all of the tensor out of WebAssembly's memory for every piece that is cut from it.
import type { SliceAttrs, SplitVAttrs, TensorInfo, TypedArray } from '@tensorflow/tfjs-core'
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import type { Tf } from './device.ts'

/** Shorter rows are copied element by element: a call of `set` costs as much as so many. */
const SHORT = 24

/** Copies the box of `size` at `begin` out of a row-major tensor. All three lists have an entry per axis. */
export function copyBox(from: TypedArray, shape: readonly number[], begin: readonly number[], size: readonly number[], to: TypedArray): void {
  // Axes that are taken whole belong to the rows; the axis before them may be taken in part.
  let axis = shape.length - 1
  let stride = 1
  while (axis > 0 && size[axis] === shape[axis]) stride *= shape[axis--]
  const row = axis < 0 ? 1 : size[axis] * stride, first = axis < 0 ? 0 : begin[axis] * stride
  const strides: number[] = []
  let length = axis < 0 ? 1 : stride * shape[axis]
  for (let a = axis - 1; a >= 0; a--) { strides[a] = length; length *= shape[a] }
  let at = 0
  const visit = (a: number, offset: number): void => {
    if (a < axis) {
      for (let i = begin[a]; i < begin[a] + size[a]; i++) visit(a + 1, offset + i * strides[a])
      return
    }
    const start = offset + first
    if (row > SHORT) to.set(from.subarray(start, start + row), at)
    else for (let i = 0; i < row; i++) to[at + i] = from[start + i]
    at += row
  }
  if (row > 0) visit(0, 0)
}

function cut(tf: Tf, backend: BackendWasm, x: TensorInfo, begin: readonly number[], size: readonly number[]): TensorInfo {
  // Views of the memory are made after the output: making it may move the memory.
  const out = backend.makeOutput([...size], x.dtype)
  if (tf.util.sizeFromShape([...size]) > 0) copyBox(backend.typedArrayFromHeap(x), x.shape, begin, size, backend.typedArrayFromHeap(out))
  return out
}

/** Puts kernels of its own in the place of Slice and SplitV of the backend `wasm`. */
export function replaceSlices(tf: Tf): void {
  const replace = (kernelName: string, kernelFunc: (x: TensorInfo, attrs: unknown, backend: BackendWasm) => TensorInfo | TensorInfo[]): void => {
    tf.unregisterKernel(kernelName, 'wasm')
    tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc: ({ inputs, attrs, backend }) => kernelFunc(inputs.x as TensorInfo, attrs, backend as BackendWasm) })
  }
  replace('Slice', (x, attrs, backend) => {
    const { begin, size } = attrs as unknown as SliceAttrs
    const [from, sizes] = tf.slice_util.parseSliceParams(x as never, begin, size)
    return cut(tf, backend, x, from, sizes)
  })
  replace('SplitV', (x, attrs, backend) => {
    const { numOrSizeSplits, axis } = attrs as unknown as SplitVAttrs
    const [along] = tf.util.parseAxisParam(axis, x.shape)
    const begin = x.shape.map(() => 0)
    return tf.backend_util.prepareSplitSize(x as never, numOrSizeSplits, along).map(n => {
      const piece = cut(tf, backend, x, begin, x.shape.with(along, n))
      begin[along] += n
      return piece
    })
  })
}
