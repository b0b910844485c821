// Which surface a ray through each sample meets first: polygons by scan lines, ellipsoids by their quadratic, one depth buffer.
import type { Ellipsoid, Polygon, Primitive } from './mesh.ts'
import { noise3 } from './random.ts'

/** Nothing nearer than this is drawn, in metres along the optical axis. */
export const nearest = 0.1

/** Samples in rows and columns with the pinhole camera that goes with them: sample (i, j) looks along ((i - u0) / fx, (j - v0) / fy, 1). */
export interface Grid { readonly width: number; readonly height: number; readonly fx: number; readonly fy: number; readonly u0: number; readonly v0: number }

/** `per` x `per` samples in every pixel; per = 1 looks through the centres of the pixels, whose coordinates are whole. */
export const gridOf = (k: { fx: number; fy: number; u0: number; v0: number }, height: number, width: number, per: number): Grid =>
  ({ width: width * per, height: height * per, fx: k.fx * per, fy: k.fy * per, u0: (k.u0 + 0.5) * per - 0.5, v0: (k.v0 + 0.5) * per - 0.5 })

/** What is seen at each sample: inverse depth (1 / Z, 0 = nothing) and 1 + the index of the primitive. */
export interface View { readonly grid: Grid; readonly inverseDepth: Float32Array; readonly primitive: Int32Array }

type Plot = (row: number, from: number, to: number, slope: number, base: number) => void

/** Cuts a polygon at the near plane and projects it; the number of corners in `xs`, `ys`. */
const xs = new Float64Array(32)
const ys = new Float64Array(32)
function project(points: ArrayLike<number>, g: Grid): number {
  const n = points.length / 3
  let count = 0
  for (let i = 0; i < n; i++) {
    const a = 3 * i
    const b = 3 * ((i + 1) % n)
    const az = points[a + 2]
    const bz = points[b + 2]
    if (az >= nearest) {
      xs[count] = g.fx * points[a] / az + g.u0
      ys[count++] = g.fy * points[a + 1] / az + g.v0
    }
    if (az >= nearest !== bz >= nearest) {
      const t = (nearest - az) / (bz - az)
      xs[count] = g.fx * (points[a] + t * (points[b] - points[a])) / nearest + g.u0
      ys[count++] = g.fy * (points[a + 1] + t * (points[b + 1] - points[a + 1])) / nearest + g.v0
    }
  }
  return count
}

let left = new Float64Array(0)
let right = new Float64Array(0)

/** Calls `plot` for the run of samples in each row: inverse depth there is base + slope * column. */
export function scan(points: ArrayLike<number>, normal: ArrayLike<number>, g: Grid, plot: Plot): void {
  const count = project(points, g)
  if (count < 3) return
  const distance = normal[0] * points[0] + normal[1] * points[1] + normal[2] * points[2]
  if (Math.abs(distance) < 1e-6) return
  if (left.length < g.height) {
    left = new Float64Array(g.height)
    right = new Float64Array(g.height)
  }
  let top = Infinity
  let bottom = -Infinity
  for (let i = 0; i < count; i++) {
    top = Math.min(top, ys[i])
    bottom = Math.max(bottom, ys[i])
  }
  const first = Math.max(0, Math.ceil(top))
  const last = Math.min(g.height - 1, Math.ceil(bottom) - 1)
  if (first > last) return
  for (let y = first; y <= last; y++) {
    left[y] = Infinity
    right[y] = -Infinity
  }
  for (let i = 0; i < count; i++) {
    const j = i + 1 === count ? 0 : i + 1
    const low = ys[i] < ys[j] ? i : j
    const high = low === i ? j : i
    const y0 = ys[low]
    const y1 = ys[high]
    const x0 = xs[low]
    const x1 = xs[high]
    if (y0 === y1) continue
    const slope = (x1 - x0) / (y1 - y0)
    const end = Math.min(last, Math.ceil(y1) - 1)
    for (let y = Math.max(first, Math.ceil(y0)); y <= end; y++) {
      const x = x0 + (y - y0) * slope
      if (x < left[y]) left[y] = x
      if (x > right[y]) right[y] = x
    }
  }
  const slope = normal[0] / (g.fx * distance)
  for (let y = first; y <= last; y++) {
    const from = Math.max(0, Math.ceil(left[y]))
    const to = Math.min(g.width, Math.ceil(right[y]))
    if (from < to) plot(y, from, to, slope, (normal[1] * (y - g.v0) / g.fy + normal[2]) / distance - slope * g.u0)
  }
}

