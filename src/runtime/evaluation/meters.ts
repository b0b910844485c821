// One meter per task: takes the predictions for an image beside its ground truth, and says at the end how good they were.
import type { TaskSpec } from '../../compiler/tasks/spec.ts'
import type { Sample } from '../data/dataset.ts'
import type { HostTensors } from '../engines/engine.ts'
import { evaluateDetections, type Scores } from '../score/detections.ts'
import { matchImage, type ScoredImage } from '../score/matching.ts'
import { officialResults } from '../score/official.ts'
import { compareDepth, DepthMeter } from '../tasks/depth.ts'
import { decodeDetections } from '../tasks/detection3d/decode.ts'
import type { Detection } from '../tasks/detection3d/detection.ts'
import { compareSegmentation, Confusion } from '../tasks/segmentation.ts'
import type { DepthResult, DetectionResult, SegmentationResult, TaskResult } from './results.ts'

type Size = readonly [number, number]

export interface Meter {
  /** `index` is the image's row in the batch. Returns the image's own score, as in ImageScore. */
  add(sample: Sample, predictions: HostTensors, index: number): number
  result(): TaskResult
  /** the image's own score where it takes the whole set to know it (a working confidence); else undefined */
  imageScore?(imageIndex: number): number
  /** of the detector: what was found in the image added last */
  readonly detections?: () => readonly Detection[]
  /** of the detector, after result() */
  readonly scores?: () => { readonly amodal: Scores; readonly modal: Scores }
}

/** Image `index` of a batched prediction. */
export const ofImage = (predictions: HostTensors, name: string, index: number): Float32Array => {
  const { data, shape } = predictions[name]
  const n = data.length / shape[0]
  return data.subarray(index * n, (index + 1) * n) as Float32Array
}

function segmentationMeter(task: TaskSpec & { readonly config: { readonly kind: 'segmentation' } }, size: Size | undefined): Meter {
  const { classes } = task.config
  const whole = new Confusion(classes.length)
  return {
    add: (sample, predictions, index) => {
      const { truth, predicted } = compareSegmentation(sample, ofImage(predictions, task.name, index), task.config, size)
      const own = new Confusion(classes.length)
      own.add(truth, predicted)
      own.counts.forEach((n, i) => { whole.counts[i] += n })
      return own.meanIou()
    },
    result: (): SegmentationResult => ({
      kind: 'segmentation', mIoU: whole.meanIou(), accuracy: whole.accuracy(), constantMIoU: whole.constantMeanIou(),
      iou: Object.fromEntries(whole.iou().map((v, c) => [classes[c], Number.isNaN(v) ? null : v])),
      confusion: classes.map((_, r) => [...whole.counts.subarray(r * classes.length, (r + 1) * classes.length)]),
    }),
  }
}

function depthMeter(task: TaskSpec & { readonly config: { readonly kind: 'depth' } }, size: Size | undefined): Meter {
  const { config } = task
  const whole = new DepthMeter(config.max)
  return {
    add: (sample, predictions, index) => {
      const { truth, predicted } = compareDepth(sample, ofImage(predictions, task.name, index), config, size)
      const own = new DepthMeter(config.max)
      own.add(truth, predicted)
      whole.add(truth, predicted)
      return own.scores().rmse
    },
    result: (): DepthResult => ({ kind: 'depth', unit: config.quantity === 'depth' ? 'metres' : 'pixels of disparity', max: config.max, constantRmse: whole.constantRmse(), ...whole.scores() }),
  }
}

/** Matched boxes over matched and half of the rest, at each class's working confidence, by modal boxes; NaN where there is nothing to find and nothing was found. */
function boxF1(image: ScoredImage, scores: Scores): number {
  let [hits, errors] = [0, 0]
  for (const { label, workingConfidence, ap } of scores.classes) {
    const { pairs, falsePositives, falseNegatives } = matchImage(image, label, ap.auc > 0 ? workingConfidence : 1, scores.params)
    hits += pairs.length
    errors += falsePositives.length + falseNegatives.length
  }
  return hits + errors === 0 ? NaN : hits / (hits + errors / 2)
}

function detectionMeter(task: TaskSpec & { readonly config: { readonly kind: 'detection3d' } }): Meter {
  const images: ScoredImage[] = []
  let scored: { amodal: Scores; modal: Scores } | undefined
  let size: readonly [number, number] = [0, 0]
  const both = (): { amodal: Scores; modal: Scores } => {
    const params = { labels: task.config.classes, image: size }
    scored ??= { amodal: evaluateDetections(images, { ...params, matching: 'amodal' }), modal: evaluateDetections(images, { ...params, matching: 'modal' }) }
    return scored
  }
  return {
    add: (sample, predictions, index) => {
      size = [sample.height, sample.width]
      const predicted = decodeDetections(predictions, index, task.config, sample.camera!, task.name, sample)
      images.push({ id: sample.id, camera: sample.camera!, groundTruth: sample.boxes!, ignores: sample.ignores ?? [], predictions: predicted })
      scored = undefined
      return NaN
    },
    detections: () => images.at(-1)!.predictions,
    imageScore: i => boxF1(images[i], both().modal),
    scores: both,
    result: (): DetectionResult => {
      const { amodal, modal } = both()
      return { kind: 'detection3d', mDS: amodal.mean.detectionScore, matching: 'amodal', mDSModal: modal.mean.detectionScore, amodal: officialResults(amodal), modal: officialResults(modal) }
    },
  }
}

/** `size`: rows and columns at which maps are compared; undefined is the original resolution. */
export function meterFor(task: TaskSpec, size?: Size): Meter {
  switch (task.config.kind) {
    case 'segmentation': return segmentationMeter(task as Parameters<typeof segmentationMeter>[0], size)
    case 'depth': return depthMeter(task as Parameters<typeof depthMeter>[0], size)
    case 'detection3d': return detectionMeter(task as Parameters<typeof detectionMeter>[0])
  }
}
