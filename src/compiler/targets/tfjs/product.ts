// Lowering of matrix products.
import type { OpAttrs, OpName } from '../../ir/ops.ts'
import { sameShape, sizeOf, type Shape, type TensorType } from '../../ir/types.ts'
import type { Emitter, Tensor, Value } from './emitter.ts'
import { inPlainOrder, type Lowering } from './form.ts'
import { broadcastShapes, plain, sameOrder } from './order.ts'

/** A tensor whose last two axes are a matrix, or the transposed one. */
export interface Matrices { readonly tensor: Tensor; readonly shape: Shape; readonly transposed: boolean }

/** The value with its batch axes in order and its last two axes last, in either order. */
function matricesOf(e: Emitter, x: Value): Matrices {
  const { shape } = x.type, rank = shape.length, swapped = [...plain(rank - 2), rank - 1, rank - 2]
  const turned = x.forms.some(f => sameOrder(shape, f.order, plain(rank))) ? undefined : x.forms.find(f => sameOrder(shape, f.order, swapped))
  if (turned !== undefined) return { tensor: turned.tensor, shape: swapped.map(axis => shape[axis]), transposed: true }
  return { tensor: e.ordered(x, plain(rank)), shape, transposed: false }
}

export interface ProductOptions { readonly transA: boolean; readonly transB: boolean; readonly alpha: number; readonly bias?: Tensor; readonly activation?: 'relu' }

/** alpha * op(a) . op(b) + bias. Rows of a batch that meet one matrix are one product. Returns the tensor; its shape is that of the product with batch axes merged. */
export function product(e: Emitter, a: Matrices, b: Matrices, { transA, transB, alpha, bias, activation }: ProductOptions): Tensor {
  const flipA = transA !== a.transposed, flipB = transB !== b.transposed
  const [batchA, batchB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)]
  const [rows, depth] = flipA ? [a.shape.at(-1)!, a.shape.at(-2)!] : [a.shape.at(-2)!, a.shape.at(-1)!]
  const columns = flipB ? b.shape.at(-2)! : b.shape.at(-1)!
  const single = sizeOf(batchB) === 1
  if (depth === 0) return e.zeros([...broadcastShapes([batchA, batchB]), rows, columns], 'float32')
  let [left, right] = [a.tensor, b.tensor], batch: Shape
  if (single && !flipA) {
    batch = [sizeOf(batchA) * rows]
    left = e.view(left, [batch[0], depth])
    right = e.view(right, b.shape.slice(-2))
  } else if (sameShape(batchA, batchB) || sizeOf(batchA) === 1 && sizeOf(batchB) === 1) {
    const count = sizeOf(batchA)
    batch = count === 1 ? [rows] : [count, rows]
    left = e.view(left, [...count === 1 ? [] : [count], ...a.shape.slice(-2)])
    right = e.view(right, [...count === 1 ? [] : [count], ...b.shape.slice(-2)])
  } else if (single || sizeOf(batchA) === 1) {
    const count = sizeOf(batchA) * sizeOf(batchB)
    batch = [count, rows]
    left = e.view(left, [sizeOf(batchA), ...a.shape.slice(-2)])
    right = e.view(right, [sizeOf(batchB), ...b.shape.slice(-2)])
  } else {
    // Some backends pair batches one to one or one to many only.
    const common = broadcastShapes([batchA, batchB]), count = sizeOf(common)
    const whole = (m: Matrices): Tensor => e.view(e.broadcast(e.view(m.tensor, m.shape), [...common, ...m.shape.slice(-2)]), [count, ...m.shape.slice(-2)])
    left = whole(a)
    right = whole(b)
    batch = [count, rows]
  }
  const size = sizeOf(batch) * columns
  if (alpha !== 1) {
    const factor = e.scalar(alpha)
    if (sizeOf(left.shape) <= Math.min(sizeOf(right.shape), size)) left = e.binary('mul', left, factor)
    else if (sizeOf(right.shape) <= size) right = e.binary('mul', right, factor)
    else if (bias === undefined) return e.binary('mul', multiplied(e, left, right, flipA, flipB, [...batch, columns]), factor)
    else left = e.binary('mul', left, factor)
  }
  const shape = [...batch, columns]
  if (bias === undefined && activation === undefined) return multiplied(e, left, right, flipA, flipB, shape)
  // The wasm backend adds a bias wrongly to products of transposed matrices (4.22).
  if ((flipA || flipB) && e.backend !== 'webgpu') {
    const made = multiplied(e, left, right, flipA, flipB, shape), biased = bias === undefined ? made : e.binary('add', made, bias)
    return activation === undefined ? biased : e.unary(activation, biased)
  }
  return e.call('fused.matMul', [{ a: left, b: right, transposeA: flipA, transposeB: flipB, bias, activation }], shape)
}

const multiplied = (e: Emitter, a: Tensor, b: Tensor, flipA: boolean, flipB: boolean, shape: Shape): Tensor =>
  e.call('matMul', flipB ? [a, b, flipA, flipB] : flipA ? [a, b, flipA] : [a, b], shape)

export const matmul = (e: Emitter, [a, b]: readonly Value[], attrs: OpAttrs['matmul'], type: TensorType, bias?: Tensor, activation?: 'relu'): ReturnType<Lowering<'matmul'>> =>
  inPlainOrder(product(e, matricesOf(e, a), matricesOf(e, b), { ...attrs, bias, activation }), type)

export const products = { matmul: (e, inputs, attrs, type) => matmul(e, inputs, attrs, type) } satisfies { [K in OpName]?: Lowering<K> }
