// Rectangles on the ground seen from above, and how much they overlap.

/** A rectangle and what its overlaps are computed from. Extents are those before turning by the angle whose cosine and sine these are, counter-clockwise from the first axis to the second. */
export interface Rectangle { readonly x: number; readonly y: number; readonly width: number; readonly height: number; readonly cos: number; readonly sin: number; /** of the circle around it */ readonly radius: number; readonly area: number }

/** Extents are not negative; the angle is in radians. */
export const rectangle = (x: number, y: number, width: number, height: number, angle: number): Rectangle =>
  ({ x, y, width, height, cos: Math.cos(angle), sin: Math.sin(angle), radius: Math.sqrt(width * width + height * height) / 2, area: width * height })

// Room for polygons x, y, x, y, ... Cutting four corners at four lines leaves at most 20, however it rounds; calls do not nest, so the room is shared.
const room = [new Float64Array(40), new Float64Array(40)] as const

/** Cuts the polygon of `n` numbers in `from` to where sign * coordinate <= bound (axis 0 is x, 1 is y), into `to`; returns its numbers there. */
function cut(from: Float64Array, n: number, to: Float64Array, axis: 0 | 1, sign: 1 | -1, bound: number): number {
  let m = 0
  for (let i = 0; i < n; i += 2) {
    const j = i + 2 === n ? 0 : i + 2
    const a = sign * from[i + axis] - bound
    const b = sign * from[j + axis] - bound
    if (a <= 0) {
      to[m++] = from[i]
      to[m++] = from[i + 1]
    }
    if (a < 0 ? b > 0 : a > 0 && b < 0) {
      const t = a / (a - b)
      to[m++] = from[i] + t * (from[j] - from[i])
      to[m++] = from[i + 1] + t * (from[j + 1] - from[i + 1])
    }
  }
  return m
}

/** By the shoelace formula. */
function area(polygon: Float64Array, n: number): number {
  let twice = 0
  for (let i = 0; i < n; i += 2) {
    const j = i + 2 === n ? 0 : i + 2
    twice += polygon[i] * polygon[j + 1] - polygon[j] * polygon[i + 1]
  }
  return Math.abs(twice) / 2
}

/**
 * Intersection over union of two rectangles, 0 to 1, exact if it is above `least` and else perhaps 0; 0 for a rectangle without area. The second is cut at the sides of the first in the frame of the
 * first, so that no two slanted lines are ever intersected.
 */
export function rotatedIou(a: Rectangle, b: Rectangle, least = 0): number {
  const smaller = Math.min(a.area, b.area)
  if (!(smaller > 0) || smaller < least * Math.max(a.area, b.area)) return 0
  const dx = b.x - a.x
  const dy = b.y - a.y
  const x = dx * a.cos + dy * a.sin
  const y = dy * a.cos - dx * a.sin
  const cos = (a.cos * b.cos + a.sin * b.sin) / 2
  const sin = (a.cos * b.sin - a.sin * b.cos) / 2
  const ux = cos * b.width
  const uy = sin * b.width
  const vx = -sin * b.height
  const vy = cos * b.height
  const w = a.width / 2
  const h = a.height / 2
  // The upright rectangle around the second bounds what they share.
  const reachX = Math.abs(ux) + Math.abs(vx)
  const reachY = Math.abs(uy) + Math.abs(vy)
  const overlapX = Math.min(w, x + reachX) - Math.max(-w, x - reachX)
  const overlapY = Math.min(h, y + reachY) - Math.max(-h, y - reachY)
  if (overlapX <= 0 || overlapY <= 0) return 0
  const bound = Math.min(overlapX * overlapY, smaller)
  const both = a.area + b.area
  if (bound < least * (both - bound)) return 0
  const p = room[0]
  const q = room[1]
  p[0] = x - ux - vx
  p[1] = y - uy - vy
  p[2] = x + ux - vx
  p[3] = y + uy - vy
  p[4] = x + ux + vx
  p[5] = y + uy + vy
  p[6] = x - ux + vx
  p[7] = y - uy + vy
  let n = cut(p, 8, q, 0, 1, w)
  n = cut(q, n, p, 0, -1, w)
  n = cut(p, n, q, 1, 1, h)
  n = cut(q, n, p, 1, -1, h)
  const common = Math.min(area(p, n), smaller)
  return common / Math.max(both - common, 1e-8)
}
