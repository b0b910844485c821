// The reader on good data sets.
import { encode } from 'fast-png'
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodePng, readPng } from '../../src/runtime/data/cityscapes3d/png.ts'
import { openCityscapes3d } from '../../src/runtime/data/cityscapes3d/reader.ts'
import { Random } from '../../src/runtime/data/synth/random.ts'
import { copyOf, everything, remove, size, smallSet, temporaryFolder } from './support.ts'

let root = ''
beforeAll(() => { root = smallSet(6) }, 60_000)
afterAll(() => remove(root))

test('ids are sorted by name, samples are complete', async () => {
  const set = await openCityscapes3d(root, 'train', everything)
  expect(set.ids).toEqual(['rasterburg_000000_000019', 'rasterburg_000001_000019', 'synthville_000000_000019', 'synthville_000001_000019', 'texelheim_000000_000019', 'voxelstadt_000000_000019'])
  const sample = await set.load(2)
  expect([sample.id, sample.height, sample.width, sample.image.length, sample.labelIds!.length, sample.disparity!.length]).toEqual(['synthville_000000_000019', 64, 128, 64 * 128 * 3, 64 * 128, 64 * 128])
  expect(sample.disparity).toBeInstanceOf(Uint16Array)
  expect(sample.boxes!.length).toBeGreaterThan(0)
})

test('only what is needed is read', async () => {
  const copy = copyOf(root)
  for (const folder of ['gtBbox3d', 'disparity', 'camera']) rmSync(join(copy, folder), { recursive: true })
  const sample = await (await openCityscapes3d(copy, 'train', { ...everything, need: { labels: true, disparity: false, boxes: false } })).load(0)
  expect([sample.disparity, sample.camera, sample.boxes]).toEqual([undefined, undefined, undefined])
  remove(copy)
})

test('camera json and the sensor part of the box json give the same camera', async () => {
  const [a, b] = await Promise.all([{ disparity: true, boxes: false }, { disparity: false, boxes: true }].map(async need => (await (await openCityscapes3d(root, 'train', { ...everything, need: { labels: false, ...need } })).load(0)).camera!))
  expect(b).toEqual(a)
})

test('training drops images without a box of an evaluated class, evaluation keeps them', async () => {
  const copy = copyOf(root)
  const path = join(copy, 'gtBbox3d/train/texelheim/texelheim_000000_000019_gtBbox3d.json')
  const json = JSON.parse(readFileSync(path, 'utf8')) as { objects: { label: string }[] }
  for (const o of json.objects) o.label = 'caravan'
  writeFileSync(path, JSON.stringify(json))
  const required = await openCityscapes3d(copy, 'train', { ...everything, boxes: 'required' })
  expect([required.ids.length, required.dropped, required.ids.includes('texelheim_000000_000019')]).toEqual([5, 1, false])
  expect((await openCityscapes3d(copy, 'train', everything)).ids).toHaveLength(6)
  symlinkSync(join(copy, 'leftImg8bit/train'), join(copy, 'leftImg8bit/other'))
  symlinkSync(join(copy, 'gtBbox3d/train'), join(copy, 'gtBbox3d/other'))
  const other = await openCityscapes3d(copy, 'other', { image: size, need: { labels: false, disparity: false, boxes: true }, boxes: 'required' })
  expect([other.ids.length, other.dropped]).toEqual([6, 0])
  remove(copy)
})

test('a city folder may be a symbolic link', async () => {
  const linked = temporaryFolder()
  for (const folder of ['leftImg8bit', 'gtFine', 'disparity', 'camera', 'gtBbox3d']) symlinkSync(join(root, folder), join(linked, folder))
  expect((await openCityscapes3d(linked, 'train', everything)).ids).toHaveLength(6)
  remove(linked)
})

test.each(['gray8', 'gray16', 'rgb8'] as const)('%s PNG files of every filter and encoder come back sample by sample', async kind => {
  const folder = temporaryFolder()
  const [height, width] = [37, 53]
  const channels = kind === 'rgb8' ? 3 : 1
  const random = new Random(3)
  const samples = (kind === 'gray16' ? new Uint16Array(height * width * channels) : new Uint8Array(height * width * channels)).map((_: number, i: number) => (i % 7 < 3 ? random.next() * 65536 : i * 3))
  const path = join(folder, 'own.png')
  writeFileSync(path, encodePng(kind, height, width, samples))
  expect(await readPng(path, kind, height, width, '', '')).toEqual(samples)
  writeFileSync(path, encode({ width, height, channels, depth: kind === 'gray16' ? 16 : 8, data: samples }))
  expect(await readPng(path, kind, height, width, '', '')).toEqual(samples)
  if (kind !== 'gray16') {
    writeFileSync(path, await sharp(Buffer.from(samples), { raw: { width, height, channels } }).toColourspace(channels === 1 ? 'b-w' : 'srgb').png({ adaptiveFiltering: true }).toBuffer())
    expect(await readPng(path, kind, height, width, '', '')).toEqual(samples)
  }
  remove(folder)
})
