// The 3D metric against the specification followed word by word, on random images, and what must hold whatever the images.
import { describe, expect, it } from 'vitest'
import { amodalBox } from '../../src/runtime/projection.ts'
import { evaluateDetections } from '../../src/runtime/score/detections.ts'
import type { ScoredImage } from '../../src/runtime/score/matching.ts'
import { officialResults } from '../../src/runtime/score/official.ts'
import { defaultParams, type DetectionParams } from '../../src/runtime/score/params.ts'
import { expectSame } from './expect-same.ts'
import { literalAmodal, literalResults } from './literal.ts'
import { camera, found, image, randomImages, randomOf, slot } from './scenes.ts'

/** Ground truth whose amodal boxes are those of its 3D boxes, cut to integers, so that matches happen. */
const fitting = (images: readonly ScoredImage[]): ScoredImage[] => images.map(i => ({ ...i, groundTruth: i.groundTruth.map(b => {
  const [x0, y0, x1, y1] = literalAmodal(b, i.camera).map(Math.trunc)
  return { ...b, amodal: [x0, y0, x1 - x0, y1 - y0] as const }
}) }))

const variants: Partial<DetectionParams>[] = [
  {}, { matching: 'modal' }, { minIou: 0.3 }, { minIou: 0 }, { maxDepth: 50, stepSize: 10 }, { stepSize: 7 }, { confidence: 0.33 }, { confidence: 0.7, matching: 'modal' }, { confidence: 1 }, { numConf: 7 }, { numConf: 100 },
  { labels: ['bicycle', 'car'] }, { labels: ['bus'], maxDepth: 3, stepSize: 5 },
]

describe.each(variants)('%j', variant => {
  it.each([1, 2, 3])('random images %i are scored word by word', seed => {
    const params = { ...defaultParams, ...variant }
    const images = fitting(randomImages(seed * 1000, 8))
    expectSame(officialResults(evaluateDetections(images, params)), literalResults(images, params))
  })
})

it('amodal boxes are those of the faces cut at the near plane', () => {
  for (const { predictions } of randomImages(77, 60)) for (const p of predictions) amodalBox(p.center, p.dimensions, p.rotation, camera, 2048, 1024).forEach((v, i) => expect(v).toBeCloseTo(literalAmodal(p, camera)[i], 6))
})

describe('whatever the images', () => {
  const images = fitting(randomImages(5, 20))
  const scores = (list: readonly ScoredImage[]): ReturnType<typeof officialResults> => officialResults(evaluateDetections(list))
  const shuffled = <T>(list: readonly T[], seed: number): T[] => {
    const random = randomOf(seed)
    return list.map(v => ({ v, at: random() })).sort((a, b) => a.at - b.at).map(({ v }) => v)
  }

  it('the order of images does not matter', () => expectSame(scores(shuffled(images, 1)), scores(images)))

  it('the order of predictions and of boxes does not matter where no overlaps are equal', () => {
    const distinct = images.map(i => ({ ...i, predictions: i.predictions.map((p, n) => ({ ...p, center: [p.center[0] + n * 1e-5, p.center[1], p.center[2]] as const })) }))
    expectSame(scores(distinct.map((i, n) => ({ ...i, predictions: shuffled(i.predictions, n), groundTruth: shuffled(i.groundTruth, n + 1) }))), scores(distinct))
  })

  it('predictions of equal overlap and equal geometry may swap', () => {
    const doubled = images.map(i => ({ ...i, predictions: [...i.predictions, ...i.predictions] }))
    expectSame(scores(doubled.map(i => ({ ...i, predictions: i.predictions.toReversed() }))), scores(doubled))
  })

  it('scores count by the thresholds that they reach, not by their values', () => {
    const snapped = images.map(i => ({ ...i, predictions: i.predictions.map(p => ({ ...p, score: Math.max(...Array.from({ length: 51 }, (_, k) => k * 0.02).filter(s => s <= p.score)) })) }))
    expectSame(scores(snapped), scores(images))
  })

  it('a false positive far away never raises an average precision, and a region that ignores it takes its effect away', () => {
    const before = scores(images)
    for (const score of [0.01, 0.5, 1]) {
      const stray = found('car', score, [1, 900, 0], slot(33))
      const added = images.map(i => ({ ...i, predictions: [...i.predictions, stray] }))
      const after = scores(added)
      for (const label of defaultParams.labels) expect(after.AP[label].auc).toBeLessThanOrEqual(before.AP[label].auc + 1e-12)
      expect(after.AP.truck).toEqual(before.AP.truck)
      expectSame(scores(added.map(i => ({ ...i, ignores: [...i.ignores, { label: 'bus', box: slot(33) }] }))), scores(images.map(i => ({ ...i, ignores: [...i.ignores, { label: 'bus', box: slot(33) }] }))))
    }
  })

  it('perfect predictions score 1', () => {
    const perfect = images.map(i => {
      const groundTruth = i.groundTruth.filter(b => b.center[0] > 10)
      return { ...i, groundTruth, predictions: groundTruth.map(b => ({ ...b, score: 1 })) }
    })
    const result = evaluateDetections(perfect, { matching: 'modal' })
    for (const c of result.classes) {
      expect(c.ap.auc).toBeCloseTo(c.groundTruth > 0 ? 1 : 0, 12)
      if (c.centerDistance.data.size > 1) expect(c.detectionScore).toBeCloseTo(1, 12)
    }
    expect(result.classes.some(c => c.centerDistance.data.size > 1)).toBe(true)
  })

  it('every score lies between 0 and 1, and no image scores nothing', () => {
    for (const c of evaluateDetections(images).classes) for (const v of [c.ap.auc, c.detectionScore, c.centerDistance.auc, c.sizeSimilarity.auc, c.yawSimilarity.auc, c.pitchRollSimilarity.auc]) expect(v).toSatisfy((x: number) => x >= 0 && x <= 1 + 1e-12)
    expect(evaluateDetections([]).mean.detectionScore).toBeNaN()
    expect(evaluateDetections([image([], [])]).mean.ap).toBeNaN()
  })
})
