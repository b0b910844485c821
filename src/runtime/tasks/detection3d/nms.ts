// Greedy suppression of overlapping rectangles.
import { rotatedIou, type Rectangle } from './bev.ts'

const finite = (r: Rectangle, score: number): boolean => Number.isFinite(score) && Number.isFinite(r.x) && Number.isFinite(r.y) && Number.isFinite(r.cos) && Number.isFinite(r.area)

/**
 * Indices of the rectangles that stay, best score first, at most `most`: each suppresses those after it that it overlaps by more than `threshold` (intersection over union). Of equal scores the one
 * that comes first is better; what has no finite score, place or extent is left out.
 */
export function suppress(rectangles: readonly Rectangle[], scores: ArrayLike<number>, threshold: number, most = Infinity): number[] {
  const order: number[] = []
  for (let i = 0; i < rectangles.length; i++) if (finite(rectangles[i], scores[i])) order.push(i)
  order.sort((a, b) => scores[b] - scores[a] || a - b)
  // Centres and radii of what stays lie side by side: most pairs are far apart, and this test is nearly all of the work.
  const kept: number[] = []
  const room = Math.min(order.length, most)
  const [xs, ys, radii] = [new Float64Array(room), new Float64Array(room), new Float64Array(room)]
  const isSuppressed = (r: Rectangle): boolean => {
    const { x, y, radius } = r
    for (let k = 0; k < kept.length; k++) {
      const dx = xs[k] - x
      const dy = ys[k] - y
      const reach = radii[k] + radius
      if (dx * dx + dy * dy < reach * reach && rotatedIou(rectangles[kept[k]], r, threshold) > threshold) return true
    }
    return false
  }
  for (const i of order) {
    if (kept.length >= most) break
    const r = rectangles[i]
    if (isSuppressed(r)) continue
    xs[kept.length] = r.x
    ys[kept.length] = r.y
    radii[kept.length] = r.radius
    kept.push(i)
  }
  return kept
}
