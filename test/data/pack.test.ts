// Packs: the batches of the data set to the bit, and refused whenever they would not be.
import { createHash } from 'node:crypto'
import { cpSync, readFileSync, readdirSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TensorData } from '../../src/compiler/ir/types.ts'
import type { DataSpec, TaskSpec } from '../../src/compiler/tasks/spec.ts'
import { pathOf } from '../../src/runtime/data/cityscapes3d/layout.ts'
import { readSplitFile } from '../../src/runtime/data/cityscapes3d/split-file.ts'
import { DataError } from '../../src/runtime/data/dataset.ts'
import { codecVersion, decodeRecord, encodeRecord, slotsOf } from '../../src/runtime/data/pack/codec.ts'
import { packFile, sealed } from '../../src/runtime/data/pack/manifest.ts'
import type { Manifest } from '../../src/runtime/data/pack/manifest.ts'
import { writePack } from '../../src/runtime/data/pack/write.ts'
import { openBatches, openImages } from '../../src/runtime/data/prefetch.ts'
import type { Batch } from '../../src/runtime/data/prefetch.ts'
import { encodeSample } from '../../src/runtime/tasks/encode.ts'
import { Random } from '../../src/runtime/data/synth/random.ts'
import { openCityscapes3d } from '../../src/runtime/data/cityscapes3d/reader.ts'
import { everything, messageOf, remove, size, smallSet, temporaryFolder } from './support.ts'

const data: DataSpec = { kind: 'cityscapes3d', image: size, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], boxes: 'required' }
const grids = [[8, 16], [4, 8]] as const
const semseg: TaskSpec = { name: 'semseg', config: { kind: 'segmentation', classes: ['road', 'car', 'sky'], ignore: 255, size }, weight: 1, predictions: {}, targets: {} }
const depth: TaskSpec = { name: 'depth', config: { kind: 'depth', quantity: 'depth', invalid: 0, max: 80, size: [32, 64] }, weight: 1, predictions: {}, targets: {} }
const det: TaskSpec = {
  name: '3ddet', weight: 1, targets: {}, predictions: Object.fromEntries(grids.map((g, i) => [`cls/${i}`, { dtype: 'float32', shape: [2, 2, ...g] }])),
  config: { kind: 'detection3d', classes: ['car', 'truck'], strides: [8, 16], resize: 1, ranges: [[-1, 24], [24, 1e8]], radius: 1.5, centernessAlpha: 2.5, rotation: 'corrected', score: 0.05, nms: 0.3, preNms: 100, maxPerImage: 50 },
}
const tasks = [semseg, depth, det]

let root = ''
let pack = ''
beforeAll(async () => {
  root = smallSet(7, 6)
  pack = temporaryFolder()
  await writePack(root, pack, { data, tasks, splits: ['train'], shardBytes: 60_000 })
}, 60_000)
afterAll(() => { remove(root); remove(pack) })

async function take(from: string, n: number, wanted: readonly TaskSpec[] = tasks, workers = 0, options: DataSpec = data): Promise<Batch[]> {
  const source = openBatches({ images: await openImages(from, 'train', options, wanted), batch: 2, seed: 7, workers })
  try {
    const batches: Batch[] = []
    for (let i = 0; i < n; i++) batches.push(await source.next())
    return batches
  } finally { await source.close() }
}
/** A copy of the pack, changed. */
async function refused(spoil: (dir: string) => void, how: { tasks?: readonly TaskSpec[]; data?: DataSpec; split?: string; only?: string } = {}): Promise<string> {
  const dir = temporaryFolder()
  cpSync(pack, dir, { recursive: true })
  spoil(dir)
  let kind: unknown
  const message = await messageOf(dir, async () => {
    try {
      const images = await openImages(dir, how.split ?? 'train', how.data ?? data, how.tasks ?? tasks, how.only === undefined ? undefined : readSplitFile(how.only))
      const source = openBatches({ images, batch: images.ids.length, seed: 1, workers: 0 })
      await source.next()
    } catch (error) { kind = error; throw error }
  })
  remove(dir)
  expect(kind).toBeInstanceOf(DataError)
  return message.replaceAll(root, 'DATA')
}
const change = (edit: (m: Record<string, any>) => void, seal = false) => (dir: string): void => {
  const { digest, ...manifest } = JSON.parse(readFileSync(join(dir, packFile), 'utf8')) as Manifest
  edit(manifest)
  writeFileSync(join(dir, packFile), JSON.stringify(seal ? sealed(manifest) : { ...manifest, digest }))
}

