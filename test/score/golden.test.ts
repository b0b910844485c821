// The 3D metric against results of the official tool, every field of them, and its matches.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { evaluateDetections, type Scores } from '../../src/runtime/score/detections.ts'
import { readDetectionFolders } from '../../src/runtime/score/folders.ts'
import { matchImage } from '../../src/runtime/score/matching.ts'
import { officialResults } from '../../src/runtime/score/official.ts'
import { defaultParams, depthOf, type DetectionParams } from '../../src/runtime/score/params.ts'
import { anglesOf } from '../../src/runtime/score/true-positives.ts'
import { expectSame } from './expect-same.ts'

const root = 'test/fixtures/score3d'
const json = (path: string): unknown => JSON.parse(readFileSync(join(root, path), 'utf8'))

interface Given { labels: string[]; min_iou: number; max_depth: number; step_size: number; cw: number; modal: boolean; num_conf: number }
const params = (p: Given): DetectionParams => ({ ...defaultParams, labels: p.labels, minIou: p.min_iou, maxDepth: p.max_depth, stepSize: p.step_size, confidence: p.cw < 0 ? undefined : p.cw, numConf: p.num_conf, matching: p.modal ? 'modal' : 'amodal' })

interface Seen { label: string; depth: number; ypr: number[] }
interface Debug {
  conf_thresholds: number[]
  counts_per_threshold: Record<string, number[]>[]
  working_confidence: Record<string, number>
  matches_at_working_confidence: Record<string, Record<string, { pairs_gt_pred: number[][]; fp_pred: number[]; fn_gt: number[] }>>
  gt: Record<string, Seen[]>
  pred: Record<string, (Seen & { score: number; amodal_xyxy_recomputed: number[]; modal_xyxy: number[] })[]>
}

const countsOf = (scores: Scores): Record<string, number[]>[] => scores.thresholds.map((_, t) => Object.fromEntries(scores.classes.map(c => [c.label, [c.truePositives[t], c.falsePositives[t], c.falseNegatives[t]]])))

describe.each(['00_hand_example', '01_perfect', '02_empty_predictions', '04_score_sweep', '05_geometry_noise', '06_ignore_regions', '08_duplicates_ties', '10_messy'])('%s', name => {
  const given = params(json(`${name}/params.json`) as Given)
  const evaluated = readDetectionFolders(join(root, name, 'gtBbox3d/val'), join(root, name, 'predBbox3d'), given.labels).then(({ images }) => ({ images, scores: evaluateDetections(images, given) }))

  it('has the results of the official tool', async () => {
    expectSame(JSON.parse(JSON.stringify(officialResults((await evaluated).scores))), json(`${name}/expected.json`))
  })

  it('has the counts of every threshold and the same pairs', async () => {
    const { images, scores } = await evaluated
    const debug = json(`${name}/debug.json`) as Debug
    expect(scores.thresholds).toEqual(debug.conf_thresholds)
    expect(countsOf(scores)).toEqual(debug.counts_per_threshold)
    for (const c of scores.classes) {
      for (const image of images) {
        const kept = image.groundTruth.flatMap((b, i) => (given.labels.includes(b.label) ? [i] : []))
        const { pairs, falsePositives, falseNegatives } = matchImage(image, c.label, c.workingConfidence, given)
        const theirs = debug.matches_at_working_confidence[c.label][image.id]
        expect({ pairs_gt_pred: pairs.map(([g, p]) => [kept.indexOf(g), p]), fp_pred: falsePositives, fn_gt: falseNegatives.map(g => kept.indexOf(g)) }, `${c.label} ${image.id}`).toEqual({ ...theirs, fp_pred: [...theirs.fp_pred].sort((a, b) => a - b) })
      }
    }
  })

  it('has the depths and angles', async () => {
    const debug = json(`${name}/debug.json`) as Debug
    for (const image of (await evaluated).images) {
      const both = [[image.groundTruth.filter(b => given.labels.includes(b.label)), debug.gt[image.id]], [image.predictions, debug.pred[image.id] ?? []]] as const
      for (const [mine, theirs] of both) {
        expect(mine.map(b => [b.label, depthOf(b.center)])).toEqual(theirs.map(b => [b.label, b.depth]))
        mine.forEach((b, i) => anglesOf(b.rotation).forEach((a, k) => expect(a).toBeCloseTo(theirs[i].ypr[k], 9)))
      }
    }
  })
})

describe.each(['amodal', 'modal'] as const)('detections of a detector, %s matching', matching => {
  it('has the results of the official tool', async () => {
    const { images } = await readDetectionFolders('test/fixtures/detection/gt', join(root, 'detector/pred'), defaultParams.labels)
    expectSame(JSON.parse(JSON.stringify(officialResults(evaluateDetections(images, { matching })))), json(`detector/${matching}.json`))
  })
})
