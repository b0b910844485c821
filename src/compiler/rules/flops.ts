// How many multiply-adds each operator takes: matrix products and convolutions, counted as papers do (a bias, an activation or a resize counts nothing).
import type { ConvAttrs, OpAttrs, OpName } from '../ir/ops.ts'
import { sizeOf, type TensorType } from '../ir/types.ts'

type FlopsRule<K extends OpName> = (inputs: readonly TensorType[], type: TensorType, attrs: OpAttrs[K]) => number

const none = (): number => 0

/** Each element of the convolution's result sums over the taps of one filter; its two gradients take as many products. */
const perOutput = (output: TensorType, channels: number, kernel: readonly [number, number], { groups }: ConvAttrs): number => sizeOf(output.shape) * (channels / groups) * kernel[0] * kernel[1]

const kernelOf = (weight: TensorType): [number, number] => [weight.shape[2], weight.shape[3]]

const flopsRules = {
  constant: none, fill: none, iota: none,
  neg: none, exp: none, log: none, sqrt: none, abs: none, sign: none, floor: none, erf: none, sigmoid: none, tanh: none,
  relu: none, softplus: none, sin: none, cos: none, reciprocal: none, gelu: none, not: none, cast: none, stopGradient: none,
  add: none, sub: none, mul: none, div: none, mod: none, max: none, min: none, pow: none, less: none, greater: none, equal: none, and: none, or: none, where: none,
  reduceSum: none, reduceMean: none, reduceMax: none, softmax: none, logSoftmax: none, layerNorm: none, groupNorm: none, batchNorm: none,
  reshape: none, transpose: none, broadcast: none, slice: none, pad: none, concat: none, roll: none, after: none, gather: none, scatterAdd: none,
  resize2d: none, resize2dGrad: none,
  matmul: ([a], type, { transA }) => sizeOf(type.shape) * a.shape.at(transA ? -2 : -1)!,
  conv2d: ([x, weight], type, a) => perOutput(type, x.shape[1], kernelOf(weight), a),
  conv2dInputGrad: ([dy, weight], type, a) => perOutput(dy, type.shape[1], kernelOf(weight), a),
  conv2dWeightGrad: ([x, dy], _, a) => perOutput(dy, x.shape[1], a.kernel, a),
  deformConv2d: ([x, , , weight], type, a) => perOutput(type, x.shape[1], kernelOf(weight), a),
} satisfies { [K in OpName]: FlopsRule<K> }

/** Multiply-adds of `op` on operands of these types with a result of `type`. A floating-point operation count is twice this. */
export const multiplyAdds = <K extends OpName>(op: K, inputs: readonly TensorType[], type: TensorType, attrs: OpAttrs[K]): number =>
  (flopsRules[op] as unknown as FlopsRule<K>)(inputs, type, attrs)
