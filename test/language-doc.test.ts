// docs/language.md says what is implemented. Its examples compile: whole files as they stand, `members` inside a block that has dimensions B, C, H, W. Its tables and lists are complete.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { keywords } from '../grammar/tokens.ts'
import { checkFile, renderDiagnostic } from '../src/compiler/index.ts'
import { functions } from '../src/compiler/semantics/functions/index.ts'
import type { KindSchema } from '../src/compiler/semantics/kinds-fields.ts'
import { trainingKinds, trainSchema } from '../src/compiler/semantics/kinds-train.ts'
import { augmentationKinds, dataKinds, taskKinds } from '../src/compiler/semantics/kinds.ts'
import { unchanged } from '../src/compiler/semantics/models-overrides.ts'
import { fileLimit } from '../src/compiler/semantics/modules.ts'
import { defaultLimits } from '../src/compiler/semantics/scope.ts'
import { printValue } from '../src/compiler/semantics/show-values.ts'
import type { Value } from '../src/compiler/semantics/values.ts'
import { maxFileSize } from '../src/compiler/syntax/parse.ts'
import { maxDepth } from '../src/compiler/syntax/to-ast-expressions.ts'
import { maxNesting } from '../grammar/layout.ts'
import { expression } from './semantics/evaluate-support.ts'
import { fileHost } from './support/models.ts'

const doc = readFileSync('docs/language.md', 'utf8')
const examples = [...doc.matchAll(/^```mtl ?(\w*)\n([\s\S]*?)^```$/gm)].map(([, form, text], i) => ({ form, text, title: `${i + 1}: ${text.trim().split('\n')[0]}` }))

const whole = (form: string, text: string): string => {
  if (form === '') return text
  const used = ['Linear', 'Conv2d', 'BatchNorm2d', 'LayerNorm', 'DropPath'].filter(name => new RegExp(`\\b${name}\\b`).test(text))
  return `import { ${used.join(', ')} } from "lib/layers.mtl"\nblock Example() {\n${text}\nforward(x: [B, C, H, W]) = x\n}\n`
}

it('finds the examples', () => expect(examples.map(e => e.form)).toEqual(['', '', 'members', '', '', '']))

it.each(examples)('example $title', ({ form, text }) => {
  const source = whole(form, text)
  const host = { read: (path: string) => (path === 'models/example.mtl' ? source : fileHost.read(path)) }
  const errors = checkFile('models/example.mtl', host).diagnostics.filter(d => d.severity === 'error' || d.code !== 'unused-import')
  expect(errors.map(d => renderDiagnostic(d, path => host.read(path))).join('\n\n')).toBe('')
})

const section = (number: number): string => doc.split(/^## /m).find(part => part.startsWith(`${number}. `))!

interface Parameter { readonly name: string; readonly default: string | undefined }
interface Signature { readonly name: string; readonly params: readonly Parameter[]; /** the last cell of its row */ readonly meaning: string }

/** `name(a, b = [1, 2])` in the first cells of the tables of a section. */
const signatures = (text: string): Signature[] => text.split('\n').filter(line => line.startsWith('| `')).flatMap(line => {
  const [, first, meaning] = line.split(/(?<!\\)\|/)
  return [...first.matchAll(/`([\w ]+)\(([^`]*)\)`/g)].map(([, name, inside]) => ({ name, params: parameters(inside), meaning }))
})

/** Parameters are separated by commas outside brackets. */
const parameters = (text: string): Parameter[] => {
  const parts: string[] = ['']
  let depth = 0
  for (const char of text) {
    if (char === ',' && depth === 0) { parts.push(''); continue }
    depth += '[('.includes(char) ? 1 : '])'.includes(char) ? -1 : 0
    parts[parts.length - 1] += char
  }
  return parts.filter(part => part.trim() !== '').map(part => { const [name, ...rest] = part.split(' = '); return { name: name.trim(), default: rest.length === 0 ? undefined : rest.join(' = ') } })
}

const meansTheSame = (text: string | undefined, value: Value | undefined): boolean => {
  if (text === undefined || value === undefined) return text === undefined && value === undefined
  return text === printValue(value) || unchanged(expression(text).value, value)
}
const difference = (documented: readonly Parameter[], real: readonly { readonly name: string; readonly default?: Value | undefined }[]): string[] =>
  documented.length === real.length && documented.every((p, i) => p.name === real[i].name && meansTheSame(p.default, real[i].default)) ? [] : [real.map(p => `${p.name}${p.default === undefined ? '' : ` = ${printValue(p.default)}`}`).join(', ')]

describe('functions', () => {
  const documented = signatures(section(5))
  it('are all there', () => expect(documented.map(s => s.name).toSorted()).toEqual([...functions.keys()].toSorted()))
  it.each(documented)('$name', ({ name, params }) => {
    expect(difference(params, functions.get(name)!.params.map(p => ({ ...p, name: p.rest === true ? `...${p.name}` : p.name })))).toEqual([])
  })
})

describe('kinds', () => {
  const prefixed = Object.entries(dataKinds).map(([name, schema]) => [`data ${name}`, schema] as const)
  const kinds = new Map<string, KindSchema>([...prefixed, ...[augmentationKinds, taskKinds, ...trainingKinds.map(([, kinds]) => kinds)].flatMap(k => Object.entries(k)), ['train', trainSchema]])
  const documented = signatures(section(7))
  it('are all there', () => expect(documented.map(s => s.name)).toEqual([...kinds.keys()]))
  it.each(documented)('$name', ({ name, params, meaning }) => {
    const { fields } = kinds.get(name)!
    expect(difference(params, Object.entries(fields).map(([field, { default: value }]) => ({ name: field, default: value })))).toEqual([])
    expect(Object.keys(fields).filter(field => !meaning.includes(`\`${field}\``))).toEqual([])
  })
})

describe('lists', () => {
  it('keywords', () => expect(/Keywords: `([^`]*)`/.exec(doc)![1].split(' ').toSorted()).toEqual([...[...keywords].map(k => k.name), 'off'].toSorted()))
  it('limits', () => {
    const { depth, range, nodes, steps } = defaultLimits
    const numbers = [depth, range, nodes, steps, maxFileSize / 2 ** 20, maxNesting, maxDepth, fileLimit]
    expect([...section(9).split('\n\n')[1].matchAll(/\d[\d,]*(?!\w)/g)].map(m => Number(m[0].replaceAll(',', '')))).toEqual(numbers)
  })
})
