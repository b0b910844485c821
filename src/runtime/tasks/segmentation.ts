// Semantic segmentation: label ids -> class indices, and intersection over union by classes, labels and categories.
import type { TensorData } from '../../compiler/ir/types.ts'
import type { SegmentationConfig } from '../../compiler/tasks/spec.ts'
import { DataError, type Sample } from '../data/dataset.ts'
import { resizeRows } from './bilinear.ts'
import { cityscapesLabels, labelIdOf } from './cityscapes-labels.ts'
import { resampleByTable } from './resample.ts'

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
  resampleByTable(sample.labelIds, [sample.height, sample.width], config.size, labels, table)
  return { labels: { dtype: 'int32', shape: [...config.size], data: labels } }
}

/**
 * Rows are ground truth, columns predictions; ignored ground truth is not counted at all, so it makes no false positive.
 * A prediction that is no class is a miss of the true class. (cityscapesScripts, evalPixelLevelSemanticLabeling.)
 */
export class Confusion {
  /** [truth * classes + predicted], pixels */
  readonly counts: Float64Array
  /** per class: pixels of it that were predicted as none of the classes */
  readonly missed: Float64Array
  readonly classes: number

  constructor(classes: number) {
    this.classes = classes
    this.counts = new Float64Array(classes * classes)
    this.missed = new Float64Array(classes)
  }

  /** Adds pixels; a ground truth outside [0, classes) is ignored. Throws RangeError where the lengths differ. */
  add(truth: ArrayLike<number>, predicted: ArrayLike<number>): void {
    if (truth.length !== predicted.length) throw new RangeError(`${predicted.length} predicted pixels for ${truth.length} of the ground truth`)
    for (let i = 0; i < truth.length; i++) {
      const t = truth[i]
      if (!(t >= 0 && t < this.classes)) continue
      const p = predicted[i]
      if (p >= 0 && p < this.classes) this.counts[t * this.classes + p]++
      else this.missed[t]++
    }
  }

  /** Intersection over union per class; NaN for a class that neither occurs nor is predicted. */
  iou(): number[] {
    return Array.from({ length: this.classes }, (_, c) => this.groupIou([c]))
  }

  /** Intersection over union of a set of classes taken as one: confusions inside the set are hits. NaN without pixels. */
  groupIou(group: readonly number[]): number {
    let hit = 0
    let union = 0
    for (let t = 0; t < this.classes; t++) {
      const inside = group.includes(t)
      if (inside) union += this.missed[t]
      for (let p = 0; p < this.classes; p++) {
        const n = this.counts[t * this.classes + p]
        const predicted = group.includes(p)
        if (inside && predicted) hit += n
        if (inside || predicted) union += n
      }
    }
    return union === 0 ? NaN : hit / union
  }

  /** Mean over the classes that are not NaN, as the official tool does; `absentAsZero` counts the others as 0, as the code published with TaskPrompter does. */
  meanIou({ absentAsZero = false }: { readonly absentAsZero?: boolean } = {}): number {
    const all = this.iou()
    const known = absentAsZero ? all.map(v => (Number.isNaN(v) ? 0 : v)) : all.filter(v => !Number.isNaN(v))
    return known.length === 0 ? NaN : known.reduce((a, b) => a + b, 0) / known.length
  }

  /** Share of pixels that are right. */
  accuracy(): number {
    let hit = 0
    let all = this.missed.reduce((a, b) => a + b, 0)
    for (let i = 0; i < this.counts.length; i++) { all += this.counts[i]; if (i % (this.classes + 1) === 0) hit += this.counts[i] }
    return all === 0 ? NaN : hit / all
  }

  /** mIoU of the best constant prediction: the most frequent class everywhere. */
  constantMeanIou(): number {
    const rows = Array.from({ length: this.classes }, (_, c) => this.counts.subarray(c * this.classes, (c + 1) * this.classes).reduce((a, b) => a + b, this.missed[c]))
    const total = rows.reduce((a, b) => a + b, 0)
    const present = rows.filter(r => r > 0).length
    return total === 0 ? NaN : Math.max(...rows) / total / present
  }
}

/** Classes (by name) grouped by the category of the label table, and how well categories are told apart. */
export function categoryIou(confusion: Confusion, classes: readonly string[]): { readonly iou: Readonly<Record<string, number>>; readonly mean: number } {
  const groups = new Map<string, number[]>()
  classes.forEach((name, c) => {
    const category = cityscapesLabels.find(l => l.name === name)?.category
    if (category === undefined) throw new DataError(`class \`${name}\` is not a Cityscapes label`)
    groups.set(category, [...groups.get(category) ?? [], c])
  })
  const iou = [...groups].map(([category, group]) => [category, confusion.groupIou(group)] as const)
  const known = iou.map(([, v]) => v).filter(v => !Number.isNaN(v))
  return { iou: Object.fromEntries(iou), mean: known.length === 0 ? NaN : known.reduce((a, b) => a + b, 0) / known.length }
}

