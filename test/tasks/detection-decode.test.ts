// Decoding equals the published code on three images (fixtures/detection), and survives outputs that no head should give.
import { describe, expect, it } from 'vitest'
import { amodalBox } from '../../src/runtime/projection.ts'
import { decodeDetections } from '../../src/runtime/tasks/detection3d/decode.ts'
import type { Detection } from '../../src/runtime/tasks/detection3d/detection.ts'
import { groundTruthDetections } from '../../src/runtime/tasks/detection3d/ground-truth.ts'
import { predictionFileName, predictionJson } from '../../src/runtime/tasks/detection3d/prediction-json.ts'
import { readSafetensors } from '../../src/runtime/weights/safetensors.ts'
import { toFloat32, toInt32 } from '../../src/runtime/weights/tensors.ts'
import { apart, config, goldenCamera, grids, outputsOf, plainCamera, readJson, sampleOf, size, somePoint, turned, type Point } from './detection-support.ts'

interface JsonObject { '2d': { amodal: number[]; modal: number[] }; '3d': { center: number[]; dimensions: number[]; rotation: number[] }; label: string; score: number }
const expectedObjects = (image: number): JsonObject[] => readJson<{ objects: JsonObject[] }>(`detection/pred/frankfurt_000000_00000${image + 1}_leftImg8bit.json`).objects

describe('the published outputs', () => {
  // The points that pass, and more that nearly do.
  const { tensors } = readSafetensors('test/fixtures/detection/decode.safetensors')
  const points = new Map<string, Point>()
  for (const [name, tensor] of tensors) {
    if (!name.startsWith('points/')) continue
    const at = toInt32(tensor)
    const values = toFloat32(tensors.get(name.replace('points', 'values'))!)
    at.forEach((p, i) => {
      const [cls, box, dir, ctr] = [[0, 6], [6, 19], [19, 25], [25, 26]].map(([from, to]) => Array.from({ length: to - from }, (_, c) => values[(from + c) * at.length + i]))
      points.set(`${name.slice('points/'.length)}/${p}`, { cls, box, dir, ctr: ctr[0] })
    })
  }
  const outputs = outputsOf((image, level, p) => points.get(`${image}/${level}/${p}`), 3)
  const decoded = [0, 1, 2].map(image => decodeDetections(outputs, image, config, goldenCamera(image), 'det', size))

  it.each([0, 1, 2])('give the published boxes of image %i, in order', image => {
    const expected = expectedObjects(image)
    expect(decoded[image].map(d => d.label)).toEqual(expected.map(e => e.label))
    decoded[image].forEach((d, i) => {
      const e = expected[i]
      expect(Math.abs(d.score - e.score)).toBeLessThan(1e-6)
      expect(apart(d.center, e['3d'].center)).toBeLessThan(1e-5)
      expect(apart(d.dimensions, e['3d'].dimensions)).toBeLessThan(1e-6)
      expect(turned(d.rotation, e['3d'].rotation)).toBeLessThan(1e-6)
      // Pixels: the published code holds them in float32, whose steps at 2048 are 2.4e-4, and projects boxes rounded to it.
      expect(apart(d.modal, e['2d'].modal)).toBeLessThan(1e-4 + 2.4e-4)
      expect(apart(d.amodal, e['2d'].amodal)).toBeLessThan(1e-4 + 5e-4)
      const [x, y, w, h] = e['2d'].amodal
      const reprojected = amodalBox(e['3d'].center as never, e['3d'].dimensions as never, e['3d'].rotation as never, goldenCamera(image), size.width, size.height)
      expect(apart(reprojected, [x, y, x + w, y + h])).toBeLessThan(1e-4)
    })
  })

  it('are written as the published files are', () => {
    const written = JSON.parse(predictionJson(decoded[0])) as { objects: JsonObject[] }
    const shape = (o: JsonObject): unknown => JSON.parse(JSON.stringify(o, (_, v: unknown) => typeof v === 'number' ? 0 : v))
    expect(written.objects.map(shape)).toEqual(expectedObjects(0).map(shape))
    expect(written.objects[3]['3d'].center).toEqual(decoded[0][3].center)
    expect(predictionFileName('frankfurt_000000_000001')).toBe('frankfurt_000000_000001_leftImg8bit.json')
    expect(JSON.parse(predictionJson([]))).toEqual({ objects: [] })
  })
})

