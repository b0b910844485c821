// The resolved model as text, and the difference of two texts.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diffModels, resolvedText } from '../../src/compiler/index.ts'
import { compile } from '../support/models.ts'
import { elaborated, text } from './check-support.ts'

const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd {', '}'), { maxLength: 30 })

describe('the difference', () => {
  it('of equal texts is empty', () => expect(diffModels('a\nb\n', 'a\nb\n')).toBe(''))
  it('holds both texts', () => {
    fc.assert(fc.property(lines, lines, (a, b) => {
      const edits = diffModels(a.join('\n'), b.join('\n'), 1000).split('\n').slice(0, -1)
      if (a.join('\n') === b.join('\n')) { expect(edits).toEqual([]); return }
      const of = (sign: string): string[] => edits.filter(e => e[0] === sign || e[0] === ' ' || e === '').map(e => e.slice(2))
      expect(of('-').join('\n')).toBe(a.join('\n'))
      expect(of('+').join('\n')).toBe(b.join('\n'))
    }), { numRuns: 300, seed: 1 })
  })
  it('of texts too long to align shows one replaced by the other', () => {
    const many = (word: string): string => Array.from({ length: 3000 }, (_, i) => `${word} ${i}`).join('\n')
    expect(diffModels(`x\n${many('a')}\ny`, `x\n${many('b')}\ny`).split('\n').slice(0, 3)).toEqual(['  x', '- a 0', '- a 1'])
  })
})

describe('the text', () => {
  it('is the same for the same model, whatever way it was given', () => {
    const given = elaborated(text.replace('weight = 10', 'weight = 3').replace('let width = 8', 'let width = 4'))
    expect(resolvedText(elaborated(text, { set: ['width = 4', 'tasks.semseg.weight = 3'] }))).toBe(resolvedText(given))
  })
  it('of an ablation differs from the flagship in what the ablation says', () => {
    const [flagship, ablation] = ['models/taskprompter.mtl', 'models/variants/no-channel-prompts.mtl'].map(f => resolvedText(compile(f, { mode: 'infer', batch: 1 })))
    const edits = diffModels(flagship, ablation, 0).split('\n').filter(l => /^[-+] {3}/.test(l)).map(l => l.trim())
    expect(edits.map(l => [l[0], /channel = (\w+)/.exec(l)?.[1]])).toEqual([['-', '256'], ['+', 'none']])
  })
})
