// The position of a JSON mistake, against the engine's own where its message has one.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mistakeAt } from '../../src/runtime/data/cityscapes3d/json.ts'

test('agrees with JSON.parse', () => {
  let compared = 0
  fc.assert(fc.property(fc.json(), fc.nat(), fc.constantFrom('', ',', ']', '}', '"', ':', 'x', ' 7 '), (json, at, insert) => {
    const cut = at % (json.length + 1)
    const text = insert === '' ? json.slice(0, cut) : json.slice(0, cut) + insert + json.slice(cut)
    try {
      JSON.parse(text)
    } catch (error) {
      const found = mistakeAt(text)
      const engine = /at position (\d+)/.exec((error as Error).message)
      // Inside strings and numbers the engine points at the character, we at the token's start.
      if (engine) {
        compared++
        expect(found).toBeLessThanOrEqual(Number(engine[1]))
        expect(text.slice(found, Number(engine[1]))).toMatch(/^(\s*|"[^]*|[-\d.eE+]*|[a-z]*)$/)
      }
    }
  }), { seed: 4, numRuns: 2000 })
  expect(compared).toBeGreaterThan(200)
})

test('valid text nested a million deep ends', () => {
  const text = `${'['.repeat(1e6)}${']'.repeat(1e6)}]`
  expect(mistakeAt(text)).toBe(2e6)
})