type At = (level: number, point: number) => Point | undefined
const decode = (at: At, changes: Partial<typeof config> = {}, shapes: readonly (readonly [number, number])[] = grids): Detection[] =>
  decodeDetections(outputsOf((_, level, p) => at(level, p), 1, shapes), 0, { ...config, ...changes }, plainCamera, 'det', size)
/** Of one point only, in a small grid. */
const decodeOne = (point: Point): Detection[] => decode((level, p) => level === 0 && p === 3 ? point : undefined, {}, [[2, 4], [1, 2], [1, 1], [1, 1], [1, 1]])
/** Boxes so small and at such depths, one per row of points, that none covers the ground of another. */
const small = (p: number, cls: readonly number[] = somePoint.cls): Point => ({ ...somePoint, cls, box: [0, 0, 20 + Math.floor(p / 192), 0.01, 0.01, 0.01, 0, 0, 0, 1, 1, 1, 1] })
/** Some points of the first level. */
const sparse = (p: number): boolean => p % 9 === 0 && Math.floor(p / 192) % 9 === 0
const only = (point: Point) => (level: number, p: number): Point | undefined => level === 0 && p === 5000 ? point : undefined
const withBox = (channel: number, value: number): Point => ({ ...somePoint, box: somePoint.box.map((v, c) => c === channel ? value : v) })

describe('limits', () => {
  it('finds nothing where nothing passes', () => {
    expect(decode(() => undefined)).toEqual([])
    expect(decode(() => ({ ...somePoint, cls: [-9, -9, -9, -9, -9, -9] }))).toEqual([])
    expect(decode(only(somePoint), { score: 1 })).toEqual([])
  })

  it('takes a score only above the threshold, not at it', () => {
    const half = { ...somePoint, cls: [0, -99, -99, -99, -99, -99], ctr: 0 }
    expect(decode(only(half), { score: 0.25 })).toEqual([])
    expect(decode(only(half), { score: 0.2499999 }).map(d => d.score)).toEqual([0.25])
  })

  it('gives a point to every class that passes', () => {
    const found = decode(only({ ...somePoint, cls: [1, 2, -9, -9, -9, 3] }))
    expect(found.map(d => d.label)).toEqual(['car', 'truck', 'bicycle'])
    expect(new Set(found.map(d => d.center.join()))).toHaveLength(1)
  })

  it('keeps the best candidates of a level', () => {
    const found = decode((level, p) => level === 0 && sparse(p) ? small(p, [p / 18432, -9, -9, -9, -9, -9]) : undefined, { preNms: 10, nms: 1 })
    expect(found).toHaveLength(10)
    const all = Array.from({ length: 18432 }, (_, p) => p).filter(sparse).slice(-10).toReversed()
    found.forEach((d, i) => expect(d.score).toBeCloseTo(1 / (1 + Math.exp(-all[i] / 18432)) / (1 + Math.exp(-3)), 6))
  })

  it('of equal scores keeps the first, and ends', () => {
    const found = decode((level, p) => level < 2 || p === 0 ? small(0) : undefined, { preNms: 3, nms: 0.3, maxPerImage: 5 })
    expect(found).toHaveLength(5)
    expect(new Set(found.map(d => d.score)).size).toBe(1)
    // 5, 5 + 32 / 3 and 5 + 64 / 3 are the first points of the first level.
    const columns = found.slice(0, 3).map(d => (-d.center[1] / d.center[0]) * plainCamera.fx + plainCamera.u0)
    expect(apart(columns, [5, 5 + 32 / 3, 5 + 64 / 3])).toBeLessThan(1e-3)
  })

  it('sorts over the classes only where there are too many', () => {
    const many = (level: number, p: number): Point | undefined => level === 0 && sparse(p) ? small(p, [0, p / 4000, -9, -9, -9, -9]) : undefined
    const all = decode(many, { maxPerImage: 1000 })
    const best = decode(many, { maxPerImage: 100 })
    expect(all.length).toBeGreaterThan(400)
    expect(all.findLastIndex(d => d.label === 'car')).toBe(all.findIndex(d => d.label === 'truck') - 1)
    expect(best).toEqual([...all].sort((a, b) => b.score - a.score).slice(0, 100))
  })

  it('reads the asked image of the batch', () => {
    const outputs = outputsOf((image, level, p) => level === image && p === 100 ? somePoint : undefined, 3)
    const centres = [0, 1, 2].map(image => decodeDetections(outputs, image, config, plainCamera, 'det', size).map(d => d.center.join()))
    expect(centres.map(c => c.length)).toEqual([1, 1, 1])
    expect(new Set(centres.flat()).size).toBe(3)
    expect(() => decodeDetections(outputs, 3, config, plainCamera, 'det', size)).toThrow('internal: the output det/cls/0 is [3, 6, 96, 192], not [more than 3, 6, h, w]')
    expect(() => decodeDetections(outputs, 0, config, plainCamera, '3ddet', size)).toThrow('internal: the network has no output 3ddet/cls/0')
  })
})

