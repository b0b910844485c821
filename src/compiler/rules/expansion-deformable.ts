// Deformable convolution from primitives: bilinear reads of rows, then a matrix product.
import type { ValueId } from '../ir/program.ts'
import type { Emitter } from './gradient-language.ts'
import type { ExpansionPlace } from './expansion.ts'

/** One of the two neighbours of a position along an axis: its index kept inside [0, size), and its weight, 0 outside the map. */
interface Neighbour { readonly index: ValueId; readonly weight: ValueId }

function neighbours(g: Emitter, position: ValueId, size: number): readonly Neighbour[] {
  const below = g.floor(position)
  const fraction = g.sub(position, below)
  const make = (at: ValueId, weight: ValueId): Neighbour => {
    // Kept inside as an integer, so that not even a NaN reads elsewhere.
    const index = g.min(g.max(g.int(at), g.fill(0, [], 'int32')), g.fill(size - 1, [], 'int32'))
    return { index, weight: g.mul(weight, g.equal(at, g.float(index))) }
  }
  return [make(below, g.from(1, fraction)), make(g.shift(below, 1), fraction)]
}

/**
 * DCNv2 (Zhu et al. 2019, eq. 1): tap k of place p reads x at p * stride - pad + k * dilation + offset, bilinearly with zeros outside, times the mask. The reads of all taps are four
 * gathers of rows of x as [B*H*W, C], one per corner; the columns [B, H'*W', taps*C] meet the weight in one product. Derivatives with respect to offsets run through the
 * fractions only (floor has none), as they should.
 */
export function expandDeformConv2d({ g, attrs: { stride, pad, dilation }, x: [x, offset, mask, weight] }: ExpansionPlace<'deformConv2d'>): ValueId {
  const [batch, channels, height, width] = g.shape(x)
  const [outputs, , kernelHeight, kernelWidth] = g.shape(weight)
  const [, , rows, columns] = g.shape(offset)
  const taps = kernelHeight * kernelWidth
  const places = [batch, rows, columns, taps]

  const regular = (count: number, step: number, before: number, at: (tap: number) => number, shape: readonly number[]): ValueId => g.constant({
    dtype: 'float32', shape, data: Float32Array.from({ length: count * taps }, (_, i) => Math.floor(i / taps) * step - before + at(i % taps)),
  })
  const baseY = regular(rows, stride[0], pad[0], tap => Math.floor(tap / kernelWidth) * dilation[0], [1, rows, 1, taps])
  const baseX = regular(columns, stride[1], pad[1], tap => (tap % kernelWidth) * dilation[1], [1, 1, columns, taps])

  const pairs = g.transpose(g.reshape(offset, [batch, taps, 2, rows, columns]), [2, 0, 3, 4, 1])
  const coordinate = (i: number): ValueId => g.reshape(g.slice(pairs, [i, 0, 0, 0, 0], [i + 1, ...places]), places)
  const vertical = neighbours(g, g.add(coordinate(0), baseY), height)
  const horizontal = neighbours(g, g.add(coordinate(1), baseX), width)
  const modulation = g.transpose(mask, [0, 2, 3, 1])

  const pixels = g.reshape(g.transpose(x, [0, 2, 3, 1]), [batch * height * width, channels])
  const firstPixel = g.constant({ dtype: 'int32', shape: [batch, 1, 1, 1], data: Int32Array.from({ length: batch }, (_, i) => i * height * width) })
  const rowLength = g.fill(width, [], 'int32')

  let sampled: ValueId | undefined
  for (const v of vertical) {
    const firstOfRow = g.add(g.mul(v.index, rowLength), firstPixel)
    const rowWeight = g.mul(v.weight, modulation)
    for (const h of horizontal) {
      const corner = g.gather(pixels, g.add(firstOfRow, h.index), 0)
      const weighted = g.mul(corner, g.reshape(g.mul(rowWeight, h.weight), [...places, 1]))
      sampled = sampled === undefined ? weighted : g.add(sampled, weighted)
    }
  }
  const flatColumns = g.reshape(sampled!, [batch, rows * columns, taps * channels])
  const flatWeight = g.reshape(g.transpose(weight, [0, 2, 3, 1]), [outputs, taps * channels])
  return g.reshape(g.matmul(flatWeight, flatColumns, { transB: true }), [batch, outputs, rows, columns])
}
