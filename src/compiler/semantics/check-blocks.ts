// Static check of blocks: members, the signature of forward, and its statements.
import { diagnose } from '../diagnostics/catalogue.ts'
import type { Span } from '../diagnostics/diagnostic.ts'
import { didYouMean } from '../diagnostics/suggest.ts'
import type { BlockDecl, Expr, ForwardDecl, LetStmt, Member, Name, Pattern, RequireStmt, Stmt, TypeExpr } from '../syntax/ast.ts'
import { checkDistinct, checkExpr, checkUnused, useInText, type CheckContext } from './check-expressions.ts'
import { Names, type EntryKind } from './check-scope.ts'

const staticTypes = ['int', 'float', 'bool', 'string', 'init', 'block', 'size', 'list', 'record', 'any']

export function checkBlock(block: BlockDecl, file: Names, context: CheckContext): void {
  checkDistinct(block.params.map(p => p.name), 'parameter', context)
  const params = new Names(file)
  for (const param of block.params) {
    if (param.type !== undefined) checkType(param.type, undefined, context)
    if (param.default !== undefined) checkExpr(param.default, params, context)
    params.define('static', param.name.text, param.name.span)
  }
  const forwards = forwardsOf(block.members)
  if (forwards.length === 0) context.report(diagnose('without-forward', block.name.span, { what: 'block', name: block.name.text }))
  checkSingle(forwards, block.members, context)

  const names = new Names(params)
  names.define('member', 'self')
  for (const forward of forwards) bindSignature(forward, names)
  checkMembersDistinct(block.members, new Map(), context)
  defineMembers(block.members, names)
  checkMembers(block.members, block.name.text, names, context)
  checkUnused(names, context)
}

const forwardsOf = (members: readonly Member[]): readonly ForwardDecl[] =>
  members.flatMap(m => (m.kind === 'forward' ? [m] : m.kind === 'if-members' ? [...forwardsOf(m.then), ...forwardsOf(m.else)] : []))

/** Two forwards are a mistake unless they stand in the two branches of one `if`. */
function checkSingle(forwards: readonly ForwardDecl[], members: readonly Member[], context: CheckContext): void {
  const branches = members.flatMap(m => (m.kind === 'if-members' ? [Math.max(forwardsOf(m.then).length, forwardsOf(m.else).length)] : m.kind === 'forward' ? [1] : []))
  if (branches.reduce((a, b) => a + b, 0) < 2) return
  context.report(diagnose('second-forward', forwards[1].span, {}, { labels: [{ span: forwards[0].span, text: 'the first' }] }))
}

const patternNames = (pattern: Pattern): readonly Name[] => (pattern.kind === 'name' ? [pattern.name] : pattern.names)

function memberNames(member: Member): readonly { readonly name: Name; readonly kind: EntryKind }[] {
  switch (member.kind) {
    case 'let': return patternNames(member.pattern).map(name => ({ name, kind: 'let' as const }))
    case 'child': case 'param': case 'constant': return [{ name: member.name, kind: 'member' }]
    case 'state': return [{ name: member.name, kind: 'state' }]
    case 'if-members': return [...member.then, ...member.else].flatMap(memberNames)
    default: return []
  }
}

/** The branches of an `if` may give one name each. */
function checkMembersDistinct(members: readonly Member[], outer: ReadonlyMap<string, Name>, context: CheckContext): void {
  const seen = new Map(outer)
  for (const member of members) {
    if (member.kind === 'if-members') { checkMembersDistinct(member.then, seen, context); checkMembersDistinct(member.else, seen, context) }
    for (const { name } of memberNames(member)) {
      const before = seen.get(name.text)
      if (before === undefined) seen.set(name.text, name)
      else if (member.kind !== 'if-members') context.report(diagnose('duplicate-name', name.span, { what: 'member', name: name.text }, { labels: [{ span: before.span, text: 'first here' }] }))
    }
  }
}

function defineMembers(members: readonly Member[], names: Names): void {
  for (const member of members) for (const { name, kind } of memberNames(member)) names.define(kind, name.text, name.span)
}

function checkMembers(members: readonly Member[], owner: string, names: Names, context: CheckContext): void {
  for (const member of members) {
    switch (member.kind) {
      case 'require': checkRequire(member, names, context); break
      case 'let': case 'child': checkExpr(member.value, names, context); break
      case 'param': member.dims.forEach(d => checkExpr(d, names, context)); checkExpr(member.init, names, context); break
      case 'state':
        member.dims.forEach(d => checkExpr(d, names, context))
        if (member.type !== undefined) checkType(member.type, undefined, context)
        checkExpr(member.init, names, context)
        break
      case 'constant': member.dims.forEach(d => checkExpr(d, names, context)); checkExpr(member.value, names, context); break
      case 'if-members':
        checkExpr(member.cond, names, context)
        checkMembers(member.then, owner, names, context)
        checkMembers(member.else, owner, names, context)
        break
      case 'forward': checkForward(member, owner, names, context); break
    }
  }
}

export function checkRequire(statement: RequireStmt, names: Names, context: CheckContext): void {
  checkExpr(statement.cond, names, context)
  if (statement.message === undefined) return
  checkExpr(statement.message, names, context)
  if (statement.message.kind === 'string') useInText(statement.message.value, names)
}

