// The static check of whole files: everything that can be said of a text without elaborating a model.
import { diagnose } from '../diagnostics/catalogue.ts'
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts'
import type { BlockDecl } from '../syntax/ast.ts'
import { checkBlock } from './check-blocks.ts'
import type { CheckContext } from './check-expressions.ts'
import { checkModel, checkVariant } from './check-models.ts'
import { Names } from './check-scope.ts'
import { functions as builtins } from './functions/index.ts'
import type { BuiltinFunction } from './functions/function.ts'
import { kindFunctions } from './kinds.ts'
import type { Module } from './modules.ts'

/** Every function an expression may call: the built-in ones and the kinds. */
export const allFunctions: ReadonlyMap<string, BuiltinFunction> = new Map([...builtins, ...kindFunctions.map(f => [f.name, f] as const)])

type Mentions = ReadonlyMap<BlockDecl, ReadonlyMap<BlockDecl, Span>>

/** Check every block and model of every file. Warnings are given for the files that `own` accepts (the library's are its author's). */
export function checkModules(modules: Iterable<Module>, own: (path: string) => boolean = () => true): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = []
  const mentions = new Map<BlockDecl, Map<BlockDecl, Span>>()
  for (const module of modules) {
    const found: Diagnostic[] = []
    checkModule(module, mentions, d => { if (d.severity === 'error' || own(module.path)) found.push(d) })
    diagnostics.push(...found.toSorted((a, b) => a.span.start - b.span.start))
  }
  diagnostics.push(...blockCycles(mentions))
  return diagnostics
}

function checkModule(module: Module, mentions: Map<BlockDecl, Map<BlockDecl, Span>>, report: (d: Diagnostic) => void): void {
  const global = new Names()
  for (const name of allFunctions.keys()) global.define('builtin', name)
  global.define('builtin', 'training')
  const file = new Names(global)
  for (const [name, definition] of module.names) file.define('file', name, definition.span, definition)
  const unresolved = failedImports(module)
  for (const { text, span } of unresolved) file.define('file', text, span)
  for (const name of module.broken ? perhapsDeclared(module.text) : []) if (!module.names.has(name)) file.define('file', name)

  for (const declaration of module.file.declarations) {
    const found = new Map<BlockDecl, Span>()
    const context: CheckContext = { report, functions: allFunctions, mention: (block, span) => { if (!found.has(block)) found.set(block, span) } }
    if (declaration.kind === 'block') { checkBlock(declaration, file, context); mentions.set(declaration, found) }
    else if (declaration.kind === 'model') checkModel(declaration, file, context)
    else checkVariant(declaration, module, file, context)
  }
  for (const entry of file.own()) {
    if (!entry.used && entry.span !== undefined && entry.definition?.imported === true && !module.broken) report(diagnose('unused-import', entry.span, { name: entry.name }))
  }
}

/** Names that a text with syntax errors may mean to declare or to import. */
const perhapsDeclared = (text: string): readonly string[] =>
  [...text.matchAll(/\b(?:block|model)\s+(\w+)|\bimport\b[^"}]*/g)].flatMap(m => (m[1] === undefined ? m[0].match(/\w+/g) ?? [] : [m[1]]))

/** Names whose import failed: that was reported, their uses are not. */
const failedImports = (module: Module): readonly { readonly text: string; readonly span: Span }[] =>
  module.file.imports.flatMap(i => i.names.map(n => n.alias ?? n.name)).filter(n => !module.names.has(n.text))

/** One diagnostic per cycle of blocks, at the mention that closes it. */
function blockCycles(mentions: Mentions): Diagnostic[] {
  const found: Diagnostic[] = []
  const done = new Set<BlockDecl>()
  const trail: { readonly block: BlockDecl; readonly span: Span }[] = []
  const visit = (block: BlockDecl): void => {
    for (const [next, span] of mentions.get(block) ?? []) {
      const at = next === block ? trail.length : trail.findIndex(step => step.block === next)
      if (at >= 0) {
        const steps = trail.slice(at)
        const labels = steps.map(step => ({ span: step.span, text: `${step.block.name.text} contains this` }))
        found.push(diagnose('recursive-block', span, { name: next.name.text, path: [...steps.map(s => s.block.name.text), block.name.text, next.name.text].join(' -> ') }, { labels }))
      } else if (!done.has(next)) {
        trail.push({ block, span })
        visit(next)
        trail.pop()
      }
    }
    done.add(block)
  }
  for (const block of mentions.keys()) if (!done.has(block)) visit(block)
  return found
}
