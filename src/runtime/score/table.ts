// The scores as a table for people, in percent.
import { scoresOverDistance, type Scores } from './detections.ts'

const percent = (v: number): string => (Number.isNaN(v) ? '-' : (100 * v).toFixed(2))

/** Columns padded to the same width; the first to the left, the others to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, i) => Math.max(...rows.map(r => r[i].length)))
  return rows.map(r => r.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ').trimEnd())
}

/** Lines without line ends: per class and mean, then average precision and detection score over distance. Numbers in percent; `-` where nothing is to be judged. */
export function scoreTable(scores: Scores): string[] {
  const { params, mean, classes } = scores
  const official = params.matching === 'amodal' ? 'amodal boxes (official)' : 'modal boxes (as in the report)'
  const rows = [
    ['class', 'boxes', 'predicted', 'AP', 'center', 'size', 'yaw', 'pitch+roll', 'score', 'at'],
    ...classes.map(c => {
      const judged = (v: number): string => (c.groundTruth === 0 ? '-' : percent(v))
      return [c.label, String(c.groundTruth), String(c.predictions), judged(c.ap.auc), judged(c.centerDistance.auc), judged(c.sizeSimilarity.auc), judged(c.yawSimilarity.auc), judged(c.pitchRollSimilarity.auc), judged(c.detectionScore), c.workingConfidence.toFixed(2)]
    }),
    ['mean', String(classes.reduce((n, c) => n + c.groundTruth, 0)), String(classes.reduce((n, c) => n + c.predictions, 0)), percent(mean.ap), percent(mean.centerDistance), percent(mean.sizeSimilarity), percent(mean.yawSimilarity), percent(mean.pitchRollSimilarity), percent(mean.detectionScore), ''],
  ]
  const near = scoresOverDistance(scores).filter(r => r.groundTruth > 0)
  const distance = near.length === 0 ? [] : ['', 'by distance, mean over the classes that are there', ...aligned([
    ['metres', 'boxes', 'matched', 'AP', 'center', 'size', 'yaw', 'pitch+roll'],
    ...near.map(r => [`${r.from}-${r.to}`, String(r.groundTruth), String(r.matched), percent(r.ap), percent(r.centerDistance), percent(r.sizeSimilarity), percent(r.yawSimilarity), percent(r.pitchRollSimilarity)]),
  ])]
  return [
    `${scores.images} image${scores.images === 1 ? '' : 's'}, matched by ${official}, overlap above ${params.minIou}, up to ${params.maxDepth} m`,
    '', ...aligned(rows), '',
    `mDS ${percent(mean.detectionScore)}, mAP ${percent(mean.ap)} (percent; means over the classes with boxes in the ground truth)`,
    ...distance,
  ]
}
