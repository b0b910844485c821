// Boxes -> targets -> outputs of a perfect network -> the same boxes, for both encodings of the rotation.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Detection3dConfig } from '../../src/compiler/tasks/spec.ts'
import type { Box3d, Camera } from '../../src/runtime/data/dataset.ts'
import { matrixToQuaternion, quaternionProduct, quaternionToMatrix, sensorToVehicle, vehicleToSensor, type Quaternion, type Vec3 } from '../../src/runtime/geometry.ts'
import { amodalBox } from '../../src/runtime/projection.ts'
import { assign, levelsOf } from '../../src/runtime/tasks/detection3d/assign.ts'
import { rotatedIou, rectangle } from '../../src/runtime/tasks/detection3d/bev.ts'
import { decodeDetections } from '../../src/runtime/tasks/detection3d/decode.ts'
import type { Detection } from '../../src/runtime/tasks/detection3d/detection.ts'
import { parseBoxes } from '../../src/runtime/tasks/detection3d/parse.ts'
import { angleFrom, directionBin, limit, rotationCodecs } from '../../src/runtime/tasks/detection3d/rotation.ts'
import { apart, config, goldenCamera, grids, outputsOf, plainCamera, sampleOf, size, turned, type Point } from './detection-support.ts'

fc.configureGlobal({ seed: 30 })

type Box = Pick<Box3d, 'label' | 'center' | 'dimensions' | 'rotation' | 'modal'>
const names = ['published', 'corrected'] as const
const camera = goldenCamera(0)
const turn = (axis: Vec3, angle: number): Quaternion => [Math.cos(angle / 2), axis[0] * Math.sin(angle / 2), axis[1] * Math.sin(angle / 2), axis[2] * Math.sin(angle / 2)]
const attitude = (yaw: number, pitch: number, roll: number): Quaternion => quaternionProduct(turn([0, 0, 1], yaw), quaternionProduct(turn([0, 1, 0], pitch), turn([1, 0, 0], roll)))
const boxAt = (center: Vec3, dimensions: Vec3, rotation: Quaternion, k: Camera = camera, label = 'car'): Box => {
  const [x1, y1, x2, y2] = amodalBox(center, dimensions, rotation, k, size.width, size.height)
  return { label, center, dimensions, rotation, modal: [x1, y1, x2 - x1, y2 - y1] }
}

/** What a network would give that has learned its targets by heart; angles are known to it only modulo half a turn, so `flip` adds half turns. */
function perfect(boxes: readonly Box[], settings: Detection3dConfig, k: Camera, flip: (angle: number) => number): { readonly detections: Detection[]; readonly positives: number } {
  const targets = assign(parseBoxes(sampleOf(boxes, k), settings.classes, settings.rotation), levelsOf(settings, grids), settings)
  const begin = grids.map((_, l) => grids.slice(0, l).reduce((n, [h, w]) => n + h * w, 0))
  const outputs = outputsOf((_, level, point): Point | undefined => {
    const p = begin[level] + point
    if (targets.label[p] === settings.classes.length) return undefined
    const box = [...targets.box.subarray(p * 13, p * 13 + 13)]
    for (const a of [6, 7, 8]) box[a] += Math.PI * flip(a - 6)
    return {
      cls: settings.classes.map((_, c) => c === targets.label[p] ? 9 : -9), box,
      dir: [...targets.direction.subarray(p * 3, p * 3 + 3)].flatMap(bin => bin === 1 ? [-1, 1] : [1, -1]),
      ctr: Math.log(targets.centerness[p] / (1.0001 - targets.centerness[p])),
    }
  })
  return { detections: decodeDetections(outputs, 0, settings, k, 'det', size), positives: targets.label.filter(c => c < settings.classes.length).length }
}

function expectSame(found: Detection, box: Box): void {
  expect(found.label).toBe(box.label)
  expect(apart(found.center, box.center)).toBeLessThan(1e-4)
  expect(apart(found.dimensions, box.dimensions)).toBeLessThan(1e-4)
  expect(turned(found.rotation, box.rotation)).toBeLessThan(1e-4)
  expect(apart(found.modal, box.modal)).toBeLessThan(1e-3)
}

const number = (min: number, max: number): fc.Arbitrary<number> => fc.double({ min, max, noNaN: true })
const vehicle = fc.record({ ahead: number(8, 90), aside: number(-0.4, 0.4), up: number(-0.5, 1), length: number(1.5, 15), width: number(0.5, 2.8), height: number(1, 4), yaw: number(-Math.PI, Math.PI), pitch: number(-0.3, 0.3), roll: number(-0.3, 0.3) })
const placed = fc.tuple(vehicle, fc.constantFrom(...config.classes)).map(([v, label]) => boxAt([v.ahead, v.aside * v.ahead, v.up], [v.length, v.width, v.height], attitude(v.yaw, v.pitch, v.roll), camera, label))

