// The results page: scores, tables, curves and pictures of one evaluation in a single HTML file.
import { lineChart, matrixChart, type Series } from '../report/charts.ts'
import { cards, code, page, paragraph, picture, raw, row, section, subsection, table, type Html } from '../report/html.ts'
import { scoresOverDistance, type Scores } from '../score/detections.ts'
import type { Evaluation } from './evaluate.ts'
import { leastDrawn, type DepthResult, type ImageScore, type SegmentationResult } from './results.ts'

export interface Example { readonly title: string; readonly image: ImageScore; readonly jpeg: Uint8Array }

export interface ResultsPage {
  readonly model: string
  readonly weights: string
  readonly data: string
  readonly split: string
  readonly images: number
  /** the resolved text of the model */
  readonly text: string
  readonly evaluation: Evaluation
  readonly examples: readonly Example[]
}

const percent = (v: number | null): string => (v === null || !Number.isFinite(v) ? '-' : (100 * v).toFixed(2))
const number = (v: number, digits = 3): string => (Number.isFinite(v) ? v.toFixed(digits) : '-')

/** What an image scored, in the words of its tasks. */
export function describeImage(image: ImageScore, tasks: Evaluation['tasks']): string {
  return Object.entries(image.scores).map(([task, v]) => {
    const result = tasks[task]
    switch (result.kind) {
      case 'segmentation': return `${task} mIoU ${percent(v)}`
      case 'depth': return `${task} RMSE ${number(v, 2)} ${result.unit}`
      case 'detection3d': return `${task} F1 ${percent(v)}`
    }
  }).join(', ')
}

function segmentationSection(task: string, r: SegmentationResult): Html {
  const names = Object.keys(r.iou)
  const totals = r.confusion.map(line => line.reduce((a, b) => a + b, 0))
  const all = totals.reduce((a, b) => a + b, 0)
  const rows = names.map((name, c) => {
    const line = r.confusion[c].map((n, k) => ({ n, name: names[k], k })).filter(e => e.k !== c).toSorted((a, b) => b.n - a.n)
    const mistaken = totals[c] > 0 && line.length > 0 && line[0].n > 0 ? `${line[0].name} (${percent(line[0].n / totals[c])} %)` : '-'
    return [name, percent(r.iou[name]), percent(totals[c] / all), totals[c] > 0 ? percent(r.confusion[c][c] / totals[c]) : '-', mistaken]
  })
  return section(`${task}: segmentation`,
    paragraph(`Mean intersection over union ${percent(r.mIoU)} % over the classes that occur or are predicted; the best constant prediction reaches ${percent(r.constantMIoU)} %.`),
    row(
      table([{ title: 'class' }, { title: 'IoU %', number: true }, { title: 'share of pixels %', number: true }, { title: 'found %', number: true, hint: 'share of the class that is predicted as it (recall)' }, { title: 'most often taken for' }], [...rows, ['mean', percent(r.mIoU), '', '', '']], { strong: [rows.length] }),
      matrixChart({ title: 'Confusion in percent of each row: rows ground truth, columns predictions', names, shares: r.confusion.map((line, c) => line.map(n => (totals[c] > 0 ? n / totals[c] : NaN))) }),
    ))
}

const depthSection = (task: string, r: DepthResult): Html => section(`${task}: ${r.unit === 'metres' ? 'depth' : 'disparity'}`,
  paragraph(`Over ${r.pixels.toLocaleString('en-US')} pixels whose ground truth lies between 0 and ${r.max} ${r.unit}, both ends excluded.`),
  table([{ title: 'measure' }, { title: 'value', number: true }, { title: 'unit' }], [
    ['RMSE', number(r.rmse), r.unit], ['RMSE of the best constant', number(r.constantRmse), r.unit], ['mean absolute error', number(r.mae), r.unit],
    ['absolute relative error', number(r.absRel), ''], ['squared relative error', number(r.sqRel), r.unit], ['RMSE of the logarithm', number(r.logRmse), ''],
    ...([[1, r.delta1], [2, r.delta2], [3, r.delta3]] as const).map(([power, v]) => [`within a factor of 1.25${power === 1 ? '' : ` to the power of ${power}`}`, percent(v), '%']),
  ]))

function detectionTable(scores: Scores): Html {
  const known = scores.classes
  const cells = (label: string, gt: string, confidence: string, values: readonly number[]): string[] => [label, gt, confidence, ...values.map(percent)]
  const { mean } = scores
  return table(
    [{ title: 'class' }, { title: 'boxes', number: true }, { title: 'working confidence', number: true, hint: 'the score from which on boxes count as found, where precision times recall is largest' }, { title: 'AP %', number: true }, { title: 'center distance %', number: true }, { title: 'size similarity %', number: true }, { title: 'yaw %', number: true }, { title: 'pitch, roll %', number: true }, { title: 'detection score %', number: true }],
    [...known.map(c => cells(c.label, String(c.groundTruth), c.ap.auc > 0 ? c.workingConfidence.toFixed(2) : '-', [c.ap.auc, c.centerDistance.auc, c.sizeSimilarity.auc, c.yawSimilarity.auc, c.pitchRollSimilarity.auc, c.groundTruth > 0 ? c.detectionScore : NaN])),
      cells('mean', String(known.reduce((n, c) => n + c.groundTruth, 0)), '', [mean.ap, mean.centerDistance, mean.sizeSimilarity, mean.yawSimilarity, mean.pitchRollSimilarity, mean.detectionScore])],
    { caption: `matched by ${scores.params.matching} 2D boxes, overlap above ${scores.params.minIou}, up to ${scores.params.maxDepth} m`, strong: [known.length] })
}

