// Unary and binary operators: exact arithmetic on static values, IR operators on tensors.
import type { Label } from '../diagnostics/diagnostic.ts'
import { ShapeError } from '../ir/builder.ts'
import type { OpName } from '../ir/ops.ts'
import { showType } from '../ir/types.ts'
import type { BinaryOperator, Expr } from '../syntax/ast.ts'
import { ruleOf, type Machine, type Tensor } from './machine.ts'
import type { Scope } from './scope.ts'
import { bool, describe, error, float, int, list, sameValue, string, type Value } from './values.ts'

type Binary = Extract<Expr, { kind: 'binary' }>
type Num = Extract<Value, { t: 'int' | 'float' }>

const isNumber = (v: Value): v is Num => v.t === 'int' || v.t === 'float'

/** Evaluate `a op b`; `and` and `or` do not look at the right side when the left one decides. */
export function evaluateBinary(m: Machine, expr: Binary, scope: Scope): Value {
  const left = m.evaluate(expr.left, scope)
  if ((expr.op === 'and' || expr.op === 'or') && left.t === 'bool') {
    if (left.v === (expr.op === 'or')) return left
    const right = m.evaluate(expr.right, scope)
    if (right.t === 'bool' || right.t === 'error' || isBoolTensor(right)) return right
    return mistyped(m, expr, left, right)
  }
  const right = m.evaluate(expr.right, scope)
  if (left.t === 'error' || right.t === 'error') return error
  if (involvesTensor(expr.op, left, right)) return tensorBinary(m, expr, left, right)
  return staticBinary(m, expr, left, right)
}

const isBoolTensor = (v: Value): boolean => v.t === 'tensor' && v.type.dtype === 'bool'

function involvesTensor(op: BinaryOperator, a: Value, b: Value): boolean {
  const joins = (v: Value): boolean => v.t === 'tensor' || isNumber(v) || v.t === 'bool'
  if (op === '==' || op === '!=') return (a.t === 'tensor' || b.t === 'tensor') && joins(a) && joins(b)
  return a.t === 'tensor' || b.t === 'tensor'
}

function mistyped(m: Machine, expr: Binary, left: Value, right: Value, hint?: string): Value {
  return m.report('operand-type', expr.opSpan, { operator: expr.op, left: brief(left), right: brief(right) }, { hint, labels: operandLabels(expr, left, right) })
}

/** A tensor by its type alone, other values as they are described. */
const brief = (v: Value): string => (v.t === 'tensor' ? showType(v.type) : describe(v))

/** What the operands are, where the text does not say it itself. */
function operandLabels(expr: Binary, left: Value, right: Value): Label[] {
  const literal = (e: Expr): boolean => e.kind === 'int' || e.kind === 'float' || e.kind === 'string' || e.kind === 'bool' || e.kind === 'none'
  return [{ e: expr.left, v: left }, { e: expr.right, v: right }].filter(({ e }) => !literal(e)).map(({ e, v }) => ({ span: e.span, text: brief(v) }))
}

function staticBinary(m: Machine, expr: Binary, left: Value, right: Value): Value {
  const { op } = expr
  if (op === '==' || op === '!=') {
    const same = isNumber(left) && isNumber(right) ? left.v === right.v : sameValue(left, right)
    return bool(same === (op === '=='))
  }
  if (isNumber(left) && isNumber(right)) {
    if (op === 'and' || op === 'or') return mistyped(m, expr, left, right)
    return arithmetic(m, expr, op, left, right)
  }
  if (left.t === 'string' && right.t === 'string') {
    if (op === '+') return string(left.v + right.v)
    if (op === '<' || op === '<=' || op === '>' || op === '>=') return compare(op, left.v, right.v)
  }
  if (left.t === 'list' && right.t === 'list' && op === '+') return list([...left.items, ...right.items])
  const hint = op === '+' && (left.t === 'string' || right.t === 'string') ? 'make a string of the other one with `str(...)`' : undefined
  return mistyped(m, expr, left, right, hint)
}

function compare<T extends number | string>(op: '<' | '<=' | '>' | '>=', a: T, b: T): Value {
  return bool(op === '<' ? a < b : op === '<=' ? a <= b : op === '>' ? a > b : a >= b)
}

function arithmetic(m: Machine, expr: Binary, op: Exclude<BinaryOperator, '==' | '!=' | 'and' | 'or'>, left: Num, right: Num): Value {
  const a = left.v
  const b = right.v
  const ints = left.t === 'int' && right.t === 'int'
  const make = (v: number): Value => (ints ? exact(m, expr, v) : float(v))
  switch (op) {
    case '<': case '<=': case '>': case '>=': return compare(op, a, b)
    case '+': return make(a + b)
    case '-': return make(a - b)
    case '*': return make(a * b)
    case '/': case 'div': case '%': break
    case '**': return ints && b >= 0 ? exact(m, expr, a ** b) : float(a ** b)
  }
  if (b === 0) return m.report('division-by-zero', expr.opSpan, { left: a, operator: op }, { labels: operandLabels(expr, left, right) })
  if (op === 'div') return make(Math.floor(a / b))
  const rest = a - Math.floor(a / b) * b
  if (op === '%') return make(rest)
  if (ints && rest !== 0) {
    return m.report('inexact-division', expr.opSpan, { left: a, right: b, rest }, { labels: operandLabels(expr, left, right) })
  }
  return make(a / b)
}

