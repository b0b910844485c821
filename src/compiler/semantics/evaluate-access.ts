// Fields and indices: of records, lists, strings of paths, blocks and tensors.
import type { Span } from '../diagnostics/diagnostic.ts'
import { didYouMean } from '../diagnostics/suggest.ts'
import type { Expr, IndexItem, Name } from '../syntax/ast.ts'
import { membersOf } from './instances.ts'
import type { Machine, Tensor } from './machine.ts'
import type { Scope } from './scope.ts'
import { describe, error, int, list, string, type Instance, type Value } from './values.ts'

export function evaluateField(m: Machine, expr: Extract<Expr, { kind: 'field' }>, scope: Scope): Value {
  const target = m.evaluate(expr.target, scope)
  const { text, span } = expr.name
  switch (target.t) {
    case 'error': return error
    case 'record': case 'kind': return target.fields.get(text) ?? unknownField(m, target, expr.name, target.fields.keys())
    case 'block': return target.args.get(text) ?? unknownField(m, target, expr.name, target.args.keys())
    case 'instance': return instanceField(m, target, expr.name)
    case 'tensor':
      if (text === 'shape') return list(target.type.shape.map(int))
      if (text === 'dtype') return string(target.type.dtype)
      return unknownField(m, target, expr.name, ['shape', 'dtype'])
    case 'list': return m.report('unknown-field', span, { owner: describe(target), name: text }, { hint: 'items of a list are read by index, `items[0]`; its length is `len(items)`' })
    default: return unknownField(m, target, expr.name, [])
  }
}

function unknownField(m: Machine, owner: Value, name: Name, known: Iterable<string>): Value {
  return m.report('unknown-field', name.span, { owner: describe(owner), name: name.text }, { hint: didYouMean(name.text, known) })
}

function instanceField(m: Machine, target: Instance, name: Name): Value {
  const { members, calls } = membersOf(target)
  const found = members.get(name.text) ?? target.block.args.get(name.text)
  if (found !== undefined) return found
  const declared = target.block.decl.members.some(d => 'name' in d && d.name.text === name.text)
  if (declared && calls === 0) return m.report('not-called-yet', name.span, { path: target.path, name: name.text })
  return unknownField(m, target, name, [...members.keys(), ...target.block.args.keys()])
}

export function evaluateIndex(m: Machine, expr: Extract<Expr, { kind: 'index' }>, scope: Scope): Value {
  const target = m.evaluate(expr.target, scope)
  switch (target.t) {
    case 'error': return error
    case 'tensor': return indexTensor(m, expr.span, target, expr.items, scope)
    case 'list': case 'record': break
    default: return m.report('not-indexable', expr.target.span, { found: describe(target) })
  }
  const [item] = expr.items
  if (expr.items.length !== 1 || item.kind === 'ellipsis') return m.report('index-type', expr.span, { owner: describe(target), found: expr.items.length === 1 ? '`...`' : `${expr.items.length} indices` })
  const range = asRange(item)
  if (target.t === 'record') {
    if (range !== undefined) return m.report('index-type', item.span, { owner: describe(target), found: 'a range' })
    const key = m.evaluate((item as Extract<IndexItem, { kind: 'at' }>).value, scope)
    if (key.t === 'error') return error
    if (key.t !== 'string') return m.report('index-type', item.span, { owner: describe(target), found: describe(key) }, { hint: 'a record is indexed with a string' })
    return target.fields.get(key.v) ?? m.report('unknown-field', item.span, { owner: describe(target), name: key.v }, { hint: didYouMean(key.v, target.fields.keys()) })
  }
  const size = target.items.length
  if (range !== undefined) {
    const r = resolveRange(m, range, size, 'the list', scope)
    if (r === undefined) return error
    const taken: Value[] = []
    for (let i = r.start; r.step > 0 ? i < r.stop : i > r.stop; i += r.step) taken.push(target.items[i])
    return list(taken)
  }
  const at = staticIndex(m, m.evaluate((item as Extract<IndexItem, { kind: 'at' }>).value, scope), size, 'the list', item.span)
  return at === undefined ? error : target.items[at]
}

interface RangeItem { readonly span: Span; readonly start: Expr | undefined; readonly stop: Expr | undefined; readonly step: Expr | undefined }

/** `a..b` may come as an index item of its own or as the range expression; both are taken without making the list. */
function asRange(item: IndexItem): RangeItem | undefined {
  if (item.kind === 'slice') return item
  if (item.kind === 'at' && item.value.kind === 'range') return { span: item.span, start: item.value.from, stop: item.value.to, step: undefined }
  return undefined
}

