// Statements of forward: loops are unrolled, conditions decided, one value returned.
import type { Span } from '../diagnostics/diagnostic.ts'
import { didYouMean } from '../diagnostics/suggest.ts'
import { sameShape, showType } from '../ir/types.ts'
import type { Expr, Name, Pattern, RequireStmt, Stmt } from '../syntax/ast.ts'
import { parseExpression } from '../syntax/parse.ts'
import { membersOf } from './instances.ts'
import type { Machine } from './machine.ts'
import type { Scope } from './scope.ts'
import { showValue } from './show-types.ts'
import { describe, error, int, string, type Value } from './values.ts'

export interface Returned { readonly value: Value; readonly span: Span }

/** Run statements in `scope` until one returns. Undefined if none does. */
export function run(m: Machine, body: readonly Stmt[], scope: Scope): Returned | undefined {
  for (const stmt of body) {
    const returned = statement(m, stmt, scope)
    if (returned !== undefined) return returned
  }
  return undefined
}

function statement(m: Machine, stmt: Stmt, scope: Scope): Returned | undefined {
  m.step(stmt.span)
  switch (stmt.kind) {
    case 'let': define(m, stmt.pattern, m.evaluate(stmt.value, scope), stmt.value.span, scope); return undefined
    case 'assign': assign(m, stmt, scope); return undefined
    case 'update': update(m, stmt, scope); return undefined
    case 'return': return { value: m.evaluate(stmt.value, scope), span: stmt.value.span }
    case 'require': return requirement(m, stmt, scope) ? undefined : { value: error, span: stmt.span }
    case 'for': return loop(m, stmt, scope)
    case 'if': {
      const cond = m.condition(m.evaluate(stmt.cond, scope), stmt.cond.span)
      if (cond === undefined) return { value: error, span: stmt.cond.span }
      return run(m, cond ? stmt.then : stmt.else, scope.child())
    }
    case 'expression': {
      const value = m.evaluate(stmt.value, scope)
      if (value.t !== 'error') m.report('unused-value', stmt.span, {})
      return undefined
    }
  }
}

/** Bind the names of a pattern; gives the names. A value that does not fit is reported, and the names are errors. */
export function define(m: Machine, pattern: Pattern, value: Value, valueSpan: Span, scope: Scope, kind: 'local' | 'member' = 'local'): string[] {
  const names = pattern.kind === 'name' ? [pattern.name] : pattern.names
  const bind = (name: Name, v: Value): void => {
    const before = kind === 'member' ? scope.own().get(name.text) : undefined
    if (before === undefined) scope.define(name.text, v, name.span, kind)
    else m.report('duplicate-member', name.span, { name: name.text }, { labels: before.span === undefined ? [] : [{ span: before.span, text: 'the first one' }] })
  }
  const spoil = (hint?: string, span: Span = valueSpan): void => {
    if (value.t !== 'error') m.report('take-apart', span, { found: describe(value), names: names.map(n => `\`${n.text}\``).join(', ') }, { hint })
    for (const name of names) bind(name, error)
  }
  if (pattern.kind === 'name') bind(pattern.name, value)
  else if (pattern.kind === 'list') {
    if (value.t === 'list' && value.items.length === names.length) names.forEach((name, i) => bind(name, value.items[i]))
    else spoil(value.t === 'tensor' ? 'split a tensor with `split(x, count, axis)`, or index it' : undefined)
  } else if (value.t === 'record') {
    const absent = names.find(n => !value.fields.has(n.text))
    if (absent === undefined) for (const name of names) bind(name, value.fields.get(name.text)!)
    else spoil(didYouMean(absent.text, value.fields.keys()), absent.span)
  } else spoil()
  return names.map(n => n.text)
}

function assign(m: Machine, stmt: Extract<Stmt, { kind: 'assign' }>, scope: Scope): void {
  const value = m.evaluate(stmt.value, scope)
  const { text, span } = stmt.name
  const binding = scope.binding(text)
  if (binding === undefined || binding.kind === 'declaration') m.report('unknown-local', span, { name: text })
  else if (binding.kind === 'local' || binding.kind === 'argument') scope.assign(text, value, span)
  else {
    const what = { static: 'a static parameter', dimension: 'a dimension', member: 'a member of the block' }[binding.kind]
    m.report('not-assignable', span, { name: text, what }, { labels: binding.span === undefined ? [] : [{ span: binding.span, text: 'defined here' }], hint: 'write `let` for a new local of that name' })
  }
}

