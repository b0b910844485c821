// From a path on the command line to a compiled model: files are read here, diagnostics go to stderr.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { elaborate, lineColumn, renderDiagnostic, type Diagnostic, type ElaboratedModel, type SourceHost, type Span } from '../compiler/index.ts'
import { packageRoot } from '../runtime/worker-path.ts'
import { UserError } from './errors.ts'

export { UsageError, UserError } from './errors.ts'

const sizeLimit = 1 << 20

/** Reads sources below the working directory by relative path; `mtlc:lib/x.mtl` is the library that comes with the package. */
export class FileHost implements SourceHost {
  /** Texts by name: what was read, and at first what is not to be read again. */
  readonly sources: Map<string, string>

  constructor(sources: ReadonlyMap<string, string> = new Map()) { this.sources = new Map(sources) }

  read(path: string): string | undefined {
    const known = this.sources.get(path)
    if (known !== undefined) return known
    const file = path.startsWith('mtlc:') ? join(packageRoot(), 'models', path.slice(5)) : path
    if (!existsSync(file) || !statSync(file).isFile()) return undefined
    // One byte over the limit is enough for the compiler to say that the file is too large.
    try {
      const text = readFileSync(file).subarray(0, sizeLimit + 1).toString('utf8')
      this.sources.set(path, text)
      return text
    } catch {
      return undefined
    }
  }
}

/** The name under which a file is known to the compiler: relative to the working directory where it lies below it. */
export function sourceName(file: string): string {
  const short = relative(process.cwd(), resolve(file)).replaceAll('\\', '/')
  return short === '' || short.startsWith('..') ? resolve(file).replaceAll('\\', '/') : short
}

/** The sources of `--set` texts are shown as they were typed. */
const shown = (host: FileHost, set: readonly string[]) => (file: string): string | undefined => (file.startsWith('--set') ? set[Number(file.replace(/\D/g, '') || '0')] ?? set.join('\n') : host.sources.get(file))

export function printDiagnostics(diagnostics: readonly Diagnostic[], host: FileHost, set: readonly string[] = []): void {
  for (const d of diagnostics) process.stderr.write(`${renderDiagnostic(d, shown(host, set), { color: process.stderr.isTTY === true })}\n\n`)
  const errors = diagnostics.filter(d => d.severity === 'error').length
  const warnings = diagnostics.length - errors
  const count = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`
  if (diagnostics.length > 0) process.stderr.write(`${[errors > 0 ? count(errors, 'error') : '', warnings > 0 ? count(warnings, 'warning') : ''].filter(Boolean).join(', ')}\n`)
}

export interface CompileOptions { readonly model?: string; readonly set?: readonly string[]; readonly mode: 'infer' | 'train'; readonly batch?: number; readonly quiet?: boolean; /** Texts that are not to be read again. */ readonly sources?: ReadonlyMap<string, string> }

export interface Compiled { readonly model: ElaboratedModel; /** `file:line:column` of a span */ readonly place: (span: Span) => string; /** The texts it was made from. */ readonly sources: ReadonlyMap<string, string> }

/** Elaborates one model of a file; prints diagnostics; throws UserError if there are errors. */
export function compileFile(file: string, options: CompileOptions): Compiled {
  const host = new FileHost(options.sources)
  const { model, diagnostics } = elaborate(sourceName(file), host, options)
  const errors = diagnostics.some(d => d.severity === 'error')
  if (errors || options.quiet !== true) printDiagnostics(diagnostics, host, options.set)
  if (model === undefined || errors) throw new UserError('')
  return { model, place: span => placeOf(span, host.sources.get(span.file)), sources: host.sources }
}

function placeOf(span: Span, source: string | undefined): string {
  if (source === undefined) return span.file
  const { line, column } = lineColumn(source, span.start)
  return `${span.file}:${line}:${column}`
}

/** Digest of a text, for checkpoints. */
export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)
