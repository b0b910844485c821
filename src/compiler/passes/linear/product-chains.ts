// Products of products in the cheaper order: a few rows times (W x + b) are the rows times W, times x.
import type { OpAttrs } from '../../ir/ops.ts'
import type { Node, ValueId } from '../../ir/program.ts'
import { sizeOf, type Shape } from '../../ir/types.ts'
import type { Rewriter } from '../rewriter.ts'
import { LEAST_GAIN, type Emit } from './cost.ts'

type Product = Extract<Node, { readonly op: 'matmul' }>

/** weight [D, N] . x [..., N, C] + bias [D, 1], of which rows `from` to `to` are meant. */
interface Affine { readonly weight: ValueId; readonly x: ValueId; readonly bias: ValueId | undefined; readonly from: number; readonly to: number }

/** The new order takes at most this share of the multiply-adds. */
const WORTHWHILE = 0.5

/** Shape [..., D, 1] of D elements: one value per row. */
const isColumn = (shape: Shape, rows: number): boolean => shape.length >= 2 && shape.at(-1) === 1 && shape.at(-2) === rows && shape.slice(0, -2).every(d => d === 1)

const plainProduct = (node: Node | undefined): node is Product => node?.op === 'matmul' && !node.attrs.transA && !node.attrs.transB && node.attrs.alpha === 1

/** The rows that a slice takes, if it takes whole rows. */
function rowsOf(node: Extract<Node, { readonly op: 'slice' }>, shape: Shape): readonly [number, number] | undefined {
  const axis = shape.length - 2, { start, stop, step } = node.attrs
  const whole = shape.every((size, i) => step[i] === 1 && (i === axis || (start[i] === 0 && stop[i] === size)))
  return whole ? [start[axis], stop[axis]] : undefined
}

function affineOf(r: Rewriter, value: ValueId): Affine | undefined {
  let node = r.definition(value), rows: readonly [number, number] | undefined
  if (node?.op === 'slice') {
    rows = rowsOf(node, r.type(node.inputs[0]).shape)
    if (rows === undefined) return undefined
    node = r.definition(node.inputs[0])
  }
  let bias: ValueId | undefined
  if (node?.op === 'add') {
    const i = node.inputs.findIndex(v => plainProduct(r.definition(v)))
    if (i < 0) return undefined
    bias = node.inputs[1 - i]
    node = r.definition(node.inputs[i])!
    if (!isColumn(r.type(bias).shape, node.type.shape.at(-2)!)) return undefined
  }
  if (!plainProduct(node) || r.type(node.inputs[0]).shape.length !== 2) return undefined
  const [weight, x] = node.inputs
  return { weight, x, bias, from: rows?.[0] ?? 0, to: rows?.[1] ?? r.type(weight).shape[0] }
}

/** rows `from` to `to` of a matrix or of a column with leading axes of size 1, as a matrix. */
function matrixRows(r: Rewriter, emit: Emit, value: ValueId, { from, to }: Affine): ValueId {
  const shape = r.type(value).shape
  const matrix = shape.length === 2 ? value : emit('reshape', [value], { shape: shape.slice(-2) })
  return from === 0 && to === shape.at(-2) ? matrix : emit('slice', [matrix], { start: [from, 0], stop: [to, shape.at(-1)!], step: [1, 1] })
}

/**
 * q (W x + b) = (q W) x + q b, and p (W x + b)' = (p x') W' + (sum of p) b', where q and p have few rows: the attention of a few prompts over channels. Undefined where the order as written
 * is as good. Results are rounded differently.
 */
export function reorderProduct(r: Rewriter, node: Product, emit: Emit): ValueId | undefined {
  if (node.attrs.transA) return undefined
  const [left, right] = node.inputs
  const affine = affineOf(r, right)
  if (affine === undefined) return undefined
  const rows = r.type(left).shape.at(-2)!, D = affine.to - affine.from, [N, C] = r.type(affine.x).shape.slice(-2)
  const batch = sizeOf(node.type.shape.slice(0, -2)), asWritten = batch * (D * N * C + rows * D * C), reordered = batch * rows * N * (D + C)
  if (reordered > WORTHWHILE * asWritten || asWritten - reordered < LEAST_GAIN) return undefined
  const { alpha, transB } = node.attrs
  const product = (a: ValueId, b: ValueId, attrs: Partial<OpAttrs['matmul']> = {}): ValueId => emit('matmul', [a, b], { transA: false, transB: false, alpha: 1, ...attrs })
  const weight = matrixRows(r, emit, affine.weight, affine)
  const result = transB ? product(product(left, affine.x, { transB: true }), weight, { transB: true, alpha }) : product(product(left, weight), affine.x, { alpha })
  if (affine.bias === undefined) return result
  const bias = matrixRows(r, emit, affine.bias, affine), rank = r.type(left).shape.length
  const share = transB ? product(emit('reduceSum', [left], { axes: [rank - 1], keepDims: true }), bias, { transB: true, alpha }) : product(left, bias, { alpha })
  return emit('add', [result, share], {})
}
