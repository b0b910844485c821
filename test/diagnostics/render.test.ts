// The renderer: tabs, long lines, several lines, other files, colours, JSON.
import { describe, expect, test } from 'vitest'
import type { Diagnostic } from '../../src/compiler/diagnostics/diagnostic.ts'
import { lineColumn, renderDiagnostic, toJson } from '../../src/compiler/diagnostics/render.ts'

const at = (start: number, end: number, more: Partial<Diagnostic> = {}, file = 'a.mtl'): Diagnostic => ({ code: 'c', severity: 'error', message: 'm', span: { file, start, end }, label: '', labels: [], hint: undefined, ...more })

describe('lineColumn', () => {
  const text = 'ab\ncd\r\nef\rgh'
  test.each([[0, 1, 1], [2, 1, 3], [3, 2, 1], [5, 2, 3], [7, 3, 1], [9, 3, 3], [10, 4, 1], [12, 4, 3], [99, 4, 3]])('%i', (offset, line, column) => expect(lineColumn(text, offset)).toEqual({ line, column }))
})

test('tabs, wide characters and control characters keep the carets in place', () => {
  expect(renderDiagnostic(at(3, 4, { label: 'here' }), () => '\t\u6F22\u0000x')).toBe('error[c]: m\n --> a.mtl:1:4\n  |\n1 |   \u6F22\uFFFDx\n  |      ^ here')
})
test('long lines are cut around the span', () => {
  const text = `${'a'.repeat(500)}HERE${'b'.repeat(500)}`
  const out = renderDiagnostic(at(500, 504), () => text).split('\n')
  expect(out[3].length).toBeLessThan(140)
  const from = out[4].indexOf('^')
  expect(out[3].slice(from, from + 4)).toBe('HERE')
  expect(renderDiagnostic(at(0, 1000), () => text).split('\n').every(l => l.length < 140)).toBe(true)
})
test('a span of several lines shows the first', () => expect(renderDiagnostic(at(2, 9, { label: 'from here' }), () => 'abcd\nefgh\nij')).toBe('error[c]: m\n --> a.mtl:1:3\n  |\n1 | abcd\n  |   ^^ from here'))
test('other places, other files, files that cannot be read', () => {
  const d = at(2, 3, { severity: 'warning', label: 'x', hint: 'do it', labels: [{ span: { file: 'a.mtl', start: 30, end: 31 }, text: 'second' }, { span: { file: 'b.mtl', start: 0, end: 1 }, text: 'third' }, { span: { file: 'c.mtl', start: 0, end: 1 }, text: 'fourth' }] })
  const sources: Record<string, string> = { 'a.mtl': `abc\n${'\n'.repeat(25)}q\nb`, 'b.mtl': 'zz' }
  expect(renderDiagnostic(d, f => sources[f])).toMatchInlineSnapshot(`
    "warning[c]: m
      --> a.mtl:1:3
       |
     1 | abc
       |   ^ x
    ...
    27 | q
       |  - second
      ::: b.mtl:1:1
       |
     1 | zz
       | - third
      ::: c.mtl
       fourth
    hint: do it"
  `)
})
test('the end of a file and empty files', () => {
  expect(renderDiagnostic(at(3, 3), () => 'abc')).toContain('1 | abc\n  |    ^')
  expect(renderDiagnostic(at(0, 0), () => '')).toContain(' --> a.mtl:1:1')
  expect(renderDiagnostic(at(4, 4), () => 'abc\n')).toContain(' --> a.mtl:2:1')
})
test('colours are only added', () => {
  const d = at(0, 1, { label: 'x', hint: 'h' })
  const coloured = renderDiagnostic(d, () => 'abc', { color: true })
  expect(coloured).toContain('\u001B[1;31merror[c]')
  expect(coloured.split('\u001B').map((part, i) => (i === 0 ? part : part.replace(/^\[[0-9;]*m/, ''))).join('')).toBe(renderDiagnostic(d, () => 'abc'))
})
test('JSON', () => expect(toJson(at(3, 4, { label: 'l', hint: 'h', labels: [{ span: { file: 'b.mtl', start: 0, end: 1 }, text: 't' }] }), f => (f === 'a.mtl' ? 'ab\ncd' : undefined))).toEqual({
  file: 'a.mtl', line: 2, column: 1, endLine: 2, endColumn: 2, code: 'c', severity: 'error', message: 'm', label: 'l', hint: 'h', labels: [{ file: 'b.mtl', line: 0, column: 0, endLine: 0, endColumn: 0, text: 't' }],
}))
