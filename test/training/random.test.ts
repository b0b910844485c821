// Gradients of random programs of smooth operators with much broadcasting, sharing and slicing, against finite differences.
import { describe, expect, it } from 'vitest'
import type { ValueId } from '../../src/compiler/ir/program.ts'
import { sameShape, sizeOf, type Shape } from '../../src/compiler/ir/types.ts'
import type { Emitter } from '../../src/compiler/rules/gradient-language.ts'
import { gradientError } from '../rules/finite-differences.ts'
import { uniform, type Operand } from '../rules/gradient-cases.ts'

const inputShapes: readonly Shape[] = [[], [3], [2, 3], [2, 1], [1, 3], [2, 2, 3], [3, 3]]

/** Extends `pool` with one value; undefined where the drawn operator does not fit the drawn operands. */
type Step = (g: Emitter, draw: () => number, pick: () => ValueId) => ValueId | undefined

const below = (draw: () => number, n: number): number => Math.floor(draw() * n)
const broadcastable = (a: Shape, b: Shape): boolean => a.toReversed().every((d, i) => { const e = b[b.length - 1 - i] ?? 1; return d === e || d === 1 || e === 1 })

const steps: readonly Step[] = [
  (g, draw, pick) => g.op((['tanh', 'sigmoid', 'sin', 'softplus', 'gelu'] as const)[below(draw, 5)], [pick()], {}),
  ...[0, 1, 2].map((): Step => (g, draw, pick) => {
    const [a, b] = [pick(), pick()]
    return broadcastable(g.shape(a), g.shape(b)) ? g.op((['add', 'sub', 'mul'] as const)[below(draw, 3)], [a, b], {}) : undefined
  }),
  ...[0, 1].map((): Step => (g, draw, pick) => {
    const x = pick()
    const axes = g.shape(x).map((_, i) => i).filter(() => draw() < 0.5)
    return axes.length === 0 ? undefined : g.op(draw() < 0.5 ? 'reduceSum' : 'reduceMean', [x], { axes, keepDims: draw() < 0.5 })
  }),
  (g, _, pick) => { const x = pick(); return g.reshape(x, [1, sizeOf(g.shape(x))]) },
  (g, _, pick) => { const x = pick(); const n = g.shape(x).length; return n < 2 ? undefined : g.transpose(x, g.shape(x).map((_size, i) => n - 1 - i)) },
  (g, draw, pick) => { const x = pick(); return g.shape(x).length > 3 ? undefined : g.broadcast(x, [1 + below(draw, 2), ...g.shape(x)]) },
  ...[0, 1].map((): Step => (g, draw, pick) => {
    const x = pick()
    const axis = below(draw, g.shape(x).length)
    const size = g.shape(x)[axis]
    if (size === undefined || size < 2) return undefined
    const [start, stop, step] = ([[0, 1, 1], [1, size, 1], [0, size, 2], [1, size, 2], [size - 1, -1, -1]] as const)[below(draw, 5)]
    const at = (v: number, other: (n: number) => number): number[] => g.shape(x).map((n, i) => i === axis ? v : other(n))
    return g.slice(x, at(start, () => 0), at(stop, n => n), at(step, () => 1))
  }),
  (g, draw, pick) => { const [a, b] = [pick(), pick()]; return g.shape(a).length > 0 && sameShape(g.shape(a), g.shape(b)) ? g.op('concat', [a, b], { axis: below(draw, g.shape(a).length) }) : undefined },
  (g, draw, pick) => { const x = pick(); return g.shape(x).length === 0 ? undefined : g.op(draw() < 0.5 ? 'softmax' : 'logSoftmax', [x], { axis: below(draw, g.shape(x).length) }) },
  (g, draw, pick) => {
    const [a, b] = [pick(), pick()]
    const [s, t] = [g.shape(a), g.shape(b)]
    const fits = s.length >= 2 && t.length >= 2 && s.at(-1) === t.at(-1) && broadcastable(s.slice(0, -2), t.slice(0, -2))
    return fits ? g.matmul(a, b, { transB: true, alpha: 0.5 + draw() }) : undefined
  },
]

/** A program of `count` nodes on `x`, each bounded so that sizes and values stay small; the result is the sum of the values nobody reads. */
function randomProgram(seed: number, count: number): (g: Emitter, x: readonly ValueId[]) => ValueId {
  return (g, x) => {
    const draw = uniform(seed)
    const pool = [...x]
    for (let made = 0; made < count;) {
      const value = steps[below(draw, steps.length)](g, draw, () => pool[below(draw, pool.length)])
      if (value === undefined || sizeOf(g.shape(value)) > 48) continue
      pool.push(draw() < 0.5 ? g.op('tanh', [value], {}) : value)
      made++
    }
    const read = new Set(g.builder.nodes.flatMap(n => n.inputs))
    return pool.filter(v => !read.has(v)).map(v => g.sum(g.op('tanh', [v], {}), g.shape(v).map((_, i) => i))).reduce((a, b) => g.add(a, b))
  }
}

describe('gradients of random programs', () => {
  it.each(Array.from({ length: 60 }, (_, seed) => seed))('seed %i', seed => {
    const draw = uniform(1000 + seed)
    const operands: Operand[] = inputShapes.map(shape => ({ shape, data: Float64Array.from({ length: sizeOf(shape) }, () => 2 * draw() - 1) }))
    expect(gradientError(operands, randomProgram(seed, 14))).toBeLessThan(1e-7)
  })
})
