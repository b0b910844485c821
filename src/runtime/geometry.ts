// Rotations and frames: V (vehicle: x forward, y left, z up), C (camera, axes as V), S (sensor: x right, y down, z forward). Quaternions are w, x, y, z.

export type Vec3 = readonly [number, number, number]
export type Quaternion = readonly [number, number, number, number]
/** rows */
export type Matrix3 = readonly [Vec3, Vec3, Vec3]

/** C -> S: (x, y, z)_S = (-y, -z, x)_C. */
export const cameraToSensor: Matrix3 = [[0, -1, 0], [0, 0, -1], [1, 0, 0]]

export const transform = (m: Matrix3, [x, y, z]: Vec3): Vec3 => [m[0][0] * x + m[0][1] * y + m[0][2] * z, m[1][0] * x + m[1][1] * y + m[1][2] * z, m[2][0] * x + m[2][1] * y + m[2][2] * z]
export const transpose = (m: Matrix3): Matrix3 => [[m[0][0], m[1][0], m[2][0]], [m[0][1], m[1][1], m[2][1]], [m[0][2], m[1][2], m[2][2]]]
export function multiply(a: Matrix3, b: Matrix3): Matrix3 {
  const columns = transpose(b)
  const t = columns.map(c => transform(a, c)) as unknown as Matrix3
  return transpose(t)
}
export const add = (a: Vec3, b: Vec3): Vec3 => [a[0] + b[0], a[1] + b[1], a[2] + b[2]]

/** Hamilton product: rotate by b, then by a. */
export const quaternionProduct = ([aw, ax, ay, az]: Quaternion, [bw, bx, by, bz]: Quaternion): Quaternion => [
  aw * bw - ax * bx - ay * by - az * bz,
  aw * bx + ax * bw + ay * bz - az * by,
  aw * by - ax * bz + ay * bw + az * bx,
  aw * bz + ax * by - ay * bx + az * bw,
]
export function normalised(q: Quaternion): Quaternion {
  const n = Math.hypot(...q)
  return [q[0] / n, q[1] / n, q[2] / n, q[3] / n]
}

/** Unit quaternion -> rotation matrix. */
export function quaternionToMatrix(q: Quaternion): Matrix3 {
  const [w, x, y, z] = normalised(q)
  return [
    [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
    [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
    [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
  ]
}

/** Rotation matrix -> unit quaternion, by the largest of the four components (Shepperd). */
export function matrixToQuaternion(m: Matrix3): Quaternion {
  const trace = m[0][0] + m[1][1] + m[2][2]
  const squares = [1 + trace, 1 + 2 * m[0][0] - trace, 1 + 2 * m[1][1] - trace, 1 + 2 * m[2][2] - trace]
  const largest = squares.indexOf(Math.max(...squares))
  const s = 2 * Math.sqrt(squares[largest])
  const sum = (i: number, j: number): number => (m[i][j] + m[j][i]) / s
  const difference = (i: number, j: number): number => (m[i][j] - m[j][i]) / s
  switch (largest) {
    case 0: return normalised([s / 4, difference(2, 1), difference(0, 2), difference(1, 0)])
    case 1: return normalised([difference(2, 1), s / 4, sum(0, 1), sum(0, 2)])
    case 2: return normalised([difference(0, 2), sum(0, 1), s / 4, sum(1, 2)])
    default: return normalised([difference(1, 0), sum(0, 2), sum(1, 2), s / 4])
  }
}

/** The rigid transform V -> C of `sensor_T_ISO_8855` (3x4, row-major). */
export function splitTransform(sensorTIso8855: readonly (readonly number[])[]): { readonly rotation: Matrix3; readonly translation: Vec3 } {
  const [a, b, c] = sensorTIso8855
  return { rotation: [[a[0], a[1], a[2]], [b[0], b[1], b[2]], [c[0], c[1], c[2]]], translation: [a[3], b[3], c[3]] }
}

/** Centre and orientation of a box, V -> S. Dimensions do not change; in S the object's local axes are (right, down, forward). */
export function vehicleToSensor(center: Vec3, rotation: Quaternion, sensorTIso8855: readonly (readonly number[])[]): { readonly center: Vec3; readonly rotation: Quaternion } {
  const { rotation: r, translation } = splitTransform(sensorTIso8855)
  const [w, x, y, z] = quaternionProduct(matrixToQuaternion(r), normalised(rotation))
  return { center: transform(cameraToSensor, add(transform(r, center), translation)), rotation: [w, -y, -z, x] }
}

/** Centre and orientation of a box, S -> V: the inverse of `vehicleToSensor`. */
export function sensorToVehicle(center: Vec3, [w, x, y, z]: Quaternion, sensorTIso8855: readonly (readonly number[])[]): { readonly center: Vec3; readonly rotation: Quaternion } {
  const { rotation: r, translation: [tx, ty, tz] } = splitTransform(sensorTIso8855)
  const back = transpose(r)
  const [cx, cy, cz] = transform(transpose(cameraToSensor), center)
  return { center: transform(back, [cx - tx, cy - ty, cz - tz]), rotation: quaternionProduct(matrixToQuaternion(back), [w, z, -x, -y]) }
}
