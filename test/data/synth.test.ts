// Synthetic scenes: image, labels, depth and boxes agree with one another; the same seed gives the same bytes.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { evaluatedClasses } from '../../src/runtime/data/cityscapes3d/boxes.ts'
import { openCityscapes3d } from '../../src/runtime/data/cityscapes3d/reader.ts'
import type { Sample } from '../../src/runtime/data/dataset.ts'
import { boxJson } from '../../src/runtime/data/synth/annotate.ts'
import { writeSynthetic } from '../../src/runtime/data/synth/index.ts'
import { label } from '../../src/runtime/data/synth/labels.ts'
import { generatorDigest, generatorVersion, namedSplits } from '../../src/runtime/data/synth/named.ts'
import { makeRig } from '../../src/runtime/data/synth/rig.ts'
import { makeScene } from '../../src/runtime/data/synth/scene.ts'
import { synthesise, synthId } from '../../src/runtime/data/synth/write.ts'
import { FileError } from '../../src/runtime/files.ts'
import { boxCorners, pointToSensor, projectedHull } from '../../src/runtime/projection.ts'
import { everything, remove, size, smallSet, temporaryFolder } from './support.ts'

let root = ''
let samples: Sample[] = []
beforeAll(async () => {
  root = smallSet(8)
  const set = await openCityscapes3d(root, 'train', everything)
  samples = await Promise.all(set.ids.map((_, i) => set.load(i)))
}, 60_000)
afterAll(() => remove(root))

const rendered = (sample: Sample) => {
  const index = Array.from({ length: 8 }, (_, i) => i).find(i => synthId('train', i) === sample.id)!
  return synthesise({ split: 'train', index, size, seed: 5 })
}

test('what is read is what was rendered', () => {
  for (const sample of samples) {
    const { rendered: r, rig } = rendered(sample)
    expect(sample.image).toEqual(r.image)
    expect(sample.labelIds).toEqual(r.labelIds)
    expect(sample.disparity).toEqual(r.disparity)
    expect(sample.camera).toEqual(rig.camera)
  }
})

test('disparity is the rendered depth to rounding, and missing at the sky', () => {
  let measured = 0
  let worst = 0
  for (const sample of samples) {
    const { inverseDepth } = rendered(sample).rendered
    const { baseline, fx } = sample.camera!
    sample.disparity!.forEach((p, i) => {
      if (p === 0) return
      measured++
      worst = Math.max(worst, Math.abs((p - 1) / 256 - baseline * fx * inverseDepth[i]))
    })
    const none = sample.disparity!.filter((_, i) => sample.labelIds![i] === label.sky || sample.labelIds![i] === label.ego)
    expect(none.every(p => p === 0)).toBe(true)
  }
  expect(worst).toBeLessThanOrEqual(0.5 / 256 + 1e-9)
  expect(measured / (samples.length * size[0] * size[1])).toBeGreaterThan(0.5)
})

test('instances lie inside their projected boxes, modal boxes are their hulls, amodal boxes enclose them', () => {
  let boxes = 0
  for (const sample of samples) {
    const { instanceIds } = rendered(sample).rendered
    for (const box of sample.boxes!) {
      boxes++
      const camera = sample.camera!
      const hull = projectedHull(boxCorners(box.center, box.dimensions, box.rotation).map(p => pointToSensor(p, camera.sensorTIso8855)), camera)!
      let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity]
      instanceIds.forEach((id, i) => {
        if (id !== box.instanceId) return
        const [x, y] = [i % size[1], Math.floor(i / size[1])]
        if (sample.labelIds![i] !== label[box.label as keyof typeof label]) throw new Error(`label ${sample.labelIds![i]} in a ${box.label}`)
        x0 = Math.min(x0, x)
        x1 = Math.max(x1, x)
        y0 = Math.min(y0, y)
        y1 = Math.max(y1, y)
      })
      expect(x0).toBeGreaterThanOrEqual(hull[0] - 1e-6)
      expect(y0).toBeGreaterThanOrEqual(hull[1] - 1e-6)
      expect(x1).toBeLessThanOrEqual(hull[2] + 1e-6)
      expect(y1).toBeLessThanOrEqual(hull[3] + 1e-6)
      expect(box.modal).toEqual([x0, y0, x1 - x0, y1 - y0])
      expect(box.amodal[0]).toBeLessThanOrEqual(x0)
      expect(box.amodal[1]).toBeLessThanOrEqual(y0)
      expect(box.amodal[0] + box.amodal[2] + 1).toBeGreaterThanOrEqual(x1)
      expect(box.amodal[1] + box.amodal[3] + 1).toBeGreaterThanOrEqual(y1)
      for (const share of [box.occlusion, box.truncation]) expect(share * 10).toBeCloseTo(Math.round(share * 10), 9)
    }
  }
  expect(boxes).toBeGreaterThan(20)
})

