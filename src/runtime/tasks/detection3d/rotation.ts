// The two encodings of a box's orientation as three angles.
import { matrixToQuaternion, multiply, quaternionToMatrix, type Matrix3, type Quaternion, type Vec3 } from '../../geometry.ts'

/** Orientation in the sensor frame S and centre in S -> three angles (radians) that the network regresses, and back. */
export interface RotationCodec {
  /** Direction bins are cut at this angle (radians) and half a turn later. */
  readonly directionOffset: number
  encode(rotation: Quaternion, center: Vec3): Vec3
  decode(angles: Vec3, center: Vec3): Quaternion
  /** By how much the box is turned seen from above, counter-clockwise from x (right) to z (forward), modulo half a turn: what bird's-eye overlap goes by. */
  birdsEyeAngle(angles: Vec3, center: Vec3): number
}

const rotX = (t: number): Matrix3 => [[1, 0, 0], [0, Math.cos(t), -Math.sin(t)], [0, Math.sin(t), Math.cos(t)]]
const rotY = (t: number): Matrix3 => [[Math.cos(t), 0, Math.sin(t)], [0, 1, 0], [-Math.sin(t), 0, Math.cos(t)]]
const rotZ = (t: number): Matrix3 => [[Math.cos(t), -Math.sin(t), 0], [Math.sin(t), Math.cos(t), 0], [0, 0, 1]]
const asin = (v: number): number => Math.asin(Math.max(-1, Math.min(1, v)))

/**
 * As in the published code: the quaternion (w, x, y, z) is read in the order (x, y, z, w) and written as intrinsic Z-X-Y angles. It is its own kind of angle: the first is near +-pi,
 * the second near 0, right where the direction bins change; kept so that published checkpoints decode.
 */
const published: RotationCodec = {
  directionOffset: 0,
  encode([w, x, y, z]) {
    const m = quaternionToMatrix([z, w, x, y])
    return [Math.atan2(-m[0][1], m[1][1]), asin(m[2][1]), Math.atan2(-m[2][0], m[2][2])]
  },
  decode([a, b, c]) {
    const [w, x, y, z] = matrixToQuaternion(multiply(multiply(rotZ(a), rotX(b)), rotY(c)))
    return [x, y, z, w]
  },
  birdsEyeAngle: angles => -angles[2],
}

/** Angle into [-pi, pi). */
const wrap = (t: number): number => t - 2 * Math.PI * Math.floor(t / (2 * Math.PI) + 0.5)

/**
 * R_S = R_y(a) R_x(b) R_z(c); a is regressed as the observation angle a - atan2(x, z), which is what an image patch shows. Pitch b and roll c are small for road vehicles, so with
 * the bins cut at pi/4 they always fall into the same bin.
 */
const corrected: RotationCodec = {
  directionOffset: Math.PI / 4,
  encode(rotation, [x, , z]) {
    const m = quaternionToMatrix(rotation)
    return [wrap(Math.atan2(m[0][2], m[2][2]) - Math.atan2(x, z)), asin(-m[1][2]), Math.atan2(m[1][0], m[1][1])]
  },
  decode([a, b, c], [x, , z]) {
    return matrixToQuaternion(multiply(multiply(rotY(a + Math.atan2(x, z)), rotX(b)), rotZ(c)))
  },
  birdsEyeAngle: ([a], [x, , z]) => -(a + Math.atan2(x, z)),
}

export const rotationCodecs = { published, corrected } as const satisfies Record<string, RotationCodec>

/** v - floor(v / period + offset) * period: into [-offset * period, (1 - offset) * period). */
export const limit = (v: number, offset: number, period: number): number => v - Math.floor(v / period + offset) * period

/** 0 or 1: which half turn, counted from `offset`, an angle lies in. */
export const directionBin = (angle: number, offset: number): number => Math.max(0, Math.min(1, Math.floor(limit(Math.fround(angle - offset), 0, 2 * Math.PI) / Math.PI)))

/** The angle that is `regressed` modulo half a turn and lies in the half turn `bin` counted from `offset`: inverse of regressing an angle and classifying its `directionBin`. */
export const angleFrom = (regressed: number, bin: number, offset: number): number => limit(Math.fround(regressed - offset), 0, Math.PI) + offset + Math.PI * bin
