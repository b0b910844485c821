// 3D boxes seen by a pinhole camera: corners, projection, the amodal 2D box.
import { add, cameraToSensor, quaternionToMatrix, splitTransform, transform } from './geometry.ts'
import type { Quaternion, Vec3 } from './geometry.ts'

/** Pinhole intrinsics in pixels. */
export interface Intrinsics { readonly fx: number; readonly fy: number; readonly u0: number; readonly v0: number }

/** Signs of the corners in the object frame (x forward, y left, z up): BLB BRB FRB FLB BLT BRT FRT FLT. */
const signs: readonly Vec3[] = [[-1, 1, -1], [-1, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, 1], [-1, -1, 1], [1, -1, 1], [1, 1, 1]]

/** The 12 edges as pairs of corners: those of the bottom, of the top, and the uprights. */
export const boxEdges: readonly (readonly [number, number])[] = [[0, 1], [1, 2], [2, 3], [3, 0], [4, 5], [5, 6], [6, 7], [7, 4], [0, 4], [1, 5], [2, 6], [3, 7]]

/** Indices into `boxEdges` of the four edges of the front face, which shows the heading. */
export const frontEdges: readonly number[] = [2, 6, 10, 11]

/** Nearer points than this are cut off, in metres along the optical axis. */
const nearPlane = 0.01

/** The camera of an image scaled by sx and sy, `left` and `top` pixels inside another: its pixel (u, v) lies at ((u + 0.5) sx + left - 0.5, (v + 0.5) sy + top - 0.5). */
export const scaledCamera = <T extends Intrinsics>(camera: T, sx: number, sy: number, left = 0, top = 0): T => ({ ...camera, fx: camera.fx * sx, fy: camera.fy * sy, u0: (camera.u0 + 0.5) * sx + left - 0.5, v0: (camera.v0 + 0.5) * sy + top - 0.5 })

/** V -> S: a point of the vehicle frame in the sensor frame. */
export function pointToSensor(point: Vec3, sensorTIso8855: readonly (readonly number[])[]): Vec3 {
  const { rotation, translation } = splitTransform(sensorTIso8855)
  return transform(cameraToSensor, add(transform(rotation, point), translation))
}

/** The eight corners in frame V; dimensions are [length, width, height] in metres, the quaternion need not be normalised. */
export function boxCorners(center: Vec3, dimensions: Vec3, rotation: Quaternion): readonly Vec3[] {
  const r = quaternionToMatrix(rotation)
  const [l, w, h] = dimensions
  return signs.map(([x, y, z]) => add(transform(r, [x * l / 2, y * w / 2, z * h / 2]), center))
}

/** S -> pixels. Meaningless at z <= 0. */
export const project = ([x, y, z]: Vec3, k: Intrinsics): readonly [number, number] => [k.fx * x / z + k.u0, k.fy * y / z + k.v0]

/** Where an edge between points of frame S, one of them nearer than the near plane, meets it. */
function cutAtNearPlane(a: Vec3, b: Vec3): Vec3 {
  const t = (nearPlane - a[2]) / (b[2] - a[2])
  return [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), nearPlane]
}

/**
 * Hull [xmin, ymin, xmax, ymax] in pixels of the part of the box in front of the camera, before clipping to the image; undefined if all of it is behind.
 * `corners` are in frame S. (cityscapesScripts, box3dImageTransform: the faces are cut at the near plane.)
 */
export function projectedHull(corners: readonly Vec3[], k: Intrinsics): readonly [number, number, number, number] | undefined {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity]
  const take = (p: Vec3): void => {
    const [u, v] = project(p, k)
    x0 = Math.min(x0, u)
    x1 = Math.max(x1, u)
    y0 = Math.min(y0, v)
    y1 = Math.max(y1, v)
  }
  for (const p of corners) if (p[2] > nearPlane) take(p)
  for (const [i, j] of boxEdges) {
    const [a, b] = [corners[i], corners[j]]
    if (a[2] > nearPlane === b[2] > nearPlane) continue
    take(cutAtNearPlane(a, b))
  }
  return x0 === Infinity ? undefined : [x0, y0, x1, y1]
}

/** A visible edge in pixels; `edge` is its index into `boxEdges`. */
export interface EdgeSegment { readonly edge: number; readonly from: readonly [number, number]; readonly to: readonly [number, number] }

/** Wire frame of a 3D box of frame V: its edges, cut at the near plane but not at the image's borders (coordinates may be huge). Edges behind the camera are left out. */
export function projectedEdges(box: { readonly center: Vec3; readonly dimensions: Vec3; readonly rotation: Quaternion }, camera: Intrinsics & { readonly sensorTIso8855: readonly (readonly number[])[] }): EdgeSegment[] {
  const corners = boxCorners(box.center, box.dimensions, box.rotation).map(p => pointToSensor(p, camera.sensorTIso8855))
  return boxEdges.flatMap(([i, j], edge) => {
    const [a, b] = [corners[i], corners[j]]
    const [seenA, seenB] = [a[2] > nearPlane, b[2] > nearPlane]
    if (!seenA && !seenB) return []
    return [{ edge, from: project(seenA ? a : cutAtNearPlane(a, b), camera), to: project(seenB ? b : cutAtNearPlane(a, b), camera) }]
  })
}

/**
 * The amodal 2D box [xmin, ymin, xmax, ymax] of a 3D box of frame V: its projected hull clipped to x in [0, width - 1], y in [0, height - 1];
 * [0, 0, 0, 0] if it is behind the camera. Floating point, as the official evaluation recomputes it.
 */
export function amodalBox(center: Vec3, dimensions: Vec3, rotation: Quaternion, camera: Intrinsics & { readonly sensorTIso8855: readonly (readonly number[])[] }, width: number, height: number): readonly [number, number, number, number] {
  const hull = projectedHull(boxCorners(center, dimensions, rotation).map(p => pointToSensor(p, camera.sensorTIso8855)), camera)
  if (hull === undefined) return [0, 0, 0, 0]
  const clamp = (v: number, most: number): number => Math.min(Math.max(v, 0), most)
  return [clamp(hull[0], width - 1), clamp(hull[1], height - 1), clamp(hull[2], width - 1), clamp(hull[3], height - 1)]
}
