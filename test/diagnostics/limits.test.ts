// The limits of the language, as their messages are rendered.
import { expect, it } from 'vitest'
import { checkFile, renderDiagnostic } from '../../src/compiler/index.ts'

const messages = (files: Record<string, string>, entry = 'model.mtl'): string => {
  const { diagnostics } = checkFile(entry, { read: path => files[path] })
  return diagnostics.map(d => renderDiagnostic(d, file => files[file]?.slice(0, 400))).join('\n\n')
}
const block = (expression: string): Record<string, string> => ({ 'model.mtl': `block A() {\n  forward(x: [B]) =\n    ${expression}\n}\n` })

it('too large a file', () => {
  expect(messages({ 'model.mtl': '/'.repeat((1 << 20) + 1) })).toMatchInlineSnapshot(`
    "error[file-too-large]: the file has 1048577 characters; the limit is 1048576
     --> model.mtl:1:1
      |
    1 | //////////////////////////////////////////////////////////////////////////////////////////////////////////////////////// ...
      | ^
    hint: split it into several files and import them"
  `)
})

it('too many brackets in one another', () => {
  expect(messages(block('('.repeat(201) + 'x' + ')'.repeat(201)))).toMatchInlineSnapshot(`
    "error[nested-too-deep]: brackets or conditions are nested deeper than 200
     --> model.mtl:3:204
      |
    3 | ... ((((((((((((((((((((((((((((((((((((((((((x))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))) ...
      |                                             ^ one too many"
  `)
})

it('too long a chain of operations', () => {
  expect(messages(block(`x${' + x'.repeat(1001)}`))).toMatchInlineSnapshot(`
    "error[expression-too-deep]: more than 1000 operations or branches follow one another here
     --> model.mtl:3:5
      |
    3 |     x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x +  ...
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    hint: give a part of it a name with \`let\`"
  `)
})

it('too many mistakes', () => {
  const found = messages({ 'model.mtl': Array.from({ length: 300 }, (_, i) => `block B${i}() { let = 1; forward(x: [N]) = x + }`).join('\n') }).split('\n\n')
  expect(found.filter(m => m.includes('too-many-mistakes')).join('\n\n')).toMatchInlineSnapshot(`
    "error[too-many-mistakes]: too many mistakes: those after this place are not shown
     --> model.mtl:9:33
      |
    9 | block B8() { let = 1; forward(x:
      |                                 ^"
  `)
})

it('too many files', () => {
  const files: Record<string, string> = {}
  for (let i = 0; i < 210; i++) files[`f${i}.mtl`] = `import { B${i + 1} } from "f${i + 1}.mtl"\nblock B${i}() { forward(x: [N]) = B${i + 1}()(x) }\n`
  files['f210.mtl'] = 'block B210() { forward(x: [N]) = x }\n'
  expect(messages(files, 'f0.mtl').split('\n\n').filter(m => m.includes('too-many-files')).join('\n\n')).toMatchInlineSnapshot(`
    "error[too-many-files]: more than 200 files
     --> f199.mtl:1:22
      |
    1 | import { B200 } from "f200.mtl"
      |                      ^^^^^^^^^^ this import is one too many"
  `)
})
