// Types at the border of a block: binding and checking dimensions, static types, conversions.
import type { Label, Span } from '../diagnostics/diagnostic.ts'
import { didYouMean } from '../diagnostics/suggest.ts'
import { showType } from '../ir/types.ts'
import type { DimExpr, Expr, TypeExpr } from '../syntax/ast.ts'
import type { Machine, Tensor } from './machine.ts'
import type { Scope } from './scope.ts'
import { showDims, showExpr, showTypeExpr } from './show-types.ts'
import { describe, float, list, none, record, type Value } from './values.ts'

const staticTypes = ['int', 'float', 'bool', 'string', 'init', 'block', 'size', 'list', 'record', 'any'] as const
const isStaticType = (name: string): boolean => (staticTypes as readonly string[]).includes(name)

/** What a value is called in messages, and the place it comes from. */
export interface Place { readonly name: string; readonly callee: string; readonly span: Span }

type Dims = Extract<TypeExpr, { kind: 'dims' }>
interface Star { readonly dims: readonly number[]; readonly span: Span; readonly from: string }

/** `[int]` as the type of the items, where the place allows lists of static values. */
function itemType(dims: readonly DimExpr[]): TypeExpr | undefined {
  const [only] = dims
  if (dims.length !== 1 || only.kind !== 'expr') return undefined
  return asType(only.value)
}

function asType(e: Expr): TypeExpr | undefined {
  if (e.kind === 'name' && isStaticType(e.name)) return { kind: 'named', span: e.span, name: e.name, arg: undefined }
  if (e.kind === 'list' && e.items.length === 1) {
    const inner = asType(e.items[0])
    return inner === undefined ? undefined : { kind: 'named', span: e.span, name: 'list', arg: inner }
  }
  return undefined
}

/**
 * Checks the values of one call against declared types. Dimension names that `scope` does not have as ints are defined there; arithmetic waits for `finish`,
 * when every argument has bound its names. All `*` stand for the same dimensions. Every method reports and gives undefined (or false) where a value does not fit.
 */
export class Matcher {
  readonly #m: Machine
  #scope: Scope
  #star: Star | undefined
  #waiting: (() => boolean)[] = []

  constructor(m: Machine, scope: Scope) {
    this.#m = m
    this.#scope = scope
  }

  /** From now on look names up in `scope`: the result of forward sees the members. */
  within(scope: Scope): void { this.#scope = scope }

  /** The value, converted where the type says so (int to float, number to initialiser or scalar). */
  match(type: TypeExpr | undefined, value: Value, place: Place): Value | undefined {
    if (type === undefined || value.t === 'error') return value
    switch (type.kind) {
      case 'optional': return value.t === 'none' ? none : this.match(type.inner, value, place)
      case 'named': return this.#named(type, value, place)
      case 'fields': {
        if (value.t !== 'record') return this.#wrong(type, value, place)
        const fields = new Map(value.fields)
        for (const f of type.fields) {
          const inner = value.fields.get(f.name.text)
          if (inner === undefined) {
            if (f.type.kind === 'optional') { fields.set(f.name.text, none); continue }
            this.#m.report('unknown-field', place.span, { owner: `\`${place.name}\` of ${place.callee}`, name: f.name.text }, { label: describe(value), labels: [{ span: f.name.span, text: 'declared here' }] })
            return undefined
          }
          const matched = this.match(f.type, inner, { ...place, name: `${place.name}.${f.name.text}` })
          if (matched === undefined) return undefined
          fields.set(f.name.text, matched)
        }
        return record(fields)
      }
      case 'dims': {
        const item = itemType(type.dims)
        if (item !== undefined) return this.#list(item, value, place, type)
        if ((value.t === 'int' || value.t === 'float') && type.dims.length === 0) return this.#m.append('fill', [], { dtype: 'float32', shape: [], value: value.v }, place.span, place.name)
        if (value.t !== 'tensor') return this.#wrong(type, value, place)
        return this.#dims(type, value, place) ? value : undefined
      }
    }
  }

  #wrong(type: TypeExpr, value: Value, place: Place): undefined {
    this.#m.report('argument-type', place.span, { name: place.name, callee: place.callee, expected: showTypeExpr(type), found: describe(value) }, { labels: [{ span: type.span, text: 'declared here' }] })
    return undefined
  }

