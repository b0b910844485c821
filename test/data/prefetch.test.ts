// Batches: their order is a function of the step, errors arrive as they are, threads end, memory is bounded.
import { truncateSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataSpec, TaskSpec } from '../../src/compiler/tasks/spec.ts'
import { DataError } from '../../src/runtime/data/dataset.ts'
import { epochOrder, openBatches, openImages, StepOrder } from '../../src/runtime/data/prefetch.ts'
import type { Batch, BatchOptions, BatchSource } from '../../src/runtime/data/prefetch.ts'
import { copyOf, messageOf, remove, size, smallSet } from './support.ts'

const data: DataSpec = { kind: 'cityscapes3d', image: size, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], boxes: 'optional' }
const tasks: TaskSpec[] = [
  { name: 'semseg', config: { kind: 'segmentation', classes: ['road', 'car', 'sky'], ignore: 255, size }, weight: 1, predictions: { '': { dtype: 'float32', shape: [2, 3, ...size] } }, targets: { labels: { dtype: 'int32', shape: [2, ...size] } } },
  { name: 'depth', config: { kind: 'depth', quantity: 'depth', invalid: 0, max: 80, size }, weight: 1, predictions: { '': { dtype: 'float32', shape: [2, 1, ...size] } }, targets: { depth: { dtype: 'float32', shape: [2, 1, ...size] } } },
]
let root = ''
beforeAll(() => { root = smallSet(5) }, 60_000)
afterAll(() => remove(root))

const options = async (more: Partial<BatchOptions> = {}, at = root): Promise<BatchOptions> => ({ images: await openImages(at, 'train', data, tasks), batch: 2, seed: 7, ...more })
async function take(n: number, more: Partial<BatchOptions> = {}): Promise<Batch[]> {
  const source = openBatches(await options(more))
  try {
    const batches: Batch[] = []
    for (let i = 0; i < n; i++) batches.push(await source.next())
    return batches
  } finally {
    await source.close()
  }
}

test('an epoch is a permutation made from seed and epoch', () => {
  expect([...epochOrder(100, 3, 0)].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
  expect(epochOrder(100, 3, 0)).toEqual(epochOrder(100, 3, 0))
  expect(epochOrder(100, 3, 1)).not.toEqual(epochOrder(100, 3, 0))
  expect(epochOrder(100, 4, 0)).not.toEqual(epochOrder(100, 3, 0))
  expect(epochOrder(1, 3, 0)).toEqual(Uint32Array.of(0))
})

test('batches run across epochs: every sample once in each', () => {
  const order = new StepOrder(5, 7, 2)
  const seen = Array.from({ length: 10 }, (_, step) => order.indices(step)).flat()
  for (let epoch = 0; epoch < 4; epoch++) expect(seen.slice(5 * epoch, 5 * epoch + 5).sort()).toEqual([0, 1, 2, 3, 4])
  expect(new StepOrder(5, 7, 2).indices(8)).toEqual(seen.slice(16, 18))
  expect(new StepOrder(1, 7, 3).indices(2)).toEqual([0, 0, 0])
})

test('threads give the same batches as none, in order', async () => {
  const [inline, threads] = [await take(6, { workers: 0 }), await take(6, { workers: 2 })]
  expect(threads.map(b => b.step)).toEqual([0, 1, 2, 3, 4, 5])
  expect(threads).toEqual(inline)
  expect(Object.fromEntries(Object.entries(threads[0].feeds).map(([k, t]) => [k, `${t.dtype} ${t.shape.join(' x ')}`]))).toEqual({
    'image': 'float32 2 x 3 x 64 x 128', 'target/semseg/labels': 'int32 2 x 64 x 128', 'target/depth/depth': 'float32 2 x 1 x 64 x 128',
  })
})

test('a resumed run gets the batches that it would have got', async () => {
  const whole = await take(5, { workers: 1 })
  expect(await take(2, { workers: 2, start: 3 })).toEqual(whole.slice(3))
})

test('a broken file fails the step that needs it, with its message, and again when asked again', async () => {
  const broken = copyOf(root)
  const name = 'disparity/train/synthville/synthville_000000_000019_disparity.png'
  truncateSync(join(broken, name), 200)
  const order = new StepOrder(5, 7, 1)
  const bad = [0, 1, 2, 3, 4].findIndex(step => order.indices(step)[0] === 2)
  for (const workers of [0, 2]) {
    const source = openBatches(await options({ batch: 1, workers }, broken))
    for (let step = 0; step < bad; step++) await source.next()
    for (let again = 0; again < 2; again++) {
      await expect(source.next()).rejects.toBeInstanceOf(DataError)
      expect(await messageOf(broken, () => source.next())).toMatch(/^ROOT\/disparity\/train\/synthville\/synthville_000000_000019_disparity\.png: is damaged or truncated/)
    }
    await source.close()
  }
  remove(broken)
})

test('closing ends what is under way', async () => {
  const source: BatchSource = openBatches(await options({ workers: 2 }))
  const next = source.next()
  const outcome = next.then(() => 'done', (e: Error) => e.message)
  await source.close()
  expect(['done', 'the data workers were closed']).toContain(await outcome)
  await expect((async () => { for (let i = 0; i < 10; i++) await source.next() })()).rejects.toThrow('the data workers were closed')
})

test('memory does not grow with the number of steps', async () => {
  const source = openBatches(await options({ workers: 2, ahead: 3 }))
  for (let i = 0; i < 20; i++) await source.next()
  const before = process.memoryUsage().rss
  for (let i = 0; i < 300; i++) await source.next()
  const grown = process.memoryUsage().rss - before
  await source.close()
  // 300 batches hold 236 MB; how much of it waits for the collector is not ours to say.
  expect(grown).toBeLessThan(120e6)
})