function exact(m: Machine, expr: Binary, v: number): Value {
  return Number.isSafeInteger(v) ? int(v === 0 ? 0 : v) : m.report('number-too-large', expr.opSpan, { operator: expr.op, found: v })
}

export function evaluateUnary(m: Machine, expr: Extract<Expr, { kind: 'unary' }>, scope: Scope): Value {
  const operand = m.evaluate(expr.operand, scope)
  if (operand.t === 'error') return error
  if (expr.op === '-') {
    if (operand.t === 'int') return int(operand.v === 0 ? 0 : -operand.v)
    if (operand.t === 'float') return float(-operand.v)
    if (operand.t === 'tensor' && operand.type.dtype === 'float32') return m.append('neg', [operand], {}, expr.span, '-')
    if (operand.t === 'tensor' && operand.type.dtype === 'int32') return m.emit('sub', [m.emit('fill', [], { dtype: 'int32', shape: [], value: 0 }, expr.span), operand], {}, expr.span)
  } else {
    if (operand.t === 'bool') return bool(!operand.v)
    if (operand.t === 'tensor' && operand.type.dtype === 'bool') return m.append('not', [operand], {}, expr.span, 'not')
  }
  return m.report('operand-type-unary', expr.span, { operator: expr.op, operand: brief(operand) }, { labels: [{ span: expr.operand.span, text: brief(operand) }] })
}

const operators: Partial<Record<BinaryOperator, OpName>> = { '+': 'add', '-': 'sub', '*': 'mul', '/': 'div', '<': 'less', '>': 'greater', '==': 'equal', and: 'and', or: 'or', '**': 'pow' }

function tensorBinary(m: Machine, expr: Binary, left: Value, right: Value): Value {
  const { op } = expr
  const span = expr.span
  const two = (name: OpName, x: Tensor, y: Tensor): Tensor => m.emit(name as 'add', [x, y], {}, span)
  try {
    if (op === '**' && left.t === 'tensor' && isNumber(right) && right.v === 2) return two('mul', left, left)
    const a = operand(m, expr, left, right, 'left')
    const b = a === undefined ? undefined : operand(m, expr, left, right, 'right')
    if (a === undefined || b === undefined) return error
    switch (op) {
      case '!=': return m.emit('not', [two('equal', a, b)], {}, span)
      case '<=': return m.emit('not', [two('greater', a, b)], {}, span)
      case '>=': return m.emit('not', [two('less', a, b)], {}, span)
      case '%': return floorMod(two, a, b)
      case 'div': return a.type.dtype === 'int32' ? two('div', two('sub', a, floorMod(two, a, b)), b) : m.emit('floor', [two('div', a, b)], {}, span)
      default:
    }
    const name = operators[op]
    if (name === undefined) throw new Error(`internal: no operator for ${op}`)
    return two(name, a, b)
  } catch (e) {
    if (!(e instanceof ShapeError)) throw e
    return misfit(m, expr, left, right, e)
  }
}

/** The remainder with the sign of the divisor, of one with the sign of the dividend. */
const floorMod = (two: (name: OpName, x: Tensor, y: Tensor) => Tensor, a: Tensor, b: Tensor): Tensor => two('mod', two('add', two('mod', a, b), b), b)

/** An operand as a tensor: a static number or bool becomes a scalar of the other one's dtype. Undefined after a report. */
function operand(m: Machine, expr: Binary, left: Value, right: Value, side: 'left' | 'right'): Tensor | undefined {
  const [value, other] = side === 'left' ? [left, right] : [right, left]
  if (value.t === 'tensor') return value
  const dtype = other.t === 'tensor' ? other.type.dtype : 'float32'
  const scalar = (v: number): Tensor => m.emit('fill', [], { dtype, shape: [], value: v }, expr.span)
  if (value.t === 'bool' && dtype === 'bool') return scalar(value.v ? 1 : 0)
  if (value.t === 'int' && dtype !== 'bool') return scalar(value.v)
  if (value.t === 'float' && dtype === 'float32') return scalar(value.v)
  if (value.t === 'float' && dtype === 'int32') m.report('float-with-int-tensor', expr.opSpan, { operator: expr.op, number: value.v, tensor: brief(other) }, { labels: operandLabels(expr, left, right) })
  else mistyped(m, expr, left, right)
  return undefined
}

function misfit(m: Machine, expr: Binary, a: Value, b: Value, e: ShapeError): Value {
  const hint = a.t === 'tensor' && b.t === 'tensor' && a.type.dtype !== b.type.dtype ? 'make the dtypes equal with `cast(x, "float32")`' : undefined
  return m.report('operands-do-not-fit', expr.opSpan, { operator: expr.op, left: brief(a), right: brief(b), rule: ruleOf(e) }, { labels: operandLabels(expr, a, b), hint })
}
