// Every example of docs/language.md compiles: whole files as they stand, `members` inside a block that has dimensions B, C, H, W.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { checkFile, renderDiagnostic } from '../src/compiler/index.ts'
import { fileHost } from './support/models.ts'

const doc = readFileSync('docs/language.md', 'utf8')
const examples = [...doc.matchAll(/^```mtl ?(\w*)\n([\s\S]*?)^```$/gm)].map(([, form, text], i) => ({ form, text, title: `${i + 1}: ${text.trim().split('\n')[0]}` }))

const whole = (form: string, text: string): string => {
  if (form === '') return text
  const used = ['Linear', 'Conv2d', 'BatchNorm2d', 'LayerNorm', 'DropPath'].filter(name => new RegExp(`\\b${name}\\b`).test(text))
  return `import { ${used.join(', ')} } from "lib/layers.mtl"\nblock Example() {\n${text}\nforward(x: [B, C, H, W]) = x\n}\n`
}

it('finds the examples', () => expect(examples.map(e => e.form)).toEqual(['', '', 'members', '', '']))

it.each(examples)('example $title', ({ form, text }) => {
  const source = whole(form, text)
  const host = { read: (path: string) => (path === 'models/example.mtl' ? source : fileHost.read(path)) }
  const errors = checkFile('models/example.mtl', host).diagnostics.filter(d => d.severity === 'error' || d.code !== 'unused-import')
  expect(errors.map(d => renderDiagnostic(d, path => host.read(path))).join('\n\n')).toBe('')
})