test('batches of a pack are those of the data set, to the bit, in threads and without', async () => {
  const plain = await take(root, 5)
  expect(readdirSync(pack).filter(n => n.endsWith('.bin')).length).toBeGreaterThan(2)
  expect(await take(pack, 5)).toEqual(plain)
  expect(await take(pack, 5, tasks, 2)).toEqual(plain)
  const bits = (batches: readonly Batch[]): string[] => batches.flatMap(b => Object.values(b.feeds).map(t => createHash('sha256').update(new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength)).digest('hex')))
  expect(bits(await take(pack, 5))).toEqual(bits(plain))
})

test('a model with fewer of the tasks reads the same pack, with the images that it would have had', async () => {
  expect(await take(pack, 4, [depth])).toEqual(await take(root, 4, [depth]))
  expect(await take(pack, 4, [semseg, det])).toEqual(await take(root, 4, [semseg, det]))
})

test('weights, thresholds and limits of the evaluation do not make a pack stale', async () => {
  const other = { ...det, weight: 3, config: { ...det.config, nms: 0.5, score: 0.2, maxPerImage: 9 } } as TaskSpec
  expect(await take(pack, 1, [semseg, { ...depth, weight: 2, config: { ...depth.config, max: 40 } } as TaskSpec, other])).toEqual(await take(root, 1))
})

test('a list chooses images of a pack as it does of a data set', async () => {
  const file = join(temporaryFolder(), 'half.txt')
  const { ids } = await openImages(root, 'train', { ...data, boxes: 'optional' }, tasks)
  writeFileSync(file, `# three of them\n${ids[4]}\n\ntrain/x/${ids[1]}_leftImg8bit.png\n${ids[2]}\n`)
  const only = readSplitFile(file)
  for (const from of [root, pack]) expect((await openImages(from, 'train', { ...data, boxes: 'optional' }, tasks, only)).ids).toEqual([ids[1], ids[2], ids[4]])
  const half = temporaryFolder()
  await writePack(root, half, { data, tasks, splits: ['train'], only })
  expect((await openImages(half, 'train', { ...data, boxes: 'optional' }, tasks)).ids).toEqual([ids[1], ids[2], ids[4]])
  expect(await messageOf(half, () => openImages(half, 'train', data, tasks, readSplitFile(join(writeList(`${ids[0]}\n`), 'list.txt'))))).toMatch(/list\.txt:1: .* is not in ROOT\/pack\.json/)
  remove(half)
})
function writeList(text: string): string {
  const dir = temporaryFolder()
  writeFileSync(join(dir, 'list.txt'), text)
  return dir
}

test('a pack that was moved away from its data set still works', async () => {
  const moved = temporaryFolder()
  const copy = temporaryFolder()
  cpSync(root, moved, { recursive: true, preserveTimestamps: true })
  await writePack(moved, copy, { data, tasks, splits: ['train'] })
  remove(moved)
  expect(await take(copy, 3)).toEqual(await take(root, 3))
  remove(copy)
})

const cases: Record<string, () => Promise<string>> = {
  'another image size': () => refused(() => undefined, { data: { ...data, image: [128, 256] } }),
  'another normalisation': () => refused(() => undefined, { data: { ...data, mean: [0, 0, 0] } }),
  'other classes': () => refused(() => undefined, { tasks: [{ ...semseg, config: { ...semseg.config, classes: ['road', 'sky'] } } as TaskSpec] }),
  'another radius': () => refused(() => undefined, { tasks: [{ ...det, config: { ...det.config, radius: 2 } } as TaskSpec] }),
  'another grid': () => refused(() => undefined, { tasks: [{ ...det, predictions: { ...det.predictions, 'cls/1': { dtype: 'float32', shape: [2, 2, 2, 4] } } }] }),
  'a task that was not packed': () => refused(() => undefined, { tasks: [{ ...semseg, name: 'parts' }] }),
  'a split that was not packed': () => refused(() => undefined, { split: 'val' }),
  'another version': () => refused(change(m => { m.codec = codecVersion + 1 }, true)),
  'another format': () => refused(change(m => { m.format = 'mtlc' }, true)),
  'half a manifest': () => refused(dir => truncateSync(join(dir, packFile), 300)),
  'an altered manifest': () => refused(change(m => { m.splits.train.entries[0].offset = 8 })),
  'an altered manifest with a new digest': () => refused(change(m => { m.splits.train.entries[0].offset = 8 }, true)),
  'other shapes': () => refused(change(m => { m.layout[0].shape[1] *= 2 }, true)),
  'a missing file': () => refused(dir => rmSync(join(dir, 'train-00001.bin'))),
  'a truncated file': () => refused(dir => truncateSync(join(dir, 'train-00000.bin'), 1000)),
  'altered bytes': () => refused(dir => {
    const path = join(dir, 'train-00000.bin')
    const bytes = readFileSync(path)
    bytes[5000] ^= 1
    writeFileSync(path, bytes)
  }),
}
test.each(Object.keys(cases))('refused: %s', async name => { expect(await cases[name]()).toMatchSnapshot() })

