// One call of a built-in function: reading its arguments as what they must be, and emitting operators.
import type { OpAttrs, OpName } from '../../ir/ops.ts'
import { showType, type DType, type Shape } from '../../ir/types.ts'
import { bool, describe, float, int, none, type Value } from '../values.ts'
import type { Arguments, BuiltinFunction, FunctionContext, FunctionParam } from './function.ts'

export type Tensor = Extract<Value, { t: 'tensor' }>
export type StaticNumber = Extract<Value, { t: 'int' | 'float' }>

export const isTensor = (value: Value): value is Tensor => value.t === 'tensor'
export const isNumber = (value: Value): value is StaticNumber => value.t === 'int' || value.t === 'float'

/** Readers throw through `context.fail` and name the argument; `emit` throws ShapeError, which the evaluator reports. */
export class Call {
  readonly args: Arguments
  readonly context: FunctionContext

  constructor(args: Arguments, context: FunctionContext) {
    this.args = args
    this.context = context
  }

  value(name: string): Value {
    const v = this.args.get(name)
    if (v === undefined) throw new Error(`internal: argument ${name} is not bound`)
    return v
  }

  fail(message: string, argument?: string, hint?: string): never {
    return this.context.fail(message, { ...(argument === undefined ? {} : { argument }), ...(hint === undefined ? {} : { hint }) })
  }

