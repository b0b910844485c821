// Elementwise functions; min, max, abs, floor, sqrt and log take static numbers as well.
import type { OpName } from '../../ir/ops.ts'
import { float, int, type Value } from '../values.ts'
import { type Call, define, isNumber, isTensor, type Tensor } from './call.ts'
import type { BuiltinFunction } from './function.ts'

const plain = ['exp', 'erf', 'sigmoid', 'tanh', 'relu', 'gelu', 'softplus', 'sin', 'cos', 'reciprocal'] as const satisfies readonly OpName[]

const unary = (name: string, op: 'exp' | 'log' | 'sqrt' | 'floor' | (typeof plain)[number]): BuiltinFunction =>
  define(name, ['x'], c => c.emit(op, [c.tensor('x', 'float32')], {}))

/** A static number stays static, a tensor goes through the operator. */
const either = (name: string, statically: (call: Call, x: Extract<Value, { t: 'int' | 'float' }>) => Value, tensor: (call: Call) => Value): BuiltinFunction =>
  define(name, ['x'], c => { const v = c.value('x'); return isNumber(v) ? statically(c, v) : tensor(c) })

const numeric = (c: Call, name: string): Tensor => {
  const x = c.tensor(name)
  return x.type.dtype === 'bool' ? c.fail(`\`${name}\` must be float32 or int32, but it is bool`, name, `convert it: cast(${name}, "float32")`) : x
}

/** min and max of any number of values: static if all are static. */
const extremum = (name: 'min' | 'max'): BuiltinFunction => define(name, ['...values'], c => {
  const values = c.items('values')
  if (values.length === 0) return c.fail(`${name} needs at least one value`)
  if (values.every(isNumber)) {
    const v = Math[name](...values.map(x => x.v))
    return values.every(x => x.t === 'int') ? int(v) : float(v)
  }
  if (!values.some(isTensor)) return c.fail(`${name} takes numbers or tensors`, 'values', 'spell out the items of a list: min(a, b)')
  return c.operands(['values'], values).reduce((a, b) => c.emit(name, [a, b], {}))
})

export const elementwise: readonly BuiltinFunction[] = [
  ...plain.map(op => unary(op, op)),
  either('log', (c, x) => x.v > 0 ? float(Math.log(x.v)) : c.fail(`log of ${x.v} is not a number`, 'x'), c => c.emit('log', [c.tensor('x', 'float32')], {})),
  either('sqrt', (c, x) => x.v >= 0 ? float(Math.sqrt(x.v)) : c.fail(`sqrt of ${x.v} is not a number`, 'x'), c => c.emit('sqrt', [c.tensor('x', 'float32')], {})),
  either('floor', (_, x) => int(Math.floor(x.v)), c => c.emit('floor', [c.tensor('x', 'float32')], {})),
  either('abs', (_, x) => x.t === 'int' ? int(Math.abs(x.v)) : float(Math.abs(x.v)), c => c.emit('abs', [numeric(c, 'x')], {})),
  define('sign', ['x'], c => c.emit('sign', [numeric(c, 'x')], {})),
  define('square', ['x'], c => { const x = numeric(c, 'x'); return c.mul(x, x) }),
  extremum('min'),
  extremum('max'),
  define('pow', ['a', 'b'], c => {
    const base = c.value('a'), exponent = c.value('b')
    if (isNumber(base) && isNumber(exponent)) return c.fail('pow takes a tensor', 'a', 'write a ** b for static numbers')
    if (isNumber(exponent) && exponent.v === 2) { const x = c.tensor('a', 'float32'); return c.mul(x, x) }
    const [a, b] = c.operands(['a', 'b'], [base, exponent])
    return a.type.dtype === 'float32' ? c.emit('pow', [a, b], {}) : c.fail(`pow takes float32 tensors, but this is ${a.type.dtype}`, 'a')
  }),
  define('where', ['cond', 'a', 'b'], c => {
    if (c.value('cond').t === 'bool') return c.fail('`cond` is static', 'cond', 'write: if cond then a else b')
    const cond = c.tensor('cond', 'bool')
    const a = c.value('a'), b = c.value('b')
    if (isTensor(a) || isTensor(b)) return c.emit('where', [cond, ...c.operands(['a', 'b'], [a, b])], {})
    if (!isNumber(a) || !isNumber(b)) return c.fail('`a` and `b` must be tensors or numbers', isNumber(a) ? 'b' : 'a')
    const dtype = a.t === 'int' && b.t === 'int' ? 'int32' : 'float32'
    return c.emit('where', [cond, c.fill(a.v, dtype), c.fill(b.v, dtype)], {})
  }),
  define('clamp', ['x', ['low', null], ['high', null]], c => {
    let y = numeric(c, 'x')
    if (!c.isNone('low')) y = c.emit('max', c.operands(['x', 'low'], [y, c.value('low')]), {})
    if (!c.isNone('high')) y = c.emit('min', c.operands(['x', 'high'], [y, c.value('high')]), {})
    return y
  }),
  define('cast', ['x', 'to'], c => {
    const x = c.tensor('x'), to = c.string('to', ['float32', 'int32', 'bool'])
    return x.type.dtype === to ? x : c.emit('cast', [x], { to })
  }),
  define('stop_gradient', ['x'], c => c.emit('stopGradient', [c.tensor('x', 'float32')], {})),
]
