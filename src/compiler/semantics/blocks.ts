// Blocks: descriptions from static arguments, calls of instances.
import type { Span } from '../diagnostics/diagnostic.ts'
import type { BlockDecl, ForwardDecl, Member } from '../syntax/ast.ts'
import { runMembers } from './block-members.ts'
import { bindArguments, recordCall } from './evaluate-calls.ts'
import { run } from './evaluate-statements.ts'
import { membersOf } from './instances.ts'
import type { Machine } from './machine.ts'
import type { CallArg, Scope } from './scope.ts'
import { Matcher } from './signature.ts'
import { error, type BlockValue, type Instance, type Value } from './values.ts'

/**
 * The description `Linear(64)`: arguments bound to parameters, checked, converted and defaulted. A default sees the parameters before it.
 * Where a variant replaces the block, the replacement is described: arguments of the call win over those the replacement was given with.
 */
export function bindBlock(m: Machine, decl: BlockDecl, args: readonly CallArg[], span: Span): BlockValue | { readonly t: 'error' } {
  const substitute = m.options.substitutions?.get(decl.name.text)
  if (substitute !== undefined && substitute.decl !== decl) return describeBlock(m, substitute.decl, args, span, substitute.args)
  return describeBlock(m, decl, args, span, substitute?.args ?? new Map())
}

function describeBlock(m: Machine, decl: BlockDecl, args: readonly CallArg[], span: Span, preset: ReadonlyMap<string, Value>): BlockValue | { readonly t: 'error' } {
  const callee = `block ${decl.name.text}`
  const given = bindArguments(m, callee, decl.params.map(p => ({ name: p.name.text, required: p.default === undefined && !preset.has(p.name.text) })), args, span)
  if (given === undefined) return { t: 'error' }
  return m.nested(span, () => {
    const scope = m.options.scopeOf(decl).child()
    const matcher = new Matcher(m, scope)
    const values = new Map<string, Value>()
    let ok = true
    for (const param of decl.params) {
      const name = param.name.text
      const arg = given.get(name)
      const value = arg?.value ?? preset.get(name) ?? m.evaluate(param.default!, scope)
      const place = arg?.span ?? (preset.has(name) ? span : param.default?.span ?? span)
      const matched = matcher.match(param.type, value, { name, callee, span: place })
      if (matched === undefined || matched.t === 'error') ok = false
      values.set(name, matched ?? error)
      scope.define(name, matched ?? error, place, 'static')
    }
    return ok ? { t: 'block', decl, args: values, span } as const : { t: 'error' } as const
  })
}

/** Call an instance: bind the signature, evaluate the members, run forward, check the result. */
export function callInstance(m: Machine, instance: Instance, args: readonly CallArg[], span: Span): Value {
  const { decl } = instance.block
  const state = membersOf(instance)
  const outer = m.options.scopeOf(decl).child()
  outer.define('self', instance, decl.name.span, 'static')
  for (const [name, value] of instance.block.args) outer.define(name, value, instance.block.span, 'static')
  const forward = findForward(m, decl.members, outer)
  if (forward === undefined) return m.report('no-forward', span, { block: decl.name.text }, { labels: [{ span: decl.name.span, text: 'declared here' }] })
  const bound = bindForward(m, forward, outer, args, span, decl.name.text)
  if (bound === undefined) return error
  return m.nested(span, () => {
    state.members.clear()
    const scope = outer.child()
    const complete = runMembers(m, instance, decl.members, scope, span)
    state.calls++
    if (!complete) return error
    const result = runBody(m, forward, scope, bound, decl.name.text)
    if (!state.anonymous && result.t !== 'error') recordCall(m, instance.path, decl.name.text, span, result)
    return result
  }, { path: instance.path, name: decl.name.text, span })
}

/** The forward of a block; one inside an `if` counts if the condition, on static parameters, holds. */
function findForward(m: Machine, members: readonly Member[], scope: Scope): ForwardDecl | undefined {
  for (const member of members) {
    if (member.kind === 'forward') return member
    if (member.kind !== 'if-members' || !hasForward(member)) continue
    const cond = m.condition(m.evaluate(member.cond, scope), member.cond.span)
    const found = cond === undefined ? undefined : findForward(m, cond ? member.then : member.else, scope)
    if (found !== undefined) return found
  }
  return undefined
}

const hasForward = (member: Member): boolean => member.kind === 'forward' || (member.kind === 'if-members' && [...member.then, ...member.else].some(hasForward))

export interface BoundForward { readonly matcher: Matcher; readonly values: ReadonlyMap<string, { readonly value: Value; readonly span: Span }> }

/** Bind arguments and dimensions of a forward; `scope` gets the dimensions and the arguments. Undefined after a report, or if an argument is an error. */
export function bindForward(m: Machine, forward: ForwardDecl, scope: Scope, args: readonly CallArg[], span: Span, name: string): BoundForward | undefined {
  const given = bindArguments(m, `forward of ${name}`, forward.args.map(a => ({ name: a.name.text, required: a.default === undefined })), args, span)
  if (given === undefined) return undefined
  const matcher = new Matcher(m, scope)
  const values = new Map<string, { value: Value; span: Span }>()
  let ok = true
  const evaluated = forward.args.map(arg => {
    const own = given.get(arg.name.text)
    return { arg, value: own?.value ?? m.evaluate(arg.default!, scope), span: own?.span ?? arg.span }
  })
  // An int argument binds the dimension of its name before any shape does.
  for (const { arg, value, span: place } of evaluated.toSorted((a, b) => Number(b.value.t === 'int') - Number(a.value.t === 'int'))) {
    const matched = matcher.match(arg.type, value, { name: arg.name.text, callee: name, span: place })
    if (matched === undefined || matched.t === 'error') { ok = false; continue }
    values.set(arg.name.text, { value: matched, span: place })
    if (matched.t === 'int') scope.define(arg.name.text, matched, place, 'argument')
  }
  if (!ok || !matcher.finish()) return undefined
  for (const [key, { value, span: place }] of values) scope.define(key, value, place, 'argument')
  return { matcher, values }
}

/** Run the body of a forward below `scope` and check its result; the arguments hide members of the same name. */
export function runBody(m: Machine, forward: ForwardDecl, scope: Scope, bound: BoundForward, name: string): Value {
  const body = scope.child()
  for (const [key, { value, span }] of bound.values) body.define(key, value, span, 'argument')
  const returned = run(m, forward.body, body)
  if (returned === undefined) return m.report('no-result', { ...forward.span, end: forward.span.start + 'forward'.length }, { block: name })
  const { value, span } = returned
  if (value.t === 'error' || forward.result === undefined) return value
  bound.matcher.within(scope)
  const matched = bound.matcher.match(forward.result, value, { name: 'result', callee: name, span })
  return matched === undefined || !bound.matcher.finish() ? error : matched
}
