// Identities of reductions: over nothing, over axes of size 1, and over axes along which the operand repeats.
import { sizeOf } from '../../ir/types.ts'
import type { Context, NodeFor, Rewrite, Rules } from './rule.ts'

type Reduction = NodeFor<'reduceSum' | 'reduceMean' | 'reduceMax'>

/** A broadcast under a reduction need not repeat along the reduced axes: their sum is `count` times one element, their mean and maximum that element. */
const ofBroadcast = (node: Reduction, c: Context): Rewrite | undefined => {
  const inner = c.definition(node.inputs[0])
  if (inner?.op !== 'broadcast') return undefined
  const source = c.type(inner.inputs[0]).shape
  const shape = inner.type.shape
  const repeats = node.attrs.axes.filter(axis => shape[axis] > 1 && (source[axis - shape.length + source.length] ?? 1) === 1)
  if (repeats.length === 0) return undefined
  const count = repeats.reduce((n, axis) => n * shape[axis], 1)
  const narrow = c.emit('broadcast', inner.inputs, { shape: shape.map((d, i) => repeats.includes(i) ? 1 : d) })
  if (node.op !== 'reduceSum') return { op: node.op, inputs: [narrow], attrs: node.attrs }
  return { op: 'mul', inputs: [c.emit('reduceSum', [narrow], node.attrs), c.emit('fill', [], { dtype: 'float32', shape: [], value: count })], attrs: {} }
}

const reduction = (node: Reduction, c: Context): Rewrite | undefined => {
  const [x] = node.inputs
  const { shape } = c.type(x)
  if (node.attrs.axes.length === 0) return { use: x }
  if (node.attrs.axes.every(axis => shape[axis] === 1)) return { op: 'reshape', inputs: [x], attrs: { shape: node.type.shape } }
  return sizeOf(shape) === 0 ? undefined : ofBroadcast(node, c)
}

export const reductionRules: Rules = { reduceSum: reduction, reduceMean: reduction, reduceMax: reduction }
