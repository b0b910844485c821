// The arithmetic of stored orders, against tensors that are really moved.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sizeOf, type Shape } from '../../src/compiler/ir/types.ts'
import { collapsedTranspose, plain, reshapedOrder, shapeBeside, storedShape, type Order } from '../../src/compiler/targets/tfjs/order.ts'

/** Elements of a tensor of `shape` whose axes are moved as transpose does. */
function moved(data: readonly number[], shape: Shape, perm: Order): number[] {
  const result = perm.map(axis => shape[axis])
  return data.map((_, flat) => {
    let rest = flat
    const place: number[] = []
    for (let i = result.length - 1; i >= 0; i--) { place[perm[i]] = rest % result[i]; rest = Math.floor(rest / result[i]) }
    return data[place.reduce((n, p, axis) => n * shape[axis] + p, 0)]
  })
}

const count = (shape: Shape): number[] => Array.from({ length: sizeOf(shape) }, (_, i) => i)
const inverse = (order: Order): Order => plain(order.length).map(axis => order.indexOf(axis))

const shapeAndOrder = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }).chain(shape => fc.shuffledSubarray(shape.map((_, i) => i), { minLength: shape.length }).map(order => ({ shape, order })))
/** Another shape with as many elements: axes split and merged at random. */
const reshaped = fc.tuple(shapeAndOrder, fc.array(fc.boolean(), { minLength: 20, maxLength: 20 })).map(([{ shape, order }, cuts]) => {
  const factors = shape.flatMap(d => d === 4 ? [2, 2] : [d])
  const to: number[] = []
  factors.forEach((f, i) => { if (to.length > 0 && cuts[i]) to[to.length - 1] *= f; else to.push(f) })
  return { shape, order, to }
})

describe('orders', () => {
  it('a collapsed transpose moves the same elements', () => {
    fc.assert(fc.property(shapeAndOrder, ({ shape, order }) => {
      const small = collapsedTranspose(shape, order), data = count(shape)
      expect(moved(data, small.shape, small.perm)).toEqual(moved(data, shape, order))
    }))
  })

  it('a reshape that keeps the tensor as it is gives the reshaped value', () => {
    let kept = 0
    fc.assert(fc.property(reshaped, ({ shape, order, to }) => {
      const next = reshapedOrder(order, shape, to)
      if (next === undefined) return
      kept++
      // What is stored, read in its order, is the value; so it has to be after the reshape.
      const stored = count(shape)
      expect(moved(stored, storedShape(to, next), inverse(next))).toEqual(moved(stored, storedShape(shape, order), inverse(order)))
    }), { numRuns: 1000 })
    expect(kept).toBeGreaterThan(300)
  })

  it('finds the reshapes that need no move', () => {
    expect(reshapedOrder([0, 2, 3, 1], [2, 8, 4, 6], [2, 8, 24])).toEqual([0, 2, 1])
    expect(reshapedOrder([0, 2, 3, 1], [2, 8, 4, 6], [2, 4, 2, 4, 6])).toEqual([0, 3, 4, 1, 2])
    expect(reshapedOrder([0, 2, 3, 1], [2, 8, 4, 6], [16, 24])).toBeUndefined()
    expect(reshapedOrder([1, 0], [3, 1], [3])).toEqual([0])
  })

  it('says in which shape a small tensor stands beside a large one', () => {
    expect(shapeBeside([6, 4], [2, 3, 4], [1, 1, 4])).toEqual([1, 4])
    expect(shapeBeside([6, 4], [2, 3, 4], [2, 1, 4])).toBeUndefined()
    expect(shapeBeside([2, 12], [2, 3, 4], [2, 1, 1])).toEqual([2, 1])
    expect(shapeBeside([2, 1, 3], [2, 3], [2, 1])).toEqual([2, 1, 1])
  })
})
