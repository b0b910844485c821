// Greedy suppression of overlapping rectangles.
import { rotatedIou, type Rectangle } from './bev.ts'

/**
 * Indices of the rectangles that stay, best score first, at most `most`: each suppresses those after it that it overlaps by more than `threshold`. Of equal scores the one that comes first is better;
 * what has no finite score or place is left out.
 */
export function suppress(rectangles: readonly Rectangle[], scores: ArrayLike<number>, threshold: number, most = Infinity): number[] {
  const order = rectangles.flatMap((r, i) => Number.isFinite(scores[i]) && Object.values(r).every(Number.isFinite) ? [i] : []).sort((a, b) => scores[b] - scores[a] || a - b)
  const kept: number[] = []
  for (const i of order) {
    if (kept.length >= most) break
    if (kept.every(k => !(rotatedIou(rectangles[k], rectangles[i]) > threshold))) kept.push(i)
  }
  return kept
}
