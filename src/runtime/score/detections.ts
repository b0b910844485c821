// The official 3D detection metric of Cityscapes: average precision, four true-positive scores, detection score, mDS.
import { curveOf, workingPoint, type Curve } from './average-precision.ts'
import { assign, classBoxes, isBehind, type ClassBoxes, type ScoredImage } from './matching.ts'
import { binCount, defaultParams, nearestThreshold, thresholdsOf, type DetectionParams } from './params.ts'
import { binned, pairScores, truePositiveScores, type BinnedScore, type TruePositiveScore } from './true-positives.ts'

/** Scores of one class; each 0 to 1. */
export interface ClassScores {
  readonly label: string
  /** boxes in the ground truth */
  readonly groundTruth: number
  /** predictions of any score */
  readonly predictions: number
  /** points at every threshold; `auc` is the average precision */
  readonly ap: Curve
  /** per threshold */
  readonly truePositives: readonly number[]
  readonly falsePositives: readonly number[]
  readonly falseNegatives: readonly number[]
  /** threshold at which true positives are judged */
  readonly workingConfidence: number
  /** bin (metres, its lower end) -> curve; only bins with ground truth */
  readonly apPerDepth: ReadonlyMap<number, Curve>
  /** bin -> boxes in the ground truth; same bins as apPerDepth */
  readonly groundTruthPerDepth: ReadonlyMap<number, number>
  readonly centerDistance: BinnedScore
  readonly sizeSimilarity: BinnedScore
  readonly yawSimilarity: BinnedScore
  readonly pitchRollSimilarity: BinnedScore
  /** average precision times the mean of the four */
  readonly detectionScore: number
}

/** Means over the classes that have ground truth; NaN if none has. */
export type MeanScores = Readonly<Record<'detectionScore' | 'ap' | TruePositiveScore, number>>

export interface BoxPlace { readonly image: string; /** index into the image's list */ readonly index: number }

export interface Scores {
  readonly params: DetectionParams
  readonly images: number
  readonly thresholds: readonly number[]
  /** in the order of params.labels */
  readonly classes: readonly ClassScores[]
  readonly mean: MeanScores
  /** predictions that lie wholly behind the camera: they match nothing by their amodal box, which is [0, 0, 0, 0] */
  readonly behindCamera: readonly BoxPlace[]
}

/** Counts of one class: per threshold, and per bin and threshold. */
class Counts {
  readonly tp: Float64Array
  readonly fp: Float64Array
  readonly fn: Float64Array
  readonly bins: readonly { readonly tp: Float64Array; readonly fp: Float64Array; readonly fn: Float64Array }[]
  readonly params: DetectionParams

  constructor(thresholds: number, params: DetectionParams) {
    const counts = (): { tp: Float64Array; fp: Float64Array; fn: Float64Array } => ({ tp: new Float64Array(thresholds), fp: new Float64Array(thresholds), fn: new Float64Array(thresholds) })
    const total = counts()
    this.tp = total.tp
    this.fp = total.fp
    this.fn = total.fn
    this.bins = Array.from({ length: binCount(params) }, counts)
    this.params = params
  }

