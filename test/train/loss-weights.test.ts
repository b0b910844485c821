// Weights of losses on the host: dynamic weight average against its formula, what is logged, and the warnings of a collapse.
import { describe, expect, it } from 'vitest'
import type { TensorData } from '../../src/compiler/ir/types.ts'
import { LossWeights } from '../../src/runtime/train/loss-weights.ts'

const tasks = [{ name: 'semseg', weight: 10 }, { name: 'depth', weight: 1 }]
const dwa = { kind: 'dwa', bounds: [0.5, 1.1], temperature: 2, every: 2 } as const
const one = (v: number): TensorData => ({ dtype: 'float32', shape: [], data: Float32Array.of(v) })

describe('dwa', () => {
  const weights = new LossWeights(tasks, dwa, 100)
  const give = (semseg: number, depth: number): void => weights.add({ semseg, depth, loss: 0 })
  const even = { 'scalar/weight/semseg': 1, 'scalar/weight/depth': 1 }

  it('is even in the first two windows', () => {
    expect(weights.scalars()).toEqual(even)
    give(4, 2); give(6, 2)
    expect(weights.scalars()).toEqual(even)
    give(1, 1)
    expect(weights.scalars()).toEqual(even)
  })

  it('then follows the ratios of the means', () => {
    give(3, 3)
    const [a, b] = [Math.exp(2 / 5 / 2), Math.exp(2 / 2 / 2)]
    expect(weights.scalars()['scalar/weight/semseg']).toBeCloseTo(2 * a / (a + b), 14)
    expect(weights.scalars()['scalar/weight/depth']).toBeCloseTo(2 * b / (a + b), 14)
    give(9, 9)
    expect(weights.scalars()['scalar/weight/semseg']).toBeCloseTo(2 * a / (a + b), 14)
  })

  it('goes on from its state', () => {
    const resumed = new LossWeights(tasks, dwa, 100, JSON.parse(JSON.stringify(weights.state())) as never)
    for (const w of [weights, resumed]) { w.add({ semseg: 5, depth: 1 }); w.add({ semseg: 1, depth: 2 }) }
    expect(resumed.scalars()).toEqual(weights.scalars())
    expect(resumed.state()).toEqual(weights.state())
  })

  it('takes an epoch for a window if the text gives none', () => {
    const byEpoch = new LossWeights(tasks, { ...dwa, every: undefined }, 1)
    byEpoch.add({ semseg: 2, depth: 2 }); byEpoch.add({ semseg: 1, depth: 2 })
    const [a, b] = [Math.exp(0.25), Math.exp(0.5)]
    expect(byEpoch.scalars()['scalar/weight/semseg']).toBeCloseTo(2 * a / (a + b), 14)
  })
})

it('fixed weights are those of the tasks, keep nothing and never collapse', () => {
  const weights = new LossWeights(tasks, undefined, 10)
  weights.add({ semseg: 1, depth: 1 })
  expect(weights.scalars()).toEqual({})
  expect(weights.state()).toBeUndefined()
  expect(weights.used({})).toEqual({ semseg: 10, depth: 1 })
  expect(weights.collapsed({ semseg: 10, depth: 1 })).toEqual([])
})

it('a weight beyond the bounds is told of once, and again after it was back', () => {
  const weights = new LossWeights(tasks, { kind: 'uncertainty', bounds: [0.01, 100] }, 10)
  const used = (semseg: number): Record<string, number> => weights.used({ 'weight/semseg': one(semseg), 'weight/depth': one(1) })
  expect(weights.collapsed(used(0.11))).toEqual([])
  expect(weights.collapsed(used(0.05))).toMatchInlineSnapshot(`
    [
      "the weight of task semseg has collapsed: uncertainty multiplies its loss with 0.0500, 0.00500 times its own weight (below low = 0.01). Other weights or a lower learning rate may help, or train.weighting = fixed()",
    ]
  `)
  expect(weights.collapsed(used(0.04))).toEqual([])
  expect(weights.collapsed(used(2))).toEqual([])
  expect(weights.collapsed(used(2000))[0]).toContain('200 times its own weight (above high = 100)')
})