/** Precision over recall as the metric sums it: at each recall the best precision from there on. */
function precisionSeries(name: string, { precision, recall }: { readonly precision: readonly number[]; readonly recall: readonly number[] }): Series {
  const points = recall.map((r, i) => [r, precision[i]] as const).toSorted((a, b) => b[0] - a[0])
  let best = 0
  return { name, points: points.map(([r, p]) => { best = Math.max(best, p); return [r, best] as const }).toReversed() }
}

function curves(scores: Scores): Html {
  const classes = scores.classes.filter(c => c.groundTruth > 0)
  const rows = scoresOverDistance(scores)
  const axis = { label: 'distance, m', min: 0, max: scores.params.maxDepth }
  const over = (name: string, value: (r: (typeof rows)[number]) => number): Series => ({ name, points: rows.map(r => [(r.from + r.to) / 2, 100 * value(r)] as const) })
  return row(
    lineChart({ title: 'Precision over recall', x: { label: 'recall, %', min: 0, max: 100 }, y: { label: 'precision, %', min: 0, max: 100 }, series: classes.map(c => precisionSeries(c.label, { precision: c.ap.precision.map(p => 100 * p), recall: c.ap.recall.map(r => 100 * r) })) }),
    lineChart({ title: 'Average precision over distance', x: axis, y: { label: 'AP, %', min: 0, max: 100 }, series: classes.map(c => ({ name: c.label, points: [...c.apPerDepth].toSorted((a, b) => a[0] - b[0]).map(([bin, curve]) => [bin + scores.params.stepSize / 2, 100 * curve.auc] as const) })) }),
    lineChart({ title: 'Scores of matched boxes over distance', x: axis, y: { label: 'score, %', min: 0, max: 100 }, series: [over('center distance', r => r.centerDistance), over('size similarity', r => r.sizeSimilarity), over('yaw', r => r.yawSimilarity), over('pitch, roll', r => r.pitchRollSimilarity)] }),
    lineChart({ title: 'Ground truth over distance', x: axis, y: { label: 'boxes', min: 0, max: Math.max(1, ...rows.map(r => r.groundTruth)) }, series: [{ name: 'boxes', points: rows.map(r => [(r.from + r.to) / 2, r.groundTruth] as const) }, { name: 'matched', points: rows.map(r => [(r.from + r.to) / 2, r.matched] as const), dashed: true }] }),
  )
}

const detectionSection = (task: string, { amodal, modal }: NonNullable<Evaluation['detectionScores']>): Html => section(`${task}: 3D detection`,
  paragraph('The official metric matches amodal 2D boxes; the report whose Table 1 is compared with matches the visible (modal) ones. The detection score of a class is its average precision times the mean of the four scores of its matched boxes.'),
  subsection('Official: amodal boxes', detectionTable(amodal), curves(amodal)),
  subsection('As in the report: modal boxes', detectionTable(modal), curves(modal)))

/** The whole page. Nothing in it comes from elsewhere. */
export function resultsPage({ model, weights, data, split, images, text, evaluation, examples }: ResultsPage): string {
  const { tasks, detectionScores } = evaluation
  const headline = Object.entries(tasks).flatMap(([task, r]) => {
    switch (r.kind) {
      case 'segmentation': return [{ name: `${task}: mIoU`, value: `${percent(r.mIoU)} %`, note: `constant prediction ${percent(r.constantMIoU)} %` }]
      case 'depth': return [{ name: `${task}: RMSE`, value: `${number(r.rmse, 2)} ${r.unit === 'metres' ? 'm' : 'px'}`, note: `constant prediction ${number(r.constantRmse, 2)}` }]
      case 'detection3d': return [{ name: `${task}: mDS, official`, value: `${percent(r.mDS)} %`, note: 'amodal matching' }, { name: `${task}: mDS, report`, value: `${percent(r.mDSModal)} %`, note: 'modal matching' }]
    }
  })
  const sections = Object.entries(tasks).map(([task, r]) => {
    switch (r.kind) {
      case 'segmentation': return segmentationSection(task, r)
      case 'depth': return depthSection(task, r)
      case 'detection3d': return detectionSection(task, detectionScores!)
    }
  })
  const shown = examples.length === 0 ? [] : [section('Best and worst images',
    paragraph(`Ordered by the mean rank of an image over the tasks. Ground truth on the left, prediction on the right; boxes are drawn from the working confidence of their class on, and from a score of ${leastDrawn}.`),
    ...examples.map(({ title, image, jpeg }) => picture(jpeg, 'image/jpeg', `${title}: ${image.id} (${describeImage(image, tasks)})`)))]
  return page({
    title: `${model} on ${split}`,
    facts: [`${images} images of ${data}, split ${split}`, `weights ${weights}`],
    body: [cards(headline), ...sections, ...shown, section('The model', raw('<details><summary>resolved text</summary>'), code(text), raw('</details>'))],
  })
}
