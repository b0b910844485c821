// Boxes in the frames of vehicle, camera and sensor, their projections and wire frames, and quaternions, against values of the official scripts (fixtures/box3d).
import { describe, expect, it, test } from 'vitest'
import { add, matrixToQuaternion, normalised, quaternionProduct, quaternionToMatrix, sensorToVehicle, splitTransform, transform, vehicleToSensor, type Quaternion, type Vec3 } from '../../src/runtime/geometry.ts'
import { amodalBox, boxCorners, boxEdges, frontEdges, pointToSensor, project, projectedEdges } from '../../src/runtime/projection.ts'
import { apart, cameraOf, largest, readJson, turned } from './detection-support.ts'

interface Golden {
  sensor: Parameters<typeof cameraOf>[0]
  image_size: [number, number]
  boxes: {
    tag: string; center: Vec3; dimensions: Vec3; rotation_wxyz: Quaternion; vertices_V: Vec3[]; vertices_C: Vec3[]; vertices_S: Vec3[]; vertices_I: [number, number][]
    side_polygons: Record<string, [number, number][]>; amodal: number[]
    parameters_C: { center: Vec3; rotation_wxyz: Quaternion }; parameters_S: { center: Vec3; rotation_wxyz: Quaternion }
  }[]
}
const golden = readJson<Golden>('box3d/frames.json')
const camera = cameraOf(golden.sensor)
const { rotation: toCamera, translation } = splitTransform(camera.sensorTIso8855)

/** Largest difference, relative where values are above 1 (projections near the camera reach millions of pixels). */
const relative = (a: readonly number[], b: readonly number[]): number => a.length === b.length ? largest(a.map((v, i) => Math.abs(v - b[i]) / Math.max(1, Math.abs(b[i])))) : Infinity

describe.each(golden.boxes.map(b => [b.tag, b] as const))('%s', (_, b) => {
  const corners = boxCorners(b.center, b.dimensions, b.rotation_wxyz)

  it('has its corners in all frames', () => {
    expect(apart(corners.flat(), b.vertices_V.flat())).toBeLessThan(1e-9)
    expect(apart(corners.flatMap(p => add(transform(toCamera, p), translation)), b.vertices_C.flat())).toBeLessThan(1e-9)
    const seen = corners.map(p => pointToSensor(p, camera.sensorTIso8855))
    expect(apart(seen.flat(), b.vertices_S.flat())).toBeLessThan(1e-9)
    expect(relative(seen.flatMap(p => project(p, camera)), b.vertices_I.flat())).toBeLessThan(1e-6)
  })

  it('has its centre and rotation in the frame of the camera, and back', () => {
    expect(apart(add(transform(toCamera, b.center), translation), b.parameters_C.center)).toBeLessThan(1e-9)
    const seen = vehicleToSensor(b.center, b.rotation_wxyz, camera.sensorTIso8855)
    expect(apart(seen.center, b.parameters_S.center)).toBeLessThan(1e-9)
    expect(turned(seen.rotation, b.parameters_S.rotation_wxyz)).toBeLessThan(1e-9)
    const back = sensorToVehicle(seen.center, seen.rotation, camera.sensorTIso8855)
    expect(apart(back.center, b.center)).toBeLessThan(1e-9)
    expect(turned(back.rotation, normalised(b.rotation_wxyz))).toBeLessThan(1e-9)
  })

  it('has its amodal box', () => {
    expect(apart(amodalBox(b.center, b.dimensions, b.rotation_wxyz, camera, ...golden.image_size), b.amodal)).toBeLessThan(1e-6)
  })

  it('has a wire frame whose ends are the corners of its faces, cut in front of the camera', () => {
    const segments = projectedEdges({ center: b.center, dimensions: b.dimensions, rotation: b.rotation_wxyz }, camera)
    const ends = segments.flatMap(s => [s.from, s.to])
    const faces = Object.values(b.side_polygons).flat()
    const near = (p: readonly number[], q: readonly number[]): boolean => relative(p, q) < 1e-6
    expect(ends.filter(p => !faces.some(q => near(p, q)))).toEqual([])
    expect(faces.filter(q => !ends.some(p => near(p, q)))).toEqual([])
    const inFront = b.vertices_S.map(([, , z]) => z > 0.01)
    expect(segments.map(s => s.edge)).toEqual(boxEdges.flatMap(([i, j], edge) => inFront[i] || inFront[j] ? [edge] : []))
  })
})

test('the front edges are those between the corners of the front face', () => {
  const corners = boxCorners([0, 0, 0], [4, 2, 1.5], [1, 0, 0, 0])
  expect(boxEdges.flatMap(([i, j], edge) => corners[i][0] === 2 && corners[j][0] === 2 ? [edge] : [])).toEqual(frontEdges)
})

test('a box without size is a point, behind the camera nothing', () => {
  const segments = projectedEdges({ center: [20, 0, 1], dimensions: [0, 0, 0], rotation: [1, 0, 0, 0] }, camera)
  expect(segments).toHaveLength(12)
  for (const { from, to } of segments) expect(apart([...from, ...from], [...to, ...segments[0].from])).toBeLessThan(1e-9)
  expect(projectedEdges({ center: [-20, 0, 1], dimensions: [4, 2, 1.5], rotation: [1, 0, 0, 0] }, camera)).toEqual([])
})

describe('quaternions', () => {
  const { quaternions_wxyz, pairs } = readJson<{
    quaternions_wxyz: { q_in: Quaternion; q_unit: Quaternion; rotation_matrix: [Vec3, Vec3, Vec3]; q_from_matrix: Quaternion; inverse: Quaternion }[]
    pairs: { a: Quaternion; b: Quaternion; product_ab: Quaternion }[]
  }>('box3d/quaternion.json')

  it('are normalised, become matrices and come back', () => {
    for (const q of quaternions_wxyz) {
      expect(apart(normalised(q.q_in), q.q_unit)).toBeLessThan(1e-12)
      const m = quaternionToMatrix(q.q_in)
      expect(apart(m.flat(), q.rotation_matrix.flat())).toBeLessThan(1e-12)
      expect(turned(matrixToQuaternion(m), q.q_from_matrix)).toBeLessThan(1e-9)
      expect(turned(quaternionProduct(q.q_in, q.inverse), [1, 0, 0, 0])).toBeLessThan(1e-12)
    }
  })

  it('multiply', () => {
    for (const { a, b, product_ab } of pairs) expect(apart(quaternionProduct(a, b), product_ab)).toBeLessThan(1e-12)
  })
})
