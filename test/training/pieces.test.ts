// Cotangents of values read in slices: right, and put together instead of padded where the slices fit together.
import { describe, expect, it } from 'vitest'
import type { ValueId } from '../../src/compiler/ir/program.ts'
import { sizeOf, type Shape } from '../../src/compiler/ir/types.ts'
import type { Emitter } from '../../src/compiler/rules/gradient-language.ts'
import { gradientError, lossProgram } from '../rules/finite-differences.ts'
import { uniform, type Operand } from '../rules/gradient-cases.ts'

const draw = uniform(11)
const f = (shape: Shape): Operand => ({ shape, data: Float64Array.from({ length: sizeOf(shape) }, () => 2 * draw() - 1) })
/** x along one axis from `start` to `stop`. */
const along = (g: Emitter, x: ValueId, axis: number, start: number, stop: number, step = 1): ValueId => {
  const shape = g.shape(x)
  return g.slice(x, shape.map((_, i) => i === axis ? start : 0), shape.map((n, i) => i === axis ? stop : n), shape.map((_, i) => i === axis ? step : 1))
}
type Build = (g: Emitter, x: readonly ValueId[]) => ValueId

const quarters: Build = (g, [x]) => {
  const [, height, width] = g.shape(x)
  const [even, odd] = [along(g, x, 1, 0, height, 2), along(g, x, 1, 1, height, 2)]
  const columns = (y: ValueId, from: number): ValueId => along(g, y, 2, from, width, 2)
  return g.op('concat', [columns(even, 0), columns(odd, 0), columns(even, 1), columns(odd, 1)], { axis: 3 })
}

const joined: readonly [string, Operand, Build, number][] = [
  ['a split in three', f([2, 6]), (g, [x]) => g.add(g.mul(along(g, x, 1, 4, 6), along(g, x, 1, 0, 2)), along(g, x, 1, 2, 4)), 1],
  ['a split with a gap', f([7, 2]), (g, [x]) => g.mul(along(g, x, 0, 0, 3), along(g, x, 0, 4, 7)), 1],
  ['elements in turn', f([6]), (g, [x]) => g.mul(g.mul(along(g, x, 0, 1, 6, 3), along(g, x, 0, 0, 6, 3)), along(g, x, 0, 2, 6, 3)), 1],
  ['the four quarters of patch merging, sliced axis by axis', f([1, 4, 6, 2]), quarters, 3],
  ['the four quarters, sliced at once', f([4, 6]), (g, [x]) => {
    const at = (dy: number, dx: number): ValueId => g.slice(x, [dy, dx], [4, 6], [2, 2])
    return g.mul(g.mul(at(0, 0), at(1, 0)), g.add(at(0, 1), at(1, 1)))
  }, 3],
]
const padded: readonly [string, Operand, Build][] = [
  ['one slice', f([5]), (g, [x]) => along(g, x, 0, 1, 3)],
  ['neighbours that leave the ends', f([7]), (g, [x]) => g.mul(along(g, x, 0, 1, 3), along(g, x, 0, 3, 5))],
  ['overlapping slices', f([5, 2]), (g, [x]) => g.mul(along(g, x, 0, 0, 4), along(g, x, 0, 1, 5))],
  ['uneven strides', f([5]), (g, [x]) => g.op('concat', [along(g, x, 0, 0, 5, 2), along(g, x, 0, 1, 5, 2)], { axis: 0 })],
  ['a stride that misses one in three', f([6]), (g, [x]) => g.mul(along(g, x, 0, 0, 6, 3), along(g, x, 0, 1, 6, 3))],
  ['slices along different axes', f([4, 4]), (g, [x]) => g.matmul(along(g, x, 0, 0, 2), along(g, x, 1, 2, 4))],
  ['the same slice twice', f([4]), (g, [x]) => g.mul(along(g, x, 0, 0, 2), along(g, x, 0, 0, 2))],
  ['reversed and forward', f([4]), (g, [x]) => g.mul(along(g, x, 0, 3, -1, -1), g.op('concat', [along(g, x, 0, 0, 2), along(g, x, 0, 2, 4)], { axis: 0 }))],
  ['parts and the whole', f([2, 4]), (g, [x]) => g.mul(g.matmul(x, x, { transB: true }), g.mul(along(g, x, 1, 0, 2), along(g, x, 1, 2, 4)))],
]

describe('the gradient of', () => {
  it.each(joined)('%s is joined', (_, operand, build, concats) => {
    expect(gradientError([operand], build)).toBeLessThan(1e-8)
    const { forward, backward } = lossProgram([operand], build)
    const added = backward.nodes.slice(forward.nodes.length).map(n => n.op)
    expect(added).not.toContain('pad')
    expect(added).not.toContain('add')
    expect(added.filter(op => op === 'concat').length).toBe(concats)
  })

  it.each(padded)('%s', (_, operand, build) => expect(gradientError([operand], build)).toBeLessThan(1e-8))
})
