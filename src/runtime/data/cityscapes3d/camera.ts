// Calibration: from camera json or from the `sensor` part of a box json.
import type { Camera } from '../dataset.ts'
import type { JsonValue } from './json-value.ts'

/** Mounting of the camera in V: metres and radians, applied as Rz(yaw) Ry(pitch) Rx(roll). */
export interface Extrinsic { readonly baseline: number; readonly pitch: number; readonly roll: number; readonly x: number; readonly y: number; readonly yaw: number; readonly z: number }

/** V -> C as 3x4 row-major, the inverse of the mounting. (Cityscapes calibration document.) */
export function sensorTransform({ yaw, pitch, roll, x, y, z }: Extrinsic): readonly (readonly number[])[] {
  const [sy, cy, sp, cp, sr, cr] = [Math.sin(yaw), Math.cos(yaw), Math.sin(pitch), Math.cos(pitch), Math.sin(roll), Math.cos(roll)]
  const toVehicle = [
    [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
    [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
    [-sp, cp * sr, cp * cr],
  ]
  return [0, 1, 2].map(i => {
    const row = [toVehicle[0][i], toVehicle[1][i], toVehicle[2][i]]
    return [...row, -(row[0] * x + row[1] * y + row[2] * z)]
  })
}

const positive = (value: JsonValue): number => value.number('a positive number', Number.MIN_VALUE)

/** From `<base>_camera.json`. Throws DataError. */
export function parseCamera(json: JsonValue): Camera {
  const [extrinsic, intrinsic] = [json.field('extrinsic'), json.field('intrinsic')]
  const angle = (name: string): number => extrinsic.field(name).number('an angle in radians, from -2 pi to 2 pi', -2 * Math.PI, 2 * Math.PI)
  const metres = (name: string): number => extrinsic.field(name).number('a finite number of metres')
  const mounting = { baseline: positive(extrinsic.field('baseline')), pitch: angle('pitch'), roll: angle('roll'), yaw: angle('yaw'), x: metres('x'), y: metres('y'), z: metres('z') }
  return {
    fx: positive(intrinsic.field('fx')), fy: positive(intrinsic.field('fy')), u0: intrinsic.field('u0').number(), v0: intrinsic.field('v0').number(),
    baseline: mounting.baseline, sensorTIso8855: sensorTransform(mounting),
  }
}

/** From the field `sensor` of `<base>_gtBbox3d.json`. Throws DataError, also where the rotation is none. */
export function parseSensor(sensor: JsonValue): Camera {
  const matrix = sensor.field('sensor_T_ISO_8855')
  const rows = matrix.items(3)
  if (rows.length !== 3) matrix.wrong('3 rows of 4 numbers')
  const t = rows.map(row => row.numbers(4, '4 finite numbers'))
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j <= i; j++) {
      const dot = t[i][0] * t[j][0] + t[i][1] * t[j][1] + t[i][2] * t[j][2]
      if (Math.abs(dot - (i === j ? 1 : 0)) > 1e-3) matrix.wrong(`a rotation in its first three columns (rows ${i} and ${j} have the product ${dot}, not ${i === j ? 1 : 0})`)
    }
  }
  return {
    fx: positive(sensor.field('fx')), fy: positive(sensor.field('fy')), u0: sensor.field('u0').number(), v0: sensor.field('v0').number(),
    baseline: positive(sensor.field('baseline')), sensorTIso8855: t,
  }
}
