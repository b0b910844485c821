// What the tests of the detection task share: the published settings, cameras, samples, and outputs of a detector made point by point.
import { readFileSync } from 'node:fs'
import type { Detection3dConfig } from '../../src/compiler/tasks/spec.ts'
import type { TensorData } from '../../src/compiler/ir/types.ts'
import type { Box3d, Camera, Sample } from '../../src/runtime/data/dataset.ts'

export const config: Detection3dConfig = {
  kind: 'detection3d', classes: ['car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle'], strides: [8, 16, 32, 32, 64], resize: 0.75,
  ranges: [[-1, 96], [96, 192], [192, 384], [384, 768], [768, 1e8]], radius: 1.5, centernessAlpha: 2.5, rotation: 'published', score: 0.05, nms: 0.3, preNms: 1000, maxPerImage: 200,
}
/** Grids of the levels at 1024 x 2048. */
export const grids = [[96, 192], [48, 96], [24, 48], [24, 48], [12, 24]] as const
export const size = { height: 1024, width: 2048 }

/** Looks along x of the vehicle, at its origin. */
export const plainCamera: Camera = { fx: 2262.52, fy: 2265.3, u0: 1096.98, v0: 513.137, baseline: 0.2, sensorTIso8855: [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]] }

export const readJson = <T>(path: string): T => JSON.parse(readFileSync(`test/fixtures/${path}`, 'utf8')) as T

interface JsonSensor { fx: number; fy: number; u0: number; v0: number; baseline: number; sensor_T_ISO_8855: number[][] }
export const cameraOf = ({ fx, fy, u0, v0, baseline, sensor_T_ISO_8855 }: JsonSensor): Camera => ({ fx, fy, u0, v0, baseline, sensorTIso8855: sensor_T_ISO_8855 })
export const goldenCamera = (image: number): Camera => cameraOf(readJson<{ sensor: JsonSensor }>(`detection/gt/frankfurt/frankfurt_000000_00000${image + 1}_gtBbox3d.json`).sensor)

export const sampleOf = (boxes: readonly Pick<Box3d, 'label' | 'center' | 'dimensions' | 'rotation' | 'modal'>[], camera: Camera = plainCamera): Sample => ({
  id: 'town_000000_000001', ...size, image: new Uint8Array(), labelIds: undefined, disparity: undefined, camera,
  boxes: boxes.map(b => ({ amodal: b.modal, instanceId: 26000, occlusion: 0, truncation: 0, ...b })),
})

/** Values of one point: class logits, 13 numbers of the box, 6 logits of directions, the logit of centre-ness. */
export interface Point { readonly cls: readonly number[]; readonly box: readonly number[]; readonly dir: readonly number[]; readonly ctr: number }

/** A box 20 m ahead, above the threshold as a car. */
export const somePoint: Point = { cls: [3, -9, -9, -9, -9, -9], box: [0, 0, 20, 4, 2, 1.5, 0.1, 0.1, 0.1, 2, 2, 2, 2], dir: [0, 1, 0, 1, 0, 1], ctr: 3 }

/** Outputs `det/...` of a batch of `batch` images in which nothing is seen but what `at` gives for an image, a level and a point. */
export function outputsOf(at: (image: number, level: number, point: number) => Point | undefined, batch = 1, shapes: readonly (readonly [number, number])[] = grids): Record<string, TensorData> {
  const outputs: Record<string, TensorData> = {}
  shapes.forEach(([h, w], level) => {
    const n = h * w
    const make = (c: number, fill: number): TensorData & { data: Float32Array } => ({ dtype: 'float32', shape: [batch, c, h, w], data: new Float32Array(batch * c * n).fill(fill) })
    const maps = { cls: make(6, -9), bbox: make(13, 1), dir: make(6, 0), ctr: make(1, 0) }
    for (let b = 0; b < batch; b++) {
      for (let p = 0; p < n; p++) {
        const point = at(b, level, p)
        if (point === undefined) continue
        point.cls.forEach((v, c) => { maps.cls.data[(b * 6 + c) * n + p] = v })
        point.box.forEach((v, c) => { maps.bbox.data[(b * 13 + c) * n + p] = v })
        point.dir.forEach((v, c) => { maps.dir.data[(b * 6 + c) * n + p] = v })
        maps.ctr.data[b * n + p] = point.ctr
      }
    }
    for (const [name, t] of Object.entries(maps)) outputs[`det/${name}/${level}`] = t
  })
  return outputs
}

export const largest = (values: Iterable<number>): number => { let most = 0; for (const v of values) most = Math.max(most, Number.isNaN(v) ? Infinity : v); return most }
export const apart = (a: ArrayLike<number>, b: ArrayLike<number>): number => a.length === b.length ? largest(Array.from(a, (v, i) => Math.abs(v - b[i]))) : Infinity
/** Of two quaternions, whose sign is free. */
export const turned = (a: readonly number[], b: readonly number[]): number => Math.min(apart(a, b), apart(a, b.map(v => -v)))
