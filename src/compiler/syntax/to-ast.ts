// Concrete to abstract syntax: files, declarations, members and statements. Items with a mistake in them are left out, their neighbours stay.
/* oxlint-disable unicorn/no-thenable -- the branch of a condition is called so in the syntax tree */
import type { CstNode } from 'chevrotain'
import { diagnose } from '../diagnostics/catalogue.ts'
import type { BlockDecl, Declaration, Field, File, ForwardArg, ForwardDecl, Import, LetStmt, Member, ModelDecl, ModelMember, Override, ParamDecl, Pattern, RequireStmt, Stmt, TaskDecl, VariantDecl } from './ast.ts'
import { attempt, assign, type Context, declared, docOf, fail, field, has, node, nodes, only, partial, span, token, tokens, tokenSpan } from './cst.ts'
import { assigned, chain, exactDims, expression, loopNames, maxDepth, type } from './to-ast-expressions.ts'
import { unescape } from './text.ts'

function each<T>(list: readonly CstNode[], build: (n: CstNode) => T): T[] {
  return list.flatMap(n => { const made = attempt(() => build(n)); return made === undefined ? [] : [made] })
}
/** The items of a body that were read to their end. */
const items = <T>(body: CstNode, name: string, build: (n: CstNode) => T): T[] => each(nodes(body, name).filter(n => !n.recoveredNode), build)

export function toFile(c: Context, n: CstNode): File {
  const imports: Import[] = []
  const declarations: Declaration[] = []
  for (const item of nodes(n, 'declaration')) attempt(() => {
    const choice = only(item)
    if (choice.name === 'importDecl') imports.push(importDecl(c, choice.node))
    else if (choice.name === 'blockDecl') declarations.push(blockDecl(c, choice.node))
    else declarations.push(modelDecl(c, choice.node))
  })
  return { file: c.file, imports, declarations }
}

function importDecl(c: Context, n: CstNode): Import {
  const names = each(nodes(partial(n, 'importNames'), 'importName'), x => {
    const [name, alias] = tokens(x, 'Name')
    return { name: declared(c, name ?? fail(), 'a block or model'), alias: alias === undefined ? undefined : declared(c, alias, 'a block or model') }
  })
  const path = token(n, 'Text')
  return { span: span(c, n), path: unescape(path.image), pathSpan: tokenSpan(c, path), names }
}

function blockDecl(c: Context, n: CstNode): BlockDecl {
  const name = declared(c, token(n, 'Name'), 'a block')
  const params = has(n, 'params') ? each(nodes(partial(n, 'params'), 'parameter'), (x): ParamDecl => ({ doc: docOf(c, x), ...parameter(c, x, 'a parameter') })) : []
  return { kind: 'block', span: span(c, n), doc: docOf(c, n), name, params, members: has(n, 'memberBody') ? members(c, partial(n, 'memberBody')) : [] }
}

function parameter(c: Context, n: CstNode, what: string): ForwardArg {
  const name = declared(c, token(n, 'Name'), what)
  assign(c, n)
  return { span: span(c, n), name, type: has(n, 'type') ? type(c, node(n, 'type')) : undefined, default: has(n, 'expression') ? expression(c, node(n, 'expression')) : undefined }
}

const members = (c: Context, n: CstNode): Member[] => items(n, 'member', x => member(c, x))

function member(c: Context, n: CstNode): Member {
  const choice = only(n)
  switch (choice.name) {
    case 'child': return child(c, choice.node)
    case 'requireStmt': return requireStmt(c, choice.node)
    case 'letStmt': return letStmt(c, choice.node)
    case 'tensorMember': return tensorMember(c, choice.node)
    case 'ifMembers': return ifMembers(c, choice.node)
    default: return forwardDecl(c, choice.node)
  }
}

const child = (c: Context, n: CstNode): Extract<Member, { kind: 'child' }> => ({ kind: 'child', span: span(c, n), doc: docOf(c, n), name: declared(c, token(n, 'Name')), value: assigned(c, n) })