function staticIndex(m: Machine, value: Value, size: number, owner: string, span: Span): number | undefined {
  if (value.t === 'error') return undefined
  if (value.t !== 'int') {
    const hint = value.t === 'tensor' ? 'take the elements that an int32 tensor names with `gather(x, indices, axis)`' : undefined
    m.report('index-type', span, { owner, found: describe(value) }, { hint })
    return undefined
  }
  const at = value.v < 0 ? value.v + size : value.v
  if (at >= 0 && at < size) return at
  m.report('index-out-of-range', span, { index: value.v, owner, size }, size > 0 ? { hint: `0 to ${size - 1}, or -${size} to -1` } : {})
  return undefined
}

/** Ends of a range over `size` items: start is the first taken, stop the first not taken (-1 below the first). Undefined after a report. */
function resolveRange(m: Machine, range: RangeItem, size: number, owner: string, scope: Scope): { start: number; stop: number; step: number } | undefined {
  const end = (e: Expr | undefined): number | undefined | 'error' => {
    if (e === undefined) return undefined
    const v = m.evaluate(e, scope)
    if (v.t === 'int') return v.v
    if (v.t !== 'error') m.report('range-end', e.span, { found: describe(v) })
    return 'error'
  }
  const from = end(range.start)
  const to = end(range.stop)
  const by = end(range.step) ?? 1
  if (from === 'error' || to === 'error' || by === 'error') return undefined
  if (by === 0) { m.report('slice-step', range.step?.span ?? range.span, { found: 0 }); return undefined }
  const place = (v: number): number => (v < 0 ? v + size : v)
  const start = from === undefined ? (by > 0 ? 0 : size - 1) : place(from)
  const stop = to === undefined ? (by > 0 ? size : -1) : place(to)
  const fits = by > 0 ? start >= 0 && start <= size && stop >= 0 && stop <= size : (size === 0 || (start >= 0 && start < size)) && stop >= -1 && stop < size
  if (!fits) { m.report('slice-out-of-range', range.span, { range: `${from ?? ''}..${to ?? ''}`, owner, size }); return undefined }
  if (by > 0) return { start, stop: Math.max(start, stop), step: by }
  return size === 0 ? { start: 0, stop: 0, step: 1 } : { start, stop: Math.min(start, stop), step: by }
}

/** `x[i, a..b, ..., ::2, none]` as a slice and, where axes come or go, a reshape. */
function indexTensor(m: Machine, span: Span, x: Tensor, items: readonly IndexItem[], scope: Scope): Value {
  const { shape } = x.type
  const evaluated = items.map(item => {
    const range = asRange(item)
    if (range !== undefined) return { item, range }
    return item.kind === 'at' ? { item, value: m.evaluate(item.value, scope) } : { item }
  })
  const taking = evaluated.filter(e => e.item.kind !== 'ellipsis' && e.value?.t !== 'none')
  if (taking.length > shape.length) return m.report('too-many-indices', span, { count: taking.length, tensor: describe(x), rank: shape.length })
  const start: number[] = []
  const stop: number[] = []
  const step: number[] = []
  const result: number[] = []
  let open = false
  const whole = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const size = shape[start.length]
      start.push(0); stop.push(size); step.push(1); result.push(size)
    }
  }
  for (const { item, value, range } of evaluated) {
    const axis = start.length
    const owner = `axis ${axis} of ${describe(x)}`
    if (item.kind === 'ellipsis') {
      if (open) return m.report('two-ellipses', item.span, {})
      open = true
      whole(shape.length - taking.length)
    } else if (value?.t === 'none') {
      result.push(1)
    } else if (range !== undefined) {
      const r = resolveRange(m, range, shape[axis], owner, scope)
      if (r === undefined) return error
      start.push(r.start); stop.push(r.stop); step.push(r.step)
      result.push(Math.max(0, Math.ceil((r.stop - r.start) / r.step)))
    } else {
      const at = staticIndex(m, value ?? error, shape[axis], owner, item.span)
      if (at === undefined) return error
      start.push(at); stop.push(at + 1); step.push(1)
    }
  }
  whole(shape.length - start.length)
  const everything = start.every((s, i) => s === 0 && stop[i] === shape[i] && step[i] === 1)
  const sliced = everything ? x : m.append('slice', [x], { start, stop, step }, span, '[]')
  if (sliced.t === 'error') return error
  const same = result.length === sliced.type.shape.length && result.every((d, i) => d === sliced.type.shape[i])
  return same ? sliced : m.append('reshape', [sliced], { shape: result }, span, '[]')
}
