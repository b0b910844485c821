// From lexed tokens to what the parser reads: newlines become separators or nothing, braces of bodies and of records part, brackets come out balanced.
//
// A newline separates when the innermost open bracket is the `{` of a body (or none is open), the line does not end in an operator, and the next line does not begin with one.
// A `{` opens a body unless what stands before it asks for an expression, a type or a list of names; newlines inside the `{ }` of a record mean nothing.
// Where brackets do not pair, indentation decides which one is wrong; missing closers are put in and stray ones taken out, so that the parser can always skip to the end of an item.
import { createTokenInstance, type IToken, type TokenType } from 'chevrotain'
import * as t from './tokens.ts'
import type { Token } from './tokens.ts'

export type BracketMistake =
  | { readonly kind: 'unclosed'; readonly open: IToken; /** what came instead; undefined at the end of the file */ readonly before: IToken | undefined }
  | { readonly kind: 'stray'; readonly close: IToken; /** the bracket that is open there, if it wants another closer */ readonly open: IToken | undefined }
  | { readonly kind: 'deep'; readonly open: IToken }

export interface LaidOut {
  readonly tokens: Token[]
  readonly comments: readonly IToken[]
  readonly mistakes: readonly BracketMistake[]
}

/** Deepest nesting of brackets and of `if ... then` (docs/language.md section 8). */
export const maxNesting = 200

interface Frame { readonly open: IToken; readonly close: TokenType; readonly body: boolean; readonly indent: number; /** expression ifs without their `then`, then without their `else` */ ifs: number; thens: number }

const closers = new Map<TokenType, TokenType>([[t.LParen, t.RParen], [t.LSquare, t.RSquare], [t.LCurly, t.RCurly], [t.LRecord, t.RCurly]])
const isClose = (type: TokenType | undefined): boolean => type === t.RParen || type === t.RSquare || type === t.RCurly
const binary = [t.Pipe, t.NotEqual, t.LessEqual, t.GreaterEqual, t.Less, t.Greater, t.EqualEqual, t.StarStar, t.Star, t.Slash, t.Div, t.Percent, t.Plus, t.And, t.Or]
const goesOnAfter = new Set([...binary, t.Minus, t.Not, t.Equal, t.Comma, t.Colon, t.Arrow, t.Dot, t.DotDot, t.In, t.Then, t.Else])
const goesOnBefore = new Set([...binary, t.Dot, t.Arrow, t.Then, t.Else, t.LCurly])
const beforeRecord = new Set([...goesOnAfter, t.LParen, t.LSquare, t.LCurly, t.LRecord, t.Return, t.Import, t.Let, t.Separator].filter(x => x !== t.Else))
const startsItem = new Set([t.Let, t.Param, t.State, t.Constant, t.Require, t.Update, t.Task, t.Block, t.Model])

/** Do all brackets pair? */
function balanced(tokens: readonly IToken[]): boolean {
  const stack: TokenType[] = []
  for (const { tokenType } of tokens) {
    const close = closers.get(tokenType)
    if (close !== undefined) stack.push(close)
    else if (isClose(tokenType) && stack.pop() !== tokenType) return false
  }
  return stack.length === 0
}

