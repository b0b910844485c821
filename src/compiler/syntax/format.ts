// Canonical layout of a file. It works on tokens: what is written stays, with its comments; blanks, line breaks and trailing commas are made anew.
//
// Lists and arguments stay on one line where they fit into 120 columns and the text does not break them after the opening bracket; otherwise each entry has its line.
// Bodies written on one line stay so where they fit. Pipelines that the text breaks, or that do not fit, have each step on its own line.
import type { IToken, TokenType } from 'chevrotain'
import * as t from '../../../grammar/tokens.ts'
import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import { blankline, type Doc, group, hardline, indent, line, print, softline } from './format-print.ts'
import { parseFile, readTokens } from './parse.ts'

export const lineLength = 120

interface Comment { readonly image: string; readonly start: number; readonly end: number; /** begins its line */ readonly own: boolean; readonly lineComment: boolean }
interface Leaf { readonly token: IToken; readonly before: Comment[]; after: Comment[]; /** the text has a line break before it */ readonly broken: boolean }
interface Bracket { readonly open: Leaf; readonly close: Leaf; readonly entries: readonly Entry[]; /** index brackets: `:` without blanks */ readonly tight: boolean }
type Node = Leaf | Bracket
interface Entry { readonly nodes: readonly Node[]; readonly separator: Leaf | undefined }

const isBracket = (n: Node): n is Bracket => 'open' in n
const firstLeaf = (n: Node): Leaf => (isBracket(n) ? n.open : n)
const lastLeaf = (n: Node): Leaf => (isBracket(n) ? n.close : n)
const typeOf = (n: Node | undefined): TokenType | undefined => (n === undefined ? undefined : firstLeaf(n).token.tokenType)
const openers = new Set<TokenType>([t.LParen, t.LSquare, t.LCurly, t.LRecord])
const closers = new Set<TokenType>([t.RParen, t.RSquare, t.RCurly])
const endOf = (x: IToken): number => x.startOffset + x.image.length

/** Canonical text of a file; no text where it does not parse. */
export function formatFile(text: string, file = ''): { text: string | undefined; diagnostics: Diagnostic[] } {
  const { diagnostics } = parseFile(file, text)
  if (diagnostics.some(d => d.severity === 'error')) return { text: undefined, diagnostics }
  const { leaves, dangling } = attach(text)
  const reader = { at: 0 }
  const entries = readEntries(leaves, reader, t.Separator, undefined)
  const body = entries.map((e, i): Doc => [i === 0 ? '' : betweenDeclarations(text, entries[i - 1], e), entryDoc(e, text)])
  const tail: Doc = dangling.map((c, i) => [i === 0 && entries.length === 0 ? '' : gap(text, c.start) > 1 ? blankline : hardline, c.image])
  const printed = print([body, tail], lineLength).replace(/^\s+|\s+$/g, '')
  return { text: printed === '' ? '' : `${printed}\n`, diagnostics }
}

/** Tokens with their comments: one that begins its line, or stands before code on it, belongs to the next token, others to the one before. */
function attach(text: string): { leaves: Leaf[]; dangling: Comment[] } {
  const { lexed, laidOut } = readTokens(text)
  const leaves: Leaf[] = []
  let pending: Comment[] = []
  let broken = true
  let next = 0
  const { tokens } = laidOut
  for (const [i, x] of lexed.entries()) {
    if (x.tokenType === t.Newline) { broken = true; continue }
    if (t.comments.has(x.tokenType)) {
      const lineComment = x.tokenType !== t.BlockComment
      const comment: Comment = { image: x.image.trimEnd(), start: x.startOffset, end: endOf(x), own: broken, lineComment }
      const follows = lexed[i + 1]
      const endsLine = follows === undefined || follows.tokenType === t.Newline || lineComment
      if (broken || !endsLine || leaves.length === 0) pending.push(comment)
      else if (pending.length > 0) pending.push(comment)
      else leaves[leaves.length - 1].after.push(comment)
      if (broken && endsLine) continue
      broken = false
      continue
    }
    while (next < tokens.length && tokens[next] !== x && tokens[next].startOffset <= x.startOffset) leaves.push({ token: tokens[next++], before: [], after: [], broken: false })
    const kept = tokens[next] === x
    if (!kept) { continue }
    next++
    leaves.push({ token: x, before: pending, after: [], broken: broken || pending.some(c => c.own) })
    pending = []
    broken = false
  }
  while (next < tokens.length) leaves.push({ token: tokens[next++], before: [], after: [], broken: false })
  moveBehindSeparators(leaves)
  return { leaves, dangling: pending }
}

