// How well matched boxes fit: the four true-positive scores, averaged per depth bin.
import { normalised, type Quaternion } from '../geometry.ts'
import type { TruthBox } from './matching.ts'

type Solid = Pick<TruthBox, 'center' | 'dimensions' | 'rotation'>

export const truePositiveScores = ['centerDistance', 'sizeSimilarity', 'yawSimilarity', 'pitchRollSimilarity'] as const
export type TruePositiveScore = (typeof truePositiveScores)[number]

/** Yaw, pitch, roll in radians with R = Rx(roll) Ry(pitch) Rz(yaw), which is not the order of the camera's mounting angles. */
export function anglesOf(rotation: Quaternion): readonly [number, number, number] {
  const [w, x, y, z] = normalised(rotation)
  return [
    Math.atan2(2 * (w * z - x * y), 1 - 2 * (y * y + z * z)),
    Math.asin(Math.min(1, Math.max(-1, 2 * (w * y + z * x)))),
    Math.atan2(2 * (w * x - y * z), 1 - 2 * (x * x + y * y)),
  ]
}

/** 0 to 1 each, 1 is exact: distance of the centres in the ground plane, sizes, yaw, pitch and roll. (Gählert et al., Cityscapes 3D, 2020.) */
export function pairScores(truth: Solid, predicted: Solid, maxDepth: number): Readonly<Record<TruePositiveScore, number>> {
  const distance = Math.hypot(truth.center[0] - predicted.center[0], truth.center[1] - predicted.center[1])
  const size = truth.dimensions.reduce((product, g, i) => product * Math.min(g / predicted.dimensions[i], predicted.dimensions[i] / g), 1)
  const [[yaw, pitch, roll], [yawP, pitchP, rollP]] = [anglesOf(truth.rotation), anglesOf(predicted.rotation)]
  return {
    centerDistance: 1 - Math.min(distance / maxDepth, 1),
    sizeSimilarity: size,
    yawSimilarity: (1 + Math.cos(yaw - yawP)) / 2,
    pitchRollSimilarity: 0.5 + (Math.cos(pitch - pitchP) + Math.cos(roll - rollP)) / 4,
  }
}

/** A score over depth: bin (metres, its lower end) -> mean over its pairs, and their number. Bins without pairs are absent. */
export interface BinnedScore {
  readonly data: ReadonlyMap<number, number>
  readonly items: ReadonlyMap<number, number>
  /** mean over the bins, each of the same weight; 0 with fewer than two of them */
  readonly auc: number
}

export function binned(values: readonly { readonly bin: number; readonly value: number }[]): BinnedScore {
  const groups = new Map<number, number[]>()
  for (const { bin, value } of [...values].sort((a, b) => a.bin - b.bin)) groups.set(bin, [...groups.get(bin) ?? [], value])
  const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length
  const data = new Map([...groups].map(([bin, list]) => [bin, mean(list)]))
  return { data, items: new Map([...groups].map(([bin, list]) => [bin, list.length])), auc: data.size > 1 ? mean([...data.values()]) : 0 }
}
