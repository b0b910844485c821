// Lowering of matrix products.
import type { OpName } from '../../ir/ops.ts'
import { sizeOf, type Shape } from '../../ir/types.ts'
import type { Lowering } from './elementwise.ts'
import type { Emitter } from './emitter.ts'

/** An ONNX value with its static shape. */
export interface Matrix { readonly name: string; readonly shape: Shape }
export interface ProductOptions { readonly transA?: boolean; readonly transB?: boolean; readonly alpha?: number; /** added to every row, [N] */ readonly bias?: string }

const swapped = (rank: number): number[] => Array.from({ length: rank }, (_, i) => i < rank - 2 ? i : 2 * rank - 3 - i)

const gemm = (e: Emitter, a: string, b: string, { transA, transB, alpha = 1, bias }: ProductOptions): string =>
  e.node('Gemm', bias === undefined ? [a, b] : [a, b, bias], { transA: transA ? 1 : 0, transB: transB ? 1 : 0, alpha: { float: alpha } })

/**
 * alpha * op(a) . op(b) on the last two axes (+ bias). Two matrices are a Gemm; rows of a larger tensor times a matrix are one Gemm, too, when lowering for speed;
 * batches are FusedMatMul where onnxruntime's own operators are allowed, and Transpose, MatMul, Mul where not.
 */
export const product = (e: Emitter, a: Matrix, b: Matrix, options: ProductOptions = {}): string => {
  const { transA = false, transB = false, alpha = 1, bias } = options
  if (a.shape.length === 2 && b.shape.length === 2) return gemm(e, a.name, b.name, options)
  if (e.fast && b.shape.length === 2 && !transA) {
    const inner = a.shape.at(-1)!, columns = b.shape[transB ? 0 : 1]
    const rows = e.reshape(a.name, [sizeOf(a.shape) / Math.max(1, inner), inner])
    return e.reshape(gemm(e, rows, b.name, options), [...a.shape.slice(0, -1), columns])
  }
  const plain = !transA && !transB && alpha === 1
  let result: string
  if (e.contrib && !plain) result = e.node('FusedMatMul', [a.name, b.name], { transA: transA ? 1 : 0, transB: transB ? 1 : 0, alpha: { float: alpha } }, 'com.microsoft')
  else {
    const left = transA ? e.transpose(a.name, swapped(a.shape.length)) : a.name
    const right = transB ? e.transpose(b.name, swapped(b.shape.length)) : b.name
    result = e.node('MatMul', [left, right])
    if (alpha !== 1) result = e.node('Mul', [result, e.scalar(alpha)])
  }
  return bias === undefined ? result : e.node('Add', [result, bias])
}

export const products = {
  matmul: (e, [a, b], attrs) => product(e, { name: a.name, shape: a.type.shape }, { name: b.name, shape: b.type.shape }, attrs),
} satisfies { [K in OpName]?: Lowering<K> }