  #expected(what: string, name: string, hint?: string): never {
    return this.fail(`\`${name}\` must be ${what}, but it is ${describe(this.value(name))}`, name, hint)
  }

  isNone(name: string): boolean {
    return this.value(name).t === 'none'
  }

  /** A tensor of `dtype` (any if not given). */
  tensor(name: string, dtype?: DType): Tensor {
    const v = this.value(name)
    if (!isTensor(v)) return this.#expected(dtype === undefined ? 'a tensor' : `a ${dtype} tensor`, name)
    if (dtype !== undefined && v.type.dtype !== dtype) this.fail(`\`${name}\` must be ${dtype}, but it is ${showType(v.type)}`, name, `convert it: cast(${name}, "${dtype}")`)
    return v
  }

  tensors(name: string): readonly Tensor[] {
    const v = this.value(name)
    if (v.t !== 'list' || v.items.length === 0 || !v.items.every(isTensor)) return this.#expected('a list of at least one tensor', name)
    return v.items as readonly Tensor[]
  }

  optionalTensor(name: string, dtype?: DType): Tensor | undefined {
    return this.isNone(name) ? undefined : this.tensor(name, dtype)
  }

  number(name: string): number {
    const v = this.value(name)
    return isNumber(v) ? v.v : this.#expected('a static number', name)
  }

  int(name: string): number {
    const v = this.value(name)
    return v.t === 'int' ? v.v : this.#expected('a static int', name)
  }

  count(name: string): number {
    const v = this.int(name)
    return v >= 1 ? v : this.fail(`\`${name}\` must be positive, but it is ${v}`, name)
  }

  bool(name: string): boolean {
    const v = this.value(name)
    return v.t === 'bool' ? v.v : this.#expected('true or false', name)
  }

  string<T extends string>(name: string, allowed: readonly T[]): T {
    const v = this.value(name)
    if (v.t === 'string' && (allowed as readonly string[]).includes(v.v)) return v.v as T
    return this.#expected(`one of ${allowed.map(a => `"${a}"`).join(', ')}`, name)
  }

  items(name: string): readonly Value[] {
    const v = this.value(name)
    return v.t === 'list' ? v.items : this.#expected('a list', name)
  }

  ints(name: string): number[] {
    const v = this.value(name)
    if (v.t !== 'list') return this.#expected('a list of ints', name)
    return v.items.map(item => item.t === 'int' ? item.v : this.fail(`\`${name}\` must be a list of ints, but it holds ${describe(item)}`, name))
  }

  intOrInts(name: string): number[] {
    const v = this.value(name)
    return v.t === 'int' ? [v.v] : this.ints(name)
  }

  /** One int for both axes, or [rows, columns]. */
  pair(name: string): [number, number] {
    const v = this.intOrInts(name)
    if (v.length === 1) return [v[0], v[0]]
    return v.length === 2 ? [v[0], v[1]] : this.fail(`\`${name}\` must be one int or two (rows, columns), but it has ${v.length}`, name)
  }

  /** Non-negative axis of a tensor of rank `rank`. */
  axis(name: string, rank: number): number {
    return this.#axisOf(this.int(name), rank, name)
  }

  axes(name: string, rank: number): number[] {
    const axes = this.intOrInts(name).map(a => this.#axisOf(a, rank, name))
    if (new Set(axes).size !== axes.length) this.fail(`\`${name}\` names an axis twice`, name)
    return axes
  }

  #axisOf(axis: number, rank: number, name: string): number {
    if (axis < -rank || axis >= rank) this.fail(`axis ${axis} does not exist: the tensor has ${rank} ${rank === 1 ? 'axis' : 'axes'}`, name)
    return axis < 0 ? axis + rank : axis
  }

  shape(name: string): number[] {
    const dims = this.ints(name)
    for (const d of dims) if (d < 0) this.fail(`\`${name}\` has the negative size ${d}`, name)
    return dims
  }

  emit<K extends OpName>(op: K, inputs: readonly Tensor[], attrs: OpAttrs[K]): Tensor {
    const id = this.context.builder.emit(op, inputs.map(t => t.id), attrs, this.context.origin())
    return { t: 'tensor', id, type: this.context.builder.type(id) }
  }

  fill(value: number, dtype: DType = 'float32', shape: Shape = []): Tensor {
    return this.emit('fill', [], { dtype, shape, value })
  }

  reshape(x: Tensor, shape: Shape): Tensor {
    return x.type.shape.length === shape.length && x.type.shape.every((d, i) => d === shape[i]) ? x : this.emit('reshape', [x], { shape })
  }

  /** Elements [start, stop) along one axis. */
  slice(x: Tensor, axis: number, start: number, stop: number, step = 1): Tensor {
    const dims = x.type.shape
    return this.emit('slice', [x], {
      start: dims.map((_, i) => i === axis ? start : 0), stop: dims.map((d, i) => i === axis ? stop : d), step: dims.map((_, i) => i === axis ? step : 1),
    })
  }

  /** Tensors and static numbers as tensors of one dtype: a number takes the dtype of the tensors. At least one is a tensor. */
  operands(names: readonly string[], values: readonly Value[]): Tensor[] {
    const dtype = values.find(isTensor)?.type.dtype
    if (dtype === undefined) return this.#expected('a tensor', names[0])
    return values.map((v, i) => {
      const name = names[i] ?? names[0]
      if (isTensor(v)) return v.type.dtype === dtype ? v : this.fail(`${v.type.dtype} and ${dtype} tensors do not mix`, name, 'convert one of them with cast(x, "float32")')
      if (v.t === 'bool' && dtype === 'bool') return this.fill(v.v ? 1 : 0, 'bool')
      if (!isNumber(v) || dtype === 'bool') return this.fail(`expected a ${dtype} tensor${dtype === 'bool' ? '' : ' or a number'}, found ${describe(v)}`, name)
      if (dtype === 'int32' && v.t === 'float') return this.fail(`${v.v} is a float, and the tensor it joins is int32`, name, 'convert the tensor with cast(x, "float32")')
      return this.fill(v.v, dtype)
    })
  }

  add(a: Tensor, b: Tensor): Tensor { return this.emit('add', [a, b], {}) }
  sub(a: Tensor, b: Tensor): Tensor { return this.emit('sub', [a, b], {}) }
  mul(a: Tensor, b: Tensor): Tensor { return this.emit('mul', [a, b], {}) }
  div(a: Tensor, b: Tensor): Tensor { return this.emit('div', [a, b], {}) }
  scale(a: Tensor, by: number): Tensor { return this.mul(a, this.fill(by, a.type.dtype)) }
}

/** `'x'` is required, `['axis', int(-1)]` has a default, `'...items'` takes the remaining positional arguments. */
export type ParamSketch = string | readonly [string, Value | number | boolean | string | null]

const defaultValue = (v: Value | number | boolean | string | null): Value =>
  v === null ? none : typeof v === 'number' ? (Number.isInteger(v) ? int(v) : float(v)) : typeof v === 'boolean' ? bool(v) : typeof v === 'string' ? { t: 'string', v } : v

const param = (sketch: ParamSketch): FunctionParam =>
  typeof sketch !== 'string' ? { name: sketch[0], default: defaultValue(sketch[1]) } : sketch.startsWith('...') ? { name: sketch.slice(3), rest: true } : { name: sketch }

export const define = (name: string, params: readonly ParamSketch[], body: (call: Call) => Value): BuiltinFunction =>
  ({ name, params: params.map(param), call: (args, context) => body(new Call(args, context)) })
