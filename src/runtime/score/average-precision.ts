// Precision and recall over thresholds, the area under their curve, and the working point.

/** Per threshold of confidence, ascending. */
export interface PrecisionRecall { readonly precision: readonly number[]; readonly recall: readonly number[] }

/** Points at every threshold, and the average precision. */
export interface Curve extends PrecisionRecall { readonly auc: number }

/** From counts per threshold; without a true positive both are 0. */
export function precisionRecall(tp: ArrayLike<number>, fp: ArrayLike<number>, fn: ArrayLike<number>): PrecisionRecall {
  const all = Array.from(tp)
  return { precision: all.map((n, i) => (n === 0 ? 0 : n / (n + fp[i]))), recall: all.map((n, i) => (n === 0 ? 0 : n / (n + fn[i]))) }
}

/** Sum over the values of recall of its increase times the best precision at that recall or a higher one. (PASCAL VOC 2010; cityscapesScripts.) */
export function averagePrecision({ precision, recall }: PrecisionRecall): number {
  const points = recall.map((r, i) => ({ r, p: precision[i] })).sort((a, b) => b.r - a.r)
  let best = 0
  let area = 0
  points.forEach(({ r, p }, i) => {
    best = Math.max(best, p)
    const next = i + 1 < points.length ? points[i + 1].r : 0
    area += (r - next) * best
  })
  return area
}

export const curveOf = (tp: ArrayLike<number>, fp: ArrayLike<number>, fn: ArrayLike<number>): Curve => {
  const points = precisionRecall(tp, fp, fn)
  return { ...points, auc: averagePrecision(points) }
}

/** The first threshold with the largest product of precision and recall; 0 if no product is positive. */
export function workingPoint({ precision, recall }: PrecisionRecall, thresholds: readonly number[]): number {
  let [best, at] = [0, 0]
  thresholds.forEach((s, i) => {
    const product = precision[i] * recall[i]
    if (product > best) [best, at] = [product, s]
  })
  return at
}
