// Augmentation: what is done to the image is done to labels, disparity, camera and boxes, so that geometry still agrees.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { augmentationKinds, completeFields, dataKinds } from '../../src/compiler/semantics/kinds.ts'
import { toDataSpec } from '../../src/compiler/semantics/kinds-spec.ts'
import { float, list, string, type Value } from '../../src/compiler/semantics/values.ts'
import type { AugmentSpec, DataSpec, TaskSpec } from '../../src/compiler/tasks/spec.ts'
import { augment } from '../../src/runtime/data/augment/augment.ts'
import { jitterColours } from '../../src/runtime/data/augment/colour.ts'
import { flip } from '../../src/runtime/data/augment/flip.ts'
import { zoom } from '../../src/runtime/data/augment/zoom.ts'
import type { Box3d, Sample } from '../../src/runtime/data/dataset.ts'
import { openBatches, openImages, type Batch } from '../../src/runtime/data/prefetch.ts'
import { normalised, quaternionToMatrix, transform, type Quaternion, type Vec3 } from '../../src/runtime/geometry.ts'
import { amodalBox, pointToSensor, project } from '../../src/runtime/projection.ts'
import { disparityOf } from '../../src/runtime/tasks/depth.ts'
import { remove, size, smallSet } from './support.ts'

const [width, height] = [64, 32]
// A camera that is turned and shifted, so that no term is zero by chance.
const rotation = quaternionToMatrix(normalised([0.995, 0.02, 0.05, -0.06]))
const camera = { fx: 60, fy: 62, u0: 30.3, v0: 15.2, baseline: 0.22, sensorTIso8855: [[...rotation[0], -1.7], [...rotation[1], 0.1], [...rotation[2], -1.2]] }

function boxAt(center: Vec3, dimensions: Vec3, rotation: Quaternion): Box3d {
  const [x0, y0, x1, y1] = amodalBox(center, dimensions, rotation, camera, width, height)
  const box = [x0, y0, x1 - x0, y1 - y0] as const
  return { label: 'car', center, dimensions, rotation, modal: box, amodal: box, instanceId: 1, occlusion: 0, truncation: 0 }
}

const value = (i: number, most: number): number => (i * 2654435761 >>> 8) % most
const sample: Sample = {
  id: 'a', width, height, camera,
  image: Uint8Array.from({ length: width * height * 3 }, (_, i) => value(i, 256)),
  labelIds: Uint8Array.from({ length: width * height }, (_, i) => value(i, 34)),
  disparity: Uint16Array.from({ length: width * height }, (_, i) => (i % 7 === 0 ? 0 : 1 + value(i, 12_000))),
  boxes: [boxAt([14, 2, 0.7], [4.2, 1.8, 1.5], normalised([0.9, 0.02, -0.03, 0.4])), boxAt([25, -4, 0.9], [9, 2.5, 3], normalised([0.2, 0.01, 0.05, -0.98]))],
  ignores: [{ label: 'car', box: [3, 4, 10, 5] }],
}

const bothSigns = (q: Quaternion): string[] => [q, q.map(v => -v)].map(r => r.map(v => v.toFixed(9).replace('-0.000000000', '0.000000000')).join())

describe('flip', () => {
  const mirrored = flip(sample)
  it('done twice is the sample again', () => {
    const again = flip(mirrored)
    expect(again.image).toEqual(sample.image)
    expect(again.labelIds).toEqual(sample.labelIds)
    expect(again.disparity).toEqual(sample.disparity)
    expect(again.ignores).toEqual(sample.ignores)
    again.camera!.sensorTIso8855.forEach((row, i) => row.forEach((v, j) => expect(v).toBeCloseTo(camera.sensorTIso8855[i][j], 12)))
    expect(again.camera!.u0).toBeCloseTo(camera.u0, 12)
    again.boxes!.forEach((b, i) => {
      expect(b.center).toEqual(sample.boxes![i].center)
      expect(bothSigns(sample.boxes![i].rotation)).toContain(bothSigns(b.rotation)[0])
      b.modal.forEach((v, k) => expect(v).toBeCloseTo(sample.boxes![i].modal[k], 9))
    })
  })
  it('shows every box where the mirror shows it, heading the mirrored way', () => {
    mirrored.boxes!.forEach((b, i) => {
      const [x0, y0, x1, y1] = amodalBox(b.center, b.dimensions, b.rotation, mirrored.camera!, width, height)
      ;[x0, y0, x1 - x0, y1 - y0].forEach((v, k) => expect(v).toBeCloseTo(b.amodal[k], 9))
      const ahead = (box: Box3d): Vec3 => transform(quaternionToMatrix(box.rotation), [1, 0, 0])
      const [x, y, z] = ahead(sample.boxes![i])
      ahead(b).forEach((v, k) => expect(v).toBeCloseTo([x, -y, z][k], 9))
    })
  })
  it('takes each pixel with its labels', () => {
    expect([...mirrored.image.subarray(0, 3)]).toEqual([...sample.image.subarray(3 * (width - 1), 3 * width)])
    expect(mirrored.labelIds![width + 5]).toBe(sample.labelIds![width + width - 1 - 5])
    expect(mirrored.disparity![5]).toBe(sample.disparity![width - 1 - 5])
  })
})

