// Gradients of layer, group and batch normalisation.
import type { ValueId } from '../ir/program.ts'
import { sizeOf } from '../ir/types.ts'
import { once, type Emitter } from './gradient-language.ts'
import type { Cotangents, Place } from './gradient-rule.ts'

interface Standardised { readonly normal: ValueId; readonly inverse: ValueId }

/** (x - mean) / sqrt(variance + eps) along one axis, and the factor 1 / sqrt(variance + eps). */
function standardise(g: Emitter, x: ValueId, axis: number, eps: number): Standardised {
  const centred = g.sub(x, g.mean(x, [axis], true))
  const inverse = g.reciprocal(g.sqrt(g.shift(g.mean(g.square(centred), [axis], true), eps)))
  return { normal: g.mul(centred, inverse), inverse }
}

/** The cotangent of x from that of the standardised x: inverse * (d - mean(d) - normal * mean(d * normal)). Ba, Kiros, Hinton 2016. */
function unstandardise(g: Emitter, d: ValueId, { normal, inverse }: Standardised, axis: number): ValueId {
  const along = g.mul(normal, g.mean(g.mul(d, normal), [axis], true))
  return g.mul(inverse, g.sub(g.sub(d, g.mean(d, [axis], true)), along))
}

export function layerNormGradient({ g, attrs, x: [x, weight], dy }: Place<'layerNorm'>): Cotangents {
  const axis = g.shape(x).length - 1
  const s = standardise(g, x, axis, attrs.eps)
  return [() => unstandardise(g, g.mul(dy, weight), s, axis), () => g.mul(dy, s.normal), () => dy]
}

export function groupNormGradient({ g, attrs, x: [x, weight], dy }: Place<'groupNorm'>): Cotangents {
  const shape = g.shape(x)
  const grouped = [shape[0], attrs.groups, sizeOf(shape) / (shape[0] * attrs.groups)]
  const s = standardise(g, g.reshape(x, grouped), 2, attrs.eps)
  const others = shape.map((_, i) => i).filter(i => i !== 1)
  return [
    () => g.reshape(unstandardise(g, g.reshape(g.mul(dy, g.perChannel(weight, shape.length)), grouped), s, 2), shape),
    () => g.sum(g.mul(dy, g.reshape(s.normal, shape)), others),
    () => g.sum(dy, others),
  ]
}

/** Mean and variance are operands: where they are statistics of x, their own nodes carry that part of the gradient of x. */
export function batchNormGradient({ g, attrs, x: [x, weight, , mean, variance], dy }: Place<'batchNorm'>): Cotangents {
  const rank = g.shape(x).length
  const others = g.shape(x).map((_, i) => i).filter(i => i !== 1)
  const inverse = g.reciprocal(g.sqrt(g.shift(variance, attrs.eps)))
  const factor = once(() => g.mul(weight, inverse))
  const sum = once(() => g.sum(dy, others))
  const alongCentred = once(() => g.sum(g.mul(dy, g.sub(x, g.perChannel(mean, rank))), others))
  return [
    () => g.mul(dy, g.perChannel(factor(), rank)),
    () => g.mul(alongCentred(), inverse),
    () => sum(),
    () => g.neg(g.mul(sum(), factor())),
    () => g.scale(g.mul(alongCentred(), g.mul(factor(), g.square(inverse))), -0.5),
  ]
}
