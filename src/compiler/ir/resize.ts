// Which elements of an axis a resized element is made of: one definition for the interpreter, the gradients and the lowerings.
import type { ResizeMode } from './ops.ts'

/** Element i of the result is (1 - weight1[i]) * x[index0[i]] + weight1[i] * x[index1[i]]. */
export interface AxisSamples { readonly index0: Int32Array; readonly index1: Int32Array; readonly weight1: Float32Array }

/**
 * align_corners = false, no antialiasing. The scale is float32(in / out), as engines compute it; bilinear weights are rounded to float32; nearest takes
 * floor(float32(scale * i)) and has weight1 = 0.
 */
export const resizeAxis = (inSize: number, outSize: number, mode: ResizeMode): AxisSamples => {
  const scale = Math.fround(inSize / outSize)
  const index0 = new Int32Array(outSize)
  const index1 = new Int32Array(outSize)
  const weight1 = new Float32Array(outSize)
  for (let i = 0; i < outSize; i++) {
    const source = mode === 'nearest' ? Math.fround(scale * i) : Math.max(0, scale * (i + 0.5) - 0.5)
    index0[i] = Math.min(inSize - 1, Math.floor(source))
    index1[i] = mode === 'nearest' ? index0[i] : Math.min(inSize - 1, index0[i] + 1)
    weight1[i] = mode === 'nearest' ? 0 : source - index0[i]
  }
  return { index0, index1, weight1 }
}
