// The evaluator: expressions to values, blocks to instances, calls to nodes of the program.
import type { Span } from '../diagnostics/diagnostic.ts'
import { didYouMean, nearest } from '../diagnostics/suggest.ts'
import type { Phase } from '../ir/program.ts'
import type { BlockDecl, Expr, ForwardDecl } from '../syntax/ast.ts'
import { bindBlock, bindForward, callInstance, runBody } from './blocks.ts'
import { evaluateField, evaluateIndex } from './evaluate-access.ts'
import { callValue, holdsError } from './evaluate-calls.ts'
import { evaluateBinary, evaluateUnary } from './evaluate-operators.ts'
import { iterate, roundScope } from './evaluate-statements.ts'
import { functions } from './functions/index.ts'
import { instantiate } from './instances.ts'
import { Machine } from './machine.ts'
import type { CallArg, EvaluatorOptions, Scope } from './scope.ts'
import { bool, describe, error, float, int, list, none, record, string, type BlockValue, type Instance, type Value } from './values.ts'

/** Elaborates into `options.builder`. No method throws for a user's mistake: it is reported, and the value is 'error', about which nothing more is said. */
export class Evaluator extends Machine {
  constructor(options: EvaluatorOptions) {
    super(options, options.functions ?? functions)
  }

  /** Nodes made from now on belong to this phase (`loss` while losses are elaborated). */
  setPhase(phase: Phase): void { this.phase = phase }

