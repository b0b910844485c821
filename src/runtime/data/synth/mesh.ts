// The surfaces of a scene in the sensor frame S: flat convex polygons and ellipsoids, with material, label and instance.
import { add, quaternionToMatrix, transform } from '../../geometry.ts'
import type { Matrix3, Quaternion, Vec3 } from '../../geometry.ts'

/** How a surface is coloured; the meaning of `u`, `v` is metres along the surface. */
export type Texture = 'plain' | 'paint' | 'glass' | 'light' | 'road' | 'paving' | 'grass' | 'facade' | 'tiles' | 'bricks' | 'leaves' | 'bars' | 'cabin' | 'coach' | 'panels' | 'wheel' | 'sign' | 'hood'
export type Rgb = readonly [number, number, number]
export interface Material {
  readonly texture: Texture
  /** linear reflectance */
  readonly colour: Rgb
  /** a second colour: windows' surround, marking, trim */
  readonly second?: Rgb
  readonly seed?: number
  /** numbers that the texture reads, see shade.ts */
  readonly shape?: readonly number[]
  /** receives shadows of what stands on it */
  readonly ground?: boolean
}

/** Reflectance from 8-bit colour. */
export const rgb = (r: number, g: number, b: number): Rgb => [(r / 255) ** 2.2, (g / 255) ** 2.2, (b / 255) ** 2.2]
export const plain = (r: number, g: number, b: number): Material => ({ texture: 'plain', colour: rgb(r, g, b) })

/** All fields there, in one order: what the inner loops read. */
export type FullMaterial = Required<Material>
const full = new WeakMap<Material, FullMaterial>()
function complete(m: Material): FullMaterial {
  let found = full.get(m)
  if (!found) {
    found = { texture: m.texture, colour: m.colour, second: m.second ?? m.colour, seed: m.seed ?? 0, shape: m.shape ?? [], ground: m.ground ?? false }
    full.set(m, found)
  }
  return found
}

interface Surface {
  readonly material: FullMaterial
  readonly label: number
  /** id * 1000 + k, 0 for stuff */
  readonly instance: number
}
export interface Polygon extends Surface {
  readonly kind: 'polygon'
  /** corners in S, x y z each */
  readonly points: readonly number[]
  /** unit, towards the camera */
  readonly normal: Vec3
  /** u = (x, y, z, 1) . the first four, v = (x, y, z, 1) . the last four */
  readonly uv: readonly number[]
}
export interface Ellipsoid extends Surface {
  readonly kind: 'ellipsoid'
  readonly center: Vec3
  /** rows: axis / semi-axis; maps S (less the centre) to the unit ball */
  readonly toBall: Matrix3
  /** half sizes of its bounding box in S */
  readonly extent: Vec3
  /** 0 smooth; above, how ragged the outline is */
  readonly ragged: number
}
export type Primitive = Polygon | Ellipsoid

/** Local coordinates -> S. */
export interface Frame { readonly rotation: Matrix3; readonly origin: Vec3 }
export const place = (f: Frame, p: Vec3): Vec3 => add(transform(f.rotation, p), f.origin)
const product = (a: Matrix3, b: Matrix3): Matrix3 => {
  const row = (r: Vec3): Vec3 => [0, 1, 2].map(j => r[0] * b[0][j] + r[1] * b[1][j] + r[2] * b[2][j]) as unknown as Vec3
  return [row(a[0]), row(a[1]), row(a[2])]
}
/** A frame inside another, at `origin`, turned by a matrix or quaternion. */
export const inside = (f: Frame, origin: Vec3, rotation: Matrix3 | Quaternion): Frame => ({ rotation: product(f.rotation, rotation.length === 3 ? rotation : quaternionToMatrix(rotation)), origin: place(f, origin) })
/** Turn about z. */
export const turn = (yaw: number): Matrix3 => [[Math.cos(yaw), -Math.sin(yaw), 0], [Math.sin(yaw), Math.cos(yaw), 0], [0, 0, 1]]

const cross = (a: Vec3, b: Vec3): Vec3 => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
const unit = (a: Vec3): Vec3 => {
  const n = Math.hypot(a[0], a[1], a[2]) || 1
  return [a[0] / n, a[1] / n, a[2] / n]
}

/** Local directions that carry u and v, and where they are zero. */
export interface Mapping { readonly origin?: Vec3; readonly along?: Vec3; readonly up?: Vec3 }

const zero: Vec3 = [0, 0, 0]
const forward: Vec3 = [1, 0, 0]
const upward: Vec3 = [0, 0, 1]
const scratch = new Float64Array(3)

