// Small hand-made images for the tests of the 3D metric: a camera at the origin of the vehicle frame that looks straight ahead.
import type { Quaternion, Vec3 } from '../../src/runtime/geometry.ts'
import type { ScoredImage, TruthBox } from '../../src/runtime/score/matching.ts'
import type { Detection } from '../../src/runtime/tasks/detection3d/detection.ts'

type Four = [number, number, number, number]

/** u = 1024 - 1000 y / x, v = 512 - 1000 z / x for a point (x, y, z) of frame V. */
export const camera = { fx: 1000, fy: 1000, u0: 1024, v0: 512, baseline: 0.2, sensorTIso8855: [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]] }

export const straight: Quaternion = [1, 0, 0, 0]
export const yawed = (yaw: number): Quaternion => [Math.cos(yaw / 2), 0, 0, Math.sin(yaw / 2)]

/** Rectangles that do not touch each other, 40 pixels wide. */
export const slot = (i: number): Four => [60 * i, 100, 39, 39]

/** A box whose 2D boxes are given, for matching by modal boxes. */
export const truth = (label: string, center: Vec3, modal: Four, rest: Partial<TruthBox> = {}): TruthBox => ({ label, center, dimensions: [4, 2, 1.5], rotation: straight, modal, amodal: modal, ...rest })
export const found = (label: string, score: number, center: Vec3, modal: Four, rest: Partial<Detection> = {}): Detection => ({ label, score, center, dimensions: [4, 2, 1.5], rotation: straight, modal, amodal: modal, ...rest })

export const image = (groundTruth: readonly TruthBox[], predictions: readonly Detection[], ignores: readonly Four[] = [], id = 'city_000000_000019'): ScoredImage => ({ id, groundTruth, predictions, ignores: ignores.map(box => ({ label: 'car', box })), camera })

/** Uniform in [0, 1), the same numbers for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let z = Math.imul(state ^ (state >>> 15), state | 1)
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61)
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32
  }
}

const labels = ['car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle', 'trailer']

/** Images with boxes at all distances (some beyond 100 m, behind the camera, cut by it or by the border), near misses, doubles, equal scores, scores on thresholds, ignore regions. */
export function randomImages(seed: number, count: number): ScoredImage[] {
  const random = randomOf(seed)
  const around = (middle: number, spread: number): number => middle + spread * (2 * random() - 1)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]
  const turn = (): Quaternion => [around(0, 1), around(0, 0.1), around(0, 0.1), around(0, 1)]
  return Array.from({ length: count }, (_, n) => {
    const groundTruth = Array.from({ length: Math.floor(random() * 7) }, (): TruthBox => {
      const x = pick([around(40, 38), around(90, 30), around(3, 4)])
      const box: Four = [Math.floor(random() * 1900), Math.floor(random() * 900), Math.floor(random() * 100), Math.floor(random() * 100)]
      return { label: pick(labels), center: [x, around(0, x / 2), around(0, 1)], dimensions: [around(4, 1), around(2, 0.5), around(1.5, 0.5)], rotation: turn(), modal: box, amodal: box }
    })
    const predictions: Detection[] = groundTruth.flatMap(box => Array.from({ length: pick([0, 1, 1, 1, 2]) }, (): Detection => {
      const far = pick([0, 0.02, 0.02, 0.1, 3])
      const center = box.center.map(v => around(v, far)) as unknown as Vec3
      return { label: random() < 0.9 ? box.label : pick(labels), score: pick([random(), Math.floor(random() * 51) / 50, 0.7, 1, 0]), center, dimensions: box.dimensions.map(v => v * around(1, far / 10)) as unknown as Vec3, rotation: random() < 0.2 ? turn() : box.rotation, modal: random() < 0.5 ? box.modal : slot(pick([0, 1, 2, 3])), amodal: [0, 0, 0, 0] }
    }))
    return { id: `image${n}`, groundTruth, predictions, ignores: Array.from({ length: pick([0, 0, 1, 2]) }, () => ({ label: 'car', box: pick([slot(0), slot(1), [0, 0, 2000, 1000] as Four]) })), camera }
  })
}
