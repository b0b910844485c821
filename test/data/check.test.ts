// The survey of a data set: a good one is usable, and every mistake of a bad one is found at once.
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pathOf } from '../../src/runtime/data/cityscapes3d/layout.ts'
import { encodePng } from '../../src/runtime/data/cityscapes3d/png.ts'
import { readSplitFile } from '../../src/runtime/data/cityscapes3d/split-file.ts'
import { published, survey } from '../../src/runtime/data/check/survey.ts'
import { splitStatistics } from '../../src/runtime/data/statistics.ts'
import { writeSynthetic } from '../../src/runtime/data/synth/index.ts'
import { synthId } from '../../src/runtime/data/synth/write.ts'
import { copyOf, messageOf, remove, size, temporaryFolder } from './support.ts'

let good = ''
beforeAll(async () => {
  good = temporaryFolder()
  await writeSynthetic(good, { train: 8, val: 1, size, seed: 5, workers: 0 })
}, 60_000)
afterAll(() => remove(good))

test('the published counts', () => {
  expect(Object.values(published).map(cities => Object.values(cities).reduce((a, b) => a + b, 0))).toEqual([2975, 500])
})

test('a good set is usable, also through symbolic links', async () => {
  const linked = temporaryFolder()
  for (const folder of ['leftImg8bit', 'gtFine', 'disparity', 'camera', 'gtBbox3d']) symlinkSync(join(good, folder), join(linked, folder))
  for (const root of [good, linked]) {
    const { usable, obstacles, splits } = await survey(root, {})
    expect({ usable, obstacles }).toEqual({ usable: true, obstacles: [] })
    expect(splits.train.expected).toBe(root === good ? 8 : undefined)
    expect(splits.train.cities.rasterburg).toEqual({ image: 2, labels: 2, instances: 2, disparity: 2, camera: 2, boxes: 2 })
    expect(splits.train.tasks.detection3d).toEqual({ usable: 8, missing: {} })
    expect(splits.train.problems.filter(p => p.level === 'error')).toEqual([])
  }
  remove(linked)
})

test('every mistake is found at once', async () => {
  const root = copyOf(good)
  const id = (i: number): string => synthId('train', i)
  const path = (i: number, kind: Parameters<typeof pathOf>[3]): string => pathOf(root, 'train', id(i), kind)
  const json = (i: number, change: (j: any) => void): void => {
    const value = JSON.parse(readFileSync(path(i, 'boxes'), 'utf8')) as unknown
    change(value)
    writeFileSync(path(i, 'boxes'), JSON.stringify(value))
  }
  rmSync(path(0, 'disparity'))
  truncateSync(path(1, 'labels'), 60)
  writeFileSync(path(2, 'labels'), encodePng('gray8', size[0], size[1], new Uint8Array(size[0] * size[1]).fill(255)))
  writeFileSync(path(3, 'image'), encodePng('rgb8', 10, 20, new Uint8Array(600)))
  writeFileSync(path(4, 'boxes'), readFileSync(path(4, 'boxes'), 'utf8').replace(/"fx": [\d.]+/, '"fx": NaN'))
  const box = (more: object): object => ({ '2d': { modal: [1, 1, 5, 5], amodal: [1, 1, 5, 5] }, '3d': { center: [20, 0, 1], dimensions: [4, 2, 1.5], rotation: [1, 0, 0, 0] }, label: 'car', ...more })
  json(5, j => j.objects.push(box({ '3d': { center: [-9, 0, 1], dimensions: [4, 2, 1.5], rotation: [1, 0, 0, 0] } }), box({ '2d': { modal: [1, 1, 0, 5], amodal: [1, 1, 500, 5] } }), box({ label: 'zeppelin' })))
  json(6, j => j.objects.push(box({ '3d': { center: [20, 0, 1], dimensions: [0, 2, 1.5], rotation: [1, 0, 0, 0] } })))
  rmSync(path(7, 'image'))
  const { usable, obstacles, splits: { train } } = await survey(root, {})
  const kinds = (level: string): Record<string, number> => {
    const counts: Record<string, number> = {}
    for (const p of train.problems) if (p.level === level) counts[`${p.kind}: ${p.what}`] = (counts[`${p.kind}: ${p.what}`] ?? 0) + 1
    return counts
  }
  expect(usable).toBe(false)
  expect(obstacles).toEqual([
    'train: segmentation can use 4 of 7 images', 'train: depth can use 5 of 7 images: 1 without disparity (disparity_trainvaltest.zip)', 'train: detection3d can use 4 of 7 images',
  ])
  expect(train.differences).toEqual(['7 of the 8 scenes that synthetic.json states'])
  expect(kinds('error')).toEqual({ 'boxes: unusable boxes': 2, 'image: other size': 1, 'labels: label id out of range': 1, 'labels: unreadable file': 1 })
  expect(kinds('warning')).toMatchObject({ 'boxes: box behind the camera': 1, 'boxes: empty 2D box': 1, 'boxes: 2D box outside the image': 1, 'boxes: unknown class of a box': 1, 'labels: no image for a file': 1 })
  const depth = await survey(root, { splits: ['val'], tasks: ['depth'] })
  expect(depth.usable).toBe(true)
  remove(root)
})