  evaluate(expr: Expr, scope: Scope): Value {
    return this.guard(() => this.#expression(expr, scope))
  }

  /** Make instances of the block values in `value`, through lists and records; functions, `none` and instances stay. `span` is where a wrong value is reported. */
  instantiate(value: Value, path: string, span: Span): Value {
    return this.guard(() => instantiate(this, value, path, path, span))
  }

  /** Apply an instance, a description, a list of callables, or a function. A result with an error anywhere in it is 'error'. */
  call(callee: Value, args: readonly CallArg[], span: Span): Value {
    return this.guard(() => whole(callValue(this, callee, args, span)))
  }

  /** The description of a block with these static arguments. */
  bindBlock(decl: BlockDecl, args: readonly CallArg[], span: Span): BlockValue | { readonly t: 'error' } {
    return this.guard(() => bindBlock(this, decl, args, span))
  }

  callInstance(instance: Instance, args: readonly CallArg[], span: Span): Value {
    return this.guard(() => callInstance(this, instance, args, span))
  }

  /** Run a forward that belongs to no block: the model's. `scope` has the names its body sees; names of dimensions that are ints there are checked. `name` is what messages call it. A result with an error anywhere in it is 'error'. */
  runForward(forward: ForwardDecl, scope: Scope, args: readonly CallArg[], name: string, span: Span): Value {
    return this.guard(() => {
      const inner = scope.child()
      const bound = bindForward(this, forward, inner, args, span, name)
      return bound === undefined ? error : whole(runBody(this, forward, inner, bound, name))
    })
  }

  #expression(expr: Expr, scope: Scope): Value {
    this.step(expr.span)
    switch (expr.kind) {
      case 'int': return int(expr.value)
      case 'float': return float(expr.value)
      case 'string': return string(expr.value)
      case 'bool': return bool(expr.value)
      case 'none': return none
      case 'size': return list([int(expr.rows), int(expr.columns)])
      case 'name': return this.#name(expr, scope)
      case 'list': return list(expr.items.map(e => this.#expression(e, scope)))
      case 'record': return this.#record(expr, scope)
      case 'comprehension': return this.#comprehension(expr, scope)
      case 'range': return this.#range(expr, scope)
      case 'call': return this.#call(expr, scope)
      case 'pipe': return this.#pipe(expr, scope)
      case 'index': return evaluateIndex(this, expr, scope)
      case 'field': return evaluateField(this, expr, scope)
      case 'unary': return evaluateUnary(this, expr, scope)
      case 'binary': return evaluateBinary(this, expr, scope)
      case 'if-expr': {
        const cond = this.condition(this.#expression(expr.cond, scope), expr.cond.span)
        return cond === undefined ? error : this.#expression(cond ? expr.then : expr.else, scope)
      }
    }
  }

  #name(expr: Extract<Expr, { kind: 'name' }>, scope: Scope): Value {
    const found = scope.lookup(expr.name)
    if (found !== undefined) return found
    if (expr.name === 'training') return bool(this.mode === 'train')
    if (this.functions.has(expr.name)) return { t: 'function', name: expr.name }
    const defined = new Set(scope.names())
    const slip = nearest(expr.name, [...defined, 'training', ...this.functions.keys()])
    return this.report('unknown-name', expr.span, { name: expr.name }, { hint: slip === undefined ? didYouMean(expr.name, defined) : `did you mean \`${slip}\`?` })
  }

  #record(expr: Extract<Expr, { kind: 'record' }>, scope: Scope): Value {
    const fields = new Map<string, Value>()
    for (const { name, value } of expr.fields) {
      if (fields.has(name.text)) this.report('duplicate-key', name.span, { name: name.text })
      fields.set(name.text, this.#expression(value, scope))
    }
    return record(fields)
  }

  #comprehension(expr: Extract<Expr, { kind: 'comprehension' }>, scope: Scope): Value {
    const iterable = this.#expression(expr.iterable, scope)
    const items = iterate(this, iterable, expr.names.length, expr.iterable.span)
    if (items === undefined) return error
    const values: Value[] = []
    const fields = new Map<string, Value>()
    for (const { key, item } of items) {
      const inner = roundScope(scope, expr.names, key, item)
      if (expr.filter !== undefined) {
        const kept = this.condition(this.#expression(expr.filter, inner), expr.filter.span)
        if (kept === undefined) return error
        if (!kept) continue
      }
      const value = this.#expression(expr.value, inner)
      if (expr.form === 'list') { values.push(value); continue }
      const field = key.t === 'string' ? key.v : keyOf(item)
      if (field === undefined) return item.t === 'error' ? error : this.report('no-record-key', expr.iterable.span, { found: describe(item) })
      if (fields.has(field)) return this.report('duplicate-key', expr.iterable.span, { name: field })
      fields.set(field, value)
    }
    return expr.form === 'list' ? list(values) : record(fields)
  }

  #range(expr: Extract<Expr, { kind: 'range' }>, scope: Scope): Value {
    const from = this.#expression(expr.from, scope)
    const to = this.#expression(expr.to, scope)
    if (from.t === 'error' || to.t === 'error') return error
    if (from.t !== 'int') return this.report('range-end', expr.from.span, { found: describe(from) })
    if (to.t !== 'int') return this.report('range-end', expr.to.span, { found: describe(to) })
    const length = Math.max(0, to.v - from.v)
    if (length > this.limits.range) this.exceed('items of a range', this.limits.range, expr.span)
    return list(Array.from({ length }, (_, i) => int(from.v + i)))
  }

  #args(expr: Extract<Expr, { kind: 'call' | 'pipe' }>, scope: Scope): CallArg[] {
    return expr.args.map(a => ({ name: a.name?.text, nameSpan: a.name?.span, value: this.#expression(a.value, scope), span: a.value.span }))
  }

  #call(expr: Extract<Expr, { kind: 'call' }>, scope: Scope): Value {
    const callee = this.#expression(expr.callee, scope)
    return callValue(this, callee, this.#args(expr, scope), expr.span)
  }

  /** `x |> f(a)` is `f(x, a)`; where f is the name of a block with static parameters, it is `f(a)(x)`. */
  #pipe(expr: Extract<Expr, { kind: 'pipe' }>, scope: Scope): Value {
    const value = this.#expression(expr.value, scope)
    const callee = this.#expression(expr.callee, scope)
    const args = this.#args(expr, scope)
    const piped: CallArg = { value, span: expr.value.span }
    const span = spanOfCall(expr)
    if (callee.t !== 'block' || callee.bare !== true || callee.decl.params.length === 0) return callValue(this, callee, [piped, ...args], span)
    const block = this.bindBlock(callee.decl, args, span)
    return callValue(this, block, [piped], span)
  }
}

const whole = (result: Value): Value => (holdsError(result) ? error : result)

/** The right side of a pipe: the place of the call is the step, not the whole chain before it. */
const spanOfCall = (expr: Extract<Expr, { kind: 'pipe' }>): Span => ({ ...expr.callee.span, end: expr.span.end })

/** The field name that an item of `{for t in items: ...}` gives. */
function keyOf(item: Value): string | undefined {
  if (item.t === 'string') return item.v
  const name = item.t === 'record' || item.t === 'kind' ? item.fields.get('name') : undefined
  return name?.t === 'string' ? name.v : undefined
}
