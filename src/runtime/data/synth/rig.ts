// The camera of each city: mounting, lens and how much of our own bonnet it sees.
import { sensorTransform } from '../cityscapes3d/camera.ts'
import type { Extrinsic } from '../cityscapes3d/camera.ts'
import type { Camera } from '../dataset.ts'
import { Random, seedOf } from './random.ts'

export interface Rig { readonly extrinsic: Extrinsic; readonly camera: Camera; /** height of the bonnet as a fraction of the image */ readonly hood: number }

const digits = (v: number, n: number): number => Math.round(v * 10 ** n) / 10 ** n

/** Values near those of the real recordings (fx 2262 at 2048 columns, baseline 0.21 m, 1.22 m above the ground), scaled with the image. */
export function makeRig(seed: number, city: number, height: number, width: number): Rig {
  const random = new Random(seedOf(seed, 0x52494721, city))
  const near = (value: number, spread: number): number => value + spread * (2 * random.next() - 1)
  const extrinsic: Extrinsic = {
    baseline: digits(near(0.2115, 0.004), 6), pitch: digits(near(0.033, 0.008), 5), roll: digits(near(0, 0.006), 5), x: digits(near(1.7, 0.06), 3), y: digits(near(0.1, 0.04), 3),
    yaw: digits(near(-0.008, 0.014), 5), z: digits(near(1.24, 0.05), 3),
  }
  const scale = width / 2048
  const fx = digits(near(2262, 30) * scale, 5)
  const camera: Camera = {
    fx, fy: digits(fx * near(1.0008, 0.0008), 5), u0: digits(near(1075, 30) * scale, 4), v0: digits(height / 2 + near(2, 10) * scale, 4),
    baseline: extrinsic.baseline, sensorTIso8855: sensorTransform(extrinsic),
  }
  return { extrinsic, camera, hood: random.chance(0.8) ? near(0.065, 0.025) : 0 }
}