const labelCount = cityscapesLabels.length
/** The 19 evaluated labels in the order of their train ids. */
export const evaluatedLabels = cityscapesLabels.filter(l => l.trainId !== 255).sort((a, b) => a.trainId - b.trainId)

/** Official scores; NaN for what neither occurs nor is predicted. */
export interface LabelScores {
  /** the 34 labels of the table by name; NaN for those that are not evaluated */
  readonly iou: Readonly<Record<string, number>>
  readonly meanIou: number
  readonly categoryIou: Readonly<Record<string, number>>
  readonly meanCategoryIou: number
}

/** The official 34 x 34 matrix of label ids, as two labelIds maps are compared. (cityscapesScripts, evalPixelLevelSemanticLabeling.) */
export class LabelConfusion {
  /** [truth * 34 + predicted], pixels */
  readonly counts = new Float64Array(labelCount * labelCount)

  /** Adds pixels of two maps of label ids 0..33 at the same size. Throws DataError for another size or another id. */
  add(truth: ArrayLike<number>, predicted: ArrayLike<number>): void {
    if (truth.length !== predicted.length) throw new DataError(`a prediction of ${predicted.length} pixels for a ground truth of ${truth.length}: both maps must have the same size`)
    for (let i = 0; i < truth.length; i++) {
      const [t, p] = [truth[i], predicted[i]]
      if (!(t >= 0 && t < labelCount && p >= 0 && p < labelCount)) throw new DataError(`label id ${t >= 0 && t < labelCount ? p : t} at pixel ${i}: ids from 0 to ${labelCount - 1} are expected (train ids must be mapped to label ids)`)
      this.counts[t * labelCount + p]++
    }
  }

  /** The 19-class form: rows and columns of evaluated labels, predictions of other labels as misses. */
  evaluated(): Confusion {
    const confusion = new Confusion(evaluatedLabels.length)
    evaluatedLabels.forEach(({ id: t }, row) => {
      for (let p = 0; p < labelCount; p++) {
        const column = evaluatedLabels.findIndex(l => l.id === p)
        const n = this.counts[t * labelCount + p]
        if (column < 0) confusion.missed[row] += n
        else confusion.counts[row * confusion.classes + column] += n
      }
    })
    return confusion
  }

  scores(): LabelScores {
    const confusion = this.evaluated()
    const iou = confusion.iou()
    const categories = categoryIou(confusion, evaluatedLabels.map(l => l.name))
    return {
      iou: Object.fromEntries(cityscapesLabels.map(({ name, id }) => [name, iou[evaluatedLabels.findIndex(l => l.id === id)] ?? NaN])),
      meanIou: confusion.meanIou(),
      categoryIou: { void: NaN, ...categories.iou }, meanCategoryIou: categories.mean,
    }
  }
}

/**
 * Class of the largest logit per pixel of `to`, after bilinear resizing of the logits [classes, h, w] (not of the classes): how a network is judged at the original
 * resolution. The full-size logits are never held.
 */
export function argmaxResized(logits: Float32Array, classes: number, from: readonly [number, number], to: readonly [number, number], out: Int32Array = new Int32Array(to[0] * to[1])): Int32Array {
  if (from[0] === to[0] && from[1] === to[1]) return argmaxClasses(logits, classes, out)
  const best = new Float32Array(to[1])
  resizeRows(logits, classes, from, to, (row, c, values) => {
    const at = row * to[1]
    if (c === 0) { best.set(values); out.fill(0, at, at + to[1]) }
    else for (let j = 0; j < values.length; j++) if (values[j] > best[j]) { best[j] = values[j]; out[at + j] = c }
  })
  return out
}

/** What a Confusion adds for an image: classes of the annotation (nearest) and of the resized logits [classes, h, w], both at `size`, which is the original resolution if not given. */
export function compareSegmentation(sample: Sample, logits: Float32Array, config: SegmentationConfig, size: readonly [number, number] = [sample.height, sample.width]): { readonly truth: ArrayLike<number>; readonly predicted: Int32Array } {
  return { truth: encodeSegmentation(sample, { ...config, size }).labels.data, predicted: argmaxResized(logits, config.classes.length, config.size, size) }
}

/** Class of the largest logit per pixel. `logits` is [classes, h, w]. */
export function argmaxClasses(logits: Float32Array, classes: number, out: Int32Array = new Int32Array(logits.length / classes)): Int32Array {
  const pixels = out.length
  const best = logits.slice(0, pixels)
  out.fill(0)
  for (let c = 1; c < classes; c++) for (let i = 0, o = c * pixels; i < pixels; i++, o++) if (logits[o] > best[i]) { best[i] = logits[o]; out[i] = c }
  return out
}
