// The grammar (docs/language.md sections 1-6) as a Chevrotain parser that makes a concrete syntax tree.
//
// Recovery: the tokens come with balanced brackets (layout.ts), so after a mistake the parser skips to the end of the innermost item (a member, a statement, a field)
// or bracket group (arguments, a list) and goes on behind it. Only `=`, `:` and `->` are put in where they are missing; nothing is ever guessed away.
import { createTokenInstance, CstParser, EOF, MismatchedTokenException, type CstNode, type IToken, type ParserMethod, type TokenType } from 'chevrotain'
import * as t from './tokens.ts'
import type { Token } from './tokens.ts'

type Rule = ParserMethod<[], CstNode>
interface Place { readonly kind: 'item' | 'group' | 'nowhere'; readonly depth: number }

const isClose = (type: TokenType): boolean => type === t.RParen || type === t.RSquare || type === t.RCurly
/** Thrown when a file has more mistakes than anyone will read. */
export class TooManyMistakes extends Error {}
const mostMistakes = 100

/** The tree of expected token names is put into messages by src/compiler/syntax/explain.ts: a mismatch says only the name of the token type that was expected. */
const errorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }: { expected: TokenType }): string => expected.name,
  buildNotAllInputParsedMessage: (): string => 'EOF',
  buildNoViableAltMessage: ({ ruleName }: { ruleName: string }): string => ruleName,
  buildEarlyExitMessage: ({ ruleName }: { ruleName: string }): string => ruleName,
}

export class Parser extends CstParser {
  declare SKIP_TOKEN: () => IToken
  declare attemptInRepetitionRecovery: () => void
  declare SAVE_ERROR: (error: MismatchedTokenException) => MismatchedTokenException
  private places: Place[] = []

  /** The grammar is checked for ambiguities by a test, not at every start. */
  constructor(skipValidations = true) {
    super(t.grammarTokens, { recoveryEnabled: true, maxLookahead: 2, skipValidations, nodeLocationTracking: 'onlyOffset', errorMessageProvider: errorMessageProvider as never })
    this.attemptInRepetitionRecovery = () => undefined
    this.performSelfAnalysis()
  }

  override reset(): void { super.reset(); this.places = [] }

  // How Chevrotain's recovery is bent to items and groups.
  protected override canTokenTypeBeInsertedInRecovery(type: TokenType): boolean { return type === t.Assign || type === t.Colon || type === t.Arrow }
  protected override canTokenTypeBeDeletedInRecovery(): boolean { return false }
  protected override getTokenToInsert(type: TokenType): IToken {
    const at = this.LA(1).tokenType === EOF ? (this.LA(0).endOffset ?? -1) + 1 : this.LA(1).startOffset
    return createTokenInstance(type, '', at, at - 1, NaN, NaN, NaN, NaN)
  }
  findReSyncTokenType(): TokenType { if (this.errors.length > mostMistakes) throw new TooManyMistakes(); return EOF }
  isInCurrentRuleReSyncSet(): boolean { return true }
  reSyncTo(): IToken[] {
    const { kind, depth } = this.places.pop() ?? { kind: 'item', depth: 0 }
    const skipped: IToken[] = []
    if (kind === 'nowhere') return skipped
    for (;;) {
      const next = this.LA(1) as Token
      if (next.tokenType === EOF) return skipped
      if (kind === 'item' && (next.payload.depth < depth || (next.payload.depth === depth && next.tokenType === t.Separator))) return skipped
      skipped.push(next)
      this.SKIP_TOKEN()
      if (kind === 'group' && next.payload.depth === depth && isClose(next.tokenType)) return skipped
    }
  }

  private rule(name: string, body: () => void): Rule { return this.RULE(name, body, { resyncEnabled: false }) }
  /** A rule that ends where its item ends: at a separator, the end of its body, or the end of the file. */
  private item(name: string, body: () => void): Rule {
    return this.RULE(name, () => {
      this.ACTION(() => { this.places.push({ kind: 'item', depth: (this.LA(1) as Token).payload?.depth ?? 0 }) })
      body()
      this.ACTION(() => {
        const next = this.LA(1)
        if (next.tokenType !== t.Separator && next.tokenType !== t.RCurly && next.tokenType !== EOF) throw this.SAVE_ERROR(new MismatchedTokenException('End', next, this.LA(0)))
        this.places.pop()
      })
    })
  }
  /** A rule that is a bracket with its contents. */
  private group(name: string, open: TokenType, body: () => void): Rule {
    return this.RULE(name, () => {
      this.ACTION(() => { const next = this.LA(1) as Token; this.places.push(next.tokenType === open ? { kind: 'group', depth: next.payload.depth } : { kind: 'nowhere', depth: 0 }) })
      body()
      this.ACTION(() => { this.places.pop() })
    })
  }
  /** The alternative that is never taken: it makes a body's loop enter whatever comes, so that the item can say what is wrong with it. */
  private get nothing() { return { GATE: () => false, ALT: () => this.CONSUME(t.ItemStart) } }
  private is(n: number, ...types: TokenType[]): boolean { return types.includes(this.LA(n).tokenType) }