describe.each(names)('%s angles', rotation => {
  const settings: Detection3dConfig = { ...config, rotation }
  const codec = rotationCodecs[rotation]

  it('bring back any vehicle', () => {
    fc.assert(fc.property(placed, fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 3, maxLength: 3 }), (box, flips) => {
      const { detections, positives } = perfect([box], settings, camera, a => flips[a])
      fc.pre(positives > 0)
      expect(detections).toHaveLength(1)
      expectSame(detections[0], box)
    }), { numRuns: 40 })
  })

  it('bring back several vehicles beside one another', () => {
    const labels = ['truck', 'car', 'car', 'bicycle', 'bus']
    const boxes = labels.map((label, i) => boxAt([25 + 3 * i, 8 - 4 * i, 0.8], [3 + i, 1.8, 1.5 + 0.2 * i], attitude(1.3 * i, 0.02 * i, -0.01), camera, label))
    const { detections } = perfect(boxes, settings, camera, a => a - 1)
    expect(detections).toHaveLength(boxes.length)
    for (const box of boxes) expectSame(detections.find(d => apart(d.center, box.center) < 1)!, box)
  })

  // Seen straight ahead by a camera along the axes, these angles of the vehicle are where an encoded angle lies on the edge of its bin, or just beside.
  const edges = [0, Math.PI / 4, Math.PI / 2, (3 * Math.PI) / 4, Math.PI, -Math.PI / 4, -Math.PI / 2, (-3 * Math.PI) / 4, -Math.PI]
  it.each(edges)('bring back a heading of %d and beside it', heading => {
    for (const beside of [0, 1e-9, -1e-9, 1e-7, -1e-7, 1e-5, -1e-5, 0.01, -0.01]) {
      for (const tilt of [0, 1e-8, -1e-8, 1e-3, -1e-3]) {
        const angles = codec.encode(vehicleToSensor([20, 0, 0], attitude(heading + beside, tilt, -tilt), plainCamera.sensorTIso8855).rotation, [0, 0, 20]).map(Math.fround) as unknown as Vec3
        for (const half of [0, 1, -1]) {
          const back = angles.map(a => angleFrom(Math.fround(a + half * Math.PI), directionBin(a, codec.directionOffset), codec.directionOffset)) as unknown as Vec3
          // A half turn in float32 moves an angle by 1e-7, which on an edge is the other bin: there the network has to be right about both.
          if (half !== 0 && angles.some(a => onEdge(a, codec.directionOffset))) continue
          const { rotation: found } = sensorToVehicle([0, 0, 20], codec.decode(back, [0, 0, 20]), plainCamera.sensorTIso8855)
          expect(turned(found, attitude(heading + beside, tilt, -tilt))).toBeLessThan(1e-6)
        }
      }
    }
  })

  it('turn the ground rectangle as the box is turned', () => {
    fc.assert(fc.property(number(-Math.PI, Math.PI), number(-0.5, 0.5), (yaw, side) => {
      const center: Vec3 = [side * 20, 1, 20]
      // Frame S: x right, z forward; the length of an object that is not turned lies along z.
      const turnedBox = matrixToQuaternion([[Math.cos(yaw), 0, Math.sin(yaw)], [0, 1, 0], [-Math.sin(yaw), 0, Math.cos(yaw)]])
      const forward = [Math.sin(yaw), Math.cos(yaw)]
      const footprint = rectangle(center[0], center[2], 2, 6, codec.birdsEyeAngle(codec.encode(turnedBox, center), center))
      const ahead = rectangle(center[0] + 2 * forward[0], center[2] + 2 * forward[1], 2, 2, -yaw)
      expect(rotatedIou(footprint, ahead)).toBeCloseTo(4 / 12, 6)
    }))
  })

  it('are inverted for any rotation away from the poles of the angles', () => {
    const unit = fc.tuple(number(-1, 1), number(-1, 1), number(-1, 1), number(-1, 1)).filter(q => Math.hypot(...q) > 0.1).map(q => { const n = Math.hypot(...q); return q.map(v => v / n) as unknown as Quaternion })
    fc.assert(fc.property(unit, number(-20, 20), number(0.1, 90), (q, x, z) => {
      const angles = codec.encode(q, [x, 1, z])
      fc.pre(Math.abs(Math.abs(angles[1]) - Math.PI / 2) > 1e-3)
      expect(turned(codec.decode(angles, [x, 1, z]), q)).toBeLessThan(1e-9)
    }))
  })
})

