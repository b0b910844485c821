// Segmentation and depth: the official 34 x 34 matrix, the 19-class form, categories, resized predictions, valid ranges.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { DataError, type Sample } from '../../src/runtime/data/dataset.ts'
import { resizeBilinear } from '../../src/runtime/tasks/bilinear.ts'
import { compareDepth, DepthMeter, depthTruth } from '../../src/runtime/tasks/depth.ts'
import { argmaxClasses, argmaxResized, categoryIou, compareSegmentation, Confusion, evaluatedLabels, LabelConfusion } from '../../src/runtime/tasks/segmentation.ts'
import { generate } from '../support/generated.ts'
import { camera } from './scenes.ts'

interface Case { name: string; gt_labelIds: number[][][]; pred_labelIds: number[][][]; confMatrix_rows_gt_cols_pred: number[][]; classScores: Record<string, number | null>; averageScoreClasses: number; categoryScores: Record<string, number | null>; averageScoreCategories: number }
const semseg = JSON.parse(readFileSync('test/fixtures/semseg_depth/semseg.json', 'utf8')) as { cases: Case[] }
const depth = JSON.parse(readFileSync('test/fixtures/semseg_depth/depth.json', 'utf8')) as Record<string, number[][] & number>
const names = evaluatedLabels.map(l => l.name)

/** null in the fixtures is NaN here. */
function expectScores(mine: Readonly<Record<string, number>>, theirs: Record<string, number | null>): void {
  for (const [name, v] of Object.entries(theirs)) {
    if (name === 'license plate') continue
    if (v === null) expect(mine[name], name).toBeNaN()
    else expect(mine[name], name).toBeCloseTo(v, 12)
  }
}

describe.each(semseg.cases)('$name', theirs => {
  const confusion = new LabelConfusion()
  theirs.gt_labelIds.forEach((image, i) => confusion.add(image.flat(), theirs.pred_labelIds[i].flat()))

  it('has the official matrix', () => expect([...confusion.counts]).toEqual(theirs.confMatrix_rows_gt_cols_pred.flat()))

  it('has the official scores', () => {
    const scores = confusion.scores()
    expectScores(scores.iou, theirs.classScores)
    expectScores(scores.categoryIou, theirs.categoryScores)
    expect(scores.meanIou).toBeCloseTo(theirs.averageScoreClasses, 12)
    expect(scores.meanCategoryIou).toBeCloseTo(theirs.averageScoreCategories, 12)
  })

  it('has them too in the form of 19 classes', () => {
    const byTrainId = new Confusion(19)
    const toClass = (id: number): number => names.indexOf(evaluatedLabels.find(l => l.id === id)?.name ?? '')
    byTrainId.add(theirs.gt_labelIds.flat(2).map(toClass), theirs.pred_labelIds.flat(2).map(toClass))
    expect(byTrainId.meanIou()).toBeCloseTo(theirs.averageScoreClasses, 12)
    expect(categoryIou(byTrainId, names).mean).toBeCloseTo(theirs.averageScoreCategories, 12)
  })
})

describe('confusion', () => {
  it('by hand: ignored truth makes no false positive, a prediction of no class is a miss', () => {
    const c = new Confusion(2)
    c.add([0, 0, 0, 1, 255, 255], [0, 1, 255, 1, 0, 1])
    // Class 0: 1 hit, 2 missed, no false positive. Class 1: 1 hit, 1 false positive.
    expect(c.iou()).toEqual([1 / 3, 1 / 2])
    expect(c.accuracy()).toBe(0.5)
    expect(c.meanIou()).toBeCloseTo(5 / 12, 15)
  })
  it('leaves absent classes out of the mean, or counts them 0 as the published code', () => {
    const c = new Confusion(4)
    c.add([0, 1], [0, 1])
    expect([c.meanIou(), c.meanIou({ absentAsZero: true })]).toEqual([1, 0.5])
  })
  it('refuses maps of different sizes and ids outside of the table', () => {
    expect(() => new LabelConfusion().add([7, 7], [7])).toThrowErrorMatchingInlineSnapshot(`[Error: a prediction of 1 pixels for a ground truth of 2: both maps must have the same size]`)
    expect(() => new LabelConfusion().add([7], [255])).toThrowErrorMatchingInlineSnapshot(`[Error: label id 255 at pixel 0: ids from 0 to 33 are expected (train ids must be mapped to label ids)]`)
    expect(() => new Confusion(2).add([0], [])).toThrow(RangeError)
  })
})

