// The sizes of a convolution: how many places a kernel takes along an axis, and which input element each tap reads.
import type { ConvAttrs } from './ops.ts'

/** Elements of the input that a kernel spans: dilation * (kernel - 1) + 1. */
export const kernelSpan = (kernel: number, dilation: number): number => dilation * (kernel - 1) + 1

/** Number of places of a kernel along an axis; zero or less where it does not fit. */
export const convOutputSize = (size: number, kernel: number, stride: number, padBefore: number, padAfter: number, dilation: number): number =>
  Math.floor((size + padBefore + padAfter - kernelSpan(kernel, dilation)) / stride) + 1

/** Height and width of the result of a convolution of an H x W map with a kh x kw kernel. */
export const convOutput = (size: readonly [number, number], kernel: readonly [number, number], a: ConvAttrs): [number, number] => [
  convOutputSize(size[0], kernel[0], a.stride[0], a.pad[0], a.pad[2], a.dilation[0]),
  convOutputSize(size[1], kernel[1], a.stride[1], a.pad[1], a.pad[3], a.dilation[1]),
]

/**
 * The output places [first, end) for which tap `tap` reads inside the input along an axis. Place p reads input element p * stride + tap * dilation - padBefore.
 */
export const tapRange = (tap: number, size: number, places: number, stride: number, padBefore: number, dilation: number): { first: number; end: number } => {
  const offset = tap * dilation - padBefore
  const first = Math.min(places, Math.max(0, Math.ceil(-offset / stride)))
  return { first, end: Math.max(first, Math.min(places, Math.floor((size - 1 - offset) / stride) + 1)) }
}
