// Charts: ticks people read, lines where the numbers are, gaps where there are none.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lineChart, matrixChart, ticks } from '../../src/runtime/report/charts.ts'
import { escape, table } from '../../src/runtime/report/html.ts'

describe('ticks', () => {
  it('are multiples of 1, 2 or 5 within the range', () => {
    expect(ticks(0, 100)).toEqual([0, 20, 40, 60, 80, 100])
    expect(ticks(0, 1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1])
    expect(ticks(-3, 4)).toEqual([-2, 0, 2, 4])
    expect(ticks(5, 5)).toEqual([5])
  })
  it('are few, ordered and inside, whatever the range', () => {
    fc.assert(fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.double({ min: 1e-2, max: 1e6, noNaN: true }), (min, span) => {
      const found = ticks(min, min + span)
      expect(found.length).toBeLessThanOrEqual(11)
      for (let i = 1; i < found.length; i++) expect(found[i]).toBeGreaterThan(found[i - 1])
      for (const t of found) expect(t >= min - 1e-6 * span && t <= min + span * (1 + 1e-6)).toBe(true)
    }))
  })
})

describe('lineChart', () => {
  const axis = { label: 'x', min: 0, max: 10 }
  const paths = (html: string): string[] => [...html.matchAll(/stroke-width="1.8"[^>]* d="([^"]+)"/g)].map(m => m[1])
  it('draws from the lower left to the upper right corner of its area', () => {
    const { html } = lineChart({ title: 'A < B', x: axis, y: axis, width: 400, height: 300, series: [{ name: 'one', points: [[0, 0], [10, 10]] }] })
    expect(paths(html)).toEqual(['M48.0 260.0L388.0 26.0'])
    expect(html).toContain('A &lt; B')
  })
  it('leaves gaps for what is no number, and stays inside its axes', () => {
    const { html } = lineChart({ title: '', x: axis, y: axis, width: 400, height: 300, series: [{ name: 'one', points: [[0, 0], [2, NaN], [5, 20], [10, 10]] }] })
    expect(paths(html)).toEqual(['M48.0 260.0M218.0 26.0L388.0 26.0'])
    expect(html).not.toContain('NaN')
  })
  it('names its lines where there are several', () => {
    const { html } = lineChart({ title: '', x: axis, y: axis, series: [{ name: 'car', points: [] }, { name: 'bus', points: [] }] })
    expect(html).toContain('>car</text>')
    expect(html).toContain('>bus</text>')
  })
})

describe('matrixChart', () => {
  it('leaves rows without data empty', () => {
    const { html } = matrixChart({ title: 't', names: ['a', 'b'], shares: [[0.75, 0.25], [NaN, NaN]] })
    expect(html.match(/class="heat"/g)).toHaveLength(2)
    expect(html).toContain('a predicted as b: 25.00 %')
    expect(html).not.toContain('NaN')
  })
})

describe('table', () => {
  it('escapes what it is given', () => {
    expect(table([{ title: '<' }], [['"&']]).html).toContain('&quot;&amp;')
    expect(escape('<a href="x">')).toBe('&lt;a href=&quot;x&quot;&gt;')
  })
})
