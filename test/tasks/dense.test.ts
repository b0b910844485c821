// Segmentation and depth: encoding of label ids and disparity, and the metrics, against the official numbers (fixtures/semseg_depth).
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Confusion, classTable } from '../../src/runtime/tasks/segmentation.ts'
import { DepthMeter, disparityOf } from '../../src/runtime/tasks/depth.ts'
import { cityscapesLabels } from '../../src/runtime/tasks/cityscapes-labels.ts'
import { nearestIndex } from '../../src/runtime/tasks/resample.ts'

const semseg = JSON.parse(readFileSync('test/fixtures/semseg_depth/semseg.json', 'utf8'))
const depth = JSON.parse(readFileSync('test/fixtures/semseg_depth/depth.json', 'utf8'))
const evaluated = cityscapesLabels.filter(l => l.trainId !== 255).map(l => l.name)

describe('label table', () => {
  it('is the official one', () => {
    const official = semseg.labels.filter((l: { id: number }) => l.id >= 0)
    expect(cityscapesLabels.map(({ name, id, trainId, category, color }) => ({ name, id, trainId, category, color }))).toEqual(official.map(({ name, id, trainId, category, color }: (typeof cityscapesLabels)[number]) => ({ name, id, trainId, category, color })))
  })
  it('maps ids to classes, everything else to ignore', () => {
    const table = classTable({ kind: 'segmentation', classes: evaluated, ignore: 255, size: [1, 1] })
    expect([table[7], table[33], table[0], table[14], table[255]]).toEqual([0, 18, 255, 255, 255])
  })
  it('refuses a class that Cityscapes does not have', () => {
    expect(() => classTable({ kind: 'segmentation', classes: ['street'], ignore: 255, size: [1, 1] })).toThrowErrorMatchingInlineSnapshot(`[Error: class \`street\` of the segmentation task is not a Cityscapes label: use names of the label table, such as road, car, person]`)
  })
})

// A prediction of a void class has no column in the 19 x 19 matrix; a network of 19 classes never makes one.
const comparable = (semseg.cases as { name: string; gt_labelIds: number[][][]; pred_labelIds: number[][][]; averageScoreClasses: number }[]).filter(c => c.name !== 'void_in_both')

describe('mean intersection over union', () => {
  it.each(comparable)('$name', testCase => {
    const table = classTable({ kind: 'segmentation', classes: evaluated, ignore: 255, size: [1, 1] })
    const confusion = new Confusion(19)
    confusion.add(testCase.gt_labelIds.flat(2).map(id => table[id]), testCase.pred_labelIds.flat(2).map(id => table[id]))
    expect(confusion.meanIou()).toBeCloseTo(testCase.averageScoreClasses, 12)
  })
})

describe('depth', () => {
  it('turns 16-bit disparity into pixels', () => {
    const flat = depth.png16.flat() as number[]
    expect(flat.filter(p => p > 0).map(disparityOf)).toEqual((depth['disparity(-1=invalid)'].flat() as number[]).filter((_, i) => flat[i] > 0))
  })
  it('scores as the official numbers', () => {
    const meter = new DepthMeter(80)
    meter.add(depth['depth_m(-1=invalid)'].flat(), depth.pred_depth_m.flat())
    const s = meter.scores()
    expect(s.pixels).toBe(depth.n_valid)
    for (const [mine, theirs] of [[s.rmse, depth.rmse], [s.logRmse, depth.log_rmse], [s.absRel, depth.abs_rel], [s.sqRel, depth.sq_rel], [s.mae, depth.mae], [s.delta1, depth['delta_1.25']]]) expect(mine).toBeCloseTo(theirs, 12)
  })
})

it('nearest resampling to half size picks the odd pixels', () => {
  expect([...nearestIndex(8, 4)]).toEqual([1, 3, 5, 7])
})
