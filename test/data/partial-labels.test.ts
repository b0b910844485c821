// A data set whose images lack the labels of some tasks: what is listed, and what targets become.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { DataSpec, TaskSpec } from '../../src/compiler/tasks/spec.ts'
import { pathOf } from '../../src/runtime/data/cityscapes3d/layout.ts'
import { openBatches, openImages } from '../../src/runtime/data/prefetch.ts'
import { synthId, writeSample } from '../../src/runtime/data/synth/write.ts'

const root = mkdtempSync(join(tmpdir(), 'mtlc-partial-'))
afterAll(() => rmSync(root, { recursive: true }))
const ids = [0, 1, 2, 3].map(i => synthId('train', i)).sort()

beforeAll(() => {
  for (let index = 0; index < 4; index++) writeSample({ dir: root, split: 'train', index, size: [32, 64], seed: 1 })
  const drop = (id: string, ...lacking: ('labels' | 'disparity' | 'boxes')[]): void => lacking.forEach(kind => rmSync(pathOf(root, 'train', id, kind)))
  drop(ids[1], 'labels', 'boxes')
  drop(ids[2], 'disparity')
  drop(ids[3], 'labels', 'disparity', 'boxes')
})

const data = { kind: 'cityscapes3d', image: [32, 64], mean: [0, 0, 0], std: [1, 1, 1], boxes: 'required' } as const
const level = { dtype: 'float32', shape: [1, 1, 4, 8] } as const
const tasks = [
  { name: 'semseg', weight: 1, targets: {}, predictions: {}, config: { kind: 'segmentation', classes: ['road', 'sky', 'car'], ignore: 255, size: [32, 64] } },
  { name: 'depth', weight: 1, targets: {}, predictions: {}, config: { kind: 'depth', quantity: 'depth', invalid: -1, max: 80, size: [32, 64] } },
  { name: 'boxes', weight: 1, targets: {}, predictions: { 'cls/0': level }, config: { kind: 'detection3d', classes: ['car'], strides: [8], resize: 1, ranges: [[-1, 1e8]], radius: 1.5, centernessAlpha: 2.5, rotation: 'corrected', score: 0, nms: 1, preNms: 1, maxPerImage: 1 } },
] as const satisfies readonly TaskSpec[]
const partial: DataSpec = { ...data, labels: 'partial' }

it('lists images with the labels of at least one task, and blanks the others', async () => {
  const images = await openImages(root, 'train', partial, tasks)
  expect(images.ids).toEqual(ids.slice(0, 3))
  const batches = openBatches({ images, batch: 3, seed: 0, workers: 0 })
  const { ids: order, feeds } = await batches.next()
  const part = (name: string, id: string): number[] => { const { data: all } = feeds[name], size = all.length / 3, at = order.indexOf(id); return Array.from(all.subarray(at * size, (at + 1) * size)) }
  const counts = (id: string): boolean[] => [part('target/semseg/labels', id).some(v => v !== 255), part('target/depth/depth', id).some(v => v !== -1)]
  expect(counts(ids[0])).toEqual([true, true])
  expect(counts(ids[1])).toEqual([false, true])
  expect(counts(ids[2])).toEqual([true, false])
  expect(part('target/boxes/has_boxes', ids[1])).toEqual([0])
  expect(part('target/boxes/label', ids[1]).every(v => v === 1)).toBe(true)
  await batches.close()
})

it('without it, missing labels are an error', async () => {
  await expect(openImages(root, 'train', data, tasks)).rejects.toThrow(ids[1])
})

it('labels that no image has are an error', async () => {
  for (const id of [ids[0], ids[1]]) rmSync(pathOf(root, 'train', id, 'disparity'))
  await expect(openImages(root, 'train', partial, tasks)).rejects.toThrow(/has none of the images' labels/)
})
