// Overlap and suppression of turned rectangles: the published values, closed forms, and what must hold of any two rectangles.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rectangle, rotatedIou, type Rectangle } from '../../src/runtime/tasks/detection3d/bev.ts'
import { suppress } from '../../src/runtime/tasks/detection3d/nms.ts'
import { readJson } from './detection-support.ts'

fc.configureGlobal({ seed: 31 })

const golden = readJson<{ bev: { 'boxes(cx,cz,len,wid,angle_ccw_from_first_axis)': [number, number, number, number, number][]; iou: number[][]; scores: number[]; nms_keep_in_order: Record<string, number[]> } }>('detection/fcos3d.json').bev

describe('the published rectangles', () => {
  const boxes = golden['boxes(cx,cz,len,wid,angle_ccw_from_first_axis)'].map(b => rectangle(...b))

  it('overlap as much', () => {
    boxes.forEach((a, i) => boxes.forEach((b, j) => expect(Math.abs(rotatedIou(a, b) - golden.iou[i][j])).toBeLessThan(1e-9)))
  })

  it.each(Object.entries(golden.nms_keep_in_order))('stay at %s', (threshold, kept) => {
    expect(suppress(boxes, golden.scores, Number(threshold))).toEqual(kept)
    expect(suppress(boxes, golden.scores, Number(threshold), 5)).toEqual(kept.slice(0, 5))
  })
})

const some = fc.record({ x: fc.double({ min: -5, max: 5, noNaN: true }), y: fc.double({ min: -5, max: 5, noNaN: true }), width: fc.double({ min: 0.01, max: 9, noNaN: true }), height: fc.double({ min: 0.01, max: 9, noNaN: true }), angle: fc.double({ min: -7, max: 7, noNaN: true }) })
const make = (r: { x: number; y: number; width: number; height: number; angle: number }): Rectangle => rectangle(r.x, r.y, r.width, r.height, r.angle)

describe('overlap', () => {
  it('is that of intervals where the sides are parallel', () => {
    expect(rotatedIou(rectangle(0, 0, 4, 2, 0), rectangle(2, 1, 4, 2, 0))).toBeCloseTo(2 / 14, 12)
    expect(rotatedIou(rectangle(0, 0, 4, 2, 0), rectangle(0, 0, 2, 4, Math.PI / 2))).toBeCloseTo(1, 12)
    expect(rotatedIou(rectangle(0, 0, 2, 2, 0), rectangle(0, 0, 2, 2, Math.PI / 4))).toBeCloseTo(Math.SQRT1_2, 12)
  })

  it('of equal, touching and distant rectangles is 1, 0 and 0', () => {
    for (const angle of [0, 0.3, Math.PI / 2, 3, 1e6]) {
      expect(rotatedIou(rectangle(1e4, -3e3, 4.1, 1.9, angle), rectangle(1e4, -3e3, 4.1, 1.9, angle))).toBeCloseTo(1, 9)
      const step = [Math.cos(angle) * 4, Math.sin(angle) * 4] as const
      expect(rotatedIou(rectangle(0, 0, 4, 2, angle), rectangle(...step, 4, 2, angle))).toBeLessThan(1e-9)
      expect(rotatedIou(rectangle(0, 0, 4, 2, angle), rectangle(100, 0, 4, 2, angle))).toBe(0)
    }
  })

  it('of a rectangle without area is 0', () => {
    for (const [w, h] of [[0, 0], [4, 0], [0, 2]] as const) {
      const flat = rectangle(0, 0, w, h, 0.4)
      expect([rotatedIou(flat, flat), rotatedIou(flat, rectangle(0, 0, 4, 2, 0)), rotatedIou(rectangle(0, 0, 4, 2, 0), flat)]).toEqual([0, 0, 0])
    }
  })

  it('stays between 0 and 1 at any size', () => {
    for (const big of [1e10, 1e38]) {
      expect(rotatedIou(rectangle(0, 0, big, big, 0.2), rectangle(0, 0, big, big, 0.2))).toBeCloseTo(1, 9)
      expect(rotatedIou(rectangle(0, 0, big, big, 0.2), rectangle(1, 1, 2, 1, 1))).toBeLessThan(1e-9)
      expect(rotatedIou(rectangle(1, 1, 2, 1, 1), rectangle(0, 0, big, big, 0.2))).toBeLessThan(1e-9)
    }
  })

  it('of one inside the other is the share of the areas', () => {
    fc.assert(fc.property(some, fc.double({ min: 0.05, max: 1, noNaN: true }), (a, share) => {
      expect(rotatedIou(make(a), make({ ...a, width: a.width * share }))).toBeCloseTo(share, 9)
    }))
  })

  it('is symmetric, between 0 and 1, and does not change where both are moved and turned, or turned by half a turn', () => {
    fc.assert(fc.property(some, some, fc.double({ min: -4, max: 4, noNaN: true }), (a, b, turn) => {
      const overlap = rotatedIou(make(a), make(b))
      expect(overlap).toBeGreaterThanOrEqual(0)
      expect(overlap).toBeLessThanOrEqual(1 + 1e-12)
      const move = (r: typeof a): Rectangle => make({ ...r, x: 3 + r.x * Math.cos(turn) - r.y * Math.sin(turn), y: -8 + r.x * Math.sin(turn) + r.y * Math.cos(turn), angle: r.angle + turn })
      for (const other of [rotatedIou(make(b), make(a)), rotatedIou(move(a), move(b)), rotatedIou(make(a), make({ ...b, angle: b.angle + Math.PI })), rotatedIou(make(a), make({ ...b, width: b.height, height: b.width, angle: b.angle + Math.PI / 2 }))]) {
        expect(Math.abs(other - overlap)).toBeLessThan(1e-9)
      }
    }))
  })

  it('is the share of points that lie in both', () => {
    const inside = (r: ReturnType<typeof make>, x: number, y: number): boolean => {
      const [dx, dy] = [x - r.x, y - r.y]
      return Math.abs(dx * r.cos + dy * r.sin) <= r.width / 2 && Math.abs(dy * r.cos - dx * r.sin) <= r.height / 2
    }
    fc.assert(fc.property(some, some, (one, two) => {
      const [a, b] = [make(one), make(two)]
      const n = 60
      let [both, either] = [0, 0]
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) {
        const [x, y] = [((i + 0.5) / n) * 24 - 12, ((j + 0.5) / n) * 24 - 12]
        const [p, q] = [inside(a, x, y), inside(b, x, y)]
        both += Number(p && q)
        either += Number(p || q)
      }
      fc.pre(either > 100)
      expect(Math.abs(rotatedIou(a, b) - both / either)).toBeLessThan(0.15)
    }), { numRuns: 40 })
  })

  it('is exact above a least value that is asked for, and never above it else', () => {
    fc.assert(fc.property(some, some, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, least) => {
      const [overlap, quick] = [rotatedIou(make(a), make(b)), rotatedIou(make(a), make(b), least)]
      expect(overlap > least ? quick === overlap : quick <= least).toBe(true)
    }))
  })
})

