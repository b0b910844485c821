// The members of a block, evaluated at each call: children and tensors are made at the first call and compared at later ones.
import type { Label, Span } from '../diagnostics/diagnostic.ts'
import type { DType, Shape, TensorType } from '../ir/types.ts'
import { sameShape, showType } from '../ir/types.ts'
import type { Expr, Member } from '../syntax/ast.ts'
import { define, requirement } from './evaluate-statements.ts'
import { instantiate, membersOf, type OwnedTensor } from './instances.ts'
import { join, type Machine, type Tensor } from './machine.ts'
import type { Scope } from './scope.ts'
import { describe, error, sameValue, string, type Instance, type Value } from './values.ts'

type MemberOf<K extends Member['kind']> = Extract<Member, { kind: K }>

/** Evaluate members in order into `scope`. False if a requirement failed: the call has no meaning then. */
export function runMembers(m: Machine, instance: Instance, members: readonly Member[], scope: Scope, call: Span): boolean {
  for (const member of members) {
    m.step(member.span)
    switch (member.kind) {
      case 'require': if (!requirement(m, member, scope)) return false; break
      case 'let': {
        const names = define(m, member.pattern, m.evaluate(member.value, scope), member.value.span, scope, 'member')
        for (const name of names) membersOf(instance).members.set(name, scope.lookup(name)!)
        break
      }
      case 'if-members': {
        const cond = m.condition(m.evaluate(member.cond, scope), member.cond.span)
        if (cond === undefined) return false
        if (!runMembers(m, instance, cond ? member.then : member.else, scope, call)) return false
        break
      }
      case 'forward': break
      case 'child': add(m, instance, member, scope, () => child(m, instance, member, scope, call)); break
      case 'param': add(m, instance, member, scope, () => param(m, instance, member, scope, call)); break
      case 'state': add(m, instance, member, scope, () => state(m, instance, member, scope, call)); break
      case 'constant': add(m, instance, member, scope, () => constant(m, instance, member, scope, call)); break
    }
  }
  return true
}

function add(m: Machine, instance: Instance, member: MemberOf<'child' | 'param' | 'state' | 'constant'>, scope: Scope, make: () => Value): void {
  const { text, span } = member.name
  const before = scope.own().get(text)
  if (before !== undefined) {
    m.report('duplicate-member', span, { name: text }, { labels: before.span === undefined ? [] : [{ span: before.span, text: 'the first one' }] })
    return
  }
  const value = make()
  scope.define(text, value, span, 'member')
  membersOf(instance).members.set(text, value)
}

/** An instance without a name owns nothing: reported at the call, with the member as the reason. */
function refuseAnonymous(m: Machine, instance: Instance, member: MemberOf<'child' | 'param' | 'state' | 'constant'>, call: Span): boolean {
  if (!membersOf(instance).anonymous) return false
  const what = { child: 'the child', param: 'the parameter', state: 'the state', constant: 'the constant' }[member.kind]
  m.report('unnamed-block', call, { block: instance.block.decl.name.text, what: `${what} \`${member.name.text}\`` }, { labels: [{ span: member.name.span, text: 'owned here' }] })
  return true
}

const callLabels = (call: Span, before: Span | undefined): Label[] => [{ span: call, text: 'this call' }, ...before === undefined ? [] : [{ span: before, text: 'the other call' }]]

function child(m: Machine, instance: Instance, member: MemberOf<'child'>, scope: Scope, call: Span): Value {
  const { text, span } = member.name
  const description = m.evaluate(member.value, scope)
  if (description.t === 'error') return error
  const plain = description.t === 'function' || description.t === 'none'
  if (plain && membersOf(instance).anonymous) return description
  if (refuseAnonymous(m, instance, member, call)) return error
  const path = join(instance.path, text)
  const { children } = membersOf(instance)
  const before = children.get(text)
  if (before === undefined) {
    const value = instantiate(m, description, path, text, member.value.span)
    children.set(text, { description, value, call })
    return value
  }
  if (sameValue(before.description, description)) return before.value
  return m.report('member-changed', span, { path, now: detail(description), before: detail(before.description) }, { labels: callLabels(call, before.call) })
}

/** A description with its arguments, so that two of the same block can be told apart. */
function detail(v: Value): string {
  if (v.t === 'list') return `[${v.items.map(detail).join(', ')}]`
  if (v.t !== 'block') return describe(v)
  return `${v.decl.name.text}(${[...v.args].map(([k, a]) => `${k} = ${a.t === 'block' || a.t === 'list' ? detail(a) : a.t === 'int' || a.t === 'float' ? a.v : describe(a)}`).join(', ')})`
}

function shapeOf(m: Machine, name: string, dims: readonly Expr[], scope: Scope): Shape | undefined {
  const shape: number[] = []
  for (const dim of dims) {
    const v = m.evaluate(dim, scope)
    if (v.t === 'int' && v.v > 0) { shape.push(v.v); continue }
    if (v.t !== 'error') m.report('bad-dimension', dim.span, { name, found: describe(v) })
    return undefined
  }
  return shape
}

/** The tensor of an earlier call, if its type is the same; reports and gives 'error' if not. */
function reuse(m: Machine, instance: Instance, before: OwnedTensor, type: TensorType, span: Span, call: Span): Value {
  const was = (before.current as Tensor).type
  if (sameShape(was.shape, type.shape) && was.dtype === type.dtype) return before.current
  return m.report('member-changed', span, { path: join(instance.path, before.name), now: showType(type), before: showType(was) }, { labels: callLabels(call, before.call) })
}

