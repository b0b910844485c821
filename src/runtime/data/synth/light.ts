// The light of a scene: sun, sky, haze.
import { transform } from '../../geometry.ts'
import type { Matrix3, Vec3 } from '../../geometry.ts'
import { rgb } from './mesh.ts'
import type { Rgb } from './mesh.ts'
import type { Random } from './random.ts'

export interface Light {
  /** towards the sun, in V and in S */
  readonly sunVehicle: Vec3
  readonly sun: Vec3
  /** up in S */
  readonly up: Vec3
  readonly sunColour: Rgb
  readonly skyColour: Rgb
  readonly bounceColour: Rgb
  readonly zenith: Rgb
  readonly horizon: Rgb
  /** 1 / metres */
  readonly haze: number
  readonly clouds: number
  readonly exposure: number
  readonly noise: number
  readonly seed: number
}

const times = (c: Rgb, k: number): Rgb => [c[0] * k, c[1] * k, c[2] * k]

/** Weather and time of day: from bright sun to an overcast sky. `toSensor` is the rotation V -> S. */
export function makeLight(toSensor: Matrix3, random: Random): Light {
  const overcast = random.chance(0.4) ? random.range(0.7, 1) : random.range(0, 0.35)
  const height = random.range(0.35, 1)
  const around = random.range(0, 2 * Math.PI)
  const sunVehicle: Vec3 = [Math.cos(height) * Math.cos(around), Math.cos(height) * Math.sin(around), Math.sin(height)]
  const blend = (a: Rgb, b: Rgb): Rgb => [0, 1, 2].map(i => a[i] + (b[i] - a[i]) * overcast) as unknown as Rgb
  const warm = rgb(255, 232 - 26 * (1 - height), 205 - 50 * (1 - height))
  return {
    sunVehicle, sun: transform(toSensor, sunVehicle), up: transform(toSensor, [0, 0, 1]),
    sunColour: times(warm, 2.3 * (1 - overcast)),
    skyColour: times(blend(rgb(176, 200, 235), rgb(225, 228, 232)), 0.75 + 0.5 * overcast),
    bounceColour: times(rgb(150, 142, 130), 0.4 + 0.15 * overcast),
    zenith: blend(rgb(92, 136, 196), rgb(196, 202, 208)), horizon: blend(rgb(208, 222, 236), rgb(222, 225, 228)),
    haze: 1 / random.range(350, 1600), clouds: random.range(0.2, 1), exposure: random.range(0.95, 1.35) / (1 + 0.25 * (1 - overcast)), noise: random.range(0.8, 2.2), seed: random.below(1 << 30),
  }
}
