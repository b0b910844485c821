// The tokens of the language and the lexer. Mistakes inside a token (an open string, `1_`) are tokens too, so that parsing goes on.
import { createToken, Lexer, type IToken, type TokenType } from 'chevrotain'

/** What layout.ts notes on a token. */
export interface Layout {
  /** number of brackets open around the token (a bracket itself is outside) */
  depth: number
  /** text of the doc comment above, without the slashes */
  doc: string
}
/** A token after layout. */
export interface Token extends IToken { payload: Layout }

const category = (name: string): TokenType => createToken({ name, pattern: Lexer.NA })

/** Whatever may stand where a name is declared; reserved words are in it so that the mistake can be named. */
export const Name = category('Name')
/** Whatever may stand after a dot, as an argument name, or as the key of a field. */
export const FieldName = category('FieldName')
/** `=`, and `==` where `=` was meant. */
export const Assign = category('Assign')
/** Operators that stand between two operands; their order of strength is in to-ast.ts. */
export const BinaryOperator = category('BinaryOperator')

/** Every token but those that end an item: the loop over a body never stops at something that cannot begin an item. */
export const ItemStart = category('ItemStart')

export const Identifier = createToken({ name: 'Identifier', pattern: /[A-Za-z_][A-Za-z0-9_]*/, categories: [Name, FieldName] })
const keyword = (word: string, field: boolean, more: TokenType[] = []): TokenType =>
  createToken({ name: word, pattern: new RegExp(word), longer_alt: Identifier, categories: field ? [Name, FieldName, ...more] : [Name, ...more] })
const soft = (word: string, more: TokenType[] = []): TokenType => keyword(word, true, more)
const hard = (word: string, more: TokenType[] = []): TokenType => keyword(word, false, more)

export const Import = soft('import')
export const From = soft('from')
export const As = createToken({ name: 'as', pattern: /as/, longer_alt: Identifier, categories: [Name, FieldName] })
export const Block = soft('block')
export const Model = soft('model')
export const With = soft('with')
export const Let = soft('let')
export const Param = soft('param')
export const State = soft('state')
export const Constant = soft('constant')
export const Forward = soft('forward')
export const Return = soft('return')
export const Require = soft('require')
export const Update = soft('update')
export const Rename = soft('rename')
export const Data = soft('data')
export const Train = soft('train')
export const Task = soft('task')
/** Floor division. */
export const Div = soft('div', [BinaryOperator])
export const For = hard('for')
export const In = hard('in')
export const If = hard('if')
export const Then = hard('then')
export const Else = hard('else')
export const And = hard('and', [BinaryOperator])
export const Or = hard('or', [BinaryOperator])
export const Not = hard('not')
export const True = hard('true')
export const False = hard('false')
export const None = createToken({ name: 'none', pattern: /none|off/, longer_alt: Identifier, categories: [Name] })

const softWords = [Import, From, Block, Model, With, Let, Param, State, Constant, Forward, Return, Require, Update, Rename, Data, Train, Task, Div]
const hardWords = [For, In, If, Then, Else, And, Or, Not, True, False, None]
/** Reserved words; `as` is one only inside an import. */
export const keywords: ReadonlySet<TokenType> = new Set([...softWords, ...hardWords])

/** After a dot a number is a path step: `seq.0.1` is two steps, not `seq` and 0.1. */
const afterDot = (before: readonly IToken[]): boolean => before.length > 0 && before[before.length - 1].tokenType === Dot
const sticky = (pattern: RegExp) => (text: string, offset: number): RegExpExecArray | null => { pattern.lastIndex = offset; return pattern.exec(text) }
const float = sticky(/\d+(?:_\d+)*(?:\.\d+(?:_\d+)*(?:[eE][+-]?\d+)?|[eE][+-]?\d+)(?!\w|\.\d)/y)
const int = sticky(/\d+(?:_\d+)*(?!\w|\.\d)/y)
const step = sticky(/\d+(?:_\d+)*(?!\w)/y)
const badStep = sticky(/\d\w*/y)
const badNumber = sticky(/\d\w*(?:\.\d\w*)*(?:(?<=[eE])[+-]\w*)?/y)
const digits = '0123456789'.split('')

export const Size = createToken({ name: 'Size', pattern: /[1-9]\d*(?:_\d+)*[ \t]*x[ \t]*\d+(?:_\d+)*(?!\w)/ })
export const Float = createToken({ name: 'Float', pattern: { exec: (text, offset, before) => (afterDot(before) ? null : float(text, offset)) }, start_chars_hint: digits, line_breaks: false })
export const Int = createToken({ name: 'Int', pattern: { exec: (text, offset, before) => (afterDot(before) ? step : int)(text, offset) }, start_chars_hint: digits, line_breaks: false, categories: [FieldName] })
/** A number that is none (`1_`, `3ddet`, `1.5.2`); it stands for an int, or for a name. */
export const BadNumber = createToken({ name: 'BadNumber', pattern: { exec: (text, offset, before) => (afterDot(before) ? badStep : badNumber)(text, offset) }, start_chars_hint: digits, line_breaks: false, categories: [Int, Name, FieldName] })

