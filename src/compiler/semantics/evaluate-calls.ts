// Calls: which arguments go to which parameters, built-in functions, lists of callables.
import type { Span } from '../diagnostics/diagnostic.ts'
import { didYouMean } from '../diagnostics/suggest.ts'
import { ShapeError } from '../ir/builder.ts'
import { showType } from '../ir/types.ts'
import type { FunctionContext } from './functions/function.ts'
import { makeInstance } from './instances.ts'
import { CallFailure, ruleOf, type Machine } from './machine.ts'
import type { CallArg } from './scope.ts'
import { describe, error, list, type Value } from './values.ts'

interface Param { readonly name: string; readonly required: boolean; readonly rest?: boolean }

/** Give the arguments to the parameters of `callee` (a noun for messages). Undefined after a report. Parameters without an argument are absent; a rest parameter has a list. */
export function bindArguments(m: Machine, callee: string, params: readonly Param[], args: readonly CallArg[], span: Span): Map<string, CallArg> | undefined {
  const bound = new Map<string, CallArg>()
  const rest: CallArg[] = []
  let ok = true
  let next = 0
  let named = false
  for (const arg of args) {
    if (arg.name === undefined) {
      // Positional after named: the parser has reported it.
      if (named) { ok = false; continue }
      const param = params[next]
      if (param === undefined) {
        const hint = params.length === 0 ? undefined : `its arguments: ${params.map(p => p.name).join(', ')}`
        m.report('too-many-arguments', arg.span, { callee, most: params.length, found: args.length }, { hint })
        return undefined
      }
      if (param.rest === true) rest.push(arg)
      else { bound.set(param.name, arg); next++ }
    } else {
      named = true
      const place = arg.nameSpan ?? arg.span
      if (!params.some(p => p.name === arg.name)) {
        m.report('unknown-argument', place, { callee, name: arg.name }, { hint: didYouMean(arg.name, params.map(p => p.name)) })
        ok = false
      } else if (bound.has(arg.name)) {
        const first = bound.get(arg.name)!
        m.report('duplicate-argument', place, { callee, name: arg.name }, { labels: [{ span: first.span, text: 'the first one' }] })
        ok = false
      } else bound.set(arg.name, arg)
    }
  }
  if (!ok) return undefined
  for (const param of params) {
    if (param.rest === true && !bound.has(param.name)) bound.set(param.name, { value: list(rest.map(a => a.value)), span: rest[0]?.span ?? span })
    else if (param.required && !bound.has(param.name)) { m.report('missing-argument', span, { callee, name: param.name }); ok = false }
  }
  return ok ? bound : undefined
}

/** Apply a value to arguments. Wrong uses are reported and give 'error'. */
export function callValue(m: Machine, callee: Value, args: readonly CallArg[], span: Span): Value {
  switch (callee.t) {
    case 'error': return error
    case 'function': return callFunction(m, callee.name, args, span)
    case 'instance': return m.callInstance(callee, args, span)
    case 'list': return callSequence(m, callee, args, span)
    case 'block': {
      const described = callee.bare === true
      const direct = described && callee.decl.params.length === 0 && args.length > 0
      if (described && !direct) return m.bindBlock(callee.decl, args, span)
      const block = direct ? m.bindBlock(callee.decl, [], span) : callee
      return block.t === 'error' ? error : m.callInstance(makeInstance(block, m.path, true), args, span)
    }
    case 'none': return m.report('not-callable', span, { found: 'none' }, { hint: 'in a list `none` is skipped: `[x]` can be called where `x` may be none' })
    default: return m.report('not-callable', span, { found: describe(callee) })
  }
}

function callSequence(m: Machine, callee: Extract<Value, { t: 'list' }>, args: readonly CallArg[], span: Span): Value {
  const path = m.sequencePaths.get(callee)
  const bound = bindArguments(m, 'a list of blocks', [{ name: 'x', required: true }], args, span)
  if (bound === undefined) return error
  let value = bound.get('x')!.value
  for (const item of callee.items) {
    if (item.t === 'none') continue
    if (value.t === 'error') return error
    value = callValue(m, item, [{ value, span: bound.get('x')!.span }], span)
  }
  if (path !== undefined && value.t !== 'error') recordCall(m, path, 'list', span, value)
  return value
}

/** Append to the list of calls, with every tensor found in the result. */
export function recordCall(m: Machine, path: string, block: string, span: Span | undefined, result: Value): void {
  const outputs: { field: string; value: number; type: Extract<Value, { t: 'tensor' }>['type'] }[] = []
  const collect = (value: Value, field: string): void => {
    const under = (key: string): string => (field === '' ? key : `${field}/${key}`)
    if (value.t === 'tensor') outputs.push({ field, value: value.id, type: value.type })
    else if (value.t === 'list') value.items.forEach((item, i) => collect(item, under(`${i}`)))
    else if (value.t === 'record') value.fields.forEach((item, key) => collect(item, under(key)))
  }
  collect(result, '')
  m.calls.push({ path, block, span, outputs })
}

function callFunction(m: Machine, name: string, args: readonly CallArg[], span: Span): Value {
  const fn = m.functions.get(name)
  if (fn === undefined) throw new Error(`internal: no function ${name}`)
  if (args.some(a => holdsError(a.value))) return error
  const bound = bindArguments(m, `\`${name}\``, fn.params.map(p => ({ name: p.name, required: p.default === undefined, rest: p.rest })), args, span)
  if (bound === undefined) return error
  const values = new Map<string, Value>()
  for (const param of fn.params) values.set(param.name, bound.get(param.name)?.value ?? param.default!)
  const place = (argument: string | undefined): Span => (argument === undefined ? span : bound.get(argument)?.span ?? span)
  const context: FunctionContext = {
    builder: m.builder,
    mode: m.mode,
    origin: () => m.origin(span),
    random: shape => m.tensor(m.builder.input(`random/${m.randoms++}`, 'random', { dtype: 'float32', shape }, m.origin(span))),
    fail: (message, options = {}) => { throw new CallFailure(message, options.hint, options.argument) },
  }
  try {
    const result = fn.call(values, context)
    m.checkNodes(span)
    return result
  } catch (e) {
    if (e instanceof CallFailure) return m.report('call-failed', place(e.argument), { name, reason: e.message }, { hint: e.hint, labels: tensorLabels(bound, place(e.argument)) })
    if (e instanceof ShapeError) return m.report('call-failed', span, { name, reason: ruleOf(e) }, { labels: tensorLabels(bound, span) })
    throw e
  }
}

/** An error anywhere in lists and records: the function would say something that follows from it. */
export function holdsError(v: Value): boolean {
  if (v.t === 'list') return v.items.some(holdsError)
  return v.t === 'record' ? [...v.fields.values()].some(holdsError) : v.t === 'error'
}

/** What each tensor argument is, under its expression. */
const tensorLabels = (bound: ReadonlyMap<string, CallArg>, main: Span): { span: Span; text: string }[] =>
  [...bound].flatMap(([name, { value, span }]) => (value.t === 'tensor' && span !== main ? [{ span, text: `${name}: ${showType(value.type)}` }] : []))