test('refused once a file of the data set has changed, is gone, or a new image is there', async () => {
  const id = (await openImages(root, 'train', data, tasks)).ids[0]
  const labels = pathOf(root, 'train', id, 'labels')
  utimesSync(labels, 1, 1)
  expect(await messageOf(pack, () => openImages(pack, 'train', data, tasks))).toMatch(/^ROOT\/pack\.json: the files of \w+ in .* have changed since/)
  const other = temporaryFolder()
  await writePack(root, other, { data, tasks, splits: ['train'] })
  renameSync(labels, `${labels}.gone`)
  expect(await messageOf(other, () => openImages(other, 'train', data, tasks))).toMatch(/have changed since/)
  renameSync(`${labels}.gone`, labels)
  utimesSync(labels, 1, 1)
  await openImages(other, 'train', data, tasks)
  const image = pathOf(root, 'train', id, 'image')
  const extra = image.replace('_000019_', '_000020_')
  cpSync(image, extra)
  expect(await messageOf(other, () => openImages(other, 'train', data, tasks))).toMatch(/lacks 1 image that .* has now, such as \w+_000020/)
  rmSync(extra)
  remove(other)
})

test('a folder with other files in it is left alone; a broken data set leaves no manifest', async () => {
  const foreign = temporaryFolder()
  writeFileSync(join(foreign, 'notes.txt'), 'mine')
  expect(await messageOf(foreign, () => writePack(root, foreign, { data, tasks, splits: ['train'] }))).toMatch(/^ROOT: holds notes\.txt\n/)
  expect(readdirSync(foreign)).toEqual(['notes.txt'])
  const broken = temporaryFolder()
  const out = temporaryFolder()
  cpSync(root, broken, { recursive: true })
  const { ids } = await openImages(broken, 'train', data, tasks)
  truncateSync(pathOf(broken, 'train', ids.at(-1)!, 'disparity'), 100)
  expect(await messageOf(broken, () => writePack(broken, out, { data, tasks, splits: ['train'] }))).toMatch(/^ROOT\/disparity\/.*is damaged or truncated/)
  expect(readdirSync(out)).not.toContain(packFile)
  for (const dir of [foreign, broken, out]) remove(dir)
})

test('every coding is exact, and garbage is refused', () => {
  const random = new Random(1)
  const tensor = (n: number, values: number, dtype: 'float32' | 'int32' = 'float32'): TensorData => ({ dtype, shape: [n], data: (dtype === 'float32' ? new Float32Array(n) : new Int32Array(n)).map(() => (random.below(values) - 3) * 0.37) as Float32Array })
  const feeds: Record<string, TensorData> = {
    few: tensor(1001, 5), many: tensor(3001, 2500), most: tensor(70_000, 1 << 30), one: { dtype: 'float32', shape: [], data: Float32Array.of(-0) }, labels: tensor(513, 19, 'int32'),
    odd: { dtype: 'float32', shape: [4], data: Float32Array.of(NaN, Infinity, -Infinity, 1e-45) }, image: { dtype: 'float32', shape: [3, 5, 7], data: Float32Array.from({ length: 105 }, () => random.next()) },
  }
  const layout = slotsOf(feeds)
  const bytes = encodeRecord(feeds, layout)
  const decoded: Record<string, Uint8Array> = {}
  decodeRecord(bytes, layout, slot => {
    const { data: d } = feeds[slot.name]
    const out = slot.dtype === 'float32' ? new Float32Array(d.length) : new Int32Array(d.length)
    decoded[slot.name] = new Uint8Array(out.buffer)
    return out
  })
  for (const [name, t] of Object.entries(feeds)) expect(decoded[name], name).toEqual(new Uint8Array(t.data.buffer))
  for (const bad of [bytes.slice(0, -8), bytes.slice(0, 100), new Uint8Array(bytes.length).fill(255), Uint8Array.from([...bytes, ...new Uint8Array(8)])]) expect(() => decodeRecord(bad, layout, () => undefined)).toThrow(RangeError)
})

test('what a sample is encoded to is what this version of the codec stands for', async () => {
  const set = await openCityscapes3d(root, 'train', everything)
  const hash = createHash('sha256')
  for (const i of [0, 3]) {
    const feeds = encodeSample(await set.load(i), data, tasks)
    hash.update(encodeRecord(feeds, slotsOf(feeds)))
  }
  expect({ codecVersion, digest: hash.digest('hex') }, 'the encoders or the codings have changed: raise codecVersion, so that older packs are refused, and update this snapshot').toMatchSnapshot()
})
