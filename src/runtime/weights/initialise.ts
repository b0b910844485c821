// First values of parameters, states and moments, drawn from the run's seed and the tensor's name: independent of the order of text.
import type { Initialiser, ProgramInput } from '../../compiler/ir/program.ts'
import { sizeOf, type Shape, type TensorData } from '../../compiler/ir/types.ts'

/** Uniform 53-bit draws in [0, 1) from a 128-bit state (xoshiro128**), seeded by hashing. */
export function randomStream(seed: number, name: string): () => number {
  let h = 0x811c9dc5 ^ seed
  const next = (): number => {
    h = (h + 0x9e3779b9) | 0
    let z = Math.imul(h ^ (h >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return z ^ (z >>> 15)
  }
  for (const byte of new TextEncoder().encode(name)) h = Math.imul(h ^ byte, 0x01000193)
  let [a, b, c, d] = [next(), next(), next(), next()]
  const word = (): number => {
    const mixed = Math.imul(b, 5)
    const result = Math.imul((mixed << 7) | (mixed >>> 25), 9)
    const t = b << 9
    c ^= a; d ^= b; b ^= c; a ^= d; c ^= t
    d = (d << 11) | (d >>> 21)
    return result >>> 0
  }
  return () => (word() * 2 ** 21 + (word() >>> 11)) * 2 ** -53
}

/** Standard normal draws by the polar method. */
function normalStream(uniform: () => number): () => number {
  let spare: number | undefined
  return () => {
    if (spare !== undefined) { const v = spare; spare = undefined; return v }
    for (;;) {
      const x = 2 * uniform() - 1
      const y = 2 * uniform() - 1
      const s = x * x + y * y
      if (s === 0 || s >= 1) continue
      const scale = Math.sqrt((-2 * Math.log(s)) / s)
      spare = y * scale
      return x * scale
    }
  }
}

const fanIn = (shape: Shape): number => (shape.length === 0 ? 1 : sizeOf(shape) / shape[0])
const fanOut = (shape: Shape): number => (shape.length < 2 ? sizeOf(shape) : sizeOf(shape) / shape[1])

function sampler(init: Initialiser, shape: Shape, seed: number, name: string): () => number {
  const uniform = randomStream(seed, name)
  const within = (bound: number): (() => number) => () => bound * (2 * uniform() - 1)
  switch (init.kind) {
    case 'constant': return () => init.value
    case 'uniform': return () => init.low + (init.high - init.low) * uniform()
    case 'normal': { const n = normalStream(uniform); return () => init.mean + init.std * n() }
    case 'trunc_normal': {
      const n = normalStream(uniform)
      return () => { for (;;) { const v = init.mean + init.std * n(); if (v >= init.low && v <= init.high) return v } }
    }
    // Bounds as in He et al. 2015: gain sqrt(2 / (1 + a^2)), uniform bound gain * sqrt(3 / fan-in).
    case 'kaiming_uniform': return within(Math.sqrt(6 / ((1 + init.a ** 2) * (init.fan ?? fanIn(shape)))))
    case 'kaiming_normal': { const n = normalStream(uniform); const std = Math.sqrt(2 / (init.fan ?? fanOut(shape))); return () => std * n() }
    case 'fan_in_uniform': return within(1 / Math.sqrt(init.fan ?? fanIn(shape)))
  }
}

/** The first value of one input; inputs without an initialiser start at zero. */
export function initialValue(input: ProgramInput, seed: number): TensorData {
  const { dtype, shape } = input.type
  const n = sizeOf(shape)
  if (dtype === 'bool') return { dtype, shape, data: new Uint8Array(n) }
  const data = dtype === 'int32' ? new Int32Array(n) : new Float32Array(n)
  // Untouched zeros take no memory until they are written.
  if (input.init !== undefined && !(input.init.kind === 'constant' && input.init.value === 0)) { const draw = sampler(input.init, shape, seed, input.name); for (let i = 0; i < n; i++) data[i] = draw() }
  return { dtype, shape, data }
}