function tensorMember(c: Context, n: CstNode): Member {
  const kind = has(n, 'param') ? 'param' : has(n, 'state') ? 'state' : 'constant'
  const dimsNode = node(n, 'dims')
  const shared = { span: span(c, n), doc: docOf(c, n), name: declared(c, token(n, 'Name')), dims: exactDims(c, dimsNode, kind), dimsSpan: span(c, dimsNode) }
  const declaredType = has(n, 'type') ? type(c, node(n, 'type')) : undefined
  const value = assigned(c, n)
  if (kind === 'state') return { kind, ...shared, type: declaredType, init: value }
  return kind === 'param' ? { kind, ...shared, init: value } : { kind, ...shared, value }
}

/** `if a {} else if b {} else {}` with the conditions and bodies in order; the last body may be alone. */
function branches<T>(c: Context, n: CstNode, bodies: readonly CstNode[], build: (body: CstNode) => T[]): { at: ReturnType<typeof span>; cond: ReturnType<typeof expression>; then: T[]; else: T[] }[] {
  const conds = nodes(n, 'expression')
  if (conds.some(x => x.recoveredNode) || bodies.length < conds.length) return fail()
  const whole = span(c, n)
  if (conds.length > maxDepth / 2) { c.diagnostics.push(diagnose('expression-too-deep', whole, { limit: maxDepth / 2 })); return fail() }
  const starts = tokens(n, 'if')
  const last = bodies.length > conds.length ? build(bodies[conds.length]) : []
  return conds.map((cond, i) => ({ at: { ...whole, start: starts[i].startOffset }, cond: expression(c, cond), then: build(bodies[i]), else: i === conds.length - 1 ? last : [] }))
}

function ifMembers(c: Context, n: CstNode): Member {
  return branches(c, n, nodes(n, 'memberBody'), b => members(c, b)).reduceRight<Member | undefined>((rest, b) =>
    ({ kind: 'if-members', span: b.at, cond: b.cond, then: b.then, else: rest === undefined ? b.else : [rest] }), undefined) ?? fail()
}

function forwardDecl(c: Context, n: CstNode): ForwardDecl {
  const args = each(nodes(partial(n, 'params'), 'parameter'), x => parameter(c, x, 'an argument'))
  const result = has(n, 'type') ? type(c, node(n, 'type')) : undefined
  const at = span(c, n)
  if (result !== undefined && !has(n, 'Arrow')) c.diagnostics.push(diagnose('missing-arrow', result.span, {}))
  if (has(n, 'statements')) return { kind: 'forward', span: at, args, result, body: statements(c, partial(n, 'statements')) }
  const value = assigned(c, n)
  return { kind: 'forward', span: at, args, result, body: [{ kind: 'return', span: value.span, value }] }
}

const statements = (c: Context, n: CstNode): Stmt[] => items(n, 'statement', x => statement(c, x))

function statement(c: Context, n: CstNode): Stmt {
  const { name, node: x } = only(n)
  switch (name) {
    case 'assignment': return { kind: 'assign', span: span(c, x), name: declared(c, token(x, 'Name'), 'a local'), value: assigned(c, x) }
    case 'requireStmt': return requireStmt(c, x)
    case 'letStmt': return letStmt(c, x)
    case 'updateStmt': return { kind: 'update', span: span(c, x), name: declared(c, token(x, 'Name')), value: assigned(c, x) }
    case 'returnStmt': return { kind: 'return', span: span(c, x), value: expression(c, node(x, 'expression')) }
    case 'forStmt': return { kind: 'for', span: span(c, x), names: loopNames(c, node(x, 'names')), iterable: expression(c, node(x, 'expression')), body: statements(c, partial(x, 'statements')) }
    case 'ifStmt': return branches(c, x, nodes(x, 'statements'), b => statements(c, b)).reduceRight<Stmt | undefined>((rest, b) =>
      ({ kind: 'if', span: b.at, cond: b.cond, then: b.then, else: rest === undefined ? b.else : [rest] }), undefined) ?? fail()
    default: return { kind: 'expression', span: span(c, x), value: chain(c, x) }
  }
}