  #list(item: TypeExpr, value: Value, place: Place, whole: TypeExpr): Value | undefined {
    if (value.t !== 'list') return this.#wrong(whole, value, place)
    const items: Value[] = []
    for (const [i, v] of value.items.entries()) {
      const matched = this.match(item, v, { ...place, name: `${place.name}[${i}]` })
      if (matched === undefined) return undefined
      items.push(matched)
    }
    return items.every((v, i) => v === value.items[i]) ? value : list(items)
  }

  #named(type: Extract<TypeExpr, { kind: 'named' }>, value: Value, place: Place): Value | undefined {
    const when = (fits: boolean): Value | undefined => (fits ? value : this.#wrong(type, value, place))
    switch (type.name) {
      case 'any': return value
      case 'int': case 'bool': case 'string': case 'record': return when(value.t === type.name)
      case 'float': return value.t === 'int' ? float(value.v) : when(value.t === 'float')
      case 'init': return this.#m.initialiser(value, place.span) ?? this.#wrong(type, value, place)
      case 'block': return when(value.t === 'block' || value.t === 'instance' || value.t === 'function')
      case 'size': return when(value.t === 'list' && value.items.length === 2 && value.items.every(v => v.t === 'int'))
      case 'list': return type.arg === undefined ? when(value.t === 'list') : this.#list(type.arg, value, place, type)
      default:
        this.#m.report('unknown-type', type.span, { name: type.name }, { hint: didYouMean(type.name, staticTypes) })
        return undefined
    }
  }

  #dims(type: Dims, value: Tensor, place: Place): boolean {
    const { shape } = value.type
    const { dims } = type
    const star = dims.findIndex(d => d.kind === 'star')
    const fixed = dims.length - (star < 0 ? 0 : 1)
    if (star < 0 ? shape.length !== fixed : shape.length < fixed) {
      return this.#mismatch(type, value, place, [], `${star < 0 ? '' : 'at least '}${fixed} ${fixed === 1 ? 'dimension' : 'dimensions'} expected, ${shape.length} found`)
    }
    const taken = shape.length - fixed
    let fits = true
    dims.forEach((d, i) => {
      const axis = star >= 0 && i > star ? i + taken - 1 : i
      if (!fits) return
      if (d.kind === 'star') fits = this.#bindStar(type, value, place, shape.slice(i, i + taken))
      else if (d.kind === 'expr' && d.value.kind === 'name') fits = this.#bindName(type, value, place, d.value.name, axis, d.span)
      else if (d.kind === 'expr') this.#waiting.push(() => this.#checkExpr(type, value, place, d.value, axis))
    })
    return fits
  }

  #bindStar(type: Dims, value: Tensor, place: Place, dims: readonly number[]): boolean {
    const before = this.#star
    if (before === undefined) { this.#star = { dims, span: place.span, from: place.name }; return true }
    if (before.dims.length === dims.length && before.dims.every((d, i) => d === dims[i])) return true
    return this.#mismatch(type, value, place, [{ span: before.span, text: `\`*\` stands for [${before.dims.join(', ')}] here` }], `\`*\` is [${dims.join(', ')}] in \`${place.name}\`, but [${before.dims.join(', ')}] in \`${before.from}\``)
  }

  #bindName(type: Dims, value: Tensor, place: Place, name: string, axis: number, span: Span): boolean {
    const size = value.type.shape[axis]
    const binding = this.#scope.binding(name)
    if (binding === undefined || binding.kind === 'declaration' || binding.value.t === 'none') {
      this.#scope.define(name, { t: 'int', v: size }, place.span, 'dimension')
      return true
    }
    if (binding.value.t === 'error') return true
    if (binding.value.t !== 'int') { this.#m.report('dimension-type', span, { name, found: describe(binding.value) }); return false }
    if (binding.value.v === size) return true
    const bound = binding.span === undefined ? [] : [{ span: binding.span, text: `\`${name}\` is ${binding.value.v} here` }]
    return this.#mismatch(type, value, place, bound, `axis ${axis} is ${size}, but \`${name}\` is ${binding.value.v}`)
  }

  #checkExpr(type: Dims, value: Tensor, place: Place, e: Expr, axis: number): boolean {
    const free = this.#unbound(e)
    if (free !== undefined) { this.#m.report('unbound-dimension', free.span, { name: free.name }); return false }
    const expected = this.#m.evaluate(e, this.#scope)
    if (expected.t === 'error') return false
    if (expected.t !== 'int') { this.#m.report('dimension-type', e.span, { name: showExpr(e), found: describe(expected) }); return false }
    const size = value.type.shape[axis]
    if (expected.v === size) return true
    const bound = this.#namesIn(e).flatMap(n => {
      const b = this.#scope.binding(n.name)
      return b?.value.t === 'int' && b.span !== undefined ? [{ span: b.span, text: `\`${n.name}\` is ${b.value.v} here` }] : []
    })
    return this.#mismatch(type, value, place, bound, e.kind === 'int' ? `axis ${axis} is ${size}, not ${expected.v}` : `axis ${axis} is ${size}, but \`${showExpr(e)}\` is ${expected.v}`)
  }

  #namesIn(e: Expr): readonly Extract<Expr, { kind: 'name' }>[] {
    switch (e.kind) {
      case 'name': return [e]
      case 'binary': return [...this.#namesIn(e.left), ...this.#namesIn(e.right)]
      case 'unary': return this.#namesIn(e.operand)
      default: return []
    }
  }

  #unbound(e: Expr): Extract<Expr, { kind: 'name' }> | undefined {
    return this.#namesIn(e).find(n => this.#scope.lookup(n.name) === undefined)
  }

  #mismatch(type: Dims, value: Tensor, place: Place, bound: readonly Label[], rule: string): boolean {
    this.#m.report('shape-mismatch', place.span, { name: place.name, callee: place.callee, found: showType(value.type), expected: showDims(type.dims), rule }, {
      labels: [...bound.filter(b => b.span !== place.span), { span: type.span, text: 'declared here' }],
    })
    return false
  }

  /** Check the dimensions that are arithmetic, now that every name is bound. */
  finish(): boolean {
    const waiting = this.#waiting
    this.#waiting = []
    return waiting.every(check => check())
  }
}