  /** Is this a name, or a reserved word that is used as one (`data = 3`)? */
  private isName(...next: TokenType[]): boolean { return this.is(1, t.Identifier, t.As, t.Text, t.OpenText, t.BadNumber) || this.is(2, ...next) }

  file = this.RULE('file', () => { this.ACTION(() => { this.places.push({ kind: 'item', depth: -1 }) }); this.MANY_SEP({ SEP: t.Separator, DEF: () => this.SUBRULE(this.declaration) }) })
  /** For `--set`: one expression, one override. */
  onlyExpression = this.item('onlyExpression', () => { this.SUBRULE(this.expression) })
  onlyOverride = this.item('onlyOverride', () => { this.SUBRULE(this.setOverride) })

  declaration = this.item('declaration', () => {
    this.OR({ MAX_LOOKAHEAD: 1, DEF: [
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.importDecl) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.blockDecl) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.modelDecl) },
      this.nothing,
    ] })
  })

  importDecl = this.rule('importDecl', () => {
    this.CONSUME(t.Import)
    this.SUBRULE(this.importNames)
    this.CONSUME(t.From)
    this.CONSUME(t.Text)
  })
  importNames = this.group('importNames', t.LRecord, () => {
    this.CONSUME(t.LRecord)
    this.MANY_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.importName) })
    this.CONSUME(t.RCurly)
  })
  importName = this.rule('importName', () => {
    this.CONSUME(t.Name)
    this.OPTION(() => { this.CONSUME(t.As); this.CONSUME2(t.Name) })
  })

  blockDecl = this.rule('blockDecl', () => {
    this.CONSUME(t.Block)
    this.CONSUME(t.Name)
    this.SUBRULE(this.params)
    this.SUBRULE(this.memberBody)
  })
  params = this.group('params', t.LParen, () => {
    this.CONSUME(t.LParen)
    this.MANY_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.parameter) })
    this.CONSUME(t.RParen)
  })
  /** A parameter of a block or an argument of forward. */
  parameter = this.rule('parameter', () => {
    this.CONSUME(t.Name)
    this.OPTION(() => { this.CONSUME(t.Colon); this.SUBRULE(this.type) })
    this.OPTION2(() => { this.CONSUME(t.Assign); this.SUBRULE(this.expression) })
  })

  memberBody = this.rule('memberBody', () => {
    this.CONSUME(t.LCurly)
    this.MANY_SEP({ SEP: t.Separator, DEF: () => this.SUBRULE(this.member) })
    this.CONSUME(t.RCurly)
  })
  member = this.item('member', () => {
    this.OR({ MAX_LOOKAHEAD: 1, DEF: [
      { GATE: () => this.isName(t.Equal), IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.child) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.requireStmt) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.letStmt) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.tensorMember) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.ifMembers) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.forwardDecl) },
      this.nothing,
    ] })
  })
  child = this.rule('child', () => {
    this.CONSUME(t.Name)
    this.CONSUME(t.Assign)
    this.SUBRULE(this.expression)
  })
  tensorMember = this.rule('tensorMember', () => {
    this.OR([{ ALT: () => this.CONSUME(t.Param) }, { ALT: () => this.CONSUME(t.State) }, { ALT: () => this.CONSUME(t.Constant) }])
    this.CONSUME(t.Name)
    this.CONSUME(t.Colon)
    this.SUBRULE(this.dims)
    this.OPTION(() => this.SUBRULE(this.type))
    this.CONSUME(t.Assign)
    this.SUBRULE(this.expression)
  })
  ifMembers = this.rule('ifMembers', () => {
    this.CONSUME(t.If)
    this.SUBRULE(this.expression)
    this.SUBRULE(this.memberBody)
    this.MANY(() => { this.CONSUME(t.Else); this.CONSUME2(t.If); this.SUBRULE2(this.expression); this.SUBRULE2(this.memberBody) })
    this.OPTION(() => { this.CONSUME2(t.Else); this.SUBRULE3(this.memberBody) })
  })
  forwardDecl = this.rule('forwardDecl', () => {
    this.CONSUME(t.Forward)
    this.SUBRULE(this.params)
    this.OPTION(() => this.CONSUME(t.Arrow))
    this.OPTION2(() => this.SUBRULE(this.type))
    this.OR([
      { ALT: () => { this.CONSUME(t.Assign); this.SUBRULE(this.expression) } },
      { ALT: () => this.SUBRULE(this.statements) },
    ])
  })

  statements = this.rule('statements', () => {
    this.CONSUME(t.LCurly)
    this.MANY_SEP({ SEP: t.Separator, DEF: () => this.SUBRULE(this.statement) })
    this.CONSUME(t.RCurly)
  })
  statement = this.item('statement', () => {
    this.OR({ MAX_LOOKAHEAD: 1, DEF: [
      { GATE: () => this.is(2, t.Equal), IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.assignment) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.requireStmt) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.letStmt) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.updateStmt) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.returnStmt) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.forStmt) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.ifStmt) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.chain) },
      this.nothing,
    ] })
  })
  requireStmt = this.rule('requireStmt', () => {
    this.CONSUME(t.Require)
    this.SUBRULE(this.expression)
    this.OPTION(() => { this.CONSUME(t.Comma); this.SUBRULE2(this.expression) })
  })
  letStmt = this.rule('letStmt', () => {
    this.CONSUME(t.Let)
    this.OR([{ ALT: () => this.SUBRULE(this.names) }, { ALT: () => this.SUBRULE(this.recordPattern) }])
    this.CONSUME(t.Assign)
    this.SUBRULE(this.expression)
  })
  names = this.rule('names', () => {
    this.CONSUME(t.Name)
    this.MANY(() => { this.CONSUME(t.Comma); this.CONSUME2(t.Name) })
  })
  recordPattern = this.group('recordPattern', t.LRecord, () => {
    this.CONSUME(t.LRecord)
    this.MANY_SEP({ SEP: t.Comma, DEF: () => this.CONSUME(t.Name) })
    this.CONSUME(t.RCurly)
  })
  assignment = this.rule('assignment', () => { this.CONSUME(t.Name); this.CONSUME(t.Assign); this.SUBRULE(this.expression) })
  updateStmt = this.rule('updateStmt', () => { this.CONSUME(t.Update); this.CONSUME(t.Name); this.CONSUME(t.Assign); this.SUBRULE(this.expression) })
  returnStmt = this.rule('returnStmt', () => { this.CONSUME(t.Return); this.SUBRULE(this.expression) })
  forStmt = this.rule('forStmt', () => {
    this.CONSUME(t.For)
    this.SUBRULE(this.names)
    this.CONSUME(t.In)
    this.SUBRULE(this.expression)
    this.SUBRULE(this.statements)
  })
  ifStmt = this.rule('ifStmt', () => {
    this.CONSUME(t.If)
    this.SUBRULE(this.expression)
    this.SUBRULE(this.statements)
    this.MANY(() => { this.CONSUME(t.Else); this.CONSUME2(t.If); this.SUBRULE2(this.expression); this.SUBRULE2(this.statements) })
    this.OPTION(() => { this.CONSUME2(t.Else); this.SUBRULE3(this.statements) })
  })

  modelDecl = this.rule('modelDecl', () => {
    this.CONSUME(t.Model)
    this.CONSUME(t.Name)
    this.OR([
      { ALT: () => this.SUBRULE(this.modelBody) },
      { ALT: () => { this.CONSUME(t.Assign); this.CONSUME2(t.Name); this.CONSUME(t.With); this.SUBRULE(this.overrides) } },
    ])
  })
  modelBody = this.rule('modelBody', () => {
    this.CONSUME(t.LCurly)
    this.MANY_SEP({ SEP: t.Separator, DEF: () => this.SUBRULE(this.modelMember) })
    this.CONSUME(t.RCurly)
  })
  modelMember = this.item('modelMember', () => {
    this.OR({ MAX_LOOKAHEAD: 1, DEF: [
      { GATE: () => this.isName(t.Equal), IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.child) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.section) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.taskDecl) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.renameDecl) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.requireStmt) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.letStmt) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.forwardDecl) },
      this.nothing,
    ] })
  })
  /** `data KIND { ... }` or `train { ... }` */
  section = this.rule('section', () => {
    this.OR([
      { ALT: () => { this.CONSUME(t.Data); this.OPTION(() => this.CONSUME(t.Name)) } },
      { ALT: () => this.CONSUME(t.Train) },
    ])
    this.SUBRULE(this.fields)
  })
  taskDecl = this.rule('taskDecl', () => {
    this.CONSUME(t.Task)
    this.CONSUME(t.Name)
    this.CONSUME(t.Assign)
    this.SUBRULE(this.expression)
    this.OPTION(() => this.SUBRULE(this.fields))
  })
  fields = this.rule('fields', () => {
    this.CONSUME(t.LCurly)
    this.MANY_SEP({ SEP: t.Separator, DEF: () => this.SUBRULE(this.field) })
    this.CONSUME(t.RCurly)
  })
  field = this.item('field', () => { this.OR({ MAX_LOOKAHEAD: 1, DEF: [{ IGNORE_AMBIGUITIES: true, ALT: () => { this.CONSUME(t.FieldName); this.CONSUME(t.Assign); this.SUBRULE(this.expression) } }, this.nothing] }) })
  renameDecl = this.rule('renameDecl', () => {
    this.CONSUME(t.Rename)
    this.CONSUME(t.LCurly)
    this.MANY_SEP({ SEP: t.Separator, DEF: () => this.SUBRULE(this.renameRule) })
    this.CONSUME(t.RCurly)
  })
  renameRule = this.item('renameRule', () => { this.OR({ MAX_LOOKAHEAD: 1, DEF: [{ IGNORE_AMBIGUITIES: true, ALT: () => { this.CONSUME(t.Text); this.CONSUME(t.Arrow); this.CONSUME2(t.Text) } }, this.nothing] }) })

  overrides = this.rule('overrides', () => {
    this.CONSUME(t.LCurly)
    this.MANY_SEP({ SEP: t.Separator, DEF: () => this.SUBRULE(this.override) })
    this.CONSUME(t.RCurly)
  })
  override = this.item('override', () => {
    this.OR({ MAX_LOOKAHEAD: 1, DEF: [
      { GATE: () => this.isName(t.Equal, t.Dot), IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.setOverride) },
      { IGNORE_AMBIGUITIES: true, ALT: () => { this.CONSUME(t.Block); this.CONSUME(t.Name); this.CONSUME(t.Assign); this.SUBRULE(this.expression) } },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.section) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.taskDecl) },
      { IGNORE_AMBIGUITIES: true, ALT: () => this.SUBRULE(this.renameDecl) },
      this.nothing,
    ] })
  })
  setOverride = this.rule('setOverride', () => {
    this.CONSUME(t.FieldName)
    this.MANY(() => { this.CONSUME(t.Dot); this.CONSUME2(t.FieldName) })
    this.CONSUME(t.Assign)
    this.SUBRULE(this.expression)
  })

  type = this.rule('type', () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.dims) },
      { ALT: () => {
        this.OR2([{ ALT: () => this.CONSUME(t.Identifier) }, { ALT: () => this.CONSUME(t.Block) }])
        this.OPTION(() => { this.CONSUME(t.LSquare); this.SUBRULE2(this.type); this.CONSUME(t.RSquare) })
      } },
      { ALT: () => this.SUBRULE(this.fieldTypes) },
    ])
    this.MANY(() => this.CONSUME(t.Question))
  })
  fieldTypes = this.group('fieldTypes', t.LRecord, () => {
    this.CONSUME(t.LRecord)
    this.MANY_SEP({ SEP: t.Comma, DEF: () => { this.CONSUME(t.FieldName); this.CONSUME(t.Colon); this.SUBRULE(this.type) } })
    this.CONSUME(t.RCurly)
  })
  dims = this.group('dims', t.LSquare, () => {
    this.CONSUME(t.LSquare)
    this.MANY_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.dim) })
    this.CONSUME(t.RSquare)
  })
  dim = this.rule('dim', () => {
    this.OR([{ ALT: () => this.CONSUME(t.Star) }, { ALT: () => this.CONSUME(t.Block) }, { ALT: () => this.SUBRULE(this.expression) }])
  })

  expression = this.rule('expression', () => {
    this.MANY(() => {
      this.CONSUME(t.If)
      this.SUBRULE(this.expression)
      this.CONSUME(t.Then)
      this.SUBRULE2(this.expression)
      this.CONSUME(t.Else)
    })
    this.SUBRULE(this.chain)
    this.OPTION(() => { this.CONSUME(t.DotDot); this.SUBRULE2(this.chain) })
  })
  /** Operands and operators as they stand in the text; to-ast.ts knows their strength. */
  chain = this.rule('chain', () => {
    this.SUBRULE(this.operand)
    this.MANY(() => { this.CONSUME(t.BinaryOperator); this.SUBRULE2(this.operand) })
  })
  operand = this.rule('operand', () => {
    this.MANY(() => this.OR([{ ALT: () => this.CONSUME(t.Minus, { LABEL: 'prefix' }) }, { ALT: () => this.CONSUME(t.Not, { LABEL: 'prefix' }) }]))
    this.OR2([
      { ALT: () => this.SUBRULE(this.list, { LABEL: 'primary' }) },
      { ALT: () => this.SUBRULE(this.record, { LABEL: 'primary' }) },
      { ALT: () => this.SUBRULE(this.parenthesis, { LABEL: 'primary' }) },
      ...[t.Identifier, t.Data, t.Train, t.Constant, t.Int, t.Float, t.Size, t.Text, t.True, t.False, t.None].map(type => ({ ALT: () => this.CONSUME(type, { LABEL: 'literal' }) })),
    ])
    this.MANY2(() => this.OR3([
      { ALT: () => this.SUBRULE(this.args, { LABEL: 'postfix' }) },
      { ALT: () => this.SUBRULE(this.index, { LABEL: 'postfix' }) },
      { ALT: () => this.SUBRULE(this.access, { LABEL: 'postfix' }) },
    ]))
  })
  access = this.rule('access', () => { this.CONSUME(t.Dot); this.CONSUME(t.FieldName) })
  parenthesis = this.group('parenthesis', t.LParen, () => { this.CONSUME(t.LParen); this.SUBRULE(this.expression); this.CONSUME(t.RParen) })
  args = this.group('args', t.LParen, () => {
    this.CONSUME(t.LParen)
    this.MANY_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.arg) })
    this.CONSUME(t.RParen)
  })
  arg = this.rule('arg', () => {
    this.OPTION({ GATE: () => this.is(2, t.Equal), DEF: () => { this.CONSUME(t.FieldName); this.CONSUME(t.Equal) } })
    this.SUBRULE(this.expression)
  })
  index = this.group('index', t.LSquare, () => {
    this.CONSUME(t.LSquare)
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.indexItem) })
    this.CONSUME(t.RSquare)
  })
  indexItem = this.rule('indexItem', () => {
    this.OR([
      { ALT: () => this.CONSUME(t.Ellipsis) },
      { ALT: () => this.SUBRULE(this.slice) },
      { GATE: () => this.is(1, t.If), ALT: () => this.SUBRULE(this.expression) },
      { ALT: () => { this.SUBRULE(this.chain); this.OPTION(() => this.SUBRULE2(this.slice)) } },
    ])
  })
  /** What follows the start of a range: `..b`, `..b..c`, `:b`, `:b:c`, each end optional. */
  slice = this.rule('slice', () => {
    this.OR([
      { ALT: () => { this.CONSUME(t.DotDot); this.OPTION(() => this.SUBRULE(this.chain, { LABEL: 'stop' })); this.OPTION2(() => { this.CONSUME2(t.DotDot); this.SUBRULE2(this.chain, { LABEL: 'step' }) }) } },
      { ALT: () => { this.CONSUME(t.Colon); this.OPTION3(() => this.SUBRULE3(this.chain, { LABEL: 'stop' })); this.OPTION4(() => { this.CONSUME2(t.Colon); this.OPTION5(() => this.SUBRULE4(this.chain, { LABEL: 'step' })) }) } },
    ])
  })
  list = this.group('list', t.LSquare, () => {
    this.CONSUME(t.LSquare)
    this.OR([
      { ALT: () => this.SUBRULE(this.comprehension) },
      { ALT: () => this.MANY_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.expression) }) },
    ])
    this.CONSUME(t.RSquare)
  })
  record = this.group('record', t.LRecord, () => {
    this.CONSUME(t.LRecord)
    this.OR([
      { GATE: () => !this.is(2, t.Colon), ALT: () => this.SUBRULE(this.comprehension) },
      { ALT: () => this.MANY_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.recordField) }) },
    ])
    this.CONSUME(t.RCurly)
  })
  recordField = this.rule('recordField', () => { this.CONSUME(t.FieldName); this.CONSUME(t.Colon); this.SUBRULE(this.expression) })
  comprehension = this.rule('comprehension', () => {
    this.CONSUME(t.For)
    this.SUBRULE(this.names)
    this.CONSUME(t.In)
    this.SUBRULE(this.expression)
    this.OPTION(() => { this.CONSUME(t.If); this.SUBRULE2(this.expression) })
    this.CONSUME(t.Colon)
    this.SUBRULE3(this.expression)
  })
}