/** place() into `scratch`. */
function placeAt(f: Frame, p: Vec3): void {
  const [r0, r1, r2] = f.rotation
  scratch[0] = r0[0] * p[0] + r0[1] * p[1] + r0[2] * p[2] + f.origin[0]
  scratch[1] = r1[0] * p[0] + r1[1] * p[1] + r1[2] * p[2] + f.origin[1]
  scratch[2] = r2[0] * p[0] + r2[1] * p[1] + r2[2] * p[2] + f.origin[2]
}

/** The linear function that measures along a local direction from the point in `scratch`. */
function axis(f: Frame, d: Vec3): readonly number[] {
  const [x, y, z] = transform(f.rotation, d)
  return [x, y, z, -(x * scratch[0] + y * scratch[1] + z * scratch[2])]
}

/** Collects surfaces; those of a solid that face away from the camera are left out. */
export class Mesh {
  readonly primitives: Primitive[] = []
  label = 0
  instance = 0

  /** A convex polygon of local corners. `inner`: a local point behind it (the solid's inside); without it both sides are seen. */
  polygon(f: Frame, corners: readonly Vec3[], material: Material, inner?: Vec3, mapping: Mapping = {}): void {
    const n = corners.length
    const points: number[] = []
    let front = false
    for (let i = 0; i < n; i++) {
      placeAt(f, corners[i])
      points.push(scratch[0], scratch[1], scratch[2])
      front ||= scratch[2] > 0
    }
    if (!front) return
    let [nx, ny, nz] = [0, 0, 0]
    for (let i = 0, a = 0; i < n; i++, a += 3) {
      const b = i + 1 === n ? 0 : a + 3
      nx += (points[a + 1] - points[b + 1]) * (points[a + 2] + points[b + 2])
      ny += (points[a + 2] - points[b + 2]) * (points[a] + points[b])
      nz += (points[a] - points[b]) * (points[a + 1] + points[b + 1])
    }
    const facing = nx * points[0] + ny * points[1] + nz * points[2]
    if (inner) {
      placeAt(f, inner)
      const outward = nx * (points[0] - scratch[0]) + ny * (points[1] - scratch[1]) + nz * (points[2] - scratch[2])
      if (outward * facing >= 0) return
    }
    const scale = (facing > 0 ? -1 : 1) / (Math.sqrt(nx * nx + ny * ny + nz * nz) || 1)
    placeAt(f, mapping.origin ?? zero)
    const uv = [...axis(f, mapping.along ?? forward), ...axis(f, mapping.up ?? upward)]
    this.primitives.push({ kind: 'polygon', points, normal: [nx * scale, ny * scale, nz * scale], uv, material: complete(material), label: this.label, instance: this.instance })
  }

  /** A hexahedron between two rectangles at heights z0 and z1: [x0, x1, y0, y1] each. `faces`: material of front (+x), back, left (+y), right, top, bottom; undefined leaves it out. */
  frustum(f: Frame, low: readonly [number, number, number, number], z0: number, high: readonly [number, number, number, number], z1: number, faces: readonly (Material | undefined)[]): void {
    const at = (r: readonly number[], x: number, y: number, z: number): Vec3 => [r[x], r[2 + y], z]
    const [a, b] = [low, high]
    const inner: Vec3 = [(a[0] + a[1] + b[0] + b[1]) / 4, (a[2] + a[3] + b[2] + b[3]) / 4, (z0 + z1) / 2]
    const sideways: Mapping = { along: [0, 1, 0] }
    const quads: readonly [Vec3[], Mapping][] = [
      [[at(a, 1, 0, z0), at(a, 1, 1, z0), at(b, 1, 1, z1), at(b, 1, 0, z1)], sideways],
      [[at(a, 0, 0, z0), at(a, 0, 1, z0), at(b, 0, 1, z1), at(b, 0, 0, z1)], sideways],
      [[at(a, 0, 1, z0), at(a, 1, 1, z0), at(b, 1, 1, z1), at(b, 0, 1, z1)], {}],
      [[at(a, 0, 0, z0), at(a, 1, 0, z0), at(b, 1, 0, z1), at(b, 0, 0, z1)], {}],
      [[at(b, 0, 0, z1), at(b, 1, 0, z1), at(b, 1, 1, z1), at(b, 0, 1, z1)], { up: [0, 1, 0] }],
      [[at(a, 0, 0, z0), at(a, 1, 0, z0), at(a, 1, 1, z0), at(a, 0, 1, z0)], { up: [0, 1, 0] }],
    ]
    quads.forEach(([corners, mapping], i) => {
      const material = faces[i]
      if (material) this.polygon(f, corners, material, inner, mapping)
    })
  }

  /** An axis-aligned block [x0, x1, y0, y1] from z0 to z1, of one material or one per face (as frustum). */
  block(f: Frame, r: readonly [number, number, number, number], z0: number, z1: number, material: Material | readonly (Material | undefined)[]): void {
    this.frustum(f, r, z0, r, z1, Array.isArray(material) ? material : new Array<Material>(6).fill(material as Material))
  }

