// The error function, resizing and convolution sizes against published and hand-computed values.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { convOutputSize, tapRange } from '../../src/compiler/ir/convolution-geometry.ts'
import { erf, erfc } from '../../src/compiler/ir/erf.ts'
import { resizeAxis } from '../../src/compiler/ir/resize.ts'

describe('erf', () => {
  it.each([
    [0, 0], [0.1, 0.1124629160182849], [0.5, 0.5204998778130465], [1, 0.8427007929497149], [1.5, 0.9661051464753108], [1.999, 0.9953015566513705],
    [2, 0.9953222650189527], [2.5, 0.9995930479825550], [3, 0.9999779095030014], [4, 0.9999999845827421], [7, 1], [Infinity, 1],
  ])('%f', (x, expected) => {
    expect(Math.abs(erf(x) - expected)).toBeLessThan(1e-15)
    expect(Math.abs(erf(-x) + expected)).toBeLessThan(1e-15)
  })
  it.each([[3, 2.209049699858544e-5], [5, 1.5374597944280351e-12], [10, 2.088487583762545e-45]])('erfc(%f)', (x, expected) => expect(Math.abs(erfc(x) / expected - 1)).toBeLessThan(1e-13))
  it('has no value at NaN', () => expect([erf(NaN), erfc(NaN)]).toEqual([NaN, NaN]))
})

describe('resizeAxis', () => {
  it('halves between neighbours at twice the size', () => {
    const { index0, index1, weight1 } = resizeAxis(2, 4, 'bilinear')
    expect([index0, index1, weight1].map(a => [...a])).toEqual([[0, 0, 0, 1], [1, 1, 1, 1], [0, 0.25, 0.75, 0.25]])
  })
  it('takes the scale in float32', () => {
    const scale = Math.fround(4 / 3)
    const { index0, weight1 } = resizeAxis(1024, 768, 'bilinear')
    const source = scale * 700.5 - 0.5
    expect([index0[700], weight1[700]]).toEqual([933, Math.fround(source - 933)])
  })
  it('takes the nearest below', () => {
    expect([...resizeAxis(4, 2, 'nearest').index0]).toEqual([0, 2])
    expect([...resizeAxis(14, 20, 'nearest').index0].slice(9, 12)).toEqual([6, 7, 7])
  })
  it('stays inside, and is the identity at the same size', () => fc.assert(fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 300 }), fc.constantFrom('bilinear', 'nearest'), (from, to, mode) => {
    const { index0, index1, weight1 } = resizeAxis(from, to, mode)
    for (let i = 0; i < to; i++) {
      expect(index0[i] >= 0 && index0[i] <= index1[i] && index1[i] < from && weight1[i] >= 0 && weight1[i] <= 1).toBe(true)
      if (from === to) expect([index0[i], weight1[i]]).toEqual([i, 0])
    }
  }), { numRuns: 50, seed: 5 }))
})

describe('convolution geometry', () => {
  it('counts places as a walk does, and finds those that read inside', () => {
    const sizes = fc.record({ size: fc.integer({ min: 1, max: 12 }), kernel: fc.integer({ min: 1, max: 4 }), stride: fc.integer({ min: 1, max: 3 }), before: fc.integer({ min: 0, max: 4 }), after: fc.integer({ min: 0, max: 4 }), dilation: fc.integer({ min: 1, max: 3 }) })
    fc.assert(fc.property(sizes, ({ size, kernel, stride, before, after, dilation }) => {
      const starts: number[] = []
      for (let at = -before; at + dilation * (kernel - 1) < size + after; at += stride) starts.push(at)
      const places = convOutputSize(size, kernel, stride, before, after, dilation)
      expect(Math.max(0, places)).toBe(starts.length)
      if (places < 1) return
      for (let tap = 0; tap < kernel; tap++) {
        const inside = starts.map((at, i) => ({ i, reads: at + tap * dilation })).filter(({ reads }) => reads >= 0 && reads < size).map(({ i }) => i)
        const { first, end } = tapRange(tap, size, places, stride, before, dilation)
        expect(Array.from({ length: end - first }, (_, k) => first + k)).toEqual(inside)
      }
    }), { numRuns: 500, seed: 6 })
  })
})
