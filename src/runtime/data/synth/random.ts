// Reproducible randomness: a stream of draws for the layout of a scene, hashes and value noise for its textures.

/** 32-bit mix of any number of integers (murmur3 finaliser per word). */
export function seedOf(...words: readonly number[]): number {
  let h = 0x9e3779b9
  for (const w of words) {
    h = Math.imul(h ^ (w >>> 0), 0x85ebca6b)
    h ^= h >>> 13
    h = Math.imul(h, 0xc2b2ae35)
    h = (h ^ (h >>> 16)) + 0x9e3779b9 | 0
  }
  return h >>> 0
}

/** A stream of draws (mulberry32); equal seeds give equal streams on every machine. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** uniform in [0, 1) */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  range(low: number, high: number): number {
    return low + (high - low) * this.next()
  }

  /** integer in [0, n) */
  below(n: number): number {
    return Math.floor(this.next() * n)
  }

  chance(p: number): boolean {
    return this.next() < p
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]
  }

  /** standard normal, cut at three (sum of twelve uniforms) */
  normal(): number {
    let sum = -6
    for (let i = 0; i < 12; i++) sum += this.next()
    return Math.min(3, Math.max(-3, sum))
  }

  /** an independent stream */
  fork(): Random {
    return new Random(seedOf(this.#state, Math.floor(this.next() * 4294967296)))
  }
}

/** Hash of two integers and a seed, in [0, 1). */
export function hash2(x: number, y: number, seed: number): number {
  let h = Math.imul(x | 0, 0x27d4eb2d) ^ Math.imul(y | 0, 0x165667b1) ^ Math.imul(seed | 0, 0x9e3779b1)
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return ((h ^ (h >>> 16)) >>> 0) / 4294967296
}

/** Smooth noise in [0, 1) on the unit lattice. */
export function noise2(x: number, y: number, seed: number): number {
  const ix = Math.floor(x)
  const iy = Math.floor(y)
  let fx = x - ix
  let fy = y - iy
  fx = fx * fx * (3 - 2 * fx)
  fy = fy * fy * (3 - 2 * fy)
  const a = hash2(ix, iy, seed)
  const b = hash2(ix + 1, iy, seed)
  const c = hash2(ix, iy + 1, seed)
  const d = hash2(ix + 1, iy + 1, seed)
  return a + (b - a) * fx + (c - a) * fy + (a - b - c + d) * fx * fy
}

/** Smooth noise of three coordinates, by two layers of noise2. */
export function noise3(x: number, y: number, z: number, seed: number): number {
  const iz = Math.floor(z)
  const f = z - iz
  const a = noise2(x, y, seed + Math.imul(iz, 7919))
  return a + (noise2(x, y, seed + Math.imul(iz + 1, 7919)) - a) * f * f * (3 - 2 * f)
}