/** `a = 1; // note`: the note belongs to the member, as the separator is not printed. */
function moveBehindSeparators(leaves: Leaf[]): void {
  for (let i = 1; i < leaves.length; i++) {
    const leaf = leaves[i]
    if (leaf.token.tokenType !== t.Separator) continue
    leaves[i - 1].after.push(...leaf.before, ...leaf.after)
    leaf.before.length = 0
    leaf.after = []
  }
}

function readEntries(leaves: readonly Leaf[], reader: { at: number }, separator: TokenType, close: TokenType | undefined): Entry[] {
  const entries: Entry[] = []
  let nodes: Node[] = []
  while (reader.at < leaves.length) {
    const leaf = leaves[reader.at]
    const type = leaf.token.tokenType
    if (closers.has(type) && close !== undefined) break
    reader.at++
    if (openers.has(type)) {
      const body = type === t.LCurly
      const previous = nodes[nodes.length - 1]
      const tight = type === t.LSquare && isPostfix(previous, nodes[nodes.length - 2])
      const inner = readEntries(leaves, reader, body ? t.Separator : t.Comma, t.RCurly)
      nodes.push({ open: leaf, close: leaves[reader.at++], entries: inner, tight })
    } else if (type === separator && !(separator === t.Comma && namesItems(nodes))) { entries.push({ nodes, separator: leaf }); nodes = [] }
    else nodes.push(leaf)
  }
  if (nodes.length > 0) entries.push({ nodes, separator: undefined })
  return entries
}

/** Is this the `for i, x` of a comprehension, whose comma separates no entries? */
const namesItems = (nodes: readonly Node[]): boolean => typeOf(nodes[0]) === t.For && !nodes.some(n => typeOf(n) === t.In)

/** May a bracket after this node be a call or an index of it? */
function isPostfix(previous: Node | undefined, before: Node | undefined): boolean {
  if (previous === undefined) return false
  if (isBracket(previous)) return previous.close.token.tokenType !== t.RCurly || previous.open.token.tokenType === t.LRecord
  const type = previous.token.tokenType
  if (typeOf(before) === t.Dot) return true
  return type === t.Identifier || type === t.As || type === t.Text || type === t.Data || type === t.Train || type === t.Constant || type === t.Forward || type === t.Int || type === t.Float || type === t.Size || type === t.True || type === t.False || type === t.None || type === t.Block
}

const gap = (text: string, start: number): number => {
  const before = text.slice(0, start)
  const blanks = /\s*$/.exec(before)![0]
  return (blanks.match(/\r\n|\n|\r/g) ?? []).length
}
const startOf = (e: Entry): number => { const first = firstLeaf(e.nodes[0]); return first.before[0]?.start ?? first.token.startOffset }

function betweenDeclarations(text: string, a: Entry, b: Entry): Doc {
  const imports = typeOf(a.nodes[0]) === t.Import && typeOf(b.nodes[0]) === t.Import
  return !imports || gap(text, startOf(b)) > 1 ? blankline : hardline
}

/** Comments on lines of their own before an entry. */
function leading(leaf: Leaf, text: string): Doc {
  return leaf.before.map((c, i): Doc => {
    const next = leaf.before[i + 1]?.start ?? leaf.token.startOffset
    const lines = (text.slice(c.end, next).match(/\r\n|\n|\r/g) ?? []).length
    return [c.image, lines > 1 ? blankline : lines === 1 || c.lineComment ? hardline : ' ']
  })
}
const trailing = (leaf: Leaf): Doc => leaf.after.map(c => `  ${c.image}`)
const endsWithLineComment = (leaf: Leaf): boolean => leaf.after.some(c => c.lineComment)

const breakable: readonly (readonly TokenType[])[] = [[t.Then, t.Else], [t.Pipe], [t.Or], [t.And], [t.Plus], [t.Star, t.Slash]]

function entryDoc(entry: Entry, text: string, tight = false): Doc {
  const { nodes } = entry
  const bodyAt = nodes.findIndex(n => typeOf(n) === t.LCurly)
  const headEnd = bodyAt < 0 ? nodes.length : bodyAt
  const mayBreak = (i: number): boolean => i > 0 && i < headEnd && typeOf(nodes[i - 1]) !== t.Dot
  const level = breakable.find(types => nodes.some((n, i) => mayBreak(i) && types.includes(typeOf(n)!)))
  const isBreak = (i: number): boolean => level !== undefined && mayBreak(i) && level.includes(typeOf(nodes[i])!)
  const forced = level?.[0] === t.Pipe && nodes.some((n, i) => isBreak(i) && firstLeaf(n).broken)
  const head: Doc[] = []
  const rest: Doc[] = []
  /** from the first body on: bodies break before the operators of their condition do */
  const bodies: Doc[] = []
  nodes.forEach((n, i) => {
    const out = i >= headEnd ? bodies : rest.length > 0 || isBreak(i) ? rest : head
    const leaf = firstLeaf(n)
    const previous = nodes[i - 1]
    if (i > 0) {
      const afterComment = endsWithLineComment(lastLeaf(previous))
      if (afterComment || leaf.before.some(c => c.own)) out.push(indentIn(out, rest, hardline))
      else if (isBreak(i)) out.push(forced ? hardline : line)
      else if (leaf.before.length > 0 || space(nodes, i, tight)) out.push(' ')
    }
    out.push(i > 0 ? indentIn(out, rest, leading(leaf, text)) : leading(leaf, text))
    out.push(isBracket(n) ? bracketDoc(n, text) : n.token.image)
    if (i < nodes.length - 1) out.push(trailing(lastLeaf(n)))
  })
  return [group([head, indent(rest)]), bodies, trailing(lastLeaf(nodes[nodes.length - 1]))]
}
const indentIn = (out: Doc[], rest: Doc[], doc: Doc): Doc => (out === rest ? doc : indent(doc))

