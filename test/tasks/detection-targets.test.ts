// Target assignment equals the published code on three annotated images (fixtures/detection).
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Detection3dConfig } from '../../src/compiler/tasks/spec.ts'
import type { Box3d, Sample } from '../../src/runtime/data/dataset.ts'
import { assign, levelsOf, pointAt } from '../../src/runtime/tasks/detection3d/assign.ts'
import { parseBoxes } from '../../src/runtime/tasks/detection3d/parse.ts'
import { directionBin, rotationCodecs } from '../../src/runtime/tasks/detection3d/rotation.ts'
import { readSafetensors } from '../../src/runtime/weights/safetensors.ts'
import { toFloat32, toInt32 } from '../../src/runtime/weights/tensors.ts'

const { tensors } = readSafetensors('test/fixtures/detection/targets.safetensors')
const floats = (name: string): Float32Array => toFloat32(tensors.get(name)!)
const ints = (name: string): number[] => [...toInt32(tensors.get(name)!)]

export const publishedConfig: Detection3dConfig = {
  kind: 'detection3d', classes: ['car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle'], strides: [8, 16, 32, 32, 64], resize: 0.75,
  ranges: [[-1, 96], [96, 192], [192, 384], [384, 768], [768, 1e8]], radius: 1.5, centernessAlpha: 2.5, rotation: 'published', score: 0.05, nms: 0.3, preNms: 1000, maxPerImage: 200,
}
const grids = [[96, 192], [48, 96], [24, 48], [24, 48], [12, 24]] as const

interface JsonBox { '2d': { modal: Box3d['modal']; amodal: Box3d['amodal'] }; '3d': { center: Box3d['center']; dimensions: Box3d['dimensions']; rotation: Box3d['rotation'] }; label: string; instanceId: number; occlusion: number; truncation: number }

function sample(index: number): Sample {
  const json = JSON.parse(readFileSync(`test/fixtures/detection/gt/frankfurt/frankfurt_000000_00000${index + 1}_gtBbox3d.json`, 'utf8'))
  const boxes = (json.objects as JsonBox[]).map(o => ({ label: o.label, ...o['3d'], ...o['2d'], instanceId: o.instanceId, occlusion: o.occlusion, truncation: o.truncation }))
  const { fx, fy, u0, v0, baseline, sensor_T_ISO_8855 } = json.sensor
  return { id: `image ${index}`, height: 1024, width: 2048, image: new Uint8Array(), labelIds: undefined, disparity: undefined, camera: { fx, fy, u0, v0, baseline, sensorTIso8855: sensor_T_ISO_8855 }, boxes }
}

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, relative: number): number => {
  expect(actual.length).toBe(expected.length)
  const scale = Math.max(1, ...Array.from(expected, Math.abs))
  return Math.max(0, ...Array.from(expected, (e, i) => Math.abs(actual[i] - e) / scale)) / relative
}

describe('annotated boxes in the sensor frame', () => {
  it.each([0, 1, 2])('image %i', index => {
    const boxes = parseBoxes(sample(index), publishedConfig.classes, 'published')
    expect(boxes.map(b => b.label)).toEqual(ints(`parsed/${index}/label`))
    for (const [key, name] of [['center', 'center_S'], ['projected', 'center_I'], ['size', 'size_S'], ['angles', 'rotation_S'], ['modal', 'bbox_modal']] as const) {
      expect(close(boxes.flatMap(b => [...b[key]]), floats(`parsed/${index}/${name}`), 1e-6), name).toBeLessThan(1)
    }
  })
})

describe('assignment', () => {
  const levels = levelsOf(publishedConfig, grids)
  const assigned = [0, 1, 2].map(i => assign(parseBoxes(sample(i), publishedConfig.classes, 'published'), levels, publishedConfig))

  it('lays the points of every level', () => {
    levels.forEach((level, i) => {
      const last = [pointAt(level.width - 1, level.stride), pointAt(level.height - 1, level.stride)]
      expect(close([pointAt(0, level.stride), pointAt(0, level.stride), ...last], floats(`points/${i}/first_last`), 1e-7)).toBeLessThan(1)
    })
  })

  it.each([0, 1, 2, 3, 4])('finds the positives of level %i with their targets', level => {
    const begin = grids.slice(0, level).reduce((n, [h, w]) => n + h * w, 0)
    const size = grids[level][0] * grids[level][1]
    const positives = assigned.flatMap((a, image) => Array.from(a.label.subarray(begin, begin + size), (label, i) => ({ image, i, label, at: begin + i })).filter(p => p.label < 6))
    expect(positives.map(p => p.image * size + p.i)).toEqual(ints(`target/${level}/pos_index`))
    expect(positives.map(p => p.label)).toEqual(ints(`target/${level}/label`))
    expect(close(positives.flatMap(p => [...assigned[p.image].box.subarray(p.at * 13, p.at * 13 + 13)]), floats(`target/${level}/bbox`), 1e-6)).toBeLessThan(1)
    expect(close(positives.map(p => assigned[p.image].centerness[p.at]), floats(`target/${level}/centerness`), 1e-5)).toBeLessThan(1)
  })
})

describe('rotation encodings', () => {
  const direction = JSON.parse(readFileSync('test/fixtures/detection/direction.json', 'utf8'))
  it('cuts direction bins where the published code does', () => {
    expect(direction.angle.map((a: number) => directionBin(a, 0))).toEqual(direction['offset=0,limit_offset=0'])
    expect(direction.angle.map((a: number) => directionBin(a, 0.7854))).toEqual(direction['offset=0.7854,limit_offset=0'])
  })

  it.each(['published', 'corrected'] as const)('%s: decode inverts encode for random orientations', name => {
    const codec = rotationCodecs[name]
    let seed = 1
    const random = (): number => { seed = (Math.imul(seed, 1103515245) + 12345) >>> 0; return seed / 2 ** 32 - 0.5 }
    for (let i = 0; i < 200; i++) {
      const q = [random(), random(), random(), random()] as const
      const n = Math.hypot(...q)
      const center = [20 * random(), random(), 5 + 50 * (random() + 0.5)] as const
      const back = codec.decode(codec.encode([q[0] / n, q[1] / n, q[2] / n, q[3] / n], center), center)
      expect(Math.abs(back.reduce((s, v, k) => s + (v * q[k]) / n, 0))).toBeCloseTo(1, 9)
    }
  })

  it('corrected: pitch and roll of road vehicles never change their bin', () => {
    const { encode, directionOffset } = rotationCodecs.corrected
    for (let yaw = -3.1; yaw < 3.1; yaw += 0.1) {
      const [, b, c] = encode([Math.cos(yaw / 2), 0.02, Math.sin(yaw / 2), -0.02], [3, 1, 20])
      expect([directionBin(b, directionOffset), directionBin(c, directionOffset)]).toEqual([1, 1])
    }
  })
})