describe('resized predictions', () => {
  it('a row by hand: half-pixel centres, borders repeated', () => {
    expect([...resizeBilinear(Float32Array.of(0, 1), [1, 2], [1, 4])]).toEqual([0, 0.25, 0.75, 1])
    expect([...resizeBilinear(Float32Array.of(0, 1, 2, 3), [1, 4], [1, 2])]).toEqual([0.5, 2.5])
  })
  it('classes of resized logits, not resized classes', () => {
    // Two classes at two pixels: logits 0 against 3, then 1 against 0; resized to 4 the second class leads by 3, 2, 0 and -1; nearest classes would give 1 1 0 0 too but for a tie at the third.
    const logits = Float32Array.of(0, 1, 3, 0)
    expect([...argmaxResized(logits, 2, [1, 2], [1, 4])]).toEqual([1, 1, 0, 0])
    expect([...argmaxResized(Float32Array.of(0, 1, 9, 0), 2, [1, 2], [1, 4])]).toEqual([1, 1, 1, 0])
  })
  it('agrees with resizing every plane first', () => {
    const logits = generate('logits', [5, 6, 10], 3, 0)
    const planes = new Float32Array(5 * 13 * 21)
    for (let c = 0; c < 5; c++) planes.set(resizeBilinear(logits.subarray(c * 60, (c + 1) * 60), [6, 10], [13, 21]), c * 13 * 21)
    expect(argmaxResized(logits, 5, [6, 10], [13, 21])).toEqual(argmaxClasses(planes, 5))
    expect(argmaxResized(logits, 5, [6, 10], [6, 10])).toEqual(argmaxClasses(logits, 5))
  })
})

describe('depth', () => {
  const raw = depth.png16.flat()
  const sample = { id: 'a', height: depth.png16.length, width: depth.png16[0].length, disparity: Uint16Array.from(raw), camera: { ...camera, fx: depth.fx as number, baseline: depth.baseline as number } }
  it('metres and disparity of the 16-bit values', () => {
    depthTruth(sample, 'depth').forEach((v, i) => expect(v).toBeCloseTo(depth['depth_m(-1=invalid)'].flat()[i], 6))
    // A disparity of 0 is a measurement of something infinitely far: it is invalid in both quantities.
    expect([...depthTruth({ id: 'a', height: 1, width: 4, disparity: Uint16Array.of(0, 1, 2, 257), camera: undefined }, 'disparity')]).toEqual([-1, -1, 1 / 256, 1])
    expect(() => depthTruth({ ...sample, camera: undefined }, 'depth')).toThrowErrorMatchingInlineSnapshot(`[Error: a: metric depth needs the camera json (baseline, fx), and this sample has none]`)
    expect(() => depthTruth({ ...sample, disparity: undefined }, 'depth')).toThrow(DataError)
  })
  it('raw maps to the official errors', () => {
    const meter = new DepthMeter(80)
    meter.add(depthTruth(sample, 'depth'), depth.pred_depth_m.flat())
    expect(meter.scores().pixels).toBe(depth.n_valid)
    expect(meter.scores().rmse).toBeCloseTo(depth.rmse as number, 12)
  })
  it('by hand: strict range, pooled pixels, clamped predictions', () => {
    const meter = new DepthMeter(80)
    // 0, 80 and -1 do not count. Errors 2, 4 (clamped from -5 to 0: truth 4) and 0.
    meter.add([10, 4, 0, 80, -1], [12, -5, 9, 9, 9])
    meter.add([20], [20])
    const s = meter.scores()
    expect(s.pixels).toBe(3)
    expect(s.rmse).toBeCloseTo(Math.sqrt((4 + 16 + 0) / 3), 14)
    expect(s.mae).toBeCloseTo(2, 14)
    expect(s.absRel).toBeCloseTo((0.2 + 1 + 0) / 3, 14)
    expect(s.sqRel).toBeCloseTo((4 / 10 + 16 / 4) / 3, 14)
    expect(s.logRmse).toBeCloseTo(Math.sqrt((Math.log(1.2) ** 2 + Math.log(4e9) ** 2) / 3), 12)
    expect([s.delta1, s.delta2, s.delta3].map(v => v * 3)).toEqual([2, 2, 2])
  })
  it('a set without a valid pixel has no scores', () => {
    const meter = new DepthMeter(80)
    meter.add([-1, 100], [1, 1])
    expect(meter.scores().rmse).toBeNaN()
  })
})

