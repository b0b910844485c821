// Mistakes of lexer, layout and parser in plain words.
import { EOF, type IRecognitionException, type IToken } from 'chevrotain'
import type { BracketMistake } from '../../../grammar/layout.ts'
import { maxNesting } from '../../../grammar/layout.ts'
import * as t from '../../../grammar/tokens.ts'
import { diagnose } from '../diagnostics/catalogue.ts'
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts'
import { badEscapes, number } from './text.ts'

export interface Source { readonly file: string; readonly text: string; readonly tokens: readonly IToken[] }

const at = (s: Source, start: number, length: number): Span => ({ file: s.file, start, end: start + length })
const spanOf = (s: Source, x: IToken): Span => {
  if (x.tokenType !== EOF) return at(s, x.startOffset, x.image.length)
  const end = s.text.trimEnd().length
  return at(s, end, 0)
}
const shorten = (text: string): string => [...text].map(printable).join('').replace(/^(.{30}).+$/s, '$1...')
const printable = (char: string): string => (/[\p{C}\p{Zl}\p{Zp}]/u.test(char) ? `U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}` : char)

const unknownHints: Readonly<Record<string, string>> = {
  '!': 'write `not`', '&': 'write `and`', '|': 'write `or`, or `|>` to pass a value on', "'": 'strings are written with double quotes: "..."', '#': 'a comment begins with `//`',
  '\u201C': 'strings are written with straight double quotes: "..."', '\u201D': 'strings are written with straight double quotes: "..."', '\u2018': 'strings are written with straight double quotes: "..."',
  '\u2019': 'strings are written with straight double quotes: "..."', '\u00D7': 'a size is written with the letter x: 1024 x 2048', '^': 'a power is written `**`', '`': 'strings are written with double quotes: "..."', '~': 'write `not`',
}

export function explainUnknown(s: Source, { offset, length }: t.Unknown): Diagnostic {
  const text = s.text.slice(offset, offset + length)
  const found = /^[\p{C}\p{Z}]/u.test(text) ? printable(String.fromCodePoint(text.codePointAt(0)!)) : `\`${shorten(text)}\``
  return diagnose('unexpected-character', at(s, offset, length), { found }, { hint: unknownHints[text[0]] })
}

/** Mistakes inside a token: open strings and comments, numbers, escapes. */
export function explainToken(s: Source, x: IToken): Diagnostic[] {
  const span = spanOf(s, x)
  if (x.tokenType === t.OpenComment) return [diagnose('unterminated-comment', at(s, x.startOffset, 2), {})]
  const found: Diagnostic[] = []
  if (x.tokenType === t.OpenText) found.push(diagnose('unterminated-string', span, {}))
  if (x.tokenType === t.Text || x.tokenType === t.OpenText) for (const { offset, text } of badEscapes(x.image)) found.push(diagnose('bad-escape', at(s, x.startOffset + offset, text.length), { escape: `\`${shorten(text)}\`` }))
  if (x.tokenType === t.BadNumber) {
    const hint = /^\d\w*[A-Za-z_]\w*$/.test(x.image) && !/^0[xXbBoO]|^[\d_]+$|^\d+[eE]/.test(x.image) ? `a name that begins with a digit is written as a string: "${x.image.slice(0, 30)}"` : undefined
    found.push(diagnose('bad-number', span, { text: shorten(x.image) }, { hint }))
  }
  if (x.tokenType === t.Int && !Number.isSafeInteger(number(x.image))) found.push(diagnose('literal-too-large', span, { text: shorten(x.image) }))
  if (x.tokenType === t.Size && x.image.split('x').some(part => !Number.isSafeInteger(number(part.trim())))) found.push(diagnose('literal-too-large', span, { text: shorten(x.image) }))
  if (x.tokenType === t.Float && !Number.isFinite(number(x.image))) found.push(diagnose('literal-too-large', span, { text: shorten(x.image) }))
  return found
}

const closing: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }

