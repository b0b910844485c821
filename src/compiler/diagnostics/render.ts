// Diagnostics as text for people (source excerpt, carets, labels, hint) and as plain objects for --json.
import type { Diagnostic, Severity, Span } from './diagnostic.ts'

/** Text of a file by the name it was given to the compiler under; undefined if it cannot be shown. */
export type Sources = (file: string) => string | undefined

export interface RenderOptions { /** ANSI colours */ readonly color?: boolean }

const widest = 120
const tabWidth = 2

/** 1-based line and column (in UTF-16 units, as editors count) of an offset; offsets past the end are at the end. */
export function lineColumn(text: string, offset: number): { line: number; column: number } {
  const end = Math.max(0, Math.min(offset, text.length))
  let line = 1
  let start = 0
  for (const m of text.slice(0, end).matchAll(/\r\n|\n|\r/g)) {
    if (m[0] === '\r' && text[m.index + 1] === '\n') break
    line++
    start = m.index + m[0].length
  }
  return { line, column: end - start + 1 }
}

/** One line of a file with a mark under it. */
interface Mark { readonly line: number; readonly from: number; readonly to: number; readonly text: string; readonly main: boolean }

const styles = { error: '\u001B[1;31m', warning: '\u001B[1;33m', note: '\u001B[1;34m', bold: '\u001B[1m', off: '\u001B[0m' }
type Paint = (style: keyof typeof styles, text: string) => string

function markOf(source: string, span: Span, text: string, main: boolean): Mark {
  const { line, column } = lineColumn(source, span.start)
  const end = lineColumn(source, Math.max(span.start, span.end))
  const width = lineText(source, line).length
  const to = end.line === line ? end.column - 1 : width
  return { line, from: column - 1, to: Math.max(to, column), text, main }
}

const lineText = (source: string, line: number): string => source.split(/\r\n|\n|\r/, line)[line - 1] ?? ''

/** Columns a character takes in a terminal, roughly: wide for East Asian scripts and emoji, none for combining marks and other halves. */
function widthOf(char: string): number {
  if (char === '\t') return tabWidth
  if (/\p{M}|\p{Cf}/u.test(char)) return 0
  return /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Extended_Pictographic}/u.test(char) ? 2 : 1
}
const shown = (char: string): string => (char === '\t' ? ' '.repeat(tabWidth) : /\p{C}/u.test(char) && !/\p{Cf}/u.test(char) ? '\uFFFD' : char)

/** The part of a line around a mark that fits, and the columns of the mark in it. */
function excerpt(text: string, from: number, to: number): { text: string; from: number; to: number } {
  let start = 0
  let end = text.length
  if (text.length > widest) {
    start = Math.max(0, Math.min(from - Math.floor(widest / 3), text.length - widest))
    end = Math.min(text.length, start + widest)
  }
  const before = start > 0 ? '... ' : ''
  const after = end < text.length ? ' ...' : ''
  const columns = (a: number, b: number): number => Array.from(text.slice(a, b), widthOf).reduce((n, w) => n + w, 0)
  const left = before.length + columns(start, Math.min(from, end))
  const width = columns(Math.min(from, end), Math.min(to, end)) + Math.max(0, to - Math.max(from, text.length))
  return { text: before + Array.from(text.slice(start, end), shown).join('') + after, from: left, to: left + Math.max(1, width) }
}

function renderFile(source: string, marks: readonly Mark[], gutter: number, severity: Severity, paint: Paint): string[] {
  const bar = paint('note', '|')
  const out = [`${' '.repeat(gutter)} ${bar}`]
  let previous: number | undefined
  for (const mark of marks.toSorted((a, b) => a.line - b.line || Number(b.main) - Number(a.main))) {
    if (previous !== undefined && mark.line > previous + 1) out.push(paint('note', '...'))
    const part = excerpt(lineText(source, mark.line), mark.from, mark.to)
    if (mark.line !== previous) out.push(`${paint('note', String(mark.line).padStart(gutter))} ${bar} ${part.text}`.trimEnd())
    const under = (mark.main ? '^' : '-').repeat(part.to - part.from)
    out.push(`${' '.repeat(gutter)} ${bar} ${' '.repeat(part.from)}${paint(mark.main ? severity : 'note', `${under}${mark.text === '' ? '' : ` ${mark.text}`}`)}`)
    previous = mark.line
  }
  return out
}

/**
 * A diagnostic in the manner of a compiler's terminal output: `error[code]: message`, the place, the source line with carets under the span (the first line of one of
 * several lines) and its label, the other places that take part, the hint. Ends without a newline.
 */
export function renderDiagnostic(d: Diagnostic, sources: Sources, options: RenderOptions = {}): string {
  const paint: Paint = (style, text) => (options.color === true ? `${styles[style]}${text}${styles.off}` : text)
  const head = `${paint(d.severity, `${d.severity}[${d.code}]`)}${paint('bold', `: ${d.message}`)}`
  const places = [{ span: d.span, text: d.label, main: true }, ...d.labels.map(l => ({ ...l, main: false }))]
  const files = [...new Set(places.map(p => p.span.file))]
  const marks = new Map(files.map(file => {
    const source = sources(file)
    return [file, source === undefined ? undefined : { source, marks: places.filter(p => p.span.file === file).map(p => markOf(source, p.span, p.text, p.main)) }]
  }))
  const gutter = String(Math.max(1, ...[...marks.values()].flatMap(m => m?.marks.map(x => x.line) ?? []))).length
  const out = [head]
  for (const file of files) {
    const found = marks.get(file)
    const arrow = `${' '.repeat(gutter)}${paint('note', file === d.span.file ? '-->' : ':::')}`
    if (found === undefined) { out.push(`${arrow} ${file}`); for (const p of places) if (p.span.file === file && p.text !== '') out.push(`${' '.repeat(gutter)} ${p.text}`); continue }
    const first = found.marks[0]
    out.push(`${arrow} ${file}:${first.line}:${first.from + 1}`, ...renderFile(found.source, found.marks, gutter, d.severity, paint))
  }
  if (d.hint !== undefined) out.push(`${paint('note', 'hint')}: ${d.hint}`)
  return out.join('\n')
}

export interface JsonPlace { readonly file: string; readonly line: number; readonly column: number; readonly endLine: number; readonly endColumn: number }
export interface JsonDiagnostic extends JsonPlace {
  readonly code: string
  readonly severity: Severity
  readonly message: string
  readonly label: string
  readonly hint: string | undefined
  readonly labels: readonly (JsonPlace & { readonly text: string })[]
}

/** A diagnostic for `--json`; lines and columns from 1, the end exclusive; 0 where the source is not known. */
export function toJson(d: Diagnostic, sources: Sources): JsonDiagnostic {
  const place = (span: Span): JsonPlace => {
    const text = sources(span.file)
    if (text === undefined) return { file: span.file, line: 0, column: 0, endLine: 0, endColumn: 0 }
    const [start, end] = [lineColumn(text, span.start), lineColumn(text, span.end)]
    return { file: span.file, line: start.line, column: start.column, endLine: end.line, endColumn: end.column }
  }
  return { ...place(d.span), code: d.code, severity: d.severity, message: d.message, label: d.label, hint: d.hint, labels: d.labels.map(l => ({ ...place(l.span), text: l.text })) }
}