it('an image is compared at its own resolution, or at a chosen one', () => {
  const image: Sample = { id: 'a', height: 2, width: 4, image: new Uint8Array(24), labelIds: Uint8Array.of(7, 7, 8, 8, 7, 0, 8, 8), disparity: Uint16Array.of(257, 257, 513, 0, 257, 1, 513, 513), camera, boxes: undefined }
  const semseg = { kind: 'segmentation', classes: ['road', 'sidewalk'], ignore: 255, size: [1, 2] } as const
  // Sidewalk leads by 1 at the right of two pixels, trails by 3 at the left: in four columns by -3, -2, 0 and 1.
  const logits = Float32Array.of(3, 0, 0, 1)
  const whole = compareSegmentation(image, logits, semseg)
  expect([[...whole.truth as Int32Array], [...whole.predicted]]).toEqual([[0, 0, 1, 1, 0, 255, 1, 1], [0, 0, 0, 1, 0, 0, 0, 1]])
  const half = compareSegmentation(image, logits, semseg, [1, 2])
  expect([[...half.truth as Int32Array], [...half.predicted]]).toEqual([[255, 1], [0, 1]])
  const task = { kind: 'depth', quantity: 'disparity', invalid: -1, max: 80, size: [1, 2] } as const
  const far = compareDepth(image, Float32Array.of(1, 2), task)
  expect([[...far.truth], [...far.predicted]]).toEqual([[1, 1, 2, -1, 1, -1, 2, 2], [1, 1.25, 1.75, 2, 1, 1.25, 1.75, 2]])
  expect([...compareDepth(image, Float32Array.of(1, 2), task, [1, 2]).truth]).toEqual([-1, 2])
})

it('scores generated maps as the code published with TaskPrompter', () => {
  const pixels = 768
  const unit = generate('m/gt', [2 * pixels], 0.5, 0.5)
  const logits = generate('m/logits', [2, 19, pixels], 3, 0)
  const confusion = new Confusion(19)
  for (const b of [0, 1]) confusion.add(Int32Array.from(unit.subarray(b * pixels, (b + 1) * pixels), v => { const c = Math.floor(22 * v); return c >= 19 ? 255 : c }), argmaxClasses(logits.subarray(b * 19 * pixels, (b + 1) * 19 * pixels), 19))
  expect(100 * confusion.meanIou({ absentAsZero: true })).toBeCloseTo(2.662529485925159, 5)
  const meter = new DepthMeter(80)
  meter.add(generate('m/dg', [2 * pixels], 60, 45).map(v => (v < 0 ? -1 : v)), generate('m/dp', [2 * pixels], 40, 30))
  const s = meter.scores()
  for (const [mine, theirs] of [[s.rmse, 33.54943997268241], [s.logRmse, 8.628840005757509], [s.absRel, 2.3957018002059107], [s.sqRel, 111.56574763808139]]) expect(Math.abs(mine / theirs - 1)).toBeLessThan(1e-6)
})