describe('zoom', () => {
  it('of the whole image changes nothing', () => {
    const same = zoom(sample, { scale: 1, left: 0, top: 0 })
    expect(same.image).toEqual(sample.image)
    expect(same.labelIds).toEqual(sample.labelIds)
    expect(same.disparity).toEqual(sample.disparity)
    expect(same.camera).toEqual(camera)
    expect(same.boxes!.length).toBe(2)
  })
  it('keeps points of the world on their pixels, and their depth, whatever the window', () => {
    fc.assert(fc.property(fc.double({ min: 1, max: 3, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (scale, across, down) => {
      const window = { scale, left: across * (width - width / scale), top: down * (height - height / scale) }
      const seen = zoom(sample, window)
      const point: Vec3 = [20, 1, 0.5]
      const [u, v] = project(pointToSensor(point, camera.sensorTIso8855), camera)
      const [s, t] = project(pointToSensor(point, seen.camera!.sensorTIso8855), seen.camera!)
      // Pixel edges scale about the window's corner.
      expect((s + 0.5) / scale + window.left).toBeCloseTo(u + 0.5, 9)
      expect((t + 0.5) / scale + window.top).toBeCloseTo(v + 0.5, 9)
      for (const b of seen.boxes!) {
        const [x0, y0, x1, y1] = amodalBox(b.center, b.dimensions, b.rotation, seen.camera!, width, height)
        ;[x0, y0, x1 - x0, y1 - y0].forEach((edge, k) => expect(Math.abs(edge - b.amodal[k])).toBeLessThan(2.5 * scale))
      }
      for (let i = 0; i < 40; i++) {
        const [x, y] = [value(i, width), value(i + 99, height)]
        const [fromX, fromY] = [(x + 0.5) / scale + window.left - 0.5, (y + 0.5) / scale + window.top - 0.5].map((at, k) => Math.min([width, height][k] - 1, Math.max(0, Math.floor(at + 0.5))))
        const [before, after] = [sample.disparity![fromY * width + fromX], seen.disparity![y * width + x]]
        expect(seen.labelIds![y * width + x]).toBe(sample.labelIds![fromY * width + fromX])
        if (before === 0) expect(after).toBe(0)
        // Rounding to the 256th of a pixel is all that depth may lose.
        else if (before > 256) expect(Math.abs(disparityOf(after) / seen.camera!.fx * camera.fx - disparityOf(before))).toBeLessThanOrEqual(0.501 / 256 / scale)
      }
    }), { numRuns: 60 })
  })
  it('enlarges a gradient without a step, and lets what is outside go', () => {
    const ramp: Sample = { ...sample, image: Uint8Array.from({ length: width * height * 3 }, (_, i) => 3 * (Math.floor(i / 3) % width)) }
    const { image, boxes } = zoom(ramp, { scale: 2, left: 0, top: 0 })
    for (let x = 1; x < width - 1; x++) expect(Math.abs(image[3 * (width + x)] - 3 * ((x + 0.5) / 2 - 0.5))).toBeLessThanOrEqual(0.5)
    const [first] = sample.boxes!
    expect(boxes!.length).toBeLessThan(2)
    expect(zoom({ ...sample, boxes: [{ ...first, modal: [40, 20, 10, 8] }] }, { scale: 2, left: 0, top: 0 }).boxes).toEqual([])
  })
  it('calls a disparity beyond 16 bits unmeasured', () => {
    const { disparity } = zoom({ ...sample, disparity: new Uint16Array(width * height).fill(60_000) }, { scale: 2, left: 0, top: 0 })
    expect(new Set(disparity)).toEqual(new Set([0]))
  })
})

describe('colours', () => {
  const none = { brightness: 1, contrast: 1, saturation: 1 }
  it('stay with factors of one, and come back from halved brightness', () => {
    expect(jitterColours(sample.image, none)).toEqual(sample.image)
    const dark = Uint8Array.from({ length: 300 }, (_, i) => value(i, 120))
    const back = jitterColours(jitterColours(dark, { ...none, brightness: 2 }), { ...none, brightness: 0.5 })
    expect(back).toEqual(dark)
  })
  it('without saturation are grey, without contrast all the same', () => {
    const grey = jitterColours(sample.image, { ...none, saturation: 0 })
    for (let i = 0; i < 30; i += 3) expect(new Set(grey.subarray(i, i + 3)).size).toBe(1)
    expect(new Set(jitterColours(sample.image, { ...none, contrast: 0 })).size).toBe(1)
  })
})

describe('augment', () => {
  const specs: AugmentSpec[] = [{ kind: 'flip', chance: 0.5 }, { kind: 'scale_crop', from: 1, to: 1.5 }, { kind: 'color_jitter', brightness: 0.2, contrast: 0.2, saturation: 0.2 }]
  it('is a function of seed and place', () => {
    expect(augment(sample, specs, 7, 12)).toEqual(augment(sample, specs, 7, 12))
    expect(augment(sample, specs, 7, 12).image).not.toEqual(augment(sample, specs, 7, 13).image)
    expect(augment(sample, specs, 7, 12).image).not.toEqual(augment(sample, specs, 8, 12).image)
  })
  it('flips as often as it is asked to', () => {
    const flipped = Array.from({ length: 400 }, (_, place) => augment(sample, [{ kind: 'flip', chance: 0.25 }], 0, place)).filter(s => s.camera!.u0 !== camera.u0).length
    expect(flipped).toBeGreaterThan(70)
    expect(flipped).toBeLessThan(130)
    expect(augment(sample, [], 0, 3)).toBe(sample)
  })
})

describe('augment in the text', () => {
  const kind = (name: string, fields: Record<string, Value>): Value => ({ t: 'kind', group: 'augmentation', name, fields: completeFields(augmentationKinds[name], new Map(Object.entries(fields))).fields })
  const problems = (augment: Value): readonly string[] => completeFields(dataKinds.cityscapes3d, new Map([['augment', augment]])).problems.map(p => p.message)
  it('is nothing, or a list in which order counts', () => {
    const spec = (given: Record<string, Value>): DataSpec['augment'] => toDataSpec(completeFields(dataKinds.cityscapes3d, new Map(Object.entries(given))).fields).augment
    expect(spec({})).toBeUndefined()
    expect(spec({ augment: list([kind('scale_crop', { to: float(1.5) }), kind('flip', {}), kind('color_jitter', { brightness: float(0.2) })]) })).toEqual([
      { kind: 'scale_crop', from: 1, to: 1.5 }, { kind: 'flip', chance: 0.5 }, { kind: 'color_jitter', brightness: 0.2, contrast: 0, saturation: 0 },
    ])
  })
  it('is refused where it makes no sense', () => {
    expect(problems(string('flip'))).toEqual(['`augment`: expected a list of augmentations such as flip(), or none, found string "flip"'])
    expect(completeFields(augmentationKinds.scale_crop, new Map([['from', float(2)], ['to', float(1.5)]])).problems.map(p => p.message)).toEqual(['the scale goes from 2 to 1.5'])
    expect(completeFields(augmentationKinds.flip, new Map([['chance', float(1.5)]])).problems).toHaveLength(1)
    expect(completeFields(augmentationKinds.scale_crop, new Map([['from', float(0.5)], ['to', float(2)]])).problems).toHaveLength(1)
  })
})

describe('batches', () => {
  let root = ''
  beforeAll(() => { root = smallSet(3) }, 60_000)
  afterAll(() => remove(root))
  const tasks: TaskSpec[] = [{ name: 'depth', config: { kind: 'depth', quantity: 'depth', invalid: 0, max: 80, size }, weight: 1, predictions: {}, targets: {} }]
  const take = async (n: number, start: number, workers: number, augmented: boolean): Promise<Batch[]> => {
    const data: DataSpec = { kind: 'cityscapes3d', image: size, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2], boxes: 'optional', ...(augmented ? { augment: [{ kind: 'flip', chance: 0.5 }, { kind: 'scale_crop', from: 1, to: 1.4 }] } : {}) }
    const source = openBatches({ images: await openImages(root, 'train', data, tasks), batch: 2, seed: 7, start, workers })
    try { return await Array.from({ length: n }).reduce<Promise<Batch[]>>(async all => [...await all, await source.next()], Promise.resolve([])) } finally { await source.close() }
  }
  it('are the same with any number of threads and after a stop, and other ones each epoch', async () => {
    const whole = await take(6, 0, 0, true)
    expect(await take(3, 3, 2, true)).toEqual(whole.slice(3))
    // 3 images, batches of 2: batch 3 has the samples of batch 0 in another epoch.
    const plain = await take(6, 0, 0, false)
    expect(new Set(plain.flatMap(b => [0, 1].map(i => String(b.feeds.image.data.subarray(i * 3 * 64 * 128, i * 3 * 64 * 128 + 50))))).size).toBe(3)
    expect(new Set(whole.flatMap(b => [0, 1].map(i => String(b.feeds.image.data.subarray(i * 3 * 64 * 128, i * 3 * 64 * 128 + 50))))).size).toBe(12)
  })
})
