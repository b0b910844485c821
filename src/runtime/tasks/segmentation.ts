// Semantic segmentation: label ids -> class indices, and mean intersection over union.
import type { TensorData } from '../../compiler/ir/types.ts'
import type { SegmentationConfig } from '../../compiler/tasks/spec.ts'
import { DataError, type Sample } from '../data/dataset.ts'
import { labelIdOf } from './cityscapes-labels.ts'
import { resampleMap } from './resample.ts'

/** label id (0..255) -> class index, `ignore` for everything that is no class. Throws DataError for a class name that Cityscapes does not have. */
export function classTable(config: SegmentationConfig): Int32Array {
  const table = new Int32Array(256).fill(config.ignore)
  config.classes.forEach((name, index) => {
    const id = labelIdOf(name)
    if (id === undefined) throw new DataError(`class \`${name}\` of the segmentation task is not a Cityscapes label: use names of the label table, such as road, car, person`)
    table[id] = index
  })
  return table
}

/** `labels` int32 [h, w] at config.size, nearest. */
export function encodeSegmentation(sample: Sample, config: SegmentationConfig): Record<string, TensorData> {
  if (sample.labelIds === undefined) throw new DataError(`${sample.id}: the segmentation task needs gtFine labelIds, and this sample has none`)
  const table = classTable(config)
  const labels = new Int32Array(config.size[0] * config.size[1])
  resampleMap(sample.labelIds, [sample.height, sample.width], config.size, labels, id => table[id])
  return { labels: { dtype: 'int32', shape: [...config.size], data: labels } }
}

/** Rows are ground truth, columns predictions; ignored ground truth is not counted. */
export class Confusion {
  readonly counts: Float64Array
  readonly classes: number

  constructor(classes: number) {
    this.classes = classes
    this.counts = new Float64Array(classes * classes)
  }

  /** Adds pixels; a ground truth outside [0, classes) is ignored. */
  add(truth: ArrayLike<number>, predicted: ArrayLike<number>): void {
    for (let i = 0; i < truth.length; i++) {
      const t = truth[i]
      if (t >= 0 && t < this.classes) this.counts[t * this.classes + predicted[i]]++
    }
  }

  /** Intersection over union per class; NaN for a class that neither occurs nor is predicted. */
  iou(): number[] {
    return Array.from({ length: this.classes }, (_, c) => {
      let row = 0
      let column = 0
      for (let k = 0; k < this.classes; k++) { row += this.counts[c * this.classes + k]; column += this.counts[k * this.classes + c] }
      const hit = this.counts[c * this.classes + c]
      const union = row + column - hit
      return union === 0 ? NaN : hit / union
    })
  }

  /** Mean over the classes that are not NaN, as the official tool does. */
  meanIou(): number {
    const known = this.iou().filter(v => !Number.isNaN(v))
    return known.length === 0 ? NaN : known.reduce((a, b) => a + b, 0) / known.length
  }

  /** Share of pixels that are right. */
  accuracy(): number {
    let hit = 0
    let all = 0
    for (let i = 0; i < this.counts.length; i++) { all += this.counts[i]; if (i % (this.classes + 1) === 0) hit += this.counts[i] }
    return all === 0 ? NaN : hit / all
  }

  /** mIoU of the best constant prediction: the most frequent class everywhere. */
  constantMeanIou(): number {
    const rows = Array.from({ length: this.classes }, (_, c) => this.counts.subarray(c * this.classes, (c + 1) * this.classes).reduce((a, b) => a + b, 0))
    const total = rows.reduce((a, b) => a + b, 0)
    const present = rows.filter(r => r > 0).length
    return total === 0 ? NaN : Math.max(...rows) / total / present
  }
}

/** Class of the largest logit per pixel. `logits` is [classes, h, w]. */
export function argmaxClasses(logits: Float32Array, classes: number, out: Int32Array = new Int32Array(logits.length / classes)): Int32Array {
  const pixels = out.length
  const best = logits.slice(0, pixels)
  out.fill(0)
  for (let c = 1; c < classes; c++) for (let i = 0, o = c * pixels; i < pixels; i++, o++) if (logits[o] > best[i]) { best[i] = logits[o]; out[i] = c }
  return out
}
