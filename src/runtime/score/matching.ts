// Which predictions of an image meet which ground-truth boxes: best overlap first, per class, for every threshold of confidence.
import type { Box3d, Camera, IgnoreRegion } from '../data/dataset.ts'
import { amodalBox, boxCorners, pointToSensor } from '../projection.ts'
import type { Detection } from '../tasks/detection3d/detection.ts'
import { cornersOf, iou, shareInside, type Corners } from './overlap.ts'
import { depthOf, type DetectionParams } from './params.ts'

/** What the metric reads of an annotated box. */
export type TruthBox = Pick<Box3d, 'label' | 'center' | 'dimensions' | 'rotation' | 'modal' | 'amodal'>

/** An image with all that is judged. Labels that are not evaluated are skipped; predicted amodal boxes are computed anew from the 3D boxes. */
export interface ScoredImage {
  readonly id: string
  readonly groundTruth: readonly TruthBox[]
  /** where unmatched predictions of any class do not count */
  readonly ignores: readonly IgnoreRegion[]
  readonly camera: Camera
  readonly predictions: readonly Detection[]
}

/** Boxes of one class in one image; numbers in `pairs` and `absorbed` count within `truth` and `predicted`. */
export interface ClassBoxes {
  /** indices into the image's groundTruth */
  readonly truth: readonly number[]
  /** indices into the image's predictions */
  readonly predicted: readonly number[]
  readonly scores: readonly number[]
  readonly truthDepth: readonly number[]
  readonly predictedDepth: readonly number[]
  /** [row of truth, column of predicted] of overlaps above minIou: largest first, then by row, then by column */
  readonly pairs: readonly (readonly [number, number])[]
  /** per prediction: lies in an ignore region, so that it is no false positive */
  readonly absorbed: readonly boolean[]
}

/** Indices into the image's groundTruth and predictions. */
export interface Matching {
  /** [ground truth, prediction], in the order of matching */
  readonly pairs: readonly (readonly [number, number])[]
  readonly falsePositives: readonly number[]
  readonly falseNegatives: readonly number[]
  /** unmatched predictions in ignore regions */
  readonly ignored: readonly number[]
}

const nearPlane = 0.01

/** Whether no corner of a box (frame V) is in front of the camera. */
export const isBehind = (box: Pick<TruthBox, 'center' | 'dimensions' | 'rotation'>, camera: Camera): boolean => boxCorners(box.center, box.dimensions, box.rotation).every(p => pointToSensor(p, camera.sensorTIso8855)[2] <= nearPlane)

/** Of one class: overlaps and depths, which no threshold changes. */
export function classBoxes(image: ScoredImage, label: string, params: DetectionParams): ClassBoxes {
  const truth: number[] = []
  const predicted: number[] = []
  image.groundTruth.forEach((box, i) => { if (box.label === label) truth.push(i) })
  image.predictions.forEach((box, i) => { if (box.label === label) predicted.push(i) })
  const modal = params.matching === 'modal'
  const visible = predicted.map(i => cornersOf(image.predictions[i].modal))
  const rows: Corners[] = truth.map(i => cornersOf(modal ? image.groundTruth[i].modal : image.groundTruth[i].amodal))
  const columns: readonly Corners[] = modal || truth.length === 0 ? visible : predicted.map(i => {
    const { center, dimensions, rotation } = image.predictions[i]
    return amodalBox(center, dimensions, rotation, image.camera, params.image[1], params.image[0])
  })
  const found: { readonly overlap: number; readonly pair: readonly [number, number] }[] = []
  rows.forEach((a, row) => columns.forEach((b, column) => {
    const overlap = iou(a, b)
    if (overlap > params.minIou) found.push({ overlap, pair: [row, column] })
  }))
  // The sort is stable: equal overlaps stay in row-major order.
  found.sort((a, b) => b.overlap - a.overlap)
  const regions = image.ignores.map(r => cornersOf(r.box))
  return {
    truth, predicted, pairs: found.map(f => f.pair),
    scores: predicted.map(i => image.predictions[i].score),
    truthDepth: truth.map(i => depthOf(image.groundTruth[i].center)),
    predictedDepth: predicted.map(i => depthOf(image.predictions[i].center)),
    absorbed: visible.map(box => regions.some(region => shareInside(box, region) > params.minIou)),
  }
}

/**
 * Best overlap first among the predictions that reach `threshold`; the score plays no other role. Equals taking the maximum of the matrix again and again and
 * striking out its row and column. Returns, per prediction of the class, its row, -1 unmatched, -2 below the threshold.
 */
export function assign({ truth, scores, pairs }: ClassBoxes, threshold: number): Int32Array {
  const rowOf = Int32Array.from(scores, s => (s >= threshold ? -1 : -2))
  const taken = new Uint8Array(truth.length)
  for (const [row, column] of pairs) {
    if (taken[row] === 1 || rowOf[column] !== -1) continue
    taken[row] = 1
    rowOf[column] = row
  }
  return rowOf
}

/** The matches of one class in one image at a threshold, e.g. the class's working confidence. */
export function matchImage(image: ScoredImage, label: string, threshold: number, params: DetectionParams): Matching {
  const boxes = classBoxes(image, label, params)
  const rowOf = assign(boxes, threshold)
  const order = new Map(boxes.pairs.map(([row, column], i) => [row * boxes.predicted.length + column, i]))
  const columns = [...rowOf.keys()]
  const pairs = columns.filter(c => rowOf[c] >= 0).map(c => ({ c, at: order.get(rowOf[c] * boxes.predicted.length + c)! })).sort((a, b) => a.at - b.at)
  const free = columns.filter(c => rowOf[c] === -1)
  const taken = new Set(rowOf)
  return {
    pairs: pairs.map(({ c }) => [boxes.truth[rowOf[c]], boxes.predicted[c]] as const),
    falsePositives: free.filter(c => !boxes.absorbed[c]).map(c => boxes.predicted[c]),
    falseNegatives: boxes.truth.filter((_, row) => !taken.has(row)),
    ignored: free.filter(c => boxes.absorbed[c]).map(c => boxes.predicted[c]),
  }
}
