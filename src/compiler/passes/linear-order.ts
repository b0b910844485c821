// Brings linear operators into the cheaper order: convolutions before enlarging, products of few rows first. The order of sums changes, so results differ by rounding.
import type { OpAttrs, OpName } from '../ir/ops.ts'
import type { Node, ValueId } from '../ir/program.ts'
import { sizeOf } from '../ir/types.ts'
import type { Emit } from './linear/cost.ts'
import { reorderProduct } from './linear/product-chains.ts'
import { convolveBeforeResizing } from './linear/resized-convolution.ts'
import { countUses, Rewriter, type Pass } from './rewriter.ts'

type Sum = Extract<Node, { readonly op: 'add' }>

/** resize(x) + a value per channel = resize(x + that value), where the map grows. */
function addBeforeResizing(r: Rewriter, node: Sum, emit: Emit, single: (v: ValueId) => boolean): ValueId | undefined {
  for (const [i, value] of node.inputs.entries()) {
    const resized = r.definition(value), other = node.inputs[1 - i]
    if (resized?.op !== 'resize2d' || !single(value)) continue
    const { shape } = r.type(other), [x] = resized.inputs
    const perChannel = shape.length <= 4 && shape.slice(-2).every(d => d === 1) && shape.length >= 2 && (shape.at(-4) ?? 1) === 1
    if (perChannel && sizeOf(r.type(x).shape) < sizeOf(node.type.shape)) return emit('resize2d', [emit('add', [x, other], {})], resized.attrs)
  }
  return undefined
}

export const linearOrder: Pass = program => {
  const r = new Rewriter(program)
  const uses = countUses(program)
  for (const original of program.nodes) {
    const node = r.renamed(original)
    const emit = <K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K]): ValueId => r.emit(op, inputs, attrs, original.origin)
    const made = node.op === 'conv2d' ? convolveBeforeResizing(r, node, emit)
      : node.op === 'matmul' ? reorderProduct(r, node, emit)
        : node.op === 'add' ? addBeforeResizing(r, node, emit, v => uses.get(v) === 1) : undefined
    if (made === undefined) { r.keep(node, original); continue }
    r.replace(original, made)
    uses.set(made, uses.get(original.id) ?? 0)
  }
  return r.finish()
}