/** Whether a regressed angle is so near to the edge of its bin that rounding may carry it over. */
const onEdge = (angle: number, offset: number): boolean => { const t = limit(angle - offset, 0, Math.PI); return Math.min(t, Math.PI - t) < 1e-6 }

describe('what the encodings make of ordinary vehicles', () => {
  /** On level ground, any heading, seen by a camera along the axes under up to 40 degrees. */
  const angles = (name: (typeof names)[number]): Vec3[] => Array.from({ length: 2000 }, (_, i) => {
    const center: Vec3 = [20 * Math.tan(((i % 80) - 40) * (Math.PI / 180)), 1, 20]
    const rotation = attitude((i * 2.399963) % (2 * Math.PI), 0.02 * Math.sin(i), 0.02 * Math.cos(3 * i))
    return rotationCodecs[name].encode(vehicleToSensor([0, 0, 0], rotation, plainCamera.sensorTIso8855).rotation, center)
  })
  const share = (values: readonly boolean[]): number => values.filter(Boolean).length / values.length
  const nearEdge = (name: (typeof names)[number], angle: number): number => share(angles(name).map(a => { const t = limit(a[angle] - rotationCodecs[name].directionOffset, 0, Math.PI); return Math.min(t, Math.PI - t) < 0.1 }))

  it('published: two of three angles lie on the edge of their bins', () => {
    expect(nearEdge('published', 0)).toBe(1)
    expect(nearEdge('published', 1)).toBe(1)
    expect(nearEdge('published', 2)).toBeCloseTo(0.2 / Math.PI, 1)
  })

  it('corrected: pitch and roll are never near an edge, and of one bin', () => {
    expect(nearEdge('corrected', 1)).toBe(0)
    expect(nearEdge('corrected', 2)).toBe(0)
    for (const i of [1, 2]) expect(new Set(angles('corrected').map(a => directionBin(a[i], Math.PI / 4)))).toEqual(new Set([1]))
  })

  const toVehicle = (name: (typeof names)[number], angles: Vec3, center: Vec3): Quaternion => sensorToVehicle(center, rotationCodecs[name].decode(angles, center), plainCamera.sensorTIso8855).rotation
  /** Directions of the forward and the up axis. */
  const axes = (q: Quaternion): { forward: Vec3; up: Vec3 } => { const m = quaternionToMatrix(q); return { forward: [m[0][0], m[1][0], m[2][0]], up: [m[0][2], m[1][2], m[2][2]] } }

  it('published: a wrong bin of the first angle turns a vehicle round and over, of the second over, of the third round', () => {
    const center: Vec3 = [0, 0, 20]
    const truth = attitude(0.4, 0, 0)
    const [a, b, c] = rotationCodecs.published.encode(vehicleToSensor([0, 0, 0], truth, plainCamera.sensorTIso8855).rotation, center)
    const { forward, up } = axes(truth)
    const cases: readonly (readonly [Vec3, number, number])[] = [[[a, b, c], 1, 1], [[a + Math.PI, b, c], -1, -1], [[a, b + Math.PI, c], 1, -1], [[a, b, c + Math.PI], -1, 1]]
    for (const [angles, ahead, upright] of cases) {
      const found = axes(toVehicle('published', angles, center))
      expect(apart(found.forward, forward.map(v => ahead * v))).toBeLessThan(1e-9)
      expect(apart(found.up, up.map(v => upright * v))).toBeLessThan(1e-9)
    }
  })

  // The bins are right; only the regressed angles are off, by up to 0.05 radians.
  it.each([['published', 0.71], ['corrected', 0.01]] as const)('%s: a little noise turns a share of %d of the vehicles round or over', (name, expected) => {
    const center: Vec3 = [3, 1, 20]
    const { directionOffset, encode } = rotationCodecs[name]
    const wrong = share(Array.from({ length: 4000 }, (_, i) => {
      const truth = attitude((i * 2.399963) % (2 * Math.PI), 0.01 * Math.sin(i), 0.01 * Math.cos(3 * i))
      const angles = encode(vehicleToSensor([0, 0, 0], truth, plainCamera.sensorTIso8855).rotation, center)
      const noisy = angles.map((a, k) => angleFrom(a + 0.05 * Math.sin(12.9898 * i + 78.233 * k), directionBin(a, directionOffset), directionOffset)) as unknown as Vec3
      const [p, q] = [axes(toVehicle(name, noisy, center)), axes(truth)]
      return p.forward[0] * q.forward[0] + p.forward[1] * q.forward[1] < 0 || p.up[2] < 0
    }))
    expect(wrong).toBeCloseTo(expected, 2)
  })
})