function takeName(m: Machine, instance: Instance, local: string, span: Span): string {
  const path = join(instance.path, local)
  const name = m.options.nameOf?.(path) ?? path
  const other = m.names.get(name)
  if (other !== undefined) m.report('duplicate-parameter', span, { name }, { labels: [{ span: other, text: 'the first one' }], hint: name === path ? undefined : `\`${path}\` was renamed` })
  m.names.set(name, span)
  return name
}

function owned(m: Machine, instance: Instance, member: MemberOf<'param' | 'state'>, type: TensorType, scope: Scope, call: Span): Value {
  const { text, span } = member.name
  const { tensors } = membersOf(instance)
  const before = tensors.get(text)
  if (before !== undefined) return reuse(m, instance, before, type, span, call)
  const written = m.evaluate(member.init, scope)
  if (written.t === 'error') return error
  const init = m.initialiser(written, member.init.span)
  if (init === undefined) return m.report('not-an-initialiser', member.init.span, { name: text, found: describe(written) })
  if (init.t !== 'init') return error
  const role = member.kind === 'param' ? 'parameter' : 'state'
  const name = takeName(m, instance, text, span)
  const value = m.tensor(m.builder.input(name, role, type, { path: instance.path, span: member.span, phase: m.phase }, init.init))
  tensors.set(text, { kind: member.kind, name: text, finalName: name, current: value, key: [], call })
  return value
}

function param(m: Machine, instance: Instance, member: MemberOf<'param'>, scope: Scope, call: Span): Value {
  if (refuseAnonymous(m, instance, member, call)) return error
  const shape = shapeOf(m, member.name.text, member.dims, scope)
  return shape === undefined ? error : owned(m, instance, member, { dtype: 'float32', shape }, scope, call)
}

const stateTypes: Readonly<Record<string, DType>> = { float: 'float32', int: 'int32', bool: 'bool' }

function state(m: Machine, instance: Instance, member: MemberOf<'state'>, scope: Scope, call: Span): Value {
  if (refuseAnonymous(m, instance, member, call)) return error
  const type = member.type
  const dtype = type === undefined ? 'float32' : type.kind === 'named' ? stateTypes[type.name] : undefined
  if (type !== undefined && dtype === undefined) return m.report('unknown-type', type.span, { name: type.kind === 'named' ? type.name : 'of this state' }, { hint: 'a state is `float` (float32), `int` (int32) or `bool`' })
  const shape = shapeOf(m, member.name.text, member.dims, scope)
  return shape === undefined ? error : owned(m, instance, member, { dtype: dtype ?? 'float32', shape }, scope, call)
}

/** A constant is computed again only where the dimensions or static arguments of the call differ from those it was computed for. */
function constant(m: Machine, instance: Instance, member: MemberOf<'constant'>, scope: Scope, call: Span): Value {
  if (refuseAnonymous(m, instance, member, call)) return error
  const { text, span } = member.name
  const shape = shapeOf(m, text, member.dims, scope)
  if (shape === undefined) return error
  const { tensors } = membersOf(instance)
  const before = tensors.get(text)
  const key = [...scope.parent?.own().values() ?? []].map(b => b.value).filter(v => v.t !== 'tensor' && v.t !== 'instance')
  if (before !== undefined && before.key.length === key.length && before.key.every((v, i) => sameValue(v, key[i]))) {
    return reuse(m, instance, before, { dtype: (before.current as Tensor).type.dtype, shape }, span, call)
  }
  const value = asTensor(m, m.evaluate(member.value, scope), member.value.span, shape)
  if (value.t === 'error') return error
  if (value.t !== 'tensor' || !sameShape(value.type.shape, shape)) {
    return m.report('member-shape', member.value.span, { name: text, expected: `[${shape.join(', ')}]`, found: describe(value) }, { labels: [{ span: member.dimsSpan, text: 'declared here' }] })
  }
  if (!m.isConstant(value.id)) return m.report('constant-depends-on-inputs', member.value.span, { name: text })
  if (before !== undefined) {
    const same = reuse(m, instance, before, value.type, span, call)
    if (same.t !== 'error') Object.assign(before, { current: value, key })
    return same.t === 'error' ? error : value
  }
  const name = takeName(m, instance, text, span)
  m.constants.push({ name, value: value.id, type: value.type })
  tensors.set(text, { kind: 'constant', name: text, finalName: name, current: value, key, call })
  return value
}

/** A static number as a tensor of that shape, a static list of numbers as a constant: int32 if all are ints. Other values stay. */
function asTensor(m: Machine, value: Value, span: Span, shape: Shape): Value {
  if (value.t === 'int' || value.t === 'float') return m.append('fill', [], { dtype: value.t === 'int' ? 'int32' : 'float32', shape, value: value.v }, span, 'constant')
  if (value.t !== 'list') return value
  const ints = (v: Value): boolean => (v.t === 'list' ? v.items.every(ints) : v.t === 'int')
  return m.call({ t: 'function', name: 'tensor' }, [{ value, span }, { value: string(ints(value) ? 'int32' : 'float32'), span }], span)
}
