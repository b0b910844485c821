// An override inside a value: a path through arguments of blocks, fields of kinds, records and lists.
import { diagnose } from '../diagnostics/catalogue.ts'
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts'
import { didYouMean } from '../diagnostics/suggest.ts'
import type { Name } from '../syntax/ast.ts'
import type { Evaluator } from './evaluate.ts'
import { completeFields, schemaOf } from './kinds.ts'
import { describe, error, list, record, sameValue, type BlockValue, type Value } from './values.ts'

/** Equal as the text sees it: 1 and 1.0 are the same number. */
export function unchanged(a: Value, b: Value): boolean {
  if ((a.t === 'int' || a.t === 'float') && (b.t === 'int' || b.t === 'float')) return a.v === b.v
  if (a.t === 'list' && b.t === 'list') return a.items.length === b.items.length && a.items.every((v, i) => unchanged(v, b.items[i]))
  return sameValue(a, b)
}

/** The new value, where its expression stands, and the path as it was written. */
export interface Assignment { readonly value: Value; readonly span: Span; readonly path: string; readonly pathSpan: Span }

export interface OverrideContext {
  readonly evaluator: Evaluator
  readonly report: (d: Diagnostic) => void
  /** evaluate without reporting */
  readonly muted: <T>(body: () => T) => T
}

/** `value` with the place `rest` inside it replaced. A mistake is reported and gives 'error'; `also` are names that the caller would have taken instead. */
export function overrideInside(value: Value, rest: readonly Name[], assignment: Assignment, context: OverrideContext, where: string, also: readonly string[] = []): Value {
  const [name, ...deeper] = rest
  if (name === undefined) return assignment.value
  const fail = (d: Diagnostic): Value => { context.report(d); return error }
  const unknown = (owner: string, known: readonly string[]): Value => fail(diagnose('unknown-path', name.span, { where: owner, name: name.text }, { hint: didYouMean(name.text, [...known, ...also]) }))
  const inner = (item: Value): Value => overrideInside(item, deeper, assignment, context, `${where}.${name.text}`)
  switch (value.t) {
    case 'error': return error
    case 'block': {
      if (!value.decl.params.some(p => p.name.text === name.text)) return unknown(`block ${value.decl.name.text} (\`${where}\`)`, value.decl.params.map(p => p.name.text))
      return overrideArgument(value, name, inner, assignment, context)
    }
    case 'kind': {
      const schema = schemaOf(value)
      const before = value.fields.get(name.text)
      if (before === undefined) return unknown(`${value.name} (\`${where}\`)`, Object.keys(schema.fields))
      const after = inner(before)
      if (after.t === 'error') return error
      const { fields, problems } = completeFields(schema, new Map([...value.fields, [name.text, after]]))
      for (const p of problems) context.report(diagnose('field-value', assignment.span, { where: `${where} (${value.name})`, reason: p.message }, { hint: p.hint }))
      return problems.length > 0 ? error : { ...value, fields }
    }
    case 'record': {
      const before = value.fields.get(name.text)
      return before === undefined ? unknown(`\`${where}\``, [...value.fields.keys()]) : record(new Map([...value.fields, [name.text, inner(before)]]))
    }
    case 'list': {
      const before = value.items[Number(name.text)]
      return before === undefined ? fail(diagnose('unknown-path', name.span, { where: `\`${where}\``, name: name.text }, { hint: `a list of ${value.items.length}: items count from 0` })) : list(value.items.map((v, i) => (i === Number(name.text) ? inner(before) : v)))
    }
    default: return fail(diagnose('path-into-value', name.span, { path: where, found: describe(value) }))
  }
}

/** Describe the block anew, so that types are checked and defaults that rest on the argument follow it. */
function overrideArgument(block: BlockValue, name: Name, inner: (before: Value) => Value, assignment: Assignment, { evaluator, muted }: OverrideContext): Value {
  const expr = block.decl.params.find(p => p.name.text === name.text)?.default
  const before = block.args.get(name.text) ?? (expr === undefined ? undefined : evaluator.evaluate(expr, evaluator.options.scopeOf(block.decl)))
  const after = before === undefined ? assignment.value : inner(before)
  if (after.t === 'error') return error
  if (before !== undefined && unchanged(before, after)) return block
  const given = [...block.args].filter(([key, value]) => key !== name.text && !isDefault(block, key, value, evaluator, muted))
  const args = given.map(([key, value]) => ({ name: key, value, span: block.span }))
  return evaluator.bindBlock(block.decl, [...args, { name: name.text, nameSpan: name.span, value: after, span: assignment.span }], block.span)
}

function isDefault(block: BlockValue, key: string, value: Value, evaluator: Evaluator, muted: OverrideContext['muted']): boolean {
  const expr = block.decl.params.find(p => p.name.text === key)?.default
  if (expr === undefined) return false
  const scope = evaluator.options.scopeOf(block.decl).child()
  for (const [name, v] of block.args) scope.define(name, v, undefined, 'static')
  return muted(() => unchanged(evaluator.evaluate(expr, scope), value))
}