test('every surface of a vehicle lies inside its box and reaches its six faces', () => {
  const reached = new Map<string, number>()
  for (let index = 0; index < 40; index++) {
    const { scene, rig } = synthesise({ split: 'train', index, size: [32, 64], seed: 9 })
    for (const v of scene.vehicles) {
      const corners = boxCorners(v.center, v.size, v.rotation).map(p => pointToSensor(p, rig.camera.sensorTIso8855))
      // Corner 1 is back right bottom; 2, 0 and 5 are its neighbours along length, width and height.
      const axes = [2, 0, 5].map((n, k) => corners[n].map((c, i) => (c - corners[1][i]) / v.size[k] ** 2))
      for (const p of scene.primitives) {
        if (p.instance !== v.instance || p.kind !== 'polygon') continue
        for (let i = 0; i < p.points.length; i += 3) {
          const local = axes.map(a => a[0] * (p.points[i] - corners[1][0]) + a[1] * (p.points[i + 1] - corners[1][1]) + a[2] * (p.points[i + 2] - corners[1][2]))
          local.forEach((c, k) => {
            for (const [face, distance] of [[0, c], [1, 1 - c]]) {
              const key = `${v.class} ${k} ${face}`
              reached.set(key, Math.min(reached.get(key) ?? Infinity, distance * v.size[k]))
            }
          })
        }
      }
    }
  }
  expect(reached.size).toBe(36)
  for (const [face, distance] of reached) {
    expect(distance, face).toBeLessThan(0.001)
    expect(distance, face).toBeGreaterThan(-1e-6)
  }
})

test('over 200 scenes all classes appear near and far, and nearly every scene has a box', () => {
  const counts = new Map<string, number>()
  const labels = new Set<number>()
  const distances: number[] = []
  let without = 0
  for (let index = 0; index < 200; index++) {
    const { scene, rig, rendered: r } = synthesise({ split: 'train', index, size: [48, 96], seed: 1 })
    const { objects } = boxJson(scene, r, rig.camera, 48, 96) as { objects: { label: string; '3d': { center: number[] } }[] }
    if (objects.length === 0) without++
    for (const o of objects) {
      counts.set(o.label, (counts.get(o.label) ?? 0) + 1)
      distances.push(Math.hypot(o['3d'].center[0], o['3d'].center[1]))
    }
    for (const id of r.labelIds) labels.add(id)
  }
  for (const name of evaluatedClasses) expect(counts.get(name) ?? 0, name).toBeGreaterThan(15)
  expect(without).toBeGreaterThan(0)
  expect(without).toBeLessThan(20)
  const share = (from: number, to: number): number => distances.filter(d => d >= from && d < to).length / distances.length
  for (const [from, to] of [[0, 15], [15, 30], [30, 60], [60, 140]]) expect(share(from, to), `${from} to ${to} m`).toBeGreaterThan(0.08)
  for (const id of [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]) expect(labels.has(id), `label ${id}`).toBe(true)
  for (const id of labels) expect(id).toBeLessThanOrEqual(33)
})

const digest = (folder: string): Record<string, string> => Object.fromEntries((readdirSync(folder, { recursive: true, withFileTypes: true }))
  .filter(e => e.isFile()).map(e => join(e.parentPath, e.name)).sort().map(p => [p.slice(folder.length), createHash('sha256').update(readFileSync(p)).digest('hex')]))

test('same seed, same bytes, whatever the number of workers; another seed, other scenes', async () => {
  const folders = [0, 1, 2].map(temporaryFolder)
  const options = { train: 3, val: 2, size: [32, 64] as const }
  const progress: number[] = []
  await writeSynthetic(folders[0], { ...options, seed: 11, workers: 0 })
  await writeSynthetic(folders[1], { ...options, seed: 11, workers: 2 }, done => progress.push(done))
  await writeSynthetic(folders[2], { ...options, seed: 12, workers: 1 })
  const [a, b, c] = folders.map(digest)
  expect(Object.keys(a)).toHaveLength(31)
  expect(b).toEqual(a)
  expect(Object.keys(c)).toEqual(Object.keys(a))
  for (const name of Object.keys(a).filter(n => n.includes('leftImg8bit'))) expect(c[name]).not.toBe(a[name])
  expect(progress).toEqual([1, 2, 3, 4, 5])
  folders.forEach(remove)
})

test.each([0, 1])('where nothing can be written the message says why (%i workers)', async workers => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'file'), '')
  const error = await writeSynthetic(join(folder, 'file'), { train: 2, val: 0, size: [32, 64], seed: 1, workers }).then(() => undefined, (e: Error) => e)
  expect(error).toBeInstanceOf(FileError)
  expect(error!.message.replaceAll(folder, 'ROOT')).toMatch(/^ROOT\/file\/gtFine\/train\/(rasterburg|synthville)\/\w+_gtFine_labelIds\.png: cannot be written: a part of the path is a file, not a folder$/)
  remove(folder)
})

test('odd sizes render too', () => {
  for (const odd of [[96, 192], [50, 111], [192, 384]] as const) {
    const { rendered: r } = synthesise({ split: 'val', index: 1, size: odd, seed: 2 })
    expect(r.image).toHaveLength(3 * odd[0] * odd[1])
    expect(new Set(r.labelIds).size).toBeGreaterThan(5)
  }
})

test('synth-v1 is what it was when it got its name', () => {
  const { seed, digest, generator, train, val } = namedSplits['synth-v1']
  expect([train, val, generator]).toEqual([1000, 200, generatorVersion])
  expect(generatorDigest(seed), 'the generator draws other scenes: results on synth-v1 would no longer compare; give the new scenes a new name and version').toBe(digest)
})

test('a scene does not depend on the size of the image', () => {
  const layout = (height: number): unknown => {
    const { camera, hood } = makeRig(20, 3, height, 2 * height)
    const { primitives, vehicles, shadows } = makeScene(77, camera.sensorTIso8855)
    return { hood, primitives, vehicles, shadows, lens: [camera.fx, camera.fy, camera.u0].map(v => (v / height).toFixed(5)) }
  }
  expect(layout(256)).toEqual(layout(1024))
})