describe('outputs that are no boxes', () => {
  const not = [NaN, Infinity, -Infinity]
  it('drops a point whose regression or directions are not finite', () => {
    for (const value of not) {
      for (let channel = 0; channel < 13; channel++) expect(decodeOne(withBox(channel, value))).toEqual([])
      expect(decodeOne({ ...somePoint, dir: [0, 1, 0, value, 1, 0] })).toEqual([])
    }
  })

  it('takes a score that is not a number for none', () => {
    expect(decode(only({ ...somePoint, cls: [NaN, NaN, NaN, NaN, NaN, NaN] }))).toEqual([])
    expect(decode(only({ ...somePoint, ctr: NaN }))).toEqual([])
    expect(decode(only({ ...somePoint, cls: [NaN, 3, NaN, NaN, NaN, NaN] })).map(d => d.label)).toEqual(['truck'])
  })

  it('ends where everything is not a number', () => {
    const nan = { cls: Array(6).fill(NaN), box: Array(13).fill(NaN), dir: Array(6).fill(NaN), ctr: NaN } as Point
    expect(decode(() => nan)).toEqual([])
    expect(decode(() => ({ ...nan, cls: somePoint.cls, ctr: 3 }))).toEqual([])
  })

  it('keeps the sound points among them', () => {
    const found = decode((level, p) => level > 0 ? undefined : p % 2 === 0 ? withBox(2, NaN) : p === 4001 ? somePoint : undefined)
    expect(found).toHaveLength(1)
  })

  it.each([['behind the camera', 2, -20], ['at the camera', 2, 0], ['without length', 3, 0], ['without width', 4, 0], ['of negative height', 5, -1]])('drops a box %s', (_, channel, value) => {
    expect(decodeOne(withBox(channel, value))).toEqual([])
  })

  it('keeps huge and minute boxes finite', () => {
    for (const value of [3e38, 1e20, 1e-20, 1e-38]) {
      for (const channel of [2, 3, 4, 5]) for (const d of decodeOne(withBox(channel, value))) expect([...d.center, ...d.dimensions, ...d.rotation, ...d.modal, ...d.amodal, d.score].every(Number.isFinite)).toBe(true)
    }
  })

  it('cuts the visible part at the borders of the image', () => {
    const [found] = decode((level, p) => level === 0 && p === 0 ? { ...somePoint, box: [...somePoint.box.slice(0, 9), 1e9, 1e9, 1e9, 1e9] } : undefined)
    expect(found.modal).toEqual([0, 0, 2048, 1024])
    const [outside] = decode((level, p) => level === 0 && p === 0 ? { ...somePoint, box: [...somePoint.box.slice(0, 9), 3, 3, -2, -2] } : undefined)
    expect(outside.modal).toEqual([0, 0, 0, 0])
  })
})

it('takes annotated boxes for sure detections', () => {
  const box = { center: [10, 0, 1], dimensions: [4, 2, 1.5], rotation: [1, 0, 0, 0], modal: [1, 2, 3, 4] } as const
  const sample = sampleOf([{ label: 'car', ...box }, { label: 'caravan', ...box }])
  expect(groundTruthDetections(sample, config.classes)).toEqual([{ label: 'car', score: 1, ...box, amodal: box.modal }])
  expect(groundTruthDetections({ ...sample, boxes: undefined }, config.classes)).toEqual([])
})

it('reads grids of another size', () => {
  const shapes = grids.map(([h, w]) => [Math.ceil(h / 4), Math.ceil(w / 4)] as const)
  const outputs = outputsOf((_, level, p) => level === 0 && p === 50 ? somePoint : undefined, 1, shapes)
  const [found] = decodeDetections(outputs, 0, config, plainCamera, 'det', { height: 256, width: 512 })
  // Column 2 of row 1.
  expect((-found.center[1] / found.center[0]) * plainCamera.fx + plainCamera.u0).toBeCloseTo(5 + (2 * 32) / 3, 3)
  expect((-found.center[2] / found.center[0]) * plainCamera.fy + plainCamera.v0).toBeCloseTo(5 + 32 / 3, 3)
})
