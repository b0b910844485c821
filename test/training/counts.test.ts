// Accumulation with losses that divide by numbers of labels: several passes over parts of a batch equal one pass over all of it.
import { expect, it } from 'vitest'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import { sizeOf, type TensorData } from '../../src/compiler/ir/types.ts'
import { verify } from '../../src/compiler/ir/verify.ts'
import { optimise } from '../../src/compiler/passes/index.ts'
import { optimiserScalars } from '../../src/compiler/training/scalars.ts'
import { buildTrainingStep, countsOfStep } from '../../src/compiler/training/step.ts'
import { countedBatches } from '../../src/runtime/train/counted-batches.ts'
import { elaborated, text } from '../semantics/check-support.ts'

const passes = 4
let seed = 7
const draw = (): number => { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
const random = (shape: readonly number[], make: () => number): TensorData => ({ dtype: 'float32', shape, data: Float32Array.from({ length: sizeOf(shape) }, make) })

it('gives the parameters of the large batch', async () => {
  const changed = text.replace('mean(l1(x, target.depth))', 'sum(where(target.depth > 0, l1(x, target.depth), 0.0)) / max(sum(cast(target.depth > 0, "float32")), 1)')
  const [large, parts] = [elaborated(changed, { set: [`train.batch=${passes}`] }), elaborated(changed, { set: ['train.batch=1', `train.accumulate=${passes}`] })]
  const [whole, part] = [large, parts].map(m => optimise(buildTrainingStep(m), { differentiated: true }))
  verify(part)
  const counts = countsOfStep(parts)!
  verify(counts)
  expect(countsOfStep(large)).toBeUndefined()
  expect(counts.inputs.map(i => i.name)).toEqual(['target/semseg/labels', 'target/depth/depth'])
  expect(part.inputs.filter(i => i.name.startsWith('scalar/count/')).map(i => i.name)).toEqual(counts.outputs.map(o => o.name))

  // Every image has another share of labels that count.
  const images = Array.from({ length: passes }, (_, n) => ({
    image: random([1, 3, 16, 32], () => draw() - 0.5),
    'target/semseg/labels': { dtype: 'int32', shape: [1, 16, 32], data: Int32Array.from({ length: 512 }, () => draw() < 0.2 * (n + 1) ? Math.floor(2 * draw()) : 255) } as TensorData,
    'target/depth/depth': random([1, 1, 16, 32], () => draw() < 0.2 * (passes - n) ? 5 * draw() : 0),
  }))
  const names = Object.keys(images[0]) as (keyof (typeof images)[0])[]
  const join = (name: (typeof names)[number]): Float64Array => Float64Array.from(images.flatMap(i => [...i[name].data]))
  const state = Object.fromEntries(whole.inputs.filter(i => i.role === 'parameter').map(i => [i.name, Float64Array.from({ length: sizeOf(i.type.shape) }, () => draw() - 0.5)]))
  const moments = (program: typeof whole): Record<string, Float64Array> => Object.fromEntries(program.inputs.filter(i => i.role === 'moment').map(i => [i.name, new Float64Array(sizeOf(i.type.shape))]))
  const scalars = (train: typeof large.train, pass?: number): Record<string, Float64Array> => Object.fromEntries(Object.entries(optimiserScalars(train, 0, pass)).map(([k, v]) => [k, Float64Array.of(v)]))
  const expected = interpret(whole, { ...Object.fromEntries(names.map(n => [n, join(n)])), ...state, ...moments(whole), ...scalars(large.train) }).outputs

  let at = 0
  const batches = countedBatches({ next: async () => ({ step: at, ids: [], feeds: images[at++] }), close: async () => {} }, counts, passes)
  let current: Record<string, Float64Array> = { ...state, ...moments(part) }
  let loss = 0
  for (let pass = 0; pass < passes; pass++) {
    const { feeds } = await batches.next()
    const out = interpret(part, { ...feeds, ...current, ...scalars(parts.train, pass) }).outputs
    loss += out.loss.data[0] / passes
    current = { ...current, ...Object.fromEntries(Object.entries(out).map(([k, v]) => [k, Float64Array.from(v.data)])) }
  }
  expect(loss).toBeCloseTo(expected.loss.data[0], 6)
  for (const name of Object.keys(state)) current[name].forEach((v, i) => expect(v).toBeCloseTo(expected[name].data[i], 7))
})
