// Corners and amodal boxes against values of the official scripts.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { amodalBox, boxCorners, pointToSensor, projectedHull } from '../../src/runtime/projection.ts'

type Vec3 = [number, number, number]
const golden = JSON.parse(readFileSync(new URL('../fixtures/box3d/amodal.json', import.meta.url), 'utf8')) as {
  sensor: { sensor_T_ISO_8855: number[][]; fx: number; fy: number; u0: number; v0: number }
  image: [number, number]
  boxes: { tag: string; center: Vec3; dimensions: Vec3; rotation_wxyz: [number, number, number, number]; corners_S: Vec3[]; amodal: number[] }[]
}
const camera = { ...golden.sensor, sensorTIso8855: golden.sensor.sensor_T_ISO_8855 }

test.each(golden.boxes)('$tag', box => {
  const corners = boxCorners(box.center, box.dimensions, box.rotation_wxyz).map(p => pointToSensor(p, camera.sensorTIso8855))
  corners.forEach((p, i) => p.forEach((v, k) => expect(v).toBeCloseTo(box.corners_S[i][k], 9)))
  amodalBox(box.center, box.dimensions, box.rotation_wxyz, camera, golden.image[0], golden.image[1]).forEach((v, i) => expect(v).toBeCloseTo(box.amodal[i], 6))
})

test('a box behind the camera has no hull', () => {
  expect(projectedHull(boxCorners([-20, 0, 1], [4, 2, 1.5], [1, 0, 0, 0]).map(p => pointToSensor(p, camera.sensorTIso8855)), camera)).toBeUndefined()
})
