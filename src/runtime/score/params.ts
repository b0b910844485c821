// What the official 3D detection metric may be asked: classes, overlap, depth range, thresholds of confidence.
import { evaluatedClasses } from '../data/cityscapes3d/boxes.ts'

/** Parameters of the metric; `defaultParams` are the official ones. */
export interface DetectionParams {
  readonly labels: readonly string[]
  /** a pair needs an overlap greater than this, strictly */
  readonly minIou: number
  /** whole metres; boxes at this distance or farther enter no statistic per depth */
  readonly maxDepth: number
  /** whole metres: width of a depth bin */
  readonly stepSize: number
  /** which 2D boxes are matched: `amodal` is the official choice, `modal` that of the TaskPrompter report */
  readonly matching: 'amodal' | 'modal'
  /** undefined: the first threshold with the largest product of precision and recall */
  readonly confidence: number | undefined
  /** steps of confidence between 0 and 1 */
  readonly numConf: number
  /** rows, columns that recomputed boxes are clipped to; the official tool knows only 1024 x 2048 */
  readonly image: readonly [number, number]
}

export const defaultParams: DetectionParams = { labels: evaluatedClasses, minIou: 0.7, maxDepth: 100, stepSize: 5, matching: 'amodal', confidence: undefined, numConf: 50, image: [1024, 2048] }

/** Thresholds i / numConf up to 1, as doubles: 35 * 0.02 is 0.7000000000000001, which a score of 0.7 does not reach. */
export function thresholdsOf({ numConf }: Pick<DetectionParams, 'numConf'>): number[] {
  const step = 1 / numConf
  return Array.from({ length: Math.ceil(1.01 / step) }, (_, i) => i * step)
}

/** The threshold that a wanted confidence stands for: itself, else the next larger one; outside of [0, 1] the nearer end. */
export function nearestThreshold(confidence: number, thresholds: readonly number[]): number {
  const wanted = Math.min(1, Math.max(0, confidence))
  return thresholds.find(s => s >= wanted) ?? thresholds[thresholds.length - 1]
}

/** Distance in the ground plane from the rear axle (frame V), cut to whole metres. */
export const depthOf = ([x, y]: readonly [number, number, number]): number => Math.trunc(Math.sqrt(x * x + y * y))

/** Number of depth bins: 0, step, 2 step, ... up to and with maxDepth. */
export const binCount = ({ maxDepth, stepSize }: Pick<DetectionParams, 'maxDepth' | 'stepSize'>): number => Math.floor(maxDepth / stepSize) + 1
