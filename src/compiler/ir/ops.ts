// The primitive operators and their attributes. Every table of rules is exhaustive over OpName (`satisfies Record<OpName, ...>`),
// so that adding an operator here does not compile until shape, FLOPs, gradient, interpretation and lowering exist.
import type { DType, Shape, TensorData } from './types.ts'

type None = Record<never, never>
export interface ConvAttrs { readonly stride: readonly [number, number]; /** top, left, bottom, right */ readonly pad: readonly [number, number, number, number]; readonly dilation: readonly [number, number]; readonly groups: number }
export interface ReduceAttrs { /** sorted, non-negative */ readonly axes: readonly number[]; readonly keepDims: boolean }
export type ResizeMode = 'bilinear' | 'nearest'

/**
 * Operator name -> attributes. Operands, in order, stand in the comment. Binary operators broadcast as in NumPy. Axes are non-negative.
 * float32 unless said.
 */
export interface OpAttrs {
  // Constants
  constant: { readonly value: TensorData }
  fill: { readonly dtype: DType; readonly shape: Shape; readonly value: number }
  /** int32; element = index along `axis` */
  iota: { readonly shape: Shape; readonly axis: number }
  // Elementwise, one operand
  neg: None; exp: None; log: None; sqrt: None; abs: None; sign: None; floor: None; erf: None; sigmoid: None; tanh: None
  relu: None; softplus: None; sin: None; cos: None; reciprocal: None
  /** exact: x * 0.5 * (1 + erf(x / sqrt 2)) */
  gelu: None
  /** bool -> bool */
  not: None
  cast: { readonly to: DType }
  stopGradient: None
  // Elementwise, two operands: float32 or int32 (pow float32; int32 div truncates, mod has the sign of the dividend)
  add: None; sub: None; mul: None; div: None; mod: None; max: None; min: None; pow: None
  /** -> bool */
  less: None; greater: None; equal: None
  /** bool, bool -> bool */
  and: None; or: None
  /** (condition bool, a, b) */
  where: None
  // Reductions and normalisation along axes
  reduceSum: ReduceAttrs; reduceMean: ReduceAttrs; reduceMax: ReduceAttrs
  softmax: { readonly axis: number }
  logSoftmax: { readonly axis: number }
  /** (x [*, C], weight [C], bias [C]) */
  layerNorm: { readonly eps: number }
  /** (x [B, C, ...], weight [C], bias [C]) */
  groupNorm: { readonly groups: number; readonly eps: number }
  /** (x [B, C, ...], weight [C], bias [C], mean [C], variance [C]): y = (x - mean) / sqrt(variance + eps) * weight + bias */
  batchNorm: { readonly eps: number }
  // Movement, any dtype
  reshape: { readonly shape: Shape }
  transpose: { readonly perm: readonly number[] }
  broadcast: { readonly shape: Shape }
  /** Per axis, with 0 <= start <= size; step may be negative (then start is the first taken index and stop, -1 allowed, the first not taken). */
  slice: { readonly start: readonly number[]; readonly stop: readonly number[]; readonly step: readonly number[] }
  pad: { readonly before: readonly number[]; readonly after: readonly number[]; readonly value: number }
  concat: { readonly axis: number }
  /** y[i] = x[(i - shift) mod n], as numpy.roll */
  roll: { readonly shifts: readonly number[]; readonly axes: readonly number[] }
  /** (x, cue of any type): x, but not before cue is known. What is computed from it is computed late. */
  after: None
  /** (x, indices int32): indices' shape replaces the axis; indices lie in [0, size) */
  gather: { readonly axis: number }
  /** (indices int32, updates): the adjoint of gather; result has `size` along `axis`, zero where nothing is added */
  scatterAdd: { readonly axis: number; readonly size: number }
  // Products
  /** alpha * op(a) . op(b) on the last two axes; leading axes broadcast */
  matmul: { readonly transA: boolean; readonly transB: boolean; readonly alpha: number }
  /** (x [B, C, H, W], weight [O, C/groups, kh, kw]) */
  conv2d: ConvAttrs
  /** (dy, weight) -> gradient of x; `inputSize` = [H, W]. Also the transposed convolution. */
  conv2dInputGrad: ConvAttrs & { readonly inputSize: readonly [number, number] }
  /** (x, dy) -> gradient of the weight; `kernel` = [kh, kw] */
  conv2dWeightGrad: ConvAttrs & { readonly kernel: readonly [number, number] }
  /** DCNv2 (x [B,C,H,W], offset [B,2*kh*kw,H',W'] as (dy, dx) per tap, mask [B,kh*kw,H',W'], weight [O,C,kh,kw]); bilinear, zeros outside. groups = 1 */
  deformConv2d: ConvAttrs
  /** NCHW, align_corners = false, no antialiasing. Scale = float32(in/out); bilinear source = max(0, scale*(i+0.5)-0.5), weight rounded to float32; nearest = floor(scale*i). */
  resize2d: { readonly mode: ResizeMode; readonly size: readonly [number, number] }
  /** adjoint of resize2d: (dy) -> gradient of x with spatial `size` */
  resize2dGrad: { readonly mode: ResizeMode; readonly size: readonly [number, number] }
}

export type OpName = keyof OpAttrs
