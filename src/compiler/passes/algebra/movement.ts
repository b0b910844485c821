// Identities of the operators that move elements.
import type { ValueId } from '../../ir/program.ts'
import { sameShape, sizeOf, type Shape } from '../../ir/types.ts'
import { sameType, type Context, type NodeFor, type Rewrite, type Rules } from './rule.ts'

/** Whether a permutation exchanges the last two axes and nothing else. */
export const swapsLastTwo = (perm: readonly number[]): boolean => {
  const n = perm.length
  return n >= 2 && perm.every((axis, i) => axis === (i === n - 1 ? n - 2 : i === n - 2 ? n - 1 : i))
}

/** Whether a permutation leaves the order of elements alone: it moves axes of size 1 only. */
const keepsOrder = (perm: readonly number[], shape: Shape): boolean => {
  const moved = perm.filter(axis => shape[axis] !== 1)
  return moved.every((axis, i) => i === 0 || axis > moved[i - 1])
}

/** A transposed product is the product of the transposed operands in the other order. */
const transposedProduct = (node: NodeFor<'transpose'>, c: Context): Rewrite | undefined => {
  const inner = c.definition(node.inputs[0])
  if (inner?.op !== 'matmul' || !swapsLastTwo(node.attrs.perm) || !c.single(inner.id)) return undefined
  const { transA, transB, alpha } = inner.attrs
  return { op: 'matmul', inputs: [inner.inputs[1], inner.inputs[0]], attrs: { transA: !transB, transB: !transA, alpha } }
}

/** A reshape that only drops or restores the reduced axes is the other value of `keepDims`. */
const reshapedReduction = (node: NodeFor<'reshape'>, inner: NodeFor<'reduceSum' | 'reduceMean' | 'reduceMax'>, c: Context): Rewrite | undefined => {
  const { axes, keepDims } = inner.attrs
  const { shape } = c.type(inner.inputs[0])
  const wanted = keepDims ? shape.filter((_, axis) => !axes.includes(axis)) : shape.map((d, axis) => axes.includes(axis) ? 1 : d)
  if (!sameShape(wanted, node.type.shape) || sameShape(wanted, inner.type.shape) || !c.single(inner.id)) return undefined
  return { op: inner.op, inputs: inner.inputs, attrs: { axes, keepDims: !keepDims } }
}

/** A slice that takes from one part of a concatenation takes from that part. */
const sliceOfConcat = (node: NodeFor<'slice'>, inner: NodeFor<'concat'>, c: Context): Rewrite | undefined => {
  const { axis } = inner.attrs
  const { start, stop, step } = node.attrs
  if (step[axis] < 1) return undefined
  let first = 0
  for (const part of inner.inputs) {
    const size = c.type(part).shape[axis]
    if (start[axis] >= first && start[axis] < first + size && stop[axis] <= first + size) {
      return { op: 'slice', inputs: [part], attrs: { start: start.with(axis, start[axis] - first), stop: stop.with(axis, stop[axis] - first), step } }
    }
    first += size
  }
  return undefined
}

const sliceOfSlice = (node: NodeFor<'slice'>, inner: NodeFor<'slice'>): Rewrite | undefined => {
  if ([...node.attrs.step, ...inner.attrs.step].some(s => s < 1)) return undefined
  const start = node.attrs.start.map((s, i) => inner.attrs.start[i] + s * inner.attrs.step[i])
  const step = node.attrs.step.map((s, i) => s * inner.attrs.step[i])
  const stop = start.map((s, i) => node.type.shape[i] === 0 ? s : s + (node.type.shape[i] - 1) * step[i] + 1)
  // An empty slice may start behind the end of an axis that the inner slice has cut.
  return node.type.shape.includes(0) ? undefined : { op: 'slice', inputs: inner.inputs, attrs: { start, stop, step } }
}

const rollOfRoll = (node: NodeFor<'roll'>, inner: NodeFor<'roll'>): Rewrite => {
  const total = new Map<number, number>()
  for (const { axes, shifts } of [inner.attrs, node.attrs]) axes.forEach((axis, i) => total.set(axis, (total.get(axis) ?? 0) + shifts[i]))
  return { op: 'roll', inputs: inner.inputs, attrs: { axes: [...total.keys()], shifts: [...total.values()] } }
}

const unless = (unchanged: boolean, value: ValueId): Rewrite | undefined => unchanged ? { use: value } : undefined

export const movementRules: Rules = {
  reshape: (node, c) => {
    const [x] = node.inputs
    const inner = c.definition(x)
    if (inner?.op === 'reshape') return { op: 'reshape', inputs: inner.inputs, attrs: node.attrs }
    if (inner?.op === 'reduceSum' || inner?.op === 'reduceMean' || inner?.op === 'reduceMax') return reshapedReduction(node, inner, c)
    return unless(sameShape(c.type(x).shape, node.type.shape), x)
  },
  transpose: (node, c) => {
    const [x] = node.inputs
    const { perm } = node.attrs
    if (perm.every((axis, i) => axis === i)) return { use: x }
    const inner = c.definition(x)
    if (inner?.op === 'transpose') return { op: 'transpose', inputs: inner.inputs, attrs: { perm: perm.map(axis => inner.attrs.perm[axis]) } }
    return transposedProduct(node, c) ?? (keepsOrder(perm, c.type(x).shape) ? { op: 'reshape', inputs: [x], attrs: { shape: node.type.shape } } : undefined)
  },
  broadcast: (node, c) => {
    const [x] = node.inputs
    if (sameType(c.type(x), node.type)) return { use: x }
    const inner = c.definition(x)
    if (inner?.op === 'broadcast') return { op: 'broadcast', inputs: inner.inputs, attrs: node.attrs }
    return sizeOf(c.type(x).shape) === sizeOf(node.type.shape) && !node.type.shape.includes(0) ? { op: 'reshape', inputs: [x], attrs: { shape: node.type.shape } } : undefined
  },
  slice: (node, c) => {
    const [x] = node.inputs
    if (sameType(c.type(x), node.type) && node.attrs.step.every((s, i) => s > 0 || node.type.shape[i] === 1)) return { use: x }
    const inner = c.definition(x)
    if (inner?.op === 'slice') return sliceOfSlice(node, inner)
    return inner?.op === 'concat' ? sliceOfConcat(node, inner, c) : undefined
  },
  pad: (node, c) => unless(sameType(c.type(node.inputs[0]), node.type), node.inputs[0]),
  roll: (node, c) => {
    const [x] = node.inputs
    if (node.attrs.axes.every((axis, i) => node.type.shape[axis] === 0 || node.attrs.shifts[i] % node.type.shape[axis] === 0)) return { use: x }
    const inner = c.definition(x)
    return inner?.op === 'roll' ? rollOfRoll(node, inner) : undefined
  },
  concat: node => unless(node.inputs.length === 1, node.inputs[0]),
}