export function explainBracket(s: Source, m: BracketMistake): Diagnostic {
  if (m.kind === 'deep') return diagnose('nested-too-deep', spanOf(s, m.open), { limit: maxNesting })
  if (m.kind === 'stray') {
    if (m.open === undefined) return diagnose('stray-bracket', spanOf(s, m.close), { found: m.close.image })
    return diagnose('stray-bracket', spanOf(s, m.close), { found: m.close.image }, { labels: [{ span: spanOf(s, m.open), text: 'open here' }], hint: `\`${m.open.image}\` is closed by \`${closing[m.open.image]}\`` })
  }
  const labels = m.before === undefined ? [] : [{ span: spanOf(s, m.before), text: `\`${closing[m.open.image]}\` is missing before this` }]
  const swallowed = divisions(s, m.open.startOffset, m.before?.startOffset ?? s.text.length).some(x => x.image.includes(closing[m.open.image]))
  return diagnose('unclosed-bracket', spanOf(s, m.open), { open: m.open.image, close: closing[m.open.image] }, { labels, hint: swallowed ? divisionHint : undefined })
}

/** A token in a message. */
export function describe(x: IToken): string {
  switch (x.tokenType) {
    case EOF: return 'the end of the file'
    case t.Separator: return x.image === '' ? 'the end of the line' : '`;`'
    case t.Identifier: case t.As: return `the name \`${shorten(x.image)}\``
    case t.Text: case t.OpenText: return `the string ${shorten(x.image)}`
    case t.Int: case t.Float: case t.Size: return `the number ${shorten(x.image)}`
    case t.BadNumber: return `\`${shorten(x.image)}\``
    default: return t.keywords.has(x.tokenType) ? `the reserved word \`${x.image}\`` : `\`${x.image}\``
  }
}

const items: Readonly<Record<string, string>> = {
  declaration: 'the declaration', member: 'the member', modelMember: 'the member', statement: 'the statement', field: 'the field', renameRule: 'the rule', override: 'the override', onlyExpression: 'the expression', onlyOverride: 'the value',
}
const choices: Readonly<Record<string, string>> = {
  declaration: '`import`, `block` or `model`', member: 'a member of the block', modelMember: 'a member of the model', statement: 'a statement', override: 'an override', operand: 'an expression', indexItem: 'an index', index: 'an index', type: 'a type',
  dim: 'a dimension', forwardDecl: '`=` or `{`', modelDecl: '`{`, or `= BASE with {`', letStmt: 'a name', list: 'an expression or `]`', record: 'a field or `}`', slice: 'a range', section: '`{`', field: 'a field (`name = value`)', renameRule: 'a rule ("OLD" -> "NEW")', tensorMember: '`param`',
}
const wanted: Readonly<Record<string, string>> = {
  Name: 'a name', FieldName: 'a name', Text: 'a string', Assign: '`=`', Equal: '`=`', Colon: '`:`', Arrow: '`->`', Comma: '`,`', DotDot: '`..`', Dot: '`.`', LParen: '`(`', LSquare: '`[`', LCurly: '`{`', LRecord: '`{`', EOF: 'the end of the file',
}
const lists = new Set(['args', 'params', 'importNames', 'recordPattern', 'fieldTypes', 'dims', 'list', 'record', 'index'])
const closerNames: Readonly<Record<string, string>> = { RParen: '`)`', RSquare: '`]`', RCurly: '`}`' }

function expectedWords(name: string, rule: string): string {
  const close = closerNames[name]
  if (close !== undefined) return lists.has(rule) ? `\`,\` or ${close}` : close
  return wanted[name] ?? (name === rule ? choices[rule] ?? `\`${name}\`` : `\`${name}\``)
}

const inBlocks = 'in a block'
const inForward = 'among the statements of `forward`'
const inModels = 'in a model'
const belongs: Readonly<Record<string, string>> = {
  let: 'in a block, a model or `forward`', require: 'in a block, a model or `forward`', param: inBlocks, state: inBlocks, constant: inBlocks, forward: 'in a block or a model', if: 'in a block or `forward`', else: 'behind the `}` of an `if`',
  for: inForward, return: inForward, update: inForward, data: inModels, task: inModels, train: inModels, rename: inModels, import: 'at the top of a file, outside blocks and models', block: 'outside blocks and models', model: 'outside blocks and models',
}
const places: Readonly<Record<string, string>> = { declaration: 'outside a block or a model', member: 'here in a block', modelMember: 'here in a model', statement: 'among statements', override: 'in a variant' }