test('a package that is not there, a split that is not there, cities of the published set', async () => {
  const root = copyOf(good)
  rmSync(join(root, 'disparity'), { recursive: true })
  rmSync(join(root, 'synthetic.json'))
  for (const folder of ['leftImg8bit', 'gtFine', 'camera', 'gtBbox3d']) {
    rmSync(join(root, folder, 'train'), { recursive: true })
    mkdirSync(join(root, folder, 'val', 'lindau'), { recursive: true })
    const suffix = { leftImg8bit: '_leftImg8bit.png', gtFine: '_gtFine_labelIds.png', camera: '_camera.json', gtBbox3d: '_gtBbox3d.json' }[folder]
    renameSync(join(root, folder, 'val/epochdorf', `${synthId('val', 0)}${suffix}`), join(root, folder, 'val/lindau', `lindau_000000_000019${suffix}`))
    rmSync(join(root, folder, 'val/epochdorf'), { recursive: true })
  }
  const { obstacles, splits } = await survey(root, { tasks: ['segmentation', 'detection3d'] })
  expect(obstacles).toEqual(["the split 'train' is not there"])
  expect([splits.val.expected, splits.val.differences]).toEqual([500, ['frankfurt is not there (267 images)', 'lindau has 1 images instead of 59', 'munster is not there (174 images)']])
  expect((await survey(root, { splits: ['val'] })).obstacles).toEqual(['val: depth can use 0 of 1 images: 1 without disparity (disparity_trainvaltest.zip)'])
  remove(root)
})

test('lists: ids and paths, mistakes with their line', async () => {
  const dir = temporaryFolder()
  const list = async (text: string): Promise<string> => {
    writeFileSync(join(dir, 'list.txt'), text)
    return messageOf(dir, async () => survey(good, { splits: ['train'], only: readSplitFile(join(dir, 'list.txt')) }).then(s => { if (s.obstacles.length > 0) throw new Error(s.obstacles[0]) }))
  }
  const [a, b] = [synthId('train', 0), synthId('train', 5)]
  expect(await list(`${a}\r\n# comment\nleftImg8bit/train/synthville/${b}_leftImg8bit.png\n`)).toBe('no error')
  expect((await survey(good, { splits: ['train'], only: readSplitFile(join(dir, 'list.txt')) })).splits.train.images).toBe(2)
  expect(await list('')).toMatch(/^ROOT\/list\.txt: lists no image/)
  expect(await list(`${a}\n../secret\n`)).toMatch(/^ROOT\/list\.txt:2: '\.\.\/secret' names no image/)
  expect(await list(`${a}\n${a}\n`)).toMatch(/^ROOT\/list\.txt:2: .* is listed a second time, first in line 1/)
  expect(await list(`val/x/${a}\n`)).toMatch(/^ROOT\/list\.txt:1: .* is of the split 'val'/)
  expect(await list('aachen_000000_000019\n')).toMatch(/^ROOT\/list\.txt:1: aachen_000000_000019 is not in /)
  expect(await messageOf(dir, () => readSplitFile(join(dir, 'none.txt')))).toMatch(/^ROOT\/none\.txt: does not exist/)
  remove(dir)
})

test('statistics count what is there', async () => {
  const s = await splitStatistics(good, 'train')
  expect([s.images, ...s.image]).toEqual([8, ...size])
  expect(s.pixels.reduce((a, b) => a + b, 0)).toBe(8 * size[0] * size[1])
  expect(s.boxesPerImage.reduce((a, b) => a + b, 0)).toBe(8)
  for (const c of Object.values(s.classes)) for (const bins of [c.distance, c.heading, c.height, c.occlusion, c.truncation]) expect(bins.reduce((a, b) => a + b, 0)).toBe(c.boxes)
})
