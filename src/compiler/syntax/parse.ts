// Text to abstract syntax: all mistakes at once, the good parts always.
import type { CstNode, IToken } from 'chevrotain'
import { layout } from '../../../grammar/layout.ts'
import { Parser, TooManyMistakes } from '../../../grammar/parser.ts'
import * as t from '../../../grammar/tokens.ts'
import { diagnose } from '../diagnostics/catalogue.ts'
import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import type { Expr, File, Override } from './ast.ts'
import { attempt, type Context, node } from './cst.ts'
import { explainBracket, explainParser, explainToken, explainUnknown, type Source } from './explain.ts'
import { setOverride, toFile } from './to-ast.ts'
import { expression } from './to-ast-expressions.ts'

/** Longest source file, in characters. */
export const maxFileSize = 1024 * 1024
const mostDiagnostics = 100

let shared: Parser | undefined
const parser = (): Parser => (shared ??= new Parser())

function run<T>(file: string, text: string, start: (p: Parser) => CstNode, build: (c: Context, n: CstNode) => T): { result: T | undefined; diagnostics: Diagnostic[] } {
  if (text.length > maxFileSize) return { result: undefined, diagnostics: [diagnose('file-too-large', { file, start: 0, end: 0 }, { size: text.length, limit: maxFileSize })] }
  const { tokens: lexed, unknown } = t.lex(text)
  const { tokens, mistakes } = layout(text, lexed)
  const source: Source = { file, text, tokens: lexed }
  const lines = new Lines(text)
  const firstUnknown = unknown.filter((u, i) => i === 0 || lines.of(u.offset) !== lines.of(unknown[i - 1].offset))
  const diagnostics: Diagnostic[] = [...firstUnknown.slice(0, mostDiagnostics).map(u => explainUnknown(source, u)), ...lexed.flatMap(x => explainToken(source, x))]
  const broken = new Set([...unknown.map(u => lines.of(u.offset)), ...lexed.filter(x => x.tokenType === t.OpenText).map(x => lines.of(x.startOffset))])
  const openComment = lexed.at(-1)?.tokenType === t.OpenComment
  diagnostics.push(...mistakes.filter(m => m.kind !== 'unclosed' || !openComment && !broken.has(lines.of(m.open.startOffset))).slice(0, mostDiagnostics).map(m => explainBracket(source, m)))
  if (mistakes.some(m => m.kind === 'deep')) return { result: undefined, diagnostics: finish(diagnostics) }

  const p = parser()
  p.input = tokens
  let tree: CstNode | undefined
  let stopped = false
  try { tree = start(p) } catch (e) {
    if (!(e instanceof TooManyMistakes)) throw e
    stopped = true
  }
  // What follows from a bracket or a character that has been reported is not reported again.
  const reported = p.errors.filter(e => {
    const virtual = e.token.image === '' && e.token.tokenType !== t.Separator && mistakes.length > 0
    const outside = mistakes.length > 0 && e.name === 'NoViableAltException' && e.context.ruleStack.at(-1) === 'declaration'
    return !virtual && !outside && !broken.has(lines.of(Number.isNaN(e.token.startOffset) ? text.length : e.token.startOffset))
  })
  diagnostics.push(...reported.map(e => explainParser(source, e)))
  const failed = p.errors.length
  p.input = []
  if (tree === undefined) return { result: undefined, diagnostics: finish(diagnostics, stopped) }

  const docs = new Map(tokens.filter(x => x.payload.doc !== '').map(x => [x.startOffset, x.payload.doc]))
  const context: Context = { file, diagnostics, docs, depths: new WeakMap() }
  const made = tree
  const result = attempt(() => build(context, made))
  if (diagnostics.length === 0 && (result === undefined || failed > 0)) throw new Error('internal: the parser failed and said nothing')
  return { result, diagnostics: finish(diagnostics) }
}

/** In order of the text, no two at one place, no more than anyone will read: what was left out is said at the last place. */
function finish(diagnostics: readonly Diagnostic[], stopped = false): Diagnostic[] {
  const seen = new Set<number>()
  const found = diagnostics.toSorted((a, b) => a.span.start - b.span.start).filter(d => !seen.has(d.span.start) && seen.add(d.span.start))
  const next = found[mostDiagnostics] ?? (stopped ? found.at(-1) : undefined)
  return next === undefined ? found : [...found.slice(0, mostDiagnostics), diagnose('too-many-mistakes', next.span, {})]
}

class Lines {
  private readonly starts: number[] = [0]
  constructor(text: string) { for (const m of text.matchAll(/\r\n|\n|\r/g)) this.starts.push(m.index + m[0].length) }
  of(offset: number): number {
    let [low, high] = [0, this.starts.length]
    while (high - low > 1) { const mid = (low + high) >> 1; if (this.starts[mid] <= offset) low = mid; else high = mid }
    return low
  }
}

/** Parse a file. `ast` is undefined only where nothing could be read (too large, nested too deep, too many mistakes); then and at every mistake there are diagnostics. Never throws for any text. */
export function parseFile(file: string, text: string): { ast: File | undefined; diagnostics: Diagnostic[] } {
  const { result, diagnostics } = run(file, text, p => p.file(), toFile)
  return { ast: result, diagnostics }
}

const inner = (n: CstNode): CstNode => (n.recoveredNode ? node(n, 'none') : n)

/** Parse one expression, as in the `{...}` of a message. */
export function parseExpression(file: string, text: string): { expr: Expr | undefined; diagnostics: Diagnostic[] } {
  const { result, diagnostics } = run(file, text, p => p.onlyExpression(), (c, n) => expression(c, node(inner(n), 'expression')))
  return { expr: diagnostics.length === 0 ? result : undefined, diagnostics }
}

/** Parse `PATH=EXPR` of `--set`. */
export function parseOverride(file: string, text: string): { override: Extract<Override, { kind: 'set' }> | undefined; diagnostics: Diagnostic[] } {
  const { result, diagnostics } = run(file, text, p => p.onlyOverride(), (c, n) => setOverride(c, node(inner(n), 'setOverride')))
  return { override: diagnostics.length === 0 ? result : undefined, diagnostics }
}

/** The tokens of a text as the formatter reads them, after a parse that found no mistake. */
export function readTokens(text: string): { lexed: IToken[]; laidOut: ReturnType<typeof layout> } {
  const { tokens } = t.lex(text)
  return { lexed: tokens, laidOut: layout(text, tokens) }
}