const operands = new Set<TokenType>([t.Identifier, t.As, t.Text, t.Int, t.Float, t.Size, t.True, t.False, t.None, t.Data, t.Train, t.Constant, t.Block])
const isOperand = (nodes: readonly Node[], i: number): boolean => {
  const n = nodes[i]
  if (n === undefined) return false
  return isBracket(n) || typeOf(nodes[i - 1]) === t.Dot || operands.has(n.token.tokenType)
}

/** Is there a blank before node i? */
function space(nodes: readonly Node[], i: number, tight: boolean): boolean {
  const [a, b] = [nodes[i - 1], nodes[i]]
  const [left, right] = [lastLeaf(a).token.tokenType, typeOf(b)!]
  const dotted = typeOf(nodes[i - 2]) === t.Dot
  if (left === t.Dot || right === t.Question) return false
  if (right === t.Dot) return (left === t.Int || left === t.Float || left === t.Size) && !dotted
  if (right === t.Comma) return false
  if (left === t.DotDot || right === t.DotDot) return left === right
  if (left === t.Minus && !isBracket(a) && !isOperand(nodes, i - 2)) return false
  if (left === t.Star && !isBracket(a) && i === 1) return false
  if (right === t.Colon) return false
  if (left === t.Colon) return !tight
  if (right === t.LParen || right === t.LSquare) return !isPostfix(a, nodes[i - 2])
  return true
}

function bracketDoc(b: Bracket, text: string): Doc {
  const body = b.open.token.tokenType === t.LCurly
  const [open, close] = [b.open.token.image, b.close.token.image]
  const dangling = b.close.before
  const inner = b.entries
  if (inner.length === 0 && dangling.length === 0 && b.open.after.length === 0) return [open, close]
  const opening: Doc = [open, trailing(b.open)]
  const ending: Doc = dangling.map((c, i): Doc => [i === 0 && inner.length === 0 ? '' : gap(text, c.start) > 1 ? blankline : hardline, c.image])
  const hasComments = dangling.length > 0 || b.open.after.length > 0 || inner.some(e => firstLeaf(e.nodes[0]).before.some(c => c.own || c.lineComment) || endsWithLineComment(lastLeaf(e.nodes[e.nodes.length - 1])))
  if (body) {
    const oneLine = !hasComments && !/[\n\r]/.test(text.slice(b.open.token.startOffset, b.close.token.startOffset))
    if (oneLine) return group([opening, indent([line, inner.map((e, i): Doc => [i === 0 ? '' : { kind: 'line', flat: '; ' }, entryDoc(e, text)])]), line, close])
    const docs = inner.map((e, i): Doc => [i === 0 ? '' : gap(text, startOf(e)) > 1 ? blankline : hardline, entryDoc(e, text)])
    return [opening, indent([hardline, docs, ending]), hardline, close]
  }
  const expanded = hasComments || (inner.length > 0 && firstLeaf(inner[0].nodes[0]).broken)
  const alone = inner.length === 1 && !hasComments && inner[0].nodes.length === 1 && isBracket(inner[0].nodes[0])
  if (alone && b.close.after.length === 0) return [opening, entryDoc(inner[0], text, b.tight), close]
  const edge = expanded ? hardline : isImport(b, text) ? line : softline
  const docs = inner.map((e, i): Doc => {
    const last = i === inner.length - 1
    const comma = e.separator
    const after = comma === undefined ? '' : [',', trailing(comma)]
    return [entryDoc(e, text, b.tight), last && comma === undefined ? '' : after, last ? '' : expanded ? hardline : line]
  })
  return group([opening, indent([edge, docs, ending]), edge, close])
}

const isImport = (b: Bracket, text: string): boolean => /(?:^|\W)import\s*$/.test(text.slice(Math.max(0, b.open.token.startOffset - 20), b.open.token.startOffset))