  /** A convex profile of (x, z) corners drawn out from y0 to y1. */
  prism(f: Frame, profile: readonly (readonly [number, number])[], y0: number, y1: number, sides: Material, rim: Material): void {
    const n = profile.length
    const inner: Vec3 = [profile.reduce((s, p) => s + p[0], 0) / n, (y0 + y1) / 2, profile.reduce((s, p) => s + p[1], 0) / n]
    for (const y of [y0, y1]) this.polygon(f, profile.map(([x, z]) => [x, y, z]), sides, inner)
    profile.forEach(([x, z], i) => {
      const [x2, z2] = profile[(i + 1) % n]
      this.polygon(f, [[x, y0, z], [x2, y0, z2], [x2, y1, z2], [x, y1, z]], rim, inner, { along: [0, 1, 0] })
    })
  }

  /** A wheel with its axis along y: discs at y0 and y1 and the tread between, of `sides` corners. */
  wheel(f: Frame, x: number, z: number, radius: number, y0: number, y1: number, disc: Material, tread: Material, sides: number): void {
    const round = Array.from({ length: sides }, (_, i): [number, number] => {
      const angle = 2 * Math.PI * (i + 0.5) / sides
      // The flat side is at the bottom, and the outline reaches exactly `radius` downwards and sideways.
      return [Math.sin(angle) / Math.cos(Math.PI / sides), -Math.cos(angle) / Math.cos(Math.PI / sides)]
    })
    const reach = [Math.max(...round.map(p => p[0])), Math.max(...round.map(p => -p[1]))]
    const profile = round.map(([px, pz]): [number, number] => [x + radius * px / reach[0], z + radius * Math.max(-1, Math.min(1, pz / reach[1]))])
    for (const y of [y0, y1]) this.polygon(f, profile.map(([px, pz]) => [px, y, pz]), disc, [x, (y0 + y1) / 2, z], { origin: [x, y, z] })
    profile.forEach(([px, pz], i) => {
      const [qx, qz] = profile[(i + 1) % sides]
      this.polygon(f, [[px, y0, pz], [qx, y0, qz], [qx, y1, qz], [px, y1, pz]], tread, [x, (y0 + y1) / 2, z])
    })
  }

  /** A square rod between two local points. */
  rod(f: Frame, a: Vec3, b: Vec3, thickness: number, material: Material): void {
    const d = unit([b[0] - a[0], b[1] - a[1], b[2] - a[2]])
    const side = unit(Math.abs(d[2]) > 0.9 ? cross(d, [1, 0, 0]) : cross(d, [0, 0, 1]))
    const other = cross(d, side)
    const h = thickness / 2
    const corner = (p: Vec3, i: number): Vec3 => {
      const [s, t] = [[-h, -h], [h, -h], [h, h], [-h, h]][i]
      return [p[0] + s * side[0] + t * other[0], p[1] + s * side[1] + t * other[1], p[2] + s * side[2] + t * other[2]]
    }
    const inner: Vec3 = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2]
    for (let i = 0; i < 4; i++) this.polygon(f, [corner(a, i), corner(b, i), corner(b, (i + 1) % 4), corner(a, (i + 1) % 4)], material, inner)
  }

  /** An ellipsoid with semi-axes along the local axes of `f`. */
  ellipsoid(f: Frame, center: Vec3, semi: Vec3, material: Material, ragged = 0): void {
    const axes = [0, 1, 2].map((j): Vec3 => [f.rotation[0][j], f.rotation[1][j], f.rotation[2][j]])
    const toBall = axes.map((a, j): Vec3 => [a[0] / semi[j], a[1] / semi[j], a[2] / semi[j]]) as unknown as Matrix3
    const at = place(f, center)
    const extent = [0, 1, 2].map(i => Math.hypot(axes[0][i] * semi[0], axes[1][i] * semi[1], axes[2][i] * semi[2])) as unknown as Vec3
    if (at[2] > extent[2]) this.primitives.push({ kind: 'ellipsoid', center: at, toBall, extent, ragged, material: complete(material), label: this.label, instance: this.instance })
  }

  /** A limb: an ellipsoid that reaches from a to b. */
  limb(f: Frame, a: Vec3, b: Vec3, radius: number, material: Material): void {
    const d: Vec3 = [b[0] - a[0], b[1] - a[1], b[2] - a[2]]
    const z = unit(d)
    const x = unit(Math.abs(z[2]) > 0.9 ? cross([0, 1, 0], z) : cross([0, 0, 1], z))
    const y = cross(z, x)
    const rotation: Matrix3 = [[x[0], y[0], z[0]], [x[1], y[1], z[1]], [x[2], y[2], z[2]]]
    this.ellipsoid(inside(f, [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2], rotation), [0, 0, 0], [radius, radius, Math.hypot(...d) / 2], material)
  }
}