export function layout(text: string, lexed: readonly IToken[]): LaidOut {
  const comments = lexed.filter(x => t.comments.has(x.tokenType))
  const pairs = balanced(lexed)
  const extraClose = lexed.filter(x => x.tokenType === t.RCurly).length > lexed.filter(x => x.tokenType === t.LCurly).length
  const out: Token[] = []
  const mistakes: BracketMistake[] = []
  const stack: Frame[] = []
  let base = { ifs: 0, thens: 0 }
  let doc: string[] = []
  let newlines = 0
  let lineIndent = 0
  let firstInLine = true

  const top = (): Frame | undefined => stack[stack.length - 1]
  const last = (): TokenType | undefined => out[out.length - 1]?.tokenType
  const emit = (token: IToken, depth: number): void => { (token as Token).payload = { depth, doc: '' }; out.push(token as Token) }
  const virtual = (type: TokenType, at: number): IToken => createTokenInstance(type, '', at, at - 1, NaN, NaN, NaN, NaN)
  const separate = (token: IToken): void => {
    if (out.length === 0 || last() === t.Separator || (last() === t.LCurly && top()?.open === out[out.length - 1])) return
    emit(token, stack.length)
  }
  const dropSeparator = (): void => { if (last() === t.Separator) out.pop() }
  const close = (token: IToken): void => {
    dropSeparator()
    if (last() === t.Comma && out.length > 1 && !closers.has(out[out.length - 2].tokenType) && out[out.length - 2].tokenType !== t.Comma) out.pop()
    const frame = stack.pop()
    base = { ifs: 0, thens: 0 }
    emit(token, stack.length)
    if (frame?.body) { const f = top() ?? base; f.ifs = 0 }
  }
  const closeMissing = (before: IToken | undefined, report: boolean): void => {
    const frame = top()!
    if (report) mistakes.push({ kind: 'unclosed', open: frame.open, before })
    close(virtual(frame.close, before?.startOffset ?? text.length))
  }
  const isItem = (i: number): boolean => {
    const [a, b] = [lexed[i].tokenType, lexed[i + 1]?.tokenType]
    if (a === t.Forward) return b === t.LParen && top()?.open.tokenType !== t.LParen
    if (a === t.Import) return b === t.LCurly
    if (a === t.Return) return b === t.Identifier || b === t.LCurly || b === t.LSquare
    return startsItem.has(a) && (b === t.Identifier || b === t.Text || (a === t.Let && b === t.LCurly))
  }
  /** In a file whose brackets do not pair: does the line that begins with token i lie outside the innermost bracket? */
  const lineIsOutside = (i: number, frame: Frame): boolean => {
    const type = lexed[i].tokenType
    if (!frame.body && isItem(i)) return true
    if (lineIndent > frame.indent || isClose(type) || goesOnBefore.has(type)) return false
    if (frame.body) return lineIndent === 0 && (type === t.Block || type === t.Model || type === t.Import) && isItem(i)
    return !goesOnAfter.has(last()!) && !closers.has(last()!) && lexed[i].tokenType !== t.Comma
  }
  /** Is `div` at the start of a line meant as a name? Then it begins something, for a message about reserved words. */
  const isNamed = (i: number): boolean => lexed[i].tokenType === t.Div && (lexed[i + 1]?.tokenType === t.Equal || lexed[i + 1]?.tokenType === t.Dot)
  const opensRecord = (): boolean => {
    if (last() === undefined) return true
    if (last() === t.Else) { const previous = out[out.length - 1] as Token & { ofThen?: boolean }; return previous.ofThen === true }
    return beforeRecord.has(last()!)
  }

  for (let i = 0; i < lexed.length; i++) {
    const token = lexed[i]
    const type = token.tokenType
    if (type === t.Newline) { newlines++; firstInLine = true; continue }
    const begins = firstInLine
    if (begins) { lineIndent = indentAt(text, token.startOffset); firstInLine = false }
    if (type === t.Doc) { if (begins) doc.push(token.image.slice(3).replace(/^ /, '').trimEnd()); continue }
    if (t.comments.has(type)) { if (type !== t.BlockComment) doc = []; continue }

    if (begins && !pairs) while (stack.length > 0 && lineIsOutside(i, top()!)) closeMissing(token, true)
    if (newlines > 0) {
      const body = top()?.body ?? true
      const goesOn = (goesOnBefore.has(type) && !isNamed(i)) || (last() !== undefined && goesOnAfter.has(last()!))
      if (body && !goesOn && !isClose(type)) separate(virtual(t.Separator, endOf(out)))
      newlines = 0
    }
    const frame = top() ?? base
    if (type === t.Separator) { if (top()?.body ?? true) separate(token); else emit(token, stack.length); frame.ifs = frame.thens = 0; doc = []; continue }
    if (last() === t.Separator && (top()?.body ?? true)) frame.ifs = frame.thens = 0
    if (type === t.If) frame.ifs++
    if (type === t.Then) { frame.ifs = Math.max(0, frame.ifs - 1); frame.thens++ }
    if (type === t.Else && frame.thens > 0) { frame.thens--; Object.assign(token, { ofThen: true }) }
    if (frame.ifs + frame.thens > maxNesting) { mistakes.push({ kind: 'deep', open: token }); break }

    const opened = closers.get(type)
    if (opened !== undefined) {
      const record = type === t.LCurly && opensRecord()
      if (record) { token.tokenType = t.LRecord; token.tokenTypeIdx = t.LRecord.tokenTypeIdx! }
      if (type === t.LCurly && !record) {
        if (!pairs) while (top()?.body === false) closeMissing(token, true)
        const outer = top() ?? base
        outer.ifs = 0
      }
      emit(token, stack.length)
      out[out.length - 1].payload.doc = doc.join('\n')
      doc = []
      stack.push({ open: token, close: opened, body: type === t.LCurly && !record, indent: lineIndent, ifs: 0, thens: 0 })
      if (stack.length > maxNesting) { mistakes.push({ kind: 'deep', open: token }); break }
      continue
    }
    if (isClose(type)) {
      doc = []
      if (!pairs && type === t.RCurly && begins && top()?.body) {
        if (lineIndent < top()!.indent && !extraClose && stack.some(f => f.body && f.indent === lineIndent)) while (top()!.indent > lineIndent) closeMissing(token, true)
        else if (lineIndent > top()!.indent && extraClose) { mistakes.push({ kind: 'stray', close: token, open: undefined }); continue }
      }
      let at = stack.length - 1
      while (at >= 0 && stack[at].close !== type && !stack[at].body) at--
      if (at < 0 || stack[at].close !== type) {
        const wrong = top()?.body === false ? top() : undefined
        mistakes.push({ kind: 'stray', close: token, open: wrong?.open })
        if (wrong !== undefined) close(virtual(wrong.close, token.startOffset))
        continue
      }
      while (stack.length - 1 > at) closeMissing(token, true)
      close(token)
      continue
    }
    emit(token, stack.length)
    out[out.length - 1].payload.doc = doc.join('\n')
    doc = []
  }
  const deep = mistakes.some(m => m.kind === 'deep')
  while (stack.length > 0) closeMissing(undefined, !deep)
  dropSeparator()
  return { tokens: out, comments, mistakes }
}

const endOf = (out: readonly IToken[]): number => (out.length === 0 ? 0 : out[out.length - 1].startOffset + out[out.length - 1].image.length)

/** Column of the first character of the line that is no blank, if the token at `offset` is that character. */
function indentAt(text: string, offset: number): number {
  let start = offset
  while (start > 0 && text[start - 1] !== '\n' && text[start - 1] !== '\r') start--
  return offset - start
}