function requireStmt(c: Context, n: CstNode): RequireStmt {
  return { kind: 'require', span: span(c, n), cond: expression(c, node(n, 'expression')), message: has(n, 'Comma') ? expression(c, node(n, 'expression', 1)) : undefined }
}

function letStmt(c: Context, n: CstNode): LetStmt { return { kind: 'let', span: span(c, n), doc: docOf(c, n), pattern: pattern(c, n), value: assigned(c, n) } }

function pattern(c: Context, n: CstNode): Pattern {
  const record = has(n, 'recordPattern')
  const x = node(n, record ? 'recordPattern' : 'names')
  const names = tokens(x, 'Name').map(token => declared(c, token, 'a local'))
  if (record) return { kind: 'record', span: span(c, x), names }
  return names.length === 1 ? { kind: 'name', span: span(c, x), name: names[0] } : { kind: 'list', span: span(c, x), names }
}

function modelDecl(c: Context, n: CstNode): ModelDecl | VariantDecl {
  const [first, base] = tokens(n, 'Name')
  const name = declared(c, first ?? fail(), 'a model')
  const shared = { span: span(c, n), doc: docOf(c, n), name }
  if (has(n, 'modelBody')) return { kind: 'model', ...shared, members: items(partial(n, 'modelBody'), 'modelMember', x => modelMember(c, x)) }
  assign(c, n)
  return { kind: 'variant', ...shared, base: declared(c, base ?? fail(), 'a model'), overrides: items(partial(n, 'overrides'), 'override', x => override(c, x)) }
}

function modelMember(c: Context, n: CstNode): ModelMember {
  const choice = only(n)
  switch (choice.name) {
    case 'child': return child(c, choice.node)
    case 'requireStmt': return requireStmt(c, choice.node)
    case 'letStmt': return letStmt(c, choice.node)
    case 'forwardDecl': return forwardDecl(c, choice.node)
    default: return shareable(c, choice.name, choice.node)
  }
}

/** The members of a model that may stand in a variant, too. */
function shareable(c: Context, name: string, n: CstNode): Extract<ModelMember, { kind: 'data' | 'train' | 'task' | 'rename' }> {
  if (name === 'taskDecl') return taskDecl(c, n)
  if (name === 'renameDecl') {
    const rules = items(n, 'renameRule', x => ({ span: span(c, x), from: unescape(token(x, 'Text').image), to: unescape(token(x, 'Text', 1).image) }))
    return { kind: 'rename', span: span(c, n), rules }
  }
  const shared = { span: span(c, n), fields: fields(c, partial(n, 'fields')) }
  return has(n, 'data') ? { kind: 'data', ...shared, type: has(n, 'Name') ? declared(c, token(n, 'Name'), 'a kind') : undefined } : { kind: 'train', ...shared }
}

const fields = (c: Context, n: CstNode): Field[] => items(n, 'field', x => ({ span: span(c, x), doc: docOf(c, x), name: field(c, token(x, 'FieldName')), value: assigned(c, x) }))

function taskDecl(c: Context, n: CstNode): TaskDecl {
  return { kind: 'task', span: span(c, n), doc: docOf(c, n), name: declared(c, token(n, 'Name')), value: assigned(c, n), fields: has(n, 'fields') ? fields(c, partial(n, 'fields')) : [] }
}

function override(c: Context, n: CstNode): Override {
  if (has(n, 'block')) return { kind: 'replace-block', span: span(c, n), name: declared(c, token(n, 'Name'), 'a block'), value: assigned(c, n) }
  const choice = only(n)
  return choice.name === 'setOverride' ? setOverride(c, choice.node) : shareable(c, choice.name, choice.node)
}

export function setOverride(c: Context, n: CstNode): Extract<Override, { kind: 'set' }> {
  const path = tokens(n, 'FieldName').map(x => field(c, x))
  if (path.length === 0) return fail()
  return { kind: 'set', span: span(c, n), path, pathSpan: { ...path[0].span, end: path[path.length - 1].span.end }, value: assigned(c, n) }
}