  #count(kind: 'tp' | 'fp' | 'fn', depth: number, from: number, to: number): void {
    const bin = depth < this.params.maxDepth ? this.bins[Math.floor(depth / this.params.stepSize)] : undefined
    for (let t = from; t < to; t++) {
      this[kind][t]++
      if (bin !== undefined) bin[kind][t]++
    }
  }

  /** The pairs change only where a prediction drops out, so runs of thresholds share one matching. */
  add(boxes: ClassBoxes, thresholds: readonly number[]): void {
    const active = thresholds.map(s => boxes.scores.reduce((n, score) => n + (score >= s ? 1 : 0), 0))
    for (let from = 0, to = 0; from < thresholds.length; from = to) {
      while (to < thresholds.length && active[to] === active[from]) to++
      const found = new Uint8Array(boxes.truth.length)
      assign(boxes, thresholds[from]).forEach((row, column) => {
        if (row >= 0) { found[row] = 1; this.#count('tp', boxes.truthDepth[row], from, to) }
        else if (row === -1 && !boxes.absorbed[column]) this.#count('fp', boxes.predictedDepth[column], from, to)
      })
      found.forEach((hit, row) => { if (hit === 0) this.#count('fn', boxes.truthDepth[row], from, to) })
    }
  }
}

function classScores(images: readonly ScoredImage[], label: string, thresholds: readonly number[], params: DetectionParams): ClassScores {
  const counts = new Counts(thresholds.length, params)
  const boxes = images.map(image => classBoxes(image, label, params))
  for (const b of boxes) counts.add(b, thresholds)
  const ap = curveOf(counts.tp, counts.fp, counts.fn)
  const workingConfidence = params.confidence === undefined ? workingPoint(ap, thresholds) : nearestThreshold(params.confidence, thresholds)
  const judged = boxes.flatMap((b, i) => [...assign(b, workingConfidence)].flatMap((row, column) => {
    if (row < 0 || b.truthDepth[row] >= params.maxDepth) return []
    const bin = Math.floor(b.truthDepth[row] / params.stepSize) * params.stepSize
    return [{ bin, scores: pairScores(images[i].groundTruth[b.truth[row]], images[i].predictions[b.predicted[column]], params.maxDepth) }]
  }))
  const score = (name: TruePositiveScore): BinnedScore => binned(judged.map(({ bin, scores }) => ({ bin, value: scores[name] })))
  const four = { centerDistance: score('centerDistance'), sizeSimilarity: score('sizeSimilarity'), yawSimilarity: score('yawSimilarity'), pitchRollSimilarity: score('pitchRollSimilarity') }
  const filled = counts.bins.map((bin, i) => [i * params.stepSize, bin] as const).filter(([, { tp, fn }]) => tp[0] + fn[0] > 0)
  return {
    label, ap, workingConfidence, ...four,
    groundTruth: boxes.reduce((n, b) => n + b.truth.length, 0),
    predictions: boxes.reduce((n, b) => n + b.predicted.length, 0),
    truePositives: [...counts.tp], falsePositives: [...counts.fp], falseNegatives: [...counts.fn],
    apPerDepth: new Map(filled.map(([bin, { tp, fp, fn }]) => [bin, curveOf(tp, fp, fn)])),
    groundTruthPerDepth: new Map(filled.map(([bin, { tp, fn }]) => [bin, tp[0] + fn[0]])),
    detectionScore: ap.auc * truePositiveScores.reduce((sum, name) => sum + four[name].auc, 0) / truePositiveScores.length,
  }
}

const behind = (images: readonly ScoredImage[], labels: readonly string[]): BoxPlace[] => images.flatMap(image => image.predictions.flatMap((box, index) => (labels.includes(box.label) && isBehind(box, image.camera) ? [{ image: image.id, index }] : [])))

/**
 * Scores predictions against ground truth, exactly as the official tool (cityscapesScripts, evalObjectDetection3d; Gählert et al., Cityscapes 3D, 2020).
 * `params` left out are the official ones. The order of images does not matter but for the last bits of sums.
 */
export function evaluateDetections(images: readonly ScoredImage[], params: Partial<DetectionParams> = {}): Scores {
  const all = { ...defaultParams, ...params }
  const thresholds = thresholdsOf(all)
  const classes = all.labels.map(label => classScores(images, label, thresholds, all))
  const known = classes.filter(c => c.groundTruth > 0)
  const mean = (value: (c: ClassScores) => number): number => (known.length === 0 ? NaN : known.reduce((sum, c) => sum + value(c), 0) / known.length)
  return {
    params: all, images: images.length, thresholds, classes, behindCamera: behind(images, all.labels),
    mean: {
      detectionScore: mean(c => c.detectionScore), ap: mean(c => c.ap.auc), centerDistance: mean(c => c.centerDistance.auc), sizeSimilarity: mean(c => c.sizeSimilarity.auc),
      yawSimilarity: mean(c => c.yawSimilarity.auc), pitchRollSimilarity: mean(c => c.pitchRollSimilarity.auc),
    },
  }
}

/** One row of a score over distance; what has no box is NaN. */
export interface DistanceRow extends MeanScores { /** metres */ readonly from: number; readonly to: number; readonly groundTruth: number; /** pairs at the working confidence */ readonly matched: number }

/**
 * Scores per depth bin, near to far: of one class, or the mean over the classes that have boxes there. The true-positive scores of a bin are NaN where nothing is matched;
 * `detectionScore` of a bin is its average precision times the mean of the four (0 where nothing is matched): not an official number, but what a curve over distance shows.
 */
export function scoresOverDistance(scores: Scores, label?: string): DistanceRow[] {
  const { stepSize, maxDepth } = scores.params
  const classes = scores.classes.filter(c => label === undefined || c.label === label)
  return Array.from({ length: Math.ceil(maxDepth / stepSize) }, (_, i) => {
    const from = i * stepSize
    const mean = (values: readonly number[]): number => (values.length === 0 ? NaN : values.reduce((a, b) => a + b, 0) / values.length)
    const present = classes.filter(c => c.apPerDepth.has(from))
    const matched = present.filter(c => c.centerDistance.data.has(from))
    const four = (c: ClassScores): number => (c.centerDistance.data.has(from) ? mean(truePositiveScores.map(name => c[name].data.get(from)!)) : 0)
    const score = (name: TruePositiveScore): number => mean(matched.map(c => c[name].data.get(from)!))
    return {
      from, to: Math.min(from + stepSize, maxDepth),
      groundTruth: present.reduce((n, c) => n + c.groundTruthPerDepth.get(from)!, 0),
      matched: matched.reduce((n, c) => n + c.centerDistance.items.get(from)!, 0),
      detectionScore: mean(present.map(c => c.apPerDepth.get(from)!.auc * four(c))), ap: mean(present.map(c => c.apPerDepth.get(from)!.auc)),
      centerDistance: score('centerDistance'), sizeSimilarity: score('sizeSimilarity'), yawSimilarity: score('yawSimilarity'), pitchRollSimilarity: score('pitchRollSimilarity'),
    }
  })
}
