// Valid programs of several files, mutated at random: the compiler never throws and ends in good time, whatever the text; equal texts give equal findings.
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkFile, elaborate, renderDiagnostic } from '../../src/compiler/index.ts'
import { text, type Files } from './check-support.ts'

const library = ['layers', 'fpn', 'heads', 'losses', 'fcos3d', 'prompts', 'swin']
const small: Files = {
  'main.mtl': 'import { Small, Conv as Plain, Stem } from "lib/a.mtl"\nblock Wide(out: int, kernel: int = 1) {\n  inner = [Plain(2 * out), relu, Plain(out, kernel = kernel)]\n  forward(x: [B, C, H, W]) -> [B, out, H, W] = inner(x)\n}\nmodel V = Small with {\n  width = 4\n  stem = Stem(6)\n  stem.norm = Stem\n  tasks.depth.head.hidden = 2\n  tasks.semseg.weight = 2.5\n  train.optimizer.lr = 1e-2\n  data { image = 8 x 16 }\n  block Dense = Dense2\n  rename { "stem" -> "backbone" }\n}\nblock Dense2(out: int, hidden: int = 4, size: size) {\n  let n = out + hidden\n  if n > 3 { a = Plain(n) } else { a = Wide(n) }\n  b = Wide(out)\n  state count: [] int = zeros\n  forward(x: [B, C, H, W]) {\n    let y = a(x)\n    for i, k in 0..2 { y = y * (i + k) }\n    if training { update count = count + 1 }\n    require H % 2 == 0, "H is {H}"\n    return y |> gelu |> b |> resize(size)\n  }\n}\n',
  'lib/a.mtl': text,
}
const models: Files = { 'main.mtl': readFileSync('models/baseline-tiny.mtl', 'utf8'), ...Object.fromEntries(['baseline', 'taskprompter', 'taskprompter-tiny'].map(n => [`${n}.mtl`, readFileSync(`models/${n}.mtl`, 'utf8')])), ...Object.fromEntries(library.map(n => [`lib/${n}.mtl`, readFileSync(`models/lib/${n}.mtl`, 'utf8')])) }

type Mutation = { readonly file: number; readonly at: number; readonly kind: number; readonly other: number }
const mutation = fc.record({ file: fc.nat(99), at: fc.nat(1_000_000), kind: fc.nat(6), other: fc.nat(1_000_000) })

/** Words, numbers and signs: a mutation of whole tokens stays near to a program. */
const pieces = (source: string): string[] => source.match(/[A-Za-z_]\w*|\d[\d_.e-]*|"[^"\n]*"|\s+|\/\/.*|[^\s\w]/g) ?? []

function mutate(files: Files, mutations: readonly Mutation[]): Files {
  const changed: Record<string, string> = { ...files }
  const names = Object.keys(files)
  for (const m of mutations) {
    const name = names[m.file % names.length]
    const tokens = pieces(changed[name])
    const words = tokens.flatMap((t, i) => (/\S/.test(t) && !t.startsWith('//') ? [i] : []))
    if (words.length === 0) continue
    const [i, j] = [words[m.at % words.length], words[m.other % words.length]]
    if (m.kind === 0) tokens[i] = ''
    else if (m.kind === 1) tokens[i] = `${tokens[i]} ${tokens[i]}`
    else if (m.kind === 2) tokens[i] = tokens[j]
    else if (m.kind === 3) [tokens[i], tokens[j]] = [tokens[j], tokens[i]]
    else if (m.kind === 4) tokens[i] = /^\d/.test(tokens[i]) ? String([0, 1, -1, 3, 1e9, 0.5][m.other % 6]) : tokens[i]
    else if (m.kind === 5) tokens[i] = ['none', 'self', 'tasks', 'image', 'C', '[]', '{}', '0..3', '"x"', 'x', 'training', '-1', 'gelu', 'data'][m.other % 14]
    else tokens.splice(i, 1 + (m.other % 12))
    changed[name] = tokens.join('')
  }
  return changed
}

/** The lines that a mutation changed, to be read when a property fails. */
const changes = (before: Files, after: Files): string => Object.keys(before).flatMap(f => {
  const old = new Set(before[f].split('\n'))
  return after[f].split('\n').flatMap((line, i) => (old.has(line) ? [] : [`${f}:${i + 1}: ${line}`]))
}).join('\n')

function survives(before: Files, mutations: readonly Mutation[]): void {
  const files = mutate(before, mutations)
  try { holds(files) } catch (e) { throw new Error(`${e instanceof Error ? e.message : ''}\n${changes(before, files)}`, { cause: e }) }
}

function holds(files: Files): void {
  const host = { read: (path: string) => files[path] }
  const { diagnostics } = checkFile('main.mtl', host)
  for (const d of diagnostics) {
    expect(d.span.start).toBeLessThanOrEqual(d.span.end)
    expect(renderDiagnostic(d, path => files[path])).toContain(d.message.split('\n')[0])
  }
  const { model } = elaborate('main.mtl', host, { mode: 'train', set: ['train.seed = 3'] })
  if (model !== undefined) expect(model.program.outputs.some(o => o.name === 'loss')).toBe(true)
}

describe('mutated programs', () => {
  it('start from ones without mistakes', () => {
    const warnings = (files: Files): readonly string[] => checkFile('main.mtl', { read: path => files[path] }).diagnostics.map(d => d.code)
    expect(warnings(small)).toEqual([])
    expect(warnings(models)).toEqual([])
  })
  it('small ones never make the compiler throw', () => {
    fc.assert(fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), mutations => survives(small, mutations)), { numRuns: 200, seed: 1 })
  })
  it('models of the repository never make it throw', () => {
    fc.assert(fc.property(fc.array(mutation, { minLength: 1, maxLength: 2 }), mutations => survives(models, mutations)), { numRuns: 12, seed: 2 })
  })
})
