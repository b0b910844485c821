// Where implementations of the 3D metric go wrong: each trap a tiny case whose number is worked out here by hand.
import { describe, expect, it } from 'vitest'
import { quaternionProduct, type Quaternion } from '../../src/runtime/geometry.ts'
import { evaluateDetections, type ClassScores, type Scores } from '../../src/runtime/score/detections.ts'
import type { ScoredImage } from '../../src/runtime/score/matching.ts'
import { officialResults } from '../../src/runtime/score/official.ts'
import { iou } from '../../src/runtime/score/overlap.ts'
import { nearestThreshold, thresholdsOf, type DetectionParams } from '../../src/runtime/score/params.ts'
import { anglesOf } from '../../src/runtime/score/true-positives.ts'
import { found, image, slot, straight, truth, yawed } from './scenes.ts'

/** Matched by modal boxes, so that a case can choose overlaps freely. */
const modal = (images: ScoredImage | ScoredImage[], params: Partial<DetectionParams> = {}): Scores => evaluateDetections([images].flat(), { matching: 'modal', ...params })
const car = (scores: Scores): ClassScores => scores.classes.find(c => c.label === 'car')!
const at = (scores: Scores, threshold: number): number[] => { const c = car(scores); return [c.truePositives[threshold], c.falsePositives[threshold], c.falseNegatives[threshold]] }

describe('fewer than two depth bins', () => {
  it('make the four scores and the detection score 0, though everything matches', () => {
    const c = car(modal(image([truth('car', [11, 0, 0], slot(0)), truth('car', [14, 0, 0], slot(1))], [found('car', 1, [11, 0, 0], slot(0)), found('car', 1, [14, 0, 0], slot(1))])))
    expect([c.ap.auc, c.centerDistance.auc, c.yawSimilarity.auc, c.detectionScore]).toEqual([1, 0, 0, 0])
    expect([...c.centerDistance.data]).toEqual([[10, 1]])
  })
  it('two bins are enough', () => {
    const c = car(modal(image([truth('car', [11, 0, 0], slot(0)), truth('car', [15, 0, 0], slot(1))], [found('car', 1, [11, 0, 0], slot(0)), found('car', 1, [15, 0, 0], slot(1))])))
    expect(c.detectionScore).toBe(1)
  })
})

describe('depth', () => {
  it.each([
    // 9.9 forward and 9.9 aside: 14.0007 m over ground.
    { center: [9.9, 9.9, 0], bin: 10 },
    // 4.999 m, cut to 4.
    { center: [4.999, 0, 0], bin: 0 },
    // 3-4-5 triangle; the height of 100 m does not count.
    { center: [3, -4, 100], bin: 5 },
    // Behind the rear axle is as far as ahead.
    { center: [-12, 0, 0], bin: 10 },
  ] as const)('of $center lies in bin $bin', ({ center, bin }) => {
    const c = car(modal(image([truth('car', center, slot(0))], [found('car', 1, center, slot(0))])))
    expect([[...c.apPerDepth.keys()], [...c.centerDistance.items]]).toEqual([[bin], [[bin, 1]]])
  })
  it('is that of the ground truth for pairs, that of the prediction for false positives', () => {
    // Pair: truth 12 m (bin 10), predicted 21 m. False positive at 23 m falls into bin 20, where a missed box gives it a curve.
    const c = car(modal(image([truth('car', [12, 0, 0], slot(0)), truth('car', [22, 0, 0], slot(3)), truth('car', [24, 0, 0], slot(4))], [found('car', 1, [21, 0, 0], slot(0)), found('car', 1, [23, 0, 0], slot(5)), found('car', 1, [24, 0, 0], slot(4))])))
    expect(c.apPerDepth.get(10)!.precision[0]).toBe(1)
    // Bin 20: one hit, one false positive, one miss.
    expect([c.apPerDepth.get(20)!.precision[0], c.apPerDepth.get(20)!.recall[0]]).toEqual([1 / 2, 1 / 2])
  })
  it('at max_depth or farther counts for AP alone', () => {
    // 99.9 m is bin 95; exactly 100 m and 300 m are in no bin; the one at 300 m is missed: AP 2/3.
    const c = car(modal(image([truth('car', [99.9, 0, 0], slot(0)), truth('car', [100, 0, 0], slot(1)), truth('car', [300, 0, 0], slot(2))], [found('car', 1, [99.9, 0, 0], slot(0)), found('car', 1, [100, 0, 0], slot(1))])))
    expect(c.ap.auc).toBeCloseTo(2 / 3, 15)
    expect([[...c.apPerDepth.keys()], [...c.centerDistance.items]]).toEqual([[95], [[95, 1]]])
  })
})