describe('suppression', () => {
  it('is what pairwise overlaps say', () => {
    fc.assert(fc.property(fc.array(fc.tuple(some, fc.integer({ min: 0, max: 4 })), { maxLength: 25 }), fc.double({ min: 0, max: 1, noNaN: true }), (list, threshold) => {
      const rectangles = list.map(([r]) => make(r))
      const scores = list.map(([, s]) => s / 4)
      const expected: number[] = []
      const order = list.map((_, i) => i).sort((a, b) => scores[b] - scores[a] || a - b)
      for (const i of order) if (expected.every(k => rotatedIou(rectangles[k], rectangles[i]) <= threshold)) expected.push(i)
      expect(suppress(rectangles, scores, threshold)).toEqual(expected)
    }))
  })

  it('leaves out what is not finite, and ends', () => {
    const r = rectangle(0, 0, 1, 1, 0)
    expect(suppress([r, rectangle(NaN, 0, 1, 1, 0), rectangle(9, Infinity, 1, 1, 0), rectangle(9, 9, NaN, 1, 0), rectangle(9, 9, 1, 1, NaN), rectangle(5, 5, 1, 1, 0)], [NaN, 1, 1, 1, 1, 0.1], 0.3)).toEqual([5])
    expect(suppress([r, r], [Infinity, -Infinity], 0.3)).toEqual([])
    expect(suppress([], [], 0.3)).toEqual([])
  })

  it('keeps the first of many of the same score', () => {
    expect(suppress(Array.from({ length: 1000 }, () => rectangle(3, 3, 4, 2, 1)), new Float64Array(1000).fill(0.5), 0.3)).toEqual([0])
    expect(suppress(Array.from({ length: 1000 }, (_, i) => rectangle(3 * i, 3, 2, 2, 0)), new Float64Array(1000).fill(0.5), 0.3, 4)).toEqual([0, 1, 2, 3])
  })

  it('keeps boxes without area, which overlap nothing', () => {
    expect(suppress([rectangle(0, 0, 0, 0, 0), rectangle(0, 0, 0, 0, 0), rectangle(0, 0, 1, 1, 0)], [3, 2, 1], 0.3)).toEqual([0, 1, 2])
  })
})
