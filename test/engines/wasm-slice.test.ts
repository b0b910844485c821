// The slices that replace those of tfjs's wasm backend: the same boxes, of every rank.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { copyBox } from '../../src/runtime/engines/tfjs/wasm-slice.ts'

/** Element by element, from the definition. */
function expected(shape: readonly number[], begin: readonly number[], size: readonly number[]): number[] {
  let rows: { readonly at: number }[] = [{ at: 0 }]
  shape.forEach((n, a) => { rows = rows.flatMap(({ at }) => Array.from({ length: size[a] }, (_, i) => ({ at: at * n + begin[a] + i }))) })
  return rows.map(r => r.at)
}

it('cuts boxes as the definition does', () => {
  const axis = fc.integer({ min: 1, max: 40 }).chain(n => fc.integer({ min: 0, max: n - 1 }).chain(from => fc.tuple(fc.constant(n), fc.constant(from), fc.oneof(fc.constant(n - from), fc.integer({ min: 0, max: n - from })))))
  fc.assert(fc.property(fc.array(axis, { maxLength: 3 }), axes => {
    const [shape, begin, size] = [0, 1, 2].map(i => axes.map(a => a[i]))
    const count = (s: readonly number[]): number => s.reduce((a, b) => a * b, 1)
    const to = new Float32Array(count(size))
    copyBox(Float32Array.from({ length: count(shape) }, (_, i) => i), shape, begin, size, to)
    expect([...to]).toEqual(expected(shape, begin, size))
  }), { numRuns: 300 })
})
