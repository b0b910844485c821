// Point grids, assignment, direction bins and decoding equal FCOS3D's own and the published variant's (fixtures/detection/fcos3d.json).
import { describe, expect, it } from 'vitest'
import type { Detection3dConfig } from '../../src/compiler/tasks/spec.ts'
import type { Camera } from '../../src/runtime/data/dataset.ts'
import type { Vec3 } from '../../src/runtime/geometry.ts'
import { assign, levelsOf, pointAt } from '../../src/runtime/tasks/detection3d/assign.ts'
import { decodeDetections } from '../../src/runtime/tasks/detection3d/decode.ts'
import type { ParsedBox } from '../../src/runtime/tasks/detection3d/parse.ts'
import { angleFrom, directionBin } from '../../src/runtime/tasks/detection3d/rotation.ts'
import { apart, config, outputsOf, readJson } from './detection-support.ts'

type Four = readonly [number, number, number, number]
interface Truth { labels: number[]; centers_2d: [number, number][]; depths: number[]; bboxes_2d_xyxy?: Four[]; modal_bboxes_2d_xyxy?: Four[] }
interface Positive { level: number; image: number; point_index: number; point_xy: [number, number]; label: number; target: number[]; centerness: number }
interface Targets<T> { ground_truth: T[]; first_last_point_per_level?: [number, number][][]; points_and_positives_per_level: [number, number][]; positives: Positive[] }
const golden = readJson<{
  K: number[][]; strides: number[]; feature_sizes_hw: [number, number][]
  params: { regress_ranges: [number, number][] }; params_cs3d: { regress_ranges: [number, number][] }
  upstream_targets: Targets<Truth & { 'bboxes_3d(x,y,z,l,h,w,yaw_global)': number[][] }>
  cs3d_targets: Targets<Truth & { 'bboxes_3d(x,y,z,L,W,H,r0,r1,r2)': number[][] }>
  direction_target: Record<string, number[]>
  decode: { stride: number; scales_offset_depth_size: Vec3; raw_NCHW: number[][][][]; decoded_flat_before_camera: number[][]; points: [number, number][]; direction_class: number[]; center_2p5d: Vec3[]; 'boxes_cam(x,y,z,d0,d1,d2,yaw_global)': Record<string, number[][]> }[]
}>('detection/fcos3d.json')

const settings = (ranges: [number, number][]): Detection3dConfig => ({ ...config, strides: golden.strides, resize: 1, ranges })
const parsed = (truth: Truth, i: number, center: Vec3, size: Vec3, angles: Vec3): ParsedBox =>
  ({ label: truth.labels[i], center, projected: [...truth.centers_2d[i], truth.depths[i]], size, angles, modal: (truth.modal_bboxes_2d_xyxy ?? truth.bboxes_2d_xyxy!)[i] })

/** `columns`: of the 13 numbers of a target, those that the reference has. */
function check(name: string, ranges: [number, number][], targets: Targets<Truth>, boxes: ParsedBox[][], columns: readonly number[]): void {
  describe(name, () => {
    const levels = levelsOf(settings(ranges), golden.feature_sizes_hw)
    const assigned = boxes.map(b => assign(b, levels, settings(ranges)))
    const begin = levels.map((_, l) => levels.slice(0, l).reduce((n, { height, width }) => n + height * width, 0))

    it('finds the same positives, and no others', () => {
      const found = levels.map(({ height, width }, l) => assigned.reduce((n, a) => n + a.label.subarray(begin[l], begin[l] + height * width).filter(c => c < 6).length, 0))
      expect(levels.map(({ height, width }, l) => [2 * height * width, found[l]])).toEqual(targets.points_and_positives_per_level)
    })

    it.each(targets.positives.map(p => [`${p.image}, level ${p.level}, point ${p.point_index}`, p] as const))('gives the targets of image %s', (_, { level, image, point_index, point_xy, label, target, centerness }) => {
      // Points are counted over the batch.
      const { height, width, stride } = levels[level]
      const point = point_index % (height * width)
      const p = begin[level] + point
      expect([pointAt(point % width, stride), pointAt(Math.floor(point / width), stride)]).toEqual(point_xy)
      const a = assigned[image]
      expect(a.label[p]).toBe(label)
      columns.forEach((column, i) => expect(Math.abs(a.box[p * 13 + column] - target[i]) / Math.max(1, Math.abs(target[i]))).toBeLessThan(1e-6))
      expect(Math.abs(a.centerness[p] - centerness)).toBeLessThan(1e-6)
    })
  })
}