describe('amodal boxes', () => {
  // The camera sees a cube of 2 m, 10 m ahead: its front at 9 m spans +-1 m, +-111.11 pixels around (1024, 512): 912.89 .. 1135.11, 400.89 .. 623.11.
  const cube = { dimensions: [2, 2, 2], rotation: straight } as const
  const half = 1000 / 9
  const predictedBox = [1024 - half, 512 - half, 1024 + half, 512 + half] as const
  const judged = (amodal: readonly [number, number, number, number], minIou: number): number => car(evaluateDetections([image([truth('car', [10, 0, 0], slot(0), { ...cube, amodal })], [found('car', 1, [10, 0, 0], slot(9), { ...cube, amodal: [0, 0, 1, 1] })])], { minIou })).truePositives[0]

  it('of predictions are computed anew as doubles, those of the ground truth are the integers of the file', () => {
    const overlap = iou([913, 401, 1135, 623], predictedBox)
    // 223 x 223 pixels inside of 223.22 x 223.22.
    expect(overlap).toBeCloseTo(223 ** 2 / (2 * half + 1) ** 2, 12)
    expect([judged([913, 401, 222, 222], overlap - 1e-9), judged([913, 401, 222, 222], overlap + 1e-9)]).toEqual([1, 0])
  })
  it('are clipped to 2047 and 1023, the last pixels', () => {
    // The same cube 10 m to the right: its near left edge x = 11, y = -9 is at u = 1024 + 818.18, its right end at 1024 + 1222.2 = 2246.2, beyond the image.
    const left = 1024 + 1000 * 9 / 11
    const clipped = [left, 512 - half, 2047, 512 + half] as const
    const gt = [1842, 401, 205, 222] as const
    const overlap = iou([1842, 401, 2047, 623], clipped)
    const count = (minIou: number): number => car(evaluateDetections([image([truth('car', [10, -10, 0], slot(0), { ...cube, amodal: gt })], [found('car', 1, [10, -10, 0], slot(9), cube)])], { minIou })).truePositives[0]
    expect(overlap).toBeGreaterThan(0.99)
    expect([count(overlap - 1e-9), count(overlap + 1e-9)]).toEqual([1, 0])
  })
  it('a box behind the camera is [0, 0, 0, 0]: it matches nothing and counts as false positive', () => {
    const scores = evaluateDetections([image([truth('car', [10, 0, 0], [913, 401, 222, 222])], [found('car', 1, [-10, 0, 0], [913, 401, 222, 222])])])
    expect(at(scores, 0)).toEqual([0, 1, 1])
    expect(scores.behindCamera).toEqual([{ image: 'city_000000_000019', index: 0 }])
  })
})

describe('overlap', () => {
  it('counts the pixels of both borders', () => {
    // 10 x 10 pixels against 7 x 10 of them: 0.7; without the borders it were 6 x 9 of 9 x 9: 0.667.
    expect(iou([0, 0, 9, 9], [0, 0, 6, 9])).toBeCloseTo(0.7, 11)
    expect(at(modal(image([truth('car', [10, 0, 0], [0, 0, 9, 9])], [found('car', 1, [10, 0, 0], [0, 0, 6, 9])]), { minIou: 0.69 }), 0)).toEqual([1, 0, 0])
    // Boxes without width still are a pixel wide, and boxes side by side share none.
    expect(iou([5, 5, 5, 5], [5, 5, 5, 5])).toBeCloseTo(1, 9)
    expect(iou([0, 0, 9, 9], [10, 0, 19, 9])).toBe(0)
  })
  it('must be greater than the least, not equal', () => {
    const same = iou([0, 0, 9, 9], [0, 0, 9, 9])
    const judged = (minIou: number): number[] => at(modal(image([truth('car', [10, 0, 0], [0, 0, 9, 9])], [found('car', 1, [10, 0, 0], [0, 0, 9, 9])]), { minIou }), 0)
    expect([judged(same), judged(same - 1e-12)]).toEqual([[0, 1, 1], [1, 0, 0]])
    // Exactly 0.7 in pixels is a hair less after division by the union plus 1e-10.
    expect(at(modal(image([truth('car', [10, 0, 0], [0, 0, 9, 9])], [found('car', 1, [10, 0, 0], [0, 0, 6, 9])])), 0)).toEqual([0, 1, 1])
  })
})

