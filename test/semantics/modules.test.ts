// Files and imports: paths, missing files, cycles, names.
import { describe, expect, it } from 'vitest'
import { fileLimit, loadModules, normalisePath, resolveImport } from '../../src/compiler/semantics/modules.ts'
import { check, hostOf, rendered, type Files } from './check-support.ts'

const load = (files: Files): string => rendered(loadModules(Object.keys(files)[0], hostOf(files)).diagnostics, files)
const block = (name: string): string => `block ${name}() { forward(x: [*]) = x }\n`

describe('paths', () => {
  it.each([
    ['a/b.mtl', 'c.mtl', 'a/c.mtl'],
    ['a/b.mtl', '../c.mtl', 'c.mtl'],
    ['b.mtl', '../c.mtl', '../c.mtl'],
    ['../a/b.mtl', '../c.mtl', '../c.mtl'],
    ['/x/b.mtl', './y/./c.mtl', '/x/y/c.mtl'],
    ['a.mtl', 'mtlc:lib/swin.mtl', 'mtlc:lib/swin.mtl'],
    ['mtlc:lib/swin.mtl', 'layers.mtl', 'mtlc:lib/layers.mtl'],
    ['mtlc:lib/swin.mtl', '../../x.mtl', 'mtlc:x.mtl'],
    ['mtlc:swin.mtl', 'layers.mtl', 'mtlc:layers.mtl'],
  ])('%s imports %s: %s', (from, path, expected) => expect(resolveImport(from, path)).toBe(expected))

  it('keeps leading dots of relative paths only', () => {
    expect([normalisePath('../../a'), normalisePath('/../a'), normalisePath('./a//b/../c')]).toEqual(['../../a', '/a', 'a/c'])
  })
})

describe('loading', () => {
  it('reads every file once', () => {
    const reads: string[] = []
    const files: Files = { 'a.mtl': 'import { B } from "lib/b.mtl"\nimport { C } from "lib/c.mtl"', 'lib/b.mtl': `import { C } from "c.mtl"\n${block('B')}`, 'lib/c.mtl': block('C') }
    const { modules, diagnostics } = loadModules('./a.mtl', { read: path => { reads.push(path); return files[path] } })
    expect(diagnostics).toEqual([])
    expect([...modules.keys()]).toEqual(['a.mtl', 'lib/b.mtl', 'lib/c.mtl'])
    expect(reads).toEqual(['a.mtl', 'lib/b.mtl', 'lib/c.mtl'])
    expect([...modules.get('lib/b.mtl')!.names.keys()]).toEqual(['B', 'C'])
  })

  it('stops at the limit of files', () => {
    const files: Record<string, string> = {}
    for (let i = 0; i <= fileLimit; i++) files[`f${i}.mtl`] = `import { B } from "f${i + 1}.mtl"`
    expect(loadModules('f0.mtl', hostOf(files)).diagnostics.map(d => d.code).filter(c => c !== 'unknown-import')).toEqual(['too-many-files'])
  })
})

describe('messages', () => {
  it('says that the entry cannot be read', () => {
    expect(rendered(loadModules('no.mtl', hostOf({})).diagnostics, {})).toMatchInlineSnapshot(`
      "error[file-not-found]: cannot read no.mtl: no file of this name can be read
       --> no.mtl"
    `)
  })
  it('says where a missing file was looked for', () => {
    expect(load({ 'models/a.mtl': 'import { B } from "../lib/b.mtl"' })).toMatchInlineSnapshot(`
      "error[import-not-found]: cannot find "../lib/b.mtl"
       --> models/a.mtl:1:19
        |
      1 | import { B } from "../lib/b.mtl"
        |                   ^^^^^^^^^^^^^^ imported here
      hint: looked for lib/b.mtl, from models/a.mtl; import paths are relative to the importing file"
    `)
  })
  it('shows every import of a cycle', () => {
    expect(load({ 'a.mtl': `import { B } from "b.mtl"\n${block('A')}`, 'b.mtl': `import { C } from "c.mtl"\n${block('B')}`, 'c.mtl': `import { A } from "a.mtl"\n${block('C')}` })).toMatchInlineSnapshot(`
      "error[import-cycle]: these files import each other: a.mtl -> b.mtl -> c.mtl -> a.mtl
       --> c.mtl:1:19
        |
      1 | import { A } from "a.mtl"
        |                   ^^^^^^^ this import closes the cycle
       ::: a.mtl:1:19
        |
      1 | import { B } from "b.mtl"
        |                   ------- a.mtl imports b.mtl
       ::: b.mtl:1:19
        |
      1 | import { C } from "c.mtl"
        |                   ------- b.mtl imports c.mtl
      hint: move what both need into a third file"
    `)
  })
  it('knows a file that imports itself', () => {
    expect(load({ 'a.mtl': `import { B } from "a.mtl"\n${block('B')}` })).toMatchInlineSnapshot(`
      "error[import-cycle]: these files import each other: a.mtl -> a.mtl
       --> a.mtl:1:19
        |
      1 | import { B } from "a.mtl"
        |                   ^^^^^^^ this import closes the cycle
      hint: move what both need into a third file"
    `)
  })
  it('suggests a name that the file declares', () => {
    expect(load({ 'a.mtl': 'import { Liner } from "b.mtl"', 'b.mtl': block('Linear') })).toMatchInlineSnapshot(`
      "error[unknown-import]: b.mtl has no block or model \`Liner\`
       --> a.mtl:1:10
        |
      1 | import { Liner } from "b.mtl"
        |          ^^^^^ not declared there
      hint: did you mean \`Linear\`?"
    `)
  })
  it('says nothing of names in a file that cannot be parsed', () => {
    expect(loadModules('a.mtl', hostOf({ 'a.mtl': 'import { Linear } from "b.mtl"', 'b.mtl': 'block Linear( {' })).diagnostics.map(d => d.code)).not.toContain('unknown-import')
  })
  it('shows both meanings of a name', () => {
    expect(load({ 'a.mtl': `import { B } from "b.mtl"\n${block('B')}`, 'b.mtl': block('B') })).toMatchInlineSnapshot(`
      "error[duplicate-definition]: \`B\` has two meanings in this file
       --> a.mtl:2:7
        |
      1 | import { B } from "b.mtl"
        |          - imported here
      2 | block B() { forward(x: [*]) = x }
        |       ^ again here
      hint: rename one of them; an import takes \`B as Other\`"
    `)
  })
  it('warns of imports that nothing uses', () => {
    expect(check({ 'a.mtl': 'import { B as Other } from "b.mtl"', 'b.mtl': block('B') })).toMatchInlineSnapshot(`
      "warning[unused-import]: \`Other\` is imported but not used
       --> a.mtl:1:15
        |
      1 | import { B as Other } from "b.mtl"
        |               ^^^^^ not used"
    `)
  })
})