const upstream = golden.upstream_targets
check('FCOS3D, with the angle seen by the camera', golden.params.regress_ranges, upstream, upstream.ground_truth.map(truth => truth['bboxes_3d(x,y,z,l,h,w,yaw_global)'].map(([x, y, z, l, h, w, yaw], i) =>
  parsed(truth, i, [x, y, z], [l, h, w], [yaw - Math.atan2(x, z), 0, 0]))), [0, 1, 2, 3, 4, 5, 6])
const cs3d = golden.cs3d_targets
check('the published variant', golden.params_cs3d.regress_ranges, cs3d, cs3d.ground_truth.map(truth => truth['bboxes_3d(x,y,z,L,W,H,r0,r1,r2)'].map(([x, y, z, l, w, h, a, b, c], i) =>
  parsed(truth, i, [x, y, z], [l, w, h], [a, b, c]))), Array.from({ length: 13 }, (_, i) => i))

it('lays the points of the levels', () => {
  levelsOf(settings(golden.params.regress_ranges), golden.feature_sizes_hw).forEach(({ height, width, stride }, l) => {
    expect([[pointAt(0, stride), pointAt(0, stride)], [pointAt(width - 1, stride), pointAt(height - 1, stride)]]).toEqual(upstream.first_last_point_per_level![l])
  })
})

it.each([0, 0.7854])('cuts direction bins at %d', offset => {
  expect(golden.direction_target.angle.map(a => directionBin(Math.fround(a), offset))).toEqual(golden.direction_target[`offset=${offset},limit_offset=0`])
})

describe.each(golden.decode.map((d, i) => [i, d] as const))('decoding of map %i', (_, d) => {
  const maps = d.raw_NCHW[0]
  const [height, width] = [maps[0].length, maps[0][0].length]
  const [byOffset, byDepth, bySize] = d.scales_offset_depth_size
  const activated = (c: number, raw: number): number => c < 2 ? byOffset * raw : c === 2 ? Math.exp(byDepth * raw) : c < 6 ? Math.exp(bySize * raw) : raw
  const camera: Camera = { fx: golden.K[0][0], fy: golden.K[1][1], u0: golden.K[0][2], v0: golden.K[1][2], baseline: 0, sensorTIso8855: [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]] }
  const single: Detection3dConfig = { ...config, strides: [d.stride], resize: 1, ranges: [[-1, 1e8]], rotation: 'corrected', nms: 1 }

  it('finds the centres and sizes', () => {
    // Scores fall from point to point, so that detections come in order of the points; each is where V and S differ by axes only.
    const outputs = outputsOf((_image, _level, p) => {
      const values = maps.map((rows, c) => activated(c, rows[Math.floor(p / width)][p % width]))
      return { cls: [9 - p / 10, -9, -9, -9, -9, -9], box: [...values, 0, 0, 1, 1, 1, 1].slice(0, 13), dir: [0, 0, 0, 0, 0, 0], ctr: 9 }
    }, 1, [[height, width]])
    const found = decodeDetections(outputs, 0, single, camera, 'det', { height: 256, width: 512 })
    expect(found).toHaveLength(d.points.length)
    d['boxes_cam(x,y,z,d0,d1,d2,yaw_global)']['dir_offset=0'].forEach((expected, p) => {
      const { center: [x, y, z], dimensions } = found[p]
      const scale = Math.max(1, ...expected.slice(0, 3).map(Math.abs))
      expect(apart([-y, -z, x], expected.slice(0, 3)) / scale).toBeLessThan(1e-6)
      expect(apart(dimensions, expected.slice(3, 6)) / Math.max(...expected.slice(3, 6))).toBeLessThan(1e-6)
    })
  })

  it.each([0, 0.7854])('finds the angles with bins cut at %d', offset => {
    d['boxes_cam(x,y,z,d0,d1,d2,yaw_global)'][`dir_offset=${offset}`].forEach((expected, p) => {
      const raw = maps[6][Math.floor(p / width)][p % width]
      const [u] = d.center_2p5d[p]
      expect(angleFrom(raw, d.direction_class[p], offset) + Math.atan2(u - camera.u0, camera.fx)).toBeCloseTo(expected[6], 6)
    })
  })
})