describe('ignore regions', () => {
  const box = truth('car', [10, 0, 0], slot(0))
  const counts = (prediction: ReturnType<typeof found>, regions: [number, number, number, number][]): number[] => at(modal(image([box], [found('car', 1, [10, 0, 0], slot(0)), prediction], regions)), 0)
  it('take in what lies inside by its visible box, whatever the classes, as many as there are', () => {
    // 40 x 40 pixels inside of a region: share 1. The region is a car's, the prediction a truck.
    const scores = modal(image([box], [found('truck', 1, [10, 0, 0], slot(3)), found('truck', 1, [10, 0, 0], slot(3)), found('car', 1, [50, 0, 0], slot(3))], [[180, 100, 39, 39]]))
    expect(scores.classes.map(c => c.falsePositives[0])).toEqual([0, 0, 0, 0, 0, 0])
  })
  it('by the share of the prediction, not by intersection over union', () => {
    // A small box in a huge region: share 1, IoU next to nothing. A huge box around a small region: share next to nothing.
    expect(counts(found('car', 1, [50, 0, 0], slot(5)), [[0, 0, 2000, 1000]])).toEqual([1, 0, 0])
    expect(counts(found('car', 1, [50, 0, 0], [0, 0, 2000, 1000]), [slot(5)])).toEqual([1, 1, 0])
    // 28 of 40 columns: 0.7 and a hair less, which is not enough; 29 of 40 are.
    expect(counts(found('car', 1, [50, 0, 0], slot(5)), [[300, 0, 27, 500]])).toEqual([1, 1, 0])
    expect(counts(found('car', 1, [50, 0, 0], slot(5)), [[300, 0, 28, 500]])).toEqual([1, 0, 0])
  })
  it('by the modal box also where amodal boxes are matched', () => {
    // Its 3D box is seen around (1024, 512), its modal box in the region.
    const stray = found('car', 1, [10, 0, 0], slot(5))
    expect(at(evaluateDetections([image([truth('car', [30, 0, 0], [0, 0, 9, 9])], [stray], [slot(5)])]), 0)).toEqual([0, 0, 1])
    expect(at(evaluateDetections([image([truth('car', [30, 0, 0], [0, 0, 9, 9])], [stray], [[900, 400, 300, 300]])]), 0)).toEqual([0, 1, 1])
  })
  it('do not take away matches', () => expect(counts(found('car', 0, [10, 0, 0], slot(1)), [slot(0)])).toEqual([1, 1, 0]))
})

describe('matching', () => {
  it('is done again for every threshold, best overlap first, whatever the score', () => {
    // The better one (10 of 10 columns) has the lower score. Up to 0.3 it takes the box and the other (8 of 10) is false; above, the other takes it.
    const scores = modal(image([truth('car', [10, 0, 0], [0, 0, 9, 9])], [found('car', 0.9, [10, 0, 0], [0, 0, 7, 9]), found('car', 0.3, [10, 0, 0], [0, 0, 9, 9])]))
    expect([at(scores, 15), at(scores, 16), at(scores, 45), at(scores, 46)]).toEqual([[1, 1, 0], [1, 0, 0], [1, 0, 0], [0, 0, 1]])
    // Precision times recall is 1/2 up to 0.3 and 1 from 0.32 on.
    expect(car(scores).workingConfidence).toBe(0.32)
    expect(car(scores).ap.auc).toBe(1)
  })
  it('gives a row and a column away once: greedy, not optimal', () => {
    // Box A = columns 0..9, B = 2..11. P1 = 1..10 overlaps both 9/11; equal overlaps take the first row: A. P2 = 0..7 overlaps A 8/10, B only 6/12: it is left over.
    const wide = (from: number, to: number): [number, number, number, number] => [from, 0, to - from, 9]
    const scores = modal(image([truth('car', [10, 0, 0], wide(0, 9)), truth('car', [20, 0, 0], wide(2, 11))], [found('car', 1, [10, 0, 0], wide(1, 10)), found('car', 1, [10, 0, 0], wide(0, 7))]))
    expect(at(scores, 0)).toEqual([1, 1, 1])
    // The matched box is A, in bin 10.
    expect([...car(scores).centerDistance.items]).toEqual([[10, 1]])
  })
  it('knows classes apart', () => expect(at(modal(image([truth('car', [10, 0, 0], slot(0))], [found('truck', 1, [10, 0, 0], slot(0))])), 0)).toEqual([0, 0, 1]))
})

