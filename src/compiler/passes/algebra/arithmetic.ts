// Identities of elementwise operators.
import type { ValueId } from '../../ir/program.ts'
import { sameType, scaled, uniformElement, type Context, type NodeFor, type Rewrite, type Rules } from './rule.ts'

type Binary = NodeFor<'add' | 'sub' | 'mul' | 'div' | 'pow' | 'max' | 'min' | 'and' | 'or'>

/** The operand beside a neutral element, if it has the type of the result. */
const besideNeutral = (node: Binary, c: Context, neutral: number, sides: readonly (0 | 1)[]): Rewrite | undefined => {
  for (const side of sides) {
    const other = node.inputs[1 - side]
    if (uniformElement(c, node.inputs[side]) === neutral && sameType(c.type(other), node.type)) return { use: other }
  }
  return undefined
}

/** The operand of a negation. */
const negated = (c: Context, value: ValueId): ValueId | undefined => {
  const node = c.definition(value)
  return node?.op === 'neg' ? node.inputs[0] : undefined
}

const idempotent = (node: NodeFor<'max' | 'min' | 'and' | 'or'>): Rewrite | undefined => node.inputs[0] === node.inputs[1] ? { use: node.inputs[0] } : undefined

/** (alpha a . b) * s = (alpha s) a . b */
const scaledProduct = (node: NodeFor<'mul' | 'div'>, c: Context): Rewrite | undefined => {
  const product = scaled(c, node)
  if (!product || !c.single(product.x)) return undefined
  const inner = c.definition(product.x)
  return inner?.op === 'matmul' ? { op: 'matmul', inputs: inner.inputs, attrs: { ...inner.attrs, alpha: inner.attrs.alpha * product.scale } } : undefined
}

export const arithmeticRules: Rules = {
  add: (node, c) => {
    const [a, b] = node.inputs
    const neutral = besideNeutral(node, c, 0, [0, 1])
    if (neutral) return neutral
    const subtrahend = negated(c, b)
    if (subtrahend !== undefined) return { op: 'sub', inputs: [a, subtrahend], attrs: {} }
    const first = negated(c, a)
    return first === undefined ? undefined : { op: 'sub', inputs: [b, first], attrs: {} }
  },
  sub: (node, c) => {
    const neutral = besideNeutral(node, c, 0, [1])
    if (neutral) return neutral
    const addend = negated(c, node.inputs[1])
    return addend === undefined ? undefined : { op: 'add', inputs: [node.inputs[0], addend], attrs: {} }
  },
  mul: (node, c) => {
    const neutral = besideNeutral(node, c, 1, [0, 1]) ?? scaledProduct(node, c)
    if (neutral) return neutral
    const outer = scaled(c, node)
    if (outer?.scale === -1) return { op: 'neg', inputs: [outer.x], attrs: {} }
    const inner = outer && c.definition(outer.x)?.op === 'mul' ? scaled(c, c.definition(outer.x)) : undefined
    if (!outer || !inner) return undefined
    return { op: 'mul', inputs: [inner.x, c.emit('fill', [], { dtype: 'float32', shape: [], value: inner.scale * outer.scale })], attrs: {} }
  },
  div: (node, c) => besideNeutral(node, c, 1, [1]) ?? scaledProduct(node, c),
  pow: (node, c) => {
    const [x, exponent] = node.inputs
    const neutral = besideNeutral(node, c, 1, [1])
    if (neutral) return neutral
    return uniformElement(c, exponent) === 2 && sameType(c.type(x), node.type) ? { op: 'mul', inputs: [x, x], attrs: {} } : undefined
  },
  max: idempotent,
  min: idempotent,
  and: (node, c) => idempotent(node) ?? besideNeutral(node, c, 1, [0, 1]),
  or: (node, c) => idempotent(node) ?? besideNeutral(node, c, 0, [0, 1]),
  neg: (node, c) => {
    const inner = c.definition(node.inputs[0])
    if (inner?.op === 'neg') return { use: inner.inputs[0] }
    return inner?.op === 'sub' && c.single(inner.id) ? { op: 'sub', inputs: [inner.inputs[1], inner.inputs[0]], attrs: {} } : undefined
  },
  not: (node, c) => {
    const inner = c.definition(node.inputs[0])
    return inner?.op === 'not' ? { use: inner.inputs[0] } : undefined
  },
  relu: (node, c) => c.definition(node.inputs[0])?.op === 'relu' ? { use: node.inputs[0] } : undefined,
  cast: (node, c) => {
    const [x] = node.inputs
    if (c.type(x).dtype === node.attrs.to) return { use: x }
    const inner = c.definition(x)
    // Other casts lose digits; a bool survives every type on the way.
    if (inner?.op !== 'cast' || c.type(inner.inputs[0]).dtype !== 'bool') return undefined
    return { op: 'cast', inputs: inner.inputs, attrs: node.attrs }
  },
  where: (node, c) => {
    const [condition, a, b] = node.inputs
    const known = uniformElement(c, condition)
    const chosen = a === b || known === 1 ? a : known === 0 ? b : undefined
    return chosen !== undefined && sameType(c.type(chosen), node.type) ? { use: chosen } : undefined
  },
}