/** Whether a fence lets the ray through: upright bars and two rails. */
function throughBars(p: Polygon, g: Grid, x: number, y: number, inverse: number): boolean {
  const z = 1 / inverse
  const px = (x - g.u0) / g.fx * z
  const py = (y - g.v0) / g.fy * z
  const t = p.uv
  const u = px * t[0] + py * t[1] + z * t[2] + t[3]
  const v = px * t[4] + py * t[5] + z * t[6] + t[7]
  const [pitch, width, height] = p.material.shape
  return u - Math.floor(u / pitch) * pitch > width && Math.abs(v - 0.15) > 0.05 && Math.abs(v - height + 0.06) > 0.06
}

function drawEllipsoid(e: Ellipsoid, g: Grid, visit: (index: number, inverse: number) => void): void {
  const [cx, cy, cz] = e.center
  const near = cz - e.extent[2]
  if (near < nearest) return
  let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity]
  for (const z of [near, cz + e.extent[2]]) {
    x0 = Math.min(x0, (cx - e.extent[0]) / z)
    x1 = Math.max(x1, (cx + e.extent[0]) / z)
    y0 = Math.min(y0, (cy - e.extent[1]) / z)
    y1 = Math.max(y1, (cy + e.extent[1]) / z)
  }
  const [fromX, toX] = [Math.max(0, Math.ceil(x0 * g.fx + g.u0)), Math.min(g.width - 1, Math.floor(x1 * g.fx + g.u0))]
  const [fromY, toY] = [Math.max(0, Math.ceil(y0 * g.fy + g.v0)), Math.min(g.height - 1, Math.floor(y1 * g.fy + g.v0))]
  const [m0, m1, m2] = e.toBall
  const ox = m0[0] * cx + m0[1] * cy + m0[2] * cz
  const oy = m1[0] * cx + m1[1] * cy + m1[2] * cz
  const oz = m2[0] * cx + m2[1] * cy + m2[2] * cz
  const c = ox * ox + oy * oy + oz * oz - 1
  const seed = e.material.seed
  for (let y = fromY; y <= toY; y++) {
    const dy = (y - g.v0) / g.fy
    for (let x = fromX; x <= toX; x++) {
      const dx = (x - g.u0) / g.fx
      const qx = m0[0] * dx + m0[1] * dy + m0[2]
      const qy = m1[0] * dx + m1[1] * dy + m1[2]
      const qz = m2[0] * dx + m2[1] * dy + m2[2]
      const a = qx * qx + qy * qy + qz * qz
      const b = qx * ox + qy * oy + qz * oz
      const discriminant = b * b - a * c
      if (discriminant <= 0) continue
      const root = Math.sqrt(discriminant)
      const t = (b - root) / a
      if (e.ragged > 0) {
        // root / sqrt(a) is the cosine at which the ray meets the unit ball: small near the outline.
        const cosine = root / Math.sqrt(a)
        if (cosine < 0.75 && cosine < e.ragged * noise3(4.5 * (t * qx - ox), 4.5 * (t * qy - oy), 4.5 * (t * qz - oz), seed)) continue
      }
      visit(y * g.width + x, 1 / t)
    }
  }
}

/** Draws all primitives. `alone`, if given, counts for every instance the samples that it would cover if nothing stood before it. */
export function draw(primitives: readonly Primitive[], grid: Grid, alone?: Map<number, number>): View {
  const inverseDepth = new Float32Array(grid.width * grid.height)
  const primitive = new Int32Array(grid.width * grid.height)
  const stamp = alone ? new Int32Array(grid.width * grid.height) : undefined
  primitives.forEach((p, i) => {
    const counted = stamp !== undefined && p.instance > 0
    let fresh = 0
    const visit = (index: number, inverse: number): void => {
      if (counted && stamp[index] !== p.instance) {
        stamp[index] = p.instance
        fresh++
      }
      if (inverse > inverseDepth[index]) {
        inverseDepth[index] = inverse
        primitive[index] = i + 1
      }
    }
    if (p.kind === 'ellipsoid') drawEllipsoid(p, grid, visit)
    else {
      const open = p.material.texture === 'bars'
      scan(p.points, p.normal, grid, (row, from, to, slope, base) => {
        const start = row * grid.width
        if (counted || open) {
          for (let x = from; x < to; x++) {
            const inverse = base + slope * x
            if (!open || !throughBars(p, grid, x, row, inverse)) visit(start + x, inverse)
          }
          return
        }
        for (let x = from; x < to; x++) {
          const inverse = base + slope * x
          if (inverse > inverseDepth[start + x]) {
            inverseDepth[start + x] = inverse
            primitive[start + x] = i + 1
          }
        }
      })
    }
    if (fresh > 0) alone!.set(p.instance, (alone!.get(p.instance) ?? 0) + fresh)
  })
  return { grid, inverseDepth, primitive }
}