describe('means', () => {
  it('over bins weigh bins, not boxes', () => {
    // Bin 10: three boxes, exact. Bin 20: one, 10 m aside: 1 - 10 / 100 = 0.9. Mean of bins 0.95, of boxes 0.975.
    const boxes = [11, 12, 13, 20].map((x, i) => truth('car', [x, 0, 0], slot(i)))
    const c = car(modal(image(boxes, boxes.map((b, i) => found('car', 1, i < 3 ? b.center : [20, 10, 0], slot(i))))))
    expect(c.centerDistance.auc).toBeCloseTo(0.95, 15)
    expect([...c.centerDistance.data]).toEqual([[10, 1], [20, 0.9]])
  })
  it('over classes leave out those without ground truth, not those without predictions', () => {
    const cars = [truth('car', [11, 0, 0], slot(0)), truth('car', [21, 0, 0], slot(1))]
    const exact = cars.map((b, i) => found('car', 1, b.center, slot(i)))
    expect(modal(image(cars, [...exact, found('bus', 1, [10, 0, 0], slot(7))])).mean.detectionScore).toBe(1)
    expect(modal(image([...cars, truth('bus', [10, 0, 0], slot(5))], exact)).mean.detectionScore).toBe(0.5)
    expect(modal(image([...cars, truth('trailer', [10, 0, 0], slot(5))], exact)).mean.detectionScore).toBe(1)
  })
  it('of no class do not exist: null in the json', () => {
    const scores = modal(image([truth('caravan', [10, 0, 0], slot(5))], []))
    expect(scores.mean.detectionScore).toBeNaN()
    expect(JSON.parse(JSON.stringify(officialResults(scores)))).toMatchObject({ mDetection_Score: null, mAP: null, mOS_Yaw: null, AP: { car: { auc: 0 } }, working_confidence: { car: 0 } })
  })
  it('sizes: the smaller by the larger, multiplied', () => {
    // 4 : 5, 2 : 2, 1.5 : 1.2 -> 0.8 * 1 * 0.8.
    const boxes = [truth('car', [11, 0, 0], slot(0)), truth('car', [21, 0, 0], slot(1))]
    expect(car(modal(image(boxes, boxes.map((b, i) => found('car', 1, b.center, slot(i), { dimensions: [5, 2, 1.2] }))))).sizeSimilarity.auc).toBeCloseTo(0.64, 15)
  })
})

describe('thresholds', () => {
  it('are the doubles i * 0.02: a score of 0.7 does not reach the 35th', () => {
    expect([thresholdsOf({ numConf: 50 })[35], 35 * 0.02]).toEqual([0.7000000000000001, 0.7000000000000001])
    const scores = modal(image([truth('car', [10, 0, 0], slot(0))], [found('car', 0.7, [10, 0, 0], slot(0))]))
    expect([at(scores, 34), at(scores, 35)]).toEqual([[1, 0, 0], [0, 0, 1]])
  })
  it('are reached by equal scores', () => {
    const scores = modal(image([truth('car', [10, 0, 0], slot(0))], [found('car', 0.5, [10, 0, 0], slot(0))]))
    expect([at(scores, 25), at(scores, 26)]).toEqual([[1, 0, 0], [0, 0, 1]])
    // All products of precision and recall up to there are 1: the first is taken.
    expect(car(scores).workingConfidence).toBe(0)
  })
  it('number ceil(1.01 n)', () => expect([50, 10, 7, 100].map(numConf => thresholdsOf({ numConf }).length)).toEqual([51, 11, 8, 101]))
  it('a wanted confidence is raised to the next, or clamped', () => {
    const thresholds = thresholdsOf({ numConf: 50 })
    expect([0.33, 0.34, 0, 1, 3, -2].map(c => nearestThreshold(c, thresholds))).toEqual([0.34, 0.34, 0, 1, 1, 0])
    // A confidence of 0.6 judges only the second box, 10 m aside, and one bin is not enough.
    const boxes = [truth('car', [11, 0, 0], slot(0)), truth('car', [21, 0, 0], slot(1))]
    const c = car(modal(image(boxes, [found('car', 0.5, [11, 0, 0], slot(0)), found('car', 0.9, [21, 10, 0], slot(1))]), { confidence: 0.6 }))
    expect([c.workingConfidence, [...c.centerDistance.data], c.centerDistance.auc, c.ap.auc]).toEqual([0.6, [[20, 0.9]], 0, 1])
  })
})

