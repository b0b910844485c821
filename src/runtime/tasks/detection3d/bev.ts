// Rectangles on the ground seen from above, and how much they overlap.

/** Centre, extents before turning, and a turn counter-clockwise from the first axis to the second (radians). Extents are not negative. */
export interface Rectangle { readonly x: number; readonly y: number; readonly width: number; readonly height: number; readonly angle: number }

/** x, y, x, y, ... of a convex polygon. */
type Polygon = readonly number[]

/** The part of a convex polygon where sign * coordinate <= bound, the coordinate being x (axis 0) or y (axis 1). */
function clip(polygon: Polygon, axis: 0 | 1, sign: 1 | -1, bound: number): Polygon {
  const out: number[] = []
  const n = polygon.length
  for (let i = 0; i < n; i += 2) {
    const j = i + 2 === n ? 0 : i + 2
    const a = sign * polygon[i + axis] - bound
    const b = sign * polygon[j + axis] - bound
    if (a <= 0) out.push(polygon[i], polygon[i + 1])
    if (a < 0 ? b > 0 : a > 0 && b < 0) {
      const t = a / (a - b)
      out.push(polygon[i] + t * (polygon[j] - polygon[i]), polygon[i + 1] + t * (polygon[j + 1] - polygon[i + 1]))
    }
  }
  return out
}

function area(polygon: Polygon): number {
  let twice = 0
  for (let i = 0, n = polygon.length; i < n; i += 2) {
    const j = i + 2 === n ? 0 : i + 2
    twice += polygon[i] * polygon[j + 1] - polygon[j] * polygon[i + 1]
  }
  return Math.abs(twice) / 2
}

/** Area common to two rectangles: the second is cut at the sides of the first in the frame of the first, so that no edge case of two slanted lines arises. */
export function intersection(a: Rectangle, b: Rectangle): number {
  const most = Math.min(a.width * a.height, b.width * b.height)
  if (!(most > 0)) return 0
  const reach = (Math.hypot(a.width, a.height) + Math.hypot(b.width, b.height)) / 2
  const [dx, dy] = [b.x - a.x, b.y - a.y]
  if (Math.abs(dx) > reach || Math.abs(dy) > reach) return 0
  const [c, s] = [Math.cos(a.angle), Math.sin(a.angle)]
  const [x, y] = [dx * c + dy * s, dy * c - dx * s]
  const [cb, sb] = [Math.cos(b.angle - a.angle), Math.sin(b.angle - a.angle)]
  const [ux, uy, vx, vy] = [(cb * b.width) / 2, (sb * b.width) / 2, (-sb * b.height) / 2, (cb * b.height) / 2]
  let polygon: Polygon = [x - ux - vx, y - uy - vy, x + ux - vx, y + uy - vy, x + ux + vx, y + uy + vy, x - ux + vx, y - uy + vy]
  polygon = clip(polygon, 0, 1, a.width / 2)
  polygon = clip(polygon, 0, -1, a.width / 2)
  polygon = clip(polygon, 1, 1, a.height / 2)
  polygon = clip(polygon, 1, -1, a.height / 2)
  return Math.min(area(polygon), most)
}

/** Intersection over union, 0 to 1; 0 for a rectangle without area. */
export function rotatedIou(a: Rectangle, b: Rectangle): number {
  const common = intersection(a, b)
  return common / Math.max(a.width * a.height + b.width * b.height - common, 1e-8)
}