export const Text = createToken({ name: 'Text', pattern: /"(?:[^"\\\n\r]|\\[^\n\r])*"/, categories: [Name, FieldName] })
/** A string that is not closed on its line. */
export const OpenText = createToken({ name: 'OpenText', pattern: /"(?:[^"\\\n\r]|\\[^\n\r])*\\?/, categories: [Text, Name, FieldName] })

const symbol = (name: string, pattern: string, categories: TokenType[] = []): TokenType => createToken({ name, pattern, categories })
const operator = (name: string, pattern: string): TokenType => symbol(name, pattern, [BinaryOperator])
export const Pipe = operator('Pipe', '|>')
export const Arrow = symbol('Arrow', '->')
export const EqualEqual = symbol('EqualEqual', '==', [BinaryOperator, Assign])
export const NotEqual = operator('NotEqual', '!=')
export const LessEqual = operator('LessEqual', '<=')
export const GreaterEqual = operator('GreaterEqual', '>=')
export const Less = operator('Less', '<')
export const Greater = operator('Greater', '>')
export const Equal = symbol('Equal', '=', [Assign])
export const StarStar = operator('StarStar', '**')
export const Star = operator('Star', '*')
export const Slash = operator('Slash', '/')
export const Percent = operator('Percent', '%')
export const Plus = operator('Plus', '+')
export const Minus = operator('Minus', '-')
export const Ellipsis = symbol('Ellipsis', '...')
export const DotDot = symbol('DotDot', '..')
export const Dot = symbol('Dot', '.')
export const Comma = symbol('Comma', ',')
export const Colon = symbol('Colon', ':')
export const Question = symbol('Question', '?')
export const LParen = symbol('LParen', '(')
export const RParen = symbol('RParen', ')')
export const LSquare = symbol('LSquare', '[')
export const RSquare = symbol('RSquare', ']')
/** `{` of a body; layout.ts turns the `{` of records, record types and name lists into LRecord. */
export const LCurly = symbol('LCurly', '{')
export const LRecord = createToken({ name: 'LRecord', pattern: Lexer.NA })
export const RCurly = symbol('RCurly', '}')
/** `;`, and the newlines that layout.ts finds to end something. */
export const Separator = symbol('Separator', ';')

export const Blank = createToken({ name: 'Blank', pattern: /[ \t\uFEFF\f\v\u00A0]+/, group: Lexer.SKIPPED })
export const Newline = createToken({ name: 'Newline', pattern: /\r\n|\n|\r/, line_breaks: true })
export const Doc = createToken({ name: 'Doc', pattern: /\/\/\/(?!\/)[^\n\r]*/ })
export const LineComment = createToken({ name: 'LineComment', pattern: /\/\/[^\n\r]*/ })
export const BlockComment = createToken({ name: 'BlockComment', pattern: /\/\*[^]*?\*\//, line_breaks: true })
/** A comment that is not closed in the file. */
export const OpenComment = createToken({ name: 'OpenComment', pattern: /\/\*[^]*/, line_breaks: true })
export const comments: ReadonlySet<TokenType> = new Set([Doc, LineComment, BlockComment, OpenComment])

const all: TokenType[] = [
  Newline, Blank, BlockComment, OpenComment, Doc, LineComment,
  ...keywords, As, Identifier, Size, Float, Int, BadNumber, Text, OpenText,
  Pipe, Arrow, EqualEqual, NotEqual, LessEqual, GreaterEqual, Less, Greater, Equal, StarStar, Star, Slash, Percent, Plus, Minus, Ellipsis, DotDot, Dot,
  Comma, Colon, Question, LParen, RParen, LSquare, RSquare, LCurly, RCurly, Separator, LRecord, Name, FieldName, Assign, BinaryOperator, ItemStart,
]

/** The tokens a grammar is made from. */
export const grammarTokens: TokenType[] = all.filter(t => t !== Newline && t !== Blank && !comments.has(t))

const abstract = new Set([Name, FieldName, Assign, BinaryOperator, ItemStart, Separator, RCurly])
for (const type of grammarTokens) if (!abstract.has(type)) type.CATEGORIES!.push(ItemStart)

const lexer = new Lexer(all, { positionTracking: 'onlyOffset', ensureOptimizations: false })

/** A run of characters that begin no token. */
export interface Unknown { readonly offset: number; readonly length: number }

/** All tokens with newlines and comments; blanks are left out. Never fails: what it does not know is listed. */
export function lex(text: string): { tokens: IToken[]; unknown: readonly Unknown[] } {
  const { tokens, errors } = lexer.tokenize(text)
  for (const x of tokens) x.endOffset = x.startOffset + x.image.length - 1
  return { tokens, unknown: errors.map(e => ({ offset: e.offset, length: e.length })) }
}