describe('average precision', () => {
  it('takes the best precision at a recall or a higher one', () => {
    // By falling score: hit (1/1, recall 1/3), false, false, hit (2/4, recall 2/3), hit (3/5, recall 1). AP = 1/3 * 1 + 2/3 * 3/5.
    const boxes = [0, 1, 2].map(i => truth('car', [10 * i + 11, 0, 0], slot(i)))
    const predictions = [[0.9, 0], [0.8, 7], [0.7, 8], [0.6, 1], [0.5, 2]].map(([score, i]) => found('car', score, [10, 0, 0], slot(i)))
    const c = car(modal(image(boxes, predictions)))
    expect(c.ap.auc).toBeCloseTo(1 / 3 + (2 / 3) * (3 / 5), 15)
    // Precision times recall is 3/5 up to 0.5, and 1/3 or less above: the first threshold.
    expect(c.workingConfidence).toBe(0)
  })
  it('of a bin without ground truth does not exist, though it has false positives', () => {
    const c = car(modal(image([truth('car', [11, 0, 0], slot(0))], [found('car', 1, [35, 0, 0], slot(3))])))
    expect([...c.apPerDepth].map(([bin, { auc }]) => [bin, auc])).toEqual([[10, 0]])
  })
})

describe('angles', () => {
  const about = (axis: 0 | 1 | 2, angle: number): Quaternion => { const q: [number, number, number, number] = [Math.cos(angle / 2), 0, 0, 0]; q[axis + 1] = Math.sin(angle / 2); return q }
  const rotation = quaternionProduct(quaternionProduct(about(0, 0.1), about(1, 0.2)), about(2, 0.3))
  it('are those of Rx(roll) Ry(pitch) Rz(yaw), with w first', () => {
    anglesOf(rotation).forEach((a, i) => expect(a).toBeCloseTo([0.3, 0.2, 0.1][i], 14))
    // The order of the mounting angles, Rz Ry Rx, would give other numbers.
    const mounted = quaternionProduct(quaternionProduct(about(2, 0.3), about(1, 0.2)), about(0, 0.1))
    expect(Math.abs(anglesOf(mounted)[1] - 0.2)).toBeGreaterThan(0.01)
  })
  it('need no unit quaternion, and no particular sign', () => {
    for (const k of [2, 0.1, -1]) anglesOf(rotation.map(v => k * v) as unknown as Quaternion).forEach((a, i) => expect(a).toBeCloseTo([0.3, 0.2, 0.1][i], 14))
  })
  it('wrap around: 179 and -179 degrees are two degrees apart', () => {
    const [a, b] = [yawed(Math.PI * 179 / 180), yawed(-Math.PI * 179 / 180)]
    const boxes = [truth('car', [11, 0, 0], slot(0), { rotation: a }), truth('car', [21, 0, 0], slot(1), { rotation: a })]
    const c = car(modal(image(boxes, boxes.map((t, i) => found('car', 1, t.center, slot(i), { rotation: b })))))
    expect(c.yawSimilarity.auc).toBeCloseTo((1 + Math.cos(Math.PI / 90)) / 2, 14)
    expect(c.pitchRollSimilarity.auc).toBeCloseTo(1, 14)
  })
  it('a car turned round has a yaw similarity of 0, one on its side a pitch and roll similarity of 3/4', () => {
    const boxes = [truth('car', [11, 0, 0], slot(0)), truth('car', [21, 0, 0], slot(1))]
    const turned = (q: Quaternion): ClassScores => car(modal(image(boxes, boxes.map((t, i) => found('car', 1, t.center, slot(i), { rotation: q })))))
    expect(turned(yawed(Math.PI)).yawSimilarity.auc).toBeCloseTo(0, 14)
    // 1/2 + (cos 0 + cos 90 degrees) / 4.
    expect(turned(about(0, Math.PI / 2)).pitchRollSimilarity.auc).toBeCloseTo(0.75, 14)
  })
})

it('modal and amodal matching differ where boxes are hidden', () => {
  // Two predictions of the same 3D box, the truth half hidden: amodal boxes agree, visible ones overlap by half.
  const amodal = [913, 401, 222, 222] as const
  const images = [image([truth('car', [10, 0, 0], [913, 401, 110, 222], { dimensions: [2, 2, 2], amodal })], [found('car', 1, [10, 0, 0], [913, 401, 222, 222], { dimensions: [2, 2, 2] })])]
  expect([evaluateDetections(images), modal(images)].map(s => at(s, 0))).toEqual([[1, 0, 0], [0, 1, 1]])
})