function update(m: Machine, stmt: Extract<Stmt, { kind: 'update' }>, scope: Scope): void {
  const { text, span } = stmt.name
  const self = scope.lookup('self')
  const tensors = self?.t === 'instance' ? membersOf(self).tensors : undefined
  const state = tensors?.get(text)
  if (state?.kind !== 'state') {
    if (scope.lookup(text)?.t !== 'error') m.report('not-a-state', span, { name: text }, { hint: didYouMean(text, [...tensors?.values() ?? []].filter(t => t.kind === 'state').map(t => t.name)) })
    return
  }
  if (m.mode === 'infer') return
  const value = m.evaluate(stmt.value, scope)
  const type = state.current.t === 'tensor' ? state.current.type : undefined
  if (value.t === 'error' || type === undefined) return
  if (value.t !== 'tensor' || value.type.dtype !== type.dtype || !sameShape(value.type.shape, type.shape)) {
    m.report('update-type', stmt.value.span, { name: text, expected: showType(type), found: describe(value) })
    return
  }
  state.current = value
  scope.assign(text, value, scope.binding(text)?.span)
  const { outputs } = m.builder
  const before = outputs.findIndex(o => o.role === 'state' && o.name === state.finalName)
  if (before < 0) m.builder.output(state.finalName, 'state', value.id)
  else outputs[before] = { name: state.finalName, role: 'state', value: value.id }
}

/** The items a `for` goes over, each with what the first of two names stands for. Undefined after a report. */
export function iterate(m: Machine, iterable: Value, names: number, span: Span): readonly { readonly key: Value; readonly item: Value }[] | undefined {
  if (iterable.t === 'list') return iterable.items.map((item, i) => ({ key: int(i), item }))
  if (iterable.t === 'record' && names === 2) return [...iterable.fields].map(([key, item]) => ({ key: string(key), item }))
  if (iterable.t === 'error') return undefined
  const hints: Partial<Record<Value['t'], string>> = {
    record: 'over the fields of a record: `for key, value in ...`',
    int: 'write `0..n`',
    tensor: 'over a static axis: `for i in 0..x.shape[0]`, then `x[i]`',
  }
  m.report('not-iterable', span, { found: describe(iterable) }, { hint: hints[iterable.t] })
  return undefined
}

/** A scope for one round, with one name (the item) or two (index or key, item). */
export function roundScope(scope: Scope, names: readonly Name[], key: Value, item: Value): Scope {
  const inner = scope.child()
  if (names.length === 2) inner.define(names[0].text, key, names[0].span)
  const last = names[names.length - 1]
  inner.define(last.text, item, last.span)
  return inner
}

function loop(m: Machine, stmt: Extract<Stmt, { kind: 'for' }>, scope: Scope): Returned | undefined {
  const items = iterate(m, m.evaluate(stmt.iterable, scope), stmt.names.length, stmt.iterable.span)
  if (items === undefined) return { value: error, span: stmt.span }
  for (const { key, item } of items) {
    m.step(stmt.span)
    const returned = run(m, stmt.body, roundScope(scope, stmt.names, key, item))
    if (returned !== undefined) return returned
  }
  return undefined
}

/** Check a requirement; false after a report. */
export function requirement(m: Machine, stmt: RequireStmt, scope: Scope): boolean {
  const holds = m.condition(m.evaluate(stmt.cond, scope), stmt.cond.span)
  if (holds !== false) return holds === true
  const reason = stmt.message === undefined ? 'a requirement of this block does not hold' : message(m, stmt.message, scope)
  m.report('requirement-failed', stmt.cond.span, { reason }, { label: sides(m, stmt.cond, scope) })
  return false
}

/** `is false: 2 == 0` for a comparison, `is false` otherwise. */
function sides(m: Machine, cond: Expr, scope: Scope): string {
  if (cond.kind !== 'binary' || !['==', '!=', '<', '<=', '>', '>='].includes(cond.op)) return 'is false'
  return `is false: ${showValue(m.evaluate(cond.left, scope))} ${cond.op} ${showValue(m.evaluate(cond.right, scope))}`
}

/** The text of a requirement, `{expr}` replaced by its value; what is no expression stays as it is. */
function message(m: Machine, expr: Expr, scope: Scope): string {
  if (expr.kind !== 'string') return showValue(m.evaluate(expr, scope))
  return expr.value.replace(/\{([^{}]+)\}/g, (whole, source: string) => {
    const inner = parseExpression(expr.span.file, source)
    if (inner.expr === undefined || inner.diagnostics.length > 0) return whole
    const value = m.evaluate(placedAt(inner.expr, expr.span), scope)
    return value.t === 'error' ? whole : showValue(value)
  })
}

/** The expression with every span replaced: one inside a string has no offsets of its own. */
function placedAt(expr: Expr, span: Span): Expr {
  const place = (x: unknown): unknown => {
    if (Array.isArray(x)) return x.map(place)
    if (typeof x !== 'object' || x === null) return x
    return 'file' in x && 'start' in x ? span : Object.fromEntries(Object.entries(x).map(([k, v]) => [k, place(v)]))
  }
  return place(expr) as Expr
}
