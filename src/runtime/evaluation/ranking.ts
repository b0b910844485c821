// Which images went best and worst, over all tasks.
import type { ImageScore, TaskResult } from './results.ts'
import { lowerIsBetter } from './results.ts'

/**
 * Images from best to worst by the mean of their ranks over the tasks (0 best, 1 worst); an image that a task has nothing to judge by has the middle rank there. Ties stay in the order of the split.
 */
export function rankImages(images: readonly ImageScore[], tasks: Readonly<Record<string, TaskResult>>): ImageScore[] {
  const mean = new Map(images.map(i => [i.index, 0]))
  for (const [task, { kind }] of Object.entries(tasks)) {
    const sign = lowerIsBetter(kind) ? 1 : -1
    const known = images.filter(i => Number.isFinite(i.scores[task])).toSorted((a, b) => sign * (a.scores[task] - b.scores[task]))
    const rank = new Map(known.map((image, at) => [image.index, known.length > 1 ? at / (known.length - 1) : 0.5]))
    for (const { index } of images) mean.set(index, mean.get(index)! + (rank.get(index) ?? 0.5))
  }
  return images.toSorted((a, b) => mean.get(a.index)! - mean.get(b.index)!)
}
