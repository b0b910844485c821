// The squared norm of a weight's gradient without the gradient: from the Gram matrices of the two operands whose product it is.
//
// A weight gradient is G = A^T B with a row per sample and place: A [n, K], B [n, M]. Then |G|^2 = sum over rows p, q of (A A^T)[p, q] (B B^T)[p, q], which takes n^2 (K + M) multiply-adds instead of
// n K M for G itself, and no buffer of K M elements. Of a convolution, A is what all taps read, and (A A^T)[p, q] sums one entry of the Gram matrix of the map per tap: n^2 (C + M).
//
// Squares of the operands have to be numbers: an input beyond 1e18 makes the norm infinite or NaN where that of G would still be one. A network that batch normalisation brings back from there has long diverged.
import type { OpAttrs } from '../ir/ops.ts'
import type { ValueId } from '../ir/program.ts'
import { sizeOf, type Shape } from '../ir/types.ts'
import type { Emitter } from '../rules/gradient-language.ts'

/** The product of two matrices (leading axes of size 1 allowed), or the weight gradient of a convolution with one group; with operands of type `T`. */
export type Product<T = ValueId> = { readonly left: T; readonly right: T } &
  ({ readonly op: 'matmul'; readonly attrs: OpAttrs['matmul'] } | { readonly op: 'conv2dWeightGrad'; readonly attrs: OpAttrs['conv2dWeightGrad'] })

/** The axis of an operand along which the rows lie that are summed over; -1 for the last. */
export const rowAxes = ({ transA, transB }: OpAttrs['matmul']): { readonly left: -2 | -1; readonly right: -2 | -1 } => ({ left: transA ? -2 : -1, right: transB ? -1 : -2 })

/** n: how many rows are summed over. */
const rowsOf = (p: Product<Shape>): number => p.op === 'matmul' ? p.left.at(rowAxes(p.attrs).left)! : p.right[0] * p.right[2] * p.right[3]

/** What an element of an elementwise operator or of a movement costs beside a multiply-add. */
const ELEMENT_COST = 8

/** Multiply-adds of the Gram matrices of the left and the right operand. Elementwise work counts, too. */
export function gramCosts(p: Product<Shape>): { readonly left: number; readonly right: number } {
  const n = rowsOf(p), plain = (shape: Shape): number => n * sizeOf(shape) + ELEMENT_COST * n * n
  if (p.op === 'matmul') return { left: plain(p.left), right: plain(p.right) }
  const places = p.left[0] * p.left[2] * p.left[3], [kh, kw] = p.attrs.kernel
  return { left: places * sizeOf(p.left) + ELEMENT_COST * (places ** 2 + 2 * (kh + kw - 2) * n ** 2), right: plain(p.right) }
}

/** [n, n] of a matrix with its rows along `axis`. */
const gramOfMatrix = (g: Emitter, x: ValueId, axis: -2 | -1): ValueId => {
  const matrix = g.reshape(x, g.shape(x).slice(-2))
  return g.matmul(matrix, matrix, axis === -2 ? { transB: true } : { transA: true })
}

/** [B * H * W, B * H * W] of a map [B, C, H, W]. */
const gramOfMap = (g: Emitter, x: ValueId): ValueId => {
  const [batch, channels, ...places] = g.shape(x)
  return gramOfMatrix(g, g.reshape(batch === 1 ? x : g.transpose(x, [1, 0, 2, 3]), [channels, batch * sizeOf(places)]), -1)
}

/** [n, n] of what the taps of a convolution read: for each tap the entries of the map's Gram matrix at the places that the tap falls on, zero outside. First the taps along H are added, then those along W. */
function gramOfTaps(g: Emitter, x: ValueId, { kernel, stride, dilation, pad: [top, left, bottom, right] }: OpAttrs['conv2dWeightGrad'], places: readonly number[]): ValueId {
  const [batch, , height, width] = g.shape(x)
  const sumOfTaps = (map: ValueId, axis: 0 | 1): ValueId => {
    const terms = Array.from({ length: kernel[axis] }, (_, tap) => {
      const from = tap * dilation[axis], to = from + (places[axis] - 1) * stride[axis] + 1
      const along = (whole: readonly number[], of: number): number[] => whole.map((v, i) => i % 3 === axis + 1 ? of : v)
      return g.slice(map, along(g.shape(map).map(() => 0), from), along(g.shape(map), to), along(g.shape(map).map(() => 1), stride[axis]))
    })
    return terms.reduce((sum, term) => g.add(sum, term))
  }
  const padded = g.pad(g.reshape(gramOfMap(g, x), [batch, height, width, batch, height, width]), [0, top, left, 0, top, left], [0, bottom, right, 0, bottom, right])
  const n = batch * sizeOf(places)
  return g.reshape(sumOfTaps(sumOfTaps(padded, 0), 1), [n, n])
}

/** |G|^2 of a product as a vector of one element. Rounding does not make it negative. */
export function squaredNorm(g: Emitter, p: Product): ValueId {
  const grams = p.op === 'matmul'
    ? [gramOfMatrix(g, p.left, rowAxes(p.attrs).left), gramOfMatrix(g, p.right, rowAxes(p.attrs).right)]
    : [gramOfTaps(g, p.left, p.attrs, g.shape(p.right).slice(2)), gramOfMap(g, p.right)]
  const product = g.mul(grams[0], grams[1])
  const sum = g.sum(g.reshape(product, [sizeOf(g.shape(product))]), [0], true)
  return g.max(g.scale(sum, p.op === 'matmul' ? p.attrs.alpha ** 2 : 1), g.fill(0))
}