/** One error of the parser, whose message is the name of the expected token type or of the rule that found no way on (grammar/parser.ts). */
export function explainParser(s: Source, e: IRecognitionException): Diagnostic {
  const found = e.token
  const span = spanOf(s, found)
  const rule = e.context.ruleStack[e.context.ruleStack.length - 1] ?? ''
  const words = describe(found)
  const hint = commentHint(s, e)
  if (e.name === 'NoViableAltException') {
    const where = places[rule]
    if (where !== undefined && belongs[found.image] !== undefined) return diagnose('misplaced', span, { word: found.image, where, right: belongs[found.image] })
    return diagnose('expected', span, { expected: choices[rule] ?? 'something else', found: words }, { hint: hint ?? choiceHint(rule, found, (e as IRecognitionException & { previousToken: IToken }).previousToken) })
  }
  switch (e.message) {
    case 'End': {
      if (found.tokenType === t.Equal && (rule === 'statement')) return diagnose('bad-target', span, {})
      const item = items[rule] ?? 'the item'
      if (rule.startsWith('only')) return diagnose('expected', span, { expected: 'nothing more', found: words })
      if (found.tokenType === t.Comma) return diagnose('not-separated', span, { item, found: words }, { hint: 'entries of a body are separated by new lines or `;`' })
      return diagnose('not-separated', span, { item, found: words }, { hint })
    }
    case 'Assign': return diagnose('missing-equals', span, { found: words }, { hint: hint ?? (found.tokenType === t.Colon ? 'a value is given with `=`' : undefined) })
    case 'Arrow': return diagnose('expected', span, { expected: '`->`', found: words }, { hint: rule === 'renameRule' ? 'a rule is written "OLD" -> "NEW"' : undefined })
    case 'Colon': return diagnose('expected', span, { expected: '`:`', found: words }, { hint: rule === 'recordField' ? 'the fields of a record are written `name: value`' : rule === 'tensorMember' ? 'write `name: [dims] = ...`' : undefined })
    default: return diagnose('expected', span, { expected: expectedWords(e.message, rule), found: words }, { hint: hint ?? mismatchHint(e.message, rule, found) })
  }
}

function choiceHint(rule: string, found: IToken, before: IToken): string | undefined {
  if (rule === 'operand') {
    if (found.tokenType === t.If) return 'put `if c then a else b` in parentheses'
    if (found.tokenType === t.Dot) return 'a number begins with a digit: 0.5'
    if (before.tokenType === t.Equal && found.tokenType === t.Equal) return '`==` is written without a blank'
  }
  if (rule === 'forwardDecl') return 'write `= EXPRESSION`, or `{` on the same line'
  return undefined
}

function mismatchHint(expected: string, rule: string, found: IToken): string | undefined {
  if (expected === 'LCurly') return found.tokenType === t.Separator ? 'the `{` stands on the same line' : undefined
  if (expected === 'then') return 'a condition as a value is written `if c then a else b`'
  if (expected === 'else' && rule === 'expression') return '`if c then a else b` always has an `else`'
  if (expected === 'LRecord' && rule === 'importNames') return 'write `import { Name } from "file.mtl"`'
  return undefined
}

const divides = /^\/\/[ \t]?[-(]?[\w.]+[ \t]*(?:$|[)\]},;:*+%<>=|/-]|(?:then|else|and|or)\b)/
/** Comments from one offset up to another that follow an operand and read like another one: `a//b` */
const divisions = (s: Source, from: number, to: number): IToken[] =>
  s.tokens.filter(x => x.tokenType === t.LineComment && x.startOffset >= from && x.startOffset < to && divides.test(x.image) && /[\w)\]][ \t]?$/.test(s.text.slice(Math.max(0, x.startOffset - 2), x.startOffset)))
const divisionHint = '`//` begins a comment; floor division is `div`'

/** Is there such a comment on the line on which the last token before the mistake stands? */
function commentHint(s: Source, e: IRecognitionException): string | undefined {
  const startOffset = (e as IRecognitionException & { previousToken?: IToken }).previousToken?.startOffset
  if (startOffset === undefined || Number.isNaN(startOffset)) return undefined
  const end = /[\n\r]|$/g
  end.lastIndex = startOffset
  return divisions(s, startOffset, end.exec(s.text)!.index).length > 0 ? divisionHint : undefined
}
