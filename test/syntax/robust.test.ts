// Whatever is read, the parser neither throws nor hangs, and says something where it returns nothing.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readFileSync } from 'node:fs'
import { renderDiagnostic, toJson } from '../../src/compiler/diagnostics/render.ts'
import { formatFile } from '../../src/compiler/syntax/format.ts'
import { parseExpression, parseFile, parseOverride } from '../../src/compiler/syntax/parse.ts'
import { dump } from './dump.ts'

const seeds = ['tour.mtl', 'layout.mtl'].map(f => readFileSync(new URL(`../fixtures/syntax/${f}`, import.meta.url), 'utf8'))
const pieces = seeds.flatMap(s => s.match(/\w+|\s+|[^\w\s]+/g) ?? [])
const words = [...'()[]{}.,:;=+-*/%?"_<>!|&@#\\\n\t'.split(''), '|>', '->', '..', '...', '//', 'div', '/*', '*/', '///', '**', '==', '\n', '\r\n', ' ', 'block', 'model', 'import', 'from', 'as', 'with', 'let', 'param', 'state', 'constant',
  'forward', 'return', 'for', 'in', 'if', 'then', 'else', 'require', 'update', 'rename', 'data', 'train', 'task', 'and', 'or', 'not', 'true', 'off', 'x', 'A', '1', '1_', '0.5', '3 x 4', '3ddet', '"s"', '"open', '\uFEFF', '\u0000', '\uD800', '\u{1F600}']

function holds(text: string): void {
  const start = performance.now()
  const { ast, diagnostics } = parseFile('x', text)
  expect(performance.now() - start).toBeLessThan(1000)
  if (ast === undefined) expect(diagnostics).not.toEqual([])
  for (const d of diagnostics) {
    expect(d.span.start).toBeGreaterThanOrEqual(0)
    expect(d.span.end).toBeGreaterThanOrEqual(d.span.start)
    expect(d.span.end).toBeLessThanOrEqual(text.length)
    expect(renderDiagnostic(d, () => text)).toContain(d.code)
    expect(toJson(d, () => text).line).toBeGreaterThan(0)
  }
  const formatted = formatFile(text)
  expect(formatted.text === undefined).toBe(diagnostics.length > 0)
  if (formatted.text !== undefined && ast !== undefined) {
    expect(dump(parseFile('x', formatted.text).ast)).toBe(dump(ast))
    expect(formatFile(formatted.text).text).toBe(formatted.text)
  }
}
const options = { seed: 7, numRuns: 400 }

describe('parse ends for', () => {
  test('token soup', () => fc.assert(fc.property(fc.array(fc.constantFrom(...words), { maxLength: 120 }), soup => holds(soup.join(''))), options))
  test('spaced token soup in a body', () => fc.assert(fc.property(fc.array(fc.constantFrom(...words), { maxLength: 60 }), soup => holds(`block A() {\n  forward(x) {\n ${soup.join(' ')}\n}\n}`)), options))
  test('random text', () => fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), holds), options))
  test('characters deleted, doubled, swapped', () => fc.assert(fc.property(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.constantFrom('delete', 'double', 'swap'), fc.nat()), { minLength: 1, maxLength: 4 }), (seed, edits) => {
    let text = seed
    for (const [kind, n] of edits) {
      const i = n % text.length
      text = kind === 'delete' ? text.slice(0, i) + text.slice(i + 1) : kind === 'double' ? text.slice(0, i + 1) + text.slice(i) : text.slice(0, i) + (text[i + 1] ?? '') + text[i] + text.slice(i + 2)
    }
    holds(text)
  }), { seed: 11, numRuns: 150 }))
  test('tokens deleted, doubled, swapped', () => fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom('delete', 'double', 'swap'), fc.nat()), { minLength: 1, maxLength: 4 }), edits => {
    const all = [...pieces]
    for (const [kind, n] of edits) {
      const i = n % all.length
      if (kind === 'delete') all.splice(i, 1)
      else if (kind === 'double') all.splice(i, 0, all[i])
      else all.splice(i, 2, all[(i + 1) % all.length], all[i])
    }
    holds(all.join(''))
  }), { seed: 13, numRuns: 100 }))
  test('values of the command line', () => fc.assert(fc.property(fc.array(fc.constantFrom(...words), { maxLength: 12 }), soup => {
    const text = soup.join('')
    const [e, o] = [parseExpression('x', text), parseOverride('x', text)]
    expect(e.expr === undefined).toBe(e.diagnostics.length > 0)
    expect(o.override === undefined).toBe(o.diagnostics.length > 0)
  }), options))
})

describe('limits', () => {
  const codes = (text: string): string[] => parseFile('x', text).diagnostics.map(d => d.code)
  const member = (e: string): string => `block A() {\n  x = ${e}\n}`
  test('brackets to 200', () => {
    for (const [open, close] of [['(', ')'], ['[', ']'], ['f(', ')'], ['{a: ', '}'], ['x[', ']'], ['[for i in ', ': i]'], ['f(k = -', ')']]) {
      expect(codes(member(open.repeat(198) + '1' + close.repeat(198))), open).toEqual([])
      expect(codes(member(open.repeat(201) + '1' + close.repeat(201))), open).toEqual(['nested-too-deep'])
      expect(codes(member(open.repeat(50_000))), open).toEqual(['nested-too-deep'])
    }
    expect(codes(`block A() { forward() ${'{ if a '.repeat(190)} { return 1 ${'}'.repeat(192)} }`)).not.toContain('nested-too-deep')
  })
  test('operators, prefixes, postfixes, conditions', () => {
    for (const [head, part, tail] of [['1', '+ 1', ''], ['', '- ', '1'], ['', 'not ', '1'], ['2', '** 2', ''], ['x', '.a', ''], ['x', '(1)', ''], ['x', ' |> f', ''], ['', 'if a then b else ', 'c']]) {
      expect(codes(member(head + part.repeat(500) + tail)), part).toEqual([])
      expect(codes(member(head + part.repeat(20_000) + tail)), part).toEqual(['expression-too-deep'])
    }
    for (const part of ['if a then ', 'if ']) expect(codes(member(part.repeat(20_000))), part).toEqual(['nested-too-deep'])
    expect(codes(`block A() { forward() { if a { } ${'else if b { } '.repeat(5000)} } }`)).toEqual(['expression-too-deep'])
  })
  test('size and number of mistakes', () => {
    expect(codes(' '.repeat(1024 * 1024))).toEqual([])
    expect(codes(' '.repeat(1024 * 1024 + 1))).toEqual(['file-too-large'])
    expect(codes('block A() { = }\n'.repeat(1000)).length).toBeLessThanOrEqual(101)
    expect(codes('@ '.repeat(300_000))).toEqual(['unexpected-character'])
  })
  test('large files are read quickly', () => {
    const start = performance.now()
    for (const text of [seeds[0].repeat(60), '('.repeat(200_000), '"'.repeat(200_000), '}'.repeat(100_000), '/*'.repeat(100_000), 'x = f(1)\n'.repeat(20_000), '1_ '.repeat(50_000)]) parseFile('x', text)
    expect(performance.now() - start).toBeLessThan(20_000)
  })
})