/** Arguments, and the dimensions they bind: every plain name that is a whole dimension of an argument and no static parameter. */
export function bindSignature(forward: ForwardDecl, names: Names): void {
  const fixed = (name: string): boolean => ['static', 'dimension'].includes(names.find(name)?.kind ?? '')
  const bind = (type: TypeExpr): void => {
    switch (type.kind) {
      case 'dims': for (const dim of type.dims) if (dim.kind === 'expr' && dim.value.kind === 'name' && !fixed(dim.value.name)) names.define('dimension', dim.value.name, dim.span); return
      case 'fields': type.fields.forEach(f => bind(f.type)); return
      case 'optional': bind(type.inner); return
      case 'named': if (type.arg !== undefined) bind(type.arg)
    }
  }
  for (const arg of forward.args) if (arg.type !== undefined) bind(arg.type)
  for (const arg of forward.args) names.define('argument', arg.name.text, arg.name.span)
}

export function checkForward(forward: ForwardDecl, owner: string, names: Names, context: CheckContext): void {
  checkDistinct(forward.args.map(a => a.name), 'argument', context)
  for (const arg of forward.args) {
    if (arg.type !== undefined) checkType(arg.type, names, context)
    if (arg.default !== undefined) checkExpr(arg.default, names, context)
  }
  if (forward.result !== undefined) checkType(forward.result, names, context)
  const body = new Names(names)
  checkStatements(forward.body, body, context, false)
  checkUnused(body, context)
  if (!returns(forward.body)) context.report(diagnose('no-result', forward.span, { block: owner }))
}

const returns = (body: readonly Stmt[]): boolean => body.some(s => s.kind === 'return' || (s.kind === 'if' && returns(s.then) && returns(s.else)))

/** `names` undefined: a static type, whose dimensions cannot be names. */
function checkType(type: TypeExpr, names: Names | undefined, context: CheckContext): void {
  switch (type.kind) {
    case 'named':
      if (!staticTypes.includes(type.name)) context.report(diagnose('unknown-type', type.span, { name: type.name }, { hint: didYouMean(type.name, staticTypes) }))
      if (type.arg !== undefined) checkType(type.arg, names, context)
      return
    case 'optional': return checkType(type.inner, names, context)
    case 'fields':
      checkDistinct(type.fields.map(f => f.name), 'field', context)
      return type.fields.forEach(f => checkType(f.type, names, context))
    case 'dims':
      for (const dim of type.dims) {
        if (dim.kind !== 'expr') continue
        if (names !== undefined) checkExpr(dim.value, names, context)
        else if (dim.value.kind === 'name' && !staticTypes.includes(dim.value.name)) context.report(diagnose('unknown-type', dim.span, { name: dim.value.name }, { hint: didYouMean(dim.value.name, staticTypes) }))
      }
  }
}

function checkStatements(body: readonly Stmt[], names: Names, context: CheckContext, inLoop: boolean): void {
  let ended: Span | undefined
  for (const statement of body) {
    if (ended !== undefined) { context.report(diagnose('after-return', statement.span, {}, { labels: [{ span: ended, text: 'returns here' }] })); ended = undefined }
    checkStatement(statement, names, context, inLoop)
    if (statement.kind === 'return') ended = statement.span
  }
}

function checkStatement(statement: Stmt, names: Names, context: CheckContext, inLoop: boolean): void {
  const inner = (body: readonly Stmt[], loop: boolean, bound: readonly Name[] = []): void => {
    const scope = new Names(names)
    for (const name of bound) scope.define('loop', name.text, name.span)
    checkStatements(body, scope, context, loop)
    checkUnused(scope, context)
  }
  switch (statement.kind) {
    case 'require': return checkRequire(statement, names, context)
    case 'let': return checkLet(statement, names, context)
    case 'assign': return checkAssign(statement.name, statement.value, names, context)
    case 'update': {
      checkExpr(statement.value, names, context)
      const entry = names.use(statement.name.text)
      if (entry?.kind !== 'state') context.report(diagnose('not-a-state', statement.name.span, { name: statement.name.text }, entry?.span === undefined ? {} : { labels: [{ span: entry.span, text: 'declared here' }] }))
      return
    }
    case 'return':
      if (inLoop) context.report(diagnose('return-in-loop', statement.span, {}))
      return checkExpr(statement.value, names, context)
    case 'for':
      checkExpr(statement.iterable, names, context)
      return inner(statement.body, true, statement.names)
    case 'if':
      checkExpr(statement.cond, names, context)
      inner(statement.then, inLoop)
      return inner(statement.else, inLoop)
    case 'expression':
      checkExpr(statement.value, names, context)
      return context.report(diagnose('unused-value', statement.span, {}))
  }
}

function checkLet(statement: LetStmt, names: Names, context: CheckContext): void {
  checkExpr(statement.value, names, context)
  const bound = patternNames(statement.pattern)
  checkDistinct(bound, 'name', context)
  for (const name of bound) names.define('let', name.text, name.span)
}

const assignWords: Readonly<Record<EntryKind, string>> = { static: 'a static parameter', dimension: 'a dimension', argument: 'an argument', member: 'a member', state: 'a state', let: 'a local', loop: 'a loop variable', file: 'a declaration', builtin: 'a built-in function' }

function checkAssign(name: Name, value: Expr, names: Names, context: CheckContext): void {
  checkExpr(value, names, context)
  const entry = names.find(name.text)
  if (entry === undefined) context.report(diagnose('unknown-local', name.span, { name: name.text }))
  else if (entry.kind !== 'let' && entry.kind !== 'loop' && entry.kind !== 'argument') {
    context.report(diagnose('not-assignable', name.span, { name: name.text, what: assignWords[entry.kind] }, entry.span === undefined ? {} : { labels: [{ span: entry.span, text: 'declared here' }] }))
  }
}
