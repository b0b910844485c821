// Files and imports: from an entry file to all modules it needs, with the names each of them sees.
import { diagnose } from '../diagnostics/catalogue.ts'
import type { Diagnostic, Label, Span } from '../diagnostics/diagnostic.ts'
import { didYouMean } from '../diagnostics/suggest.ts'
import type { Declaration, File, Import, Name } from '../syntax/ast.ts'
import { parseFile } from '../syntax/parse.ts'

/** Where source text comes from. Paths are posix; a path that starts with `mtlc:` is the standard library. */
export interface SourceHost { read(path: string): string | undefined }

/** What a name at the level of a file means: a declaration of this file or an imported one. */
export interface Definition { readonly declaration: Declaration; readonly module: Module; readonly imported: boolean; readonly span: Span }

export interface Module {
  readonly path: string
  readonly text: string
  readonly file: File
  /** has syntax errors: declarations may be missing */
  readonly broken: boolean
  readonly names: ReadonlyMap<string, Definition>
}

export interface LoadedModules {
  /** undefined if the entry file could not be read */
  readonly entry: Module | undefined
  /** by path, the entry first, in the order in which they were found */
  readonly modules: ReadonlyMap<string, Module>
  readonly diagnostics: readonly Diagnostic[]
}

export const fileLimit = 200
const library = 'mtlc:'

/** Remove `.` and `..` from a posix path; `..` above the start of a relative path stays, above a root is dropped. */
export function normalisePath(path: string): string {
  if (path.startsWith(library)) return library + normalisePath(`/${path.slice(library.length)}`).slice(1)
  const rooted = path.startsWith('/')
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.length > 0 && parts[parts.length - 1] !== '..') parts.pop()
    else if (!rooted) parts.push('..')
  }
  return (rooted ? '/' : '') + parts.join('/')
}

/** The path an import names: `mtlc:` and absolute paths stand for themselves, others are relative to the importing file. */
export function resolveImport(from: string, path: string): string {
  if (path.startsWith(library) || path.startsWith('/')) return normalisePath(path)
  const start = from.startsWith(library) ? library.length : 0
  const slash = from.lastIndexOf('/')
  return normalisePath((slash < start ? from.slice(0, start) : from.slice(0, slash + 1)) + path)
}

/** `broken`: has syntax errors, so that declarations may be missing */
interface Loading { readonly path: string; readonly text: string; readonly file: File; readonly broken: boolean; readonly names: Map<string, Definition>; readonly imports: { readonly syntax: Import; readonly target: string }[] }

/** Read `entry` and everything it imports; every file is read and parsed once. Never throws for a user's mistake. */
export function loadModules(entry: string, host: SourceHost): LoadedModules {
  const diagnostics: Diagnostic[] = []
  const loaded = new Map<string, Loading>()
  const missing = new Set<string>()
  const start = normalisePath(entry)

  const load = (path: string): Loading | undefined => {
    const text = host.read(path)
    if (text === undefined) return undefined
    const parsed = parseFile(path, text)
    diagnostics.push(...parsed.diagnostics)
    const file = parsed.ast ?? { file: path, imports: [], declarations: [] }
    const broken = parsed.diagnostics.some(d => d.severity === 'error')
    const module: Loading = { path, text, file, broken, names: new Map(), imports: file.imports.map(syntax => ({ syntax, target: resolveImport(path, syntax.path) })) }
    loaded.set(path, module)
    return module
  }

  const first = load(start)
  if (first === undefined) return { entry: undefined, modules: new Map(), diagnostics: [diagnose('file-not-found', { file: start, start: 0, end: 0 }, { path: start })] }
  const queue = [first]
  let full = false
  for (let module = queue.shift(); module !== undefined; module = queue.shift()) {
    for (const { syntax, target } of module.imports) {
      if (loaded.has(target) || full) continue
      if (loaded.size === fileLimit) { full = true; diagnostics.push(diagnose('too-many-files', syntax.pathSpan, { limit: fileLimit })); continue }
      const next = missing.has(target) ? undefined : load(target)
      if (next !== undefined) { queue.push(next); continue }
      missing.add(target)
      diagnostics.push(diagnose('import-not-found', syntax.pathSpan, { path: syntax.path, tried: target, from: module.path }))
    }
  }
  diagnostics.push(...importCycles(loaded))
  for (const module of loaded.values()) bindDeclarations(module, diagnostics)
  for (const module of loaded.values()) bindImports(module, loaded, diagnostics)
  return { entry: first, modules: loaded, diagnostics }
}

/** One diagnostic per cycle, at the import that closes it, with a label on each other import of it. */
function importCycles(loaded: ReadonlyMap<string, Loading>): Diagnostic[] {
  const found: Diagnostic[] = []
  const done = new Set<string>()
  const visit = (module: Loading, trail: readonly { readonly module: Loading; readonly via: Import }[]): void => {
    for (const { syntax, target } of module.imports) {
      const at = trail.findIndex(step => step.module.path === target)
      if (target === module.path || at >= 0) {
        const steps = target === module.path ? [] : trail.slice(at)
        const labels: Label[] = steps.map(step => ({ span: step.via.pathSpan, text: `${step.module.path} imports ${step.via.path}` }))
        found.push(diagnose('import-cycle', syntax.pathSpan, { path: [target, ...steps.map(s => resolveImport(s.module.path, s.via.path)), target].join(' -> ') }, { labels }))
        continue
      }
      const next = loaded.get(target)
      if (next !== undefined && !done.has(target)) visit(next, [...trail, { module, via: syntax }])
    }
    done.add(module.path)
  }
  for (const module of loaded.values()) if (!done.has(module.path)) visit(module, [])
  return found
}

function bindDeclarations(module: Loading, diagnostics: Diagnostic[]): void {
  for (const declaration of module.file.declarations) define(module, declaration.name, { declaration, module, imported: false, span: declaration.name.span }, diagnostics)
}

function bindImports(module: Loading, loaded: ReadonlyMap<string, Loading>, diagnostics: Diagnostic[]): void {
  for (const { syntax, target } of module.imports) {
    const source = loaded.get(target)
    if (source === undefined || source === module) continue
    for (const { name, alias } of syntax.names) {
      const declaration = source.file.declarations.find(d => d.name.text === name.text)
      const known = source.file.declarations.map(d => d.name.text)
      if (declaration === undefined && source.broken) continue
      if (declaration === undefined) diagnostics.push(diagnose('unknown-import', name.span, { name: name.text, path: target }, { hint: didYouMean(name.text, known) ?? `${target} declares nothing` }))
      else define(module, alias ?? name, { declaration, module: source, imported: true, span: (alias ?? name).span }, diagnostics)
    }
  }
}

function define(module: Loading, name: Name, definition: Definition, diagnostics: Diagnostic[]): void {
  const before = module.names.get(name.text)
  if (before === undefined) { module.names.set(name.text, definition); return }
  const [first, second] = before.span.start <= definition.span.start ? [before, definition] : [definition, before]
  diagnostics.push(diagnose('duplicate-definition', second.span, { name: name.text }, { labels: [{ span: first.span, text: first.imported ? 'imported here' : 'declared here' }] }))
}
