// A 3D box as lines and areas on the image: edges cut at the near plane and at the borders, seen and hidden ones told apart, the front face, the arrow of the heading.
import type { Camera } from '../data/dataset.ts'
import { add, quaternionToMatrix, transform, type Quaternion, type Vec3 } from '../geometry.ts'
import { boxCorners, pointToSensor, project, projectedEdges, type Intrinsics } from '../projection.ts'

/** What is drawn of a box: a detection, or an annotation (without a score). Frame V, metres. */
export interface DrawnBox { readonly label: string; readonly score?: number; readonly center: Vec3; readonly dimensions: Vec3; readonly rotation: Quaternion }

export type Point = readonly [number, number]
export interface Edge { readonly from: Point; readonly to: Point; /** no face beside it looks at the camera */ readonly hidden: boolean }

export interface WireFrame {
  /** what is left of the 12 edges in front of the camera and inside the image */
  readonly edges: readonly Edge[]
  /** polygon of the front face, cut at the near plane alone; empty behind it */
  readonly front: readonly Point[]
  /** whether the front face looks at the camera */
  readonly frontSeen: boolean
  /** shaft and two barbs of an arrow on the ground, from the centre of the box to before its front */
  readonly arrow: readonly (readonly [Point, Point])[]
  /** [x0, y0, x1, y1] of the edges in the image */
  readonly hull: readonly [number, number, number, number]
  /** of the box's centre from the camera, metres along the optical axis */
  readonly depth: number
}

/** Nearer points are cut off, metres along the optical axis: what a bonnet's length leaves is in no picture. */
const near = 0.2

/** Corners (see boxCorners) of the faces: front, back, left, right, top, bottom, each in a round. */
const faces: readonly (readonly number[])[] = [[2, 3, 7, 6], [0, 1, 5, 4], [0, 3, 7, 4], [1, 2, 6, 5], [4, 5, 6, 7], [0, 1, 2, 3]]
const frontFace = 0

/** The two faces beside each of the box's edges. */
const facesBeside: readonly (readonly [number, number])[] = [[1, 5], [3, 5], [0, 5], [2, 5], [1, 4], [3, 4], [0, 4], [2, 4], [1, 2], [1, 3], [0, 3], [0, 2]]

const between = (a: Vec3, b: Vec3): Vec3 => {
  const t = (near - a[2]) / (b[2] - a[2])
  return [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), near]
}

/** The part of a line between two points of frame S that lies before the near plane and in an image of that size, in pixels; undefined if there is none. */
function projectedLine(a: Vec3, b: Vec3, k: Intrinsics, height: number, width: number): readonly [Point, Point] | undefined {
  if (a[2] < near && b[2] < near) return undefined
  const [p, q] = [project(a[2] < near ? between(a, b) : a, k), project(b[2] < near ? between(b, a) : b, k)]
  return cutToImage(p, q, height, width)
}

/** Liang and Barsky: the part of a line inside [0, width - 1] x [0, height - 1]. */
function cutToImage(p: Point, q: Point, height: number, width: number): readonly [Point, Point] | undefined {
  let [from, to] = [0, 1]
  const [dx, dy] = [q[0] - p[0], q[1] - p[1]]
  for (const [step, room] of [[-dx, p[0]], [dx, width - 1 - p[0]], [-dy, p[1]], [dy, height - 1 - p[1]]]) {
    if (step === 0) { if (room < 0) return undefined }
    else if (step < 0) from = Math.max(from, room / step)
    else to = Math.min(to, room / step)
  }
  const at = (t: number): Point => [p[0] + t * dx, p[1] + t * dy]
  return from <= to ? [at(from), at(to)] : undefined
}

/** A polygon of frame S cut at the near plane (Sutherland and Hodgman), in pixels. */
function projectedPolygon(corners: readonly Vec3[], k: Intrinsics): Point[] {
  return corners.flatMap((a, i) => {
    const b = corners[(i + 1) % corners.length]
    const [aIn, bIn] = [a[2] >= near, b[2] >= near]
    return [...(aIn ? [a] : []), ...(aIn === bIn ? [] : [between(a, b)])]
  }).map(p => project(p, k))
}

/** A face looks at the camera, the origin of S, if the box's centre lies on its other side. */
function looksAtCamera(face: readonly Vec3[], centre: Vec3): boolean {
  const [a, b, , d] = face
  const minus = (p: Vec3, q: Vec3): Vec3 => [p[0] - q[0], p[1] - q[1], p[2] - q[2]]
  const [u, v] = [minus(b, a), minus(d, a)]
  const normal: Vec3 = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]]
  const dot = (p: Vec3, q: Vec3): number => p[0] * q[0] + p[1] * q[1] + p[2] * q[2]
  return dot(normal, minus(centre, a)) * dot(normal, a) > 0
}

/** Tail, head and ends of the barbs of the arrow on the ground, frame V. */
export function headingArrow({ center, dimensions: [length, width, height], rotation }: DrawnBox): { readonly tail: Vec3; readonly head: Vec3; readonly barbs: readonly [Vec3, Vec3] } {
  const r = quaternionToMatrix(rotation)
  const at = (x: number, y: number): Vec3 => add(transform(r, [x, y, -height / 2]), center)
  const reach = length / 2 + Math.max(0.5, 0.3 * length)
  const barb = Math.min(0.35 * length, 0.8)
  return { tail: at(0, 0), head: at(reach, 0), barbs: [at(reach - barb, Math.min(barb, width / 2)), at(reach - barb, -Math.min(barb, width / 2))] }
}

/** Undefined if nothing of the box is in the image. */
export function wireFrame(box: DrawnBox, camera: Camera, height: number, width: number): WireFrame | undefined {
  const toSensor = (p: Vec3): Vec3 => pointToSensor(p, camera.sensorTIso8855)
  const corners = boxCorners(box.center, box.dimensions, box.rotation).map(toSensor)
  const centre = toSensor(box.center)
  const seen = faces.map(face => looksAtCamera(face.map(i => corners[i]), centre))
  const cut = projectedEdges(box, camera).flatMap(({ edge, from, to }) => {
    const line = cutToImage(from, to, height, width)
    return line === undefined ? [] : [{ from: line[0], to: line[1], hidden: facesBeside[edge].every(f => !seen[f]) }]
  })
  if (cut.length === 0) return undefined
  const xs = cut.flatMap(e => [e.from[0], e.to[0]])
  const ys = cut.flatMap(e => [e.from[1], e.to[1]])
  const { tail, head, barbs } = headingArrow(box)
  const arrow = ([[tail, head], [barbs[0], head], [barbs[1], head]] as const).flatMap(([a, b]) => {
    const line = projectedLine(toSensor(a), toSensor(b), camera, height, width)
    return line === undefined ? [] : [line]
  })
  return { edges: cut, front: projectedPolygon(faces[frontFace].map(i => corners[i]), camera), frontSeen: seen[frontFace], arrow, hull: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)], depth: centre[2] }
}
