// Generated weights and inputs: every tensor is a function of its name, so that fixtures hold outputs only.
import { sizeOf, type Shape, type TensorData } from '../../src/compiler/ir/types.ts'

function fnv1a(name: string): number {
  let h = 0x811c9dc5
  for (const byte of new TextEncoder().encode(name)) h = Math.imul(h ^ byte, 0x01000193) >>> 0
  return h
}

/** value[i] = b + a * (uniform in [-1, 1) hashed from name and i), computed in float64 and rounded once. */
export function generate(name: string, shape: Shape, a: number, b: number): Float32Array {
  const seed = fnv1a(name)
  const out = new Float32Array(sizeOf(shape))
  for (let i = 0; i < out.length; i++) {
    let z = (seed + Math.imul(i, 0x9e3779b9)) >>> 0
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b) >>> 0
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35) >>> 0
    z = (z ^ (z >>> 16)) >>> 0
    out[i] = b + a * (2 * (z >>> 8) * 2 ** -24 - 1)
  }
  return out
}

/** Amplitude and offset of a parameter, by its reference name and shape; the first rule that fits. */
function range(name: string, shape: Shape): readonly [number, number] {
  if (name.endsWith('running_mean')) return [0.2, 0]
  if (name.endsWith('running_var')) return [0.5, 1]
  if (name.endsWith('relative_position_bias_table')) return [0.5, 0]
  if (name.endsWith('task_prompts')) return [1, 1]
  if (name.endsWith('.scale')) return [0.2, 1]
  if (name.endsWith('conv_offset.bias')) return [0.8, 0]
  if (shape.length === 1) return name.endsWith('.weight') ? [0.2, 1] : [0.1, 0]
  const gain = ['backbone.fea_', 'backbone.multi_scale_fuse', 'heads.semseg', 'heads.depth'].some(p => name.startsWith(p)) ? 1.4 : 0.7
  return [gain * Math.sqrt(3 / (sizeOf(shape) / shape[0])), 0]
}

export const generatedParameter = (name: string, shape: Shape): TensorData => ({ dtype: 'float32', shape, data: generate(name, shape, ...range(name, shape)) })
export const generatedImage = (shape: Shape): TensorData => ({ dtype: 'float32', shape, data: generate('input/image', shape, 2, 0) })
