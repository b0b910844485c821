// Evaluation of predictions that are known to be right, or wrong in a known way, and the page that tells of it.
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import sharp from 'sharp'
import type { Dataset } from '../../src/runtime/data/dataset.ts'
import { evaluate, openSplit, type Evaluation } from '../../src/runtime/evaluation/evaluate.ts'
import { exampleSheet } from '../../src/runtime/evaluation/examples.ts'
import { resultsPage } from '../../src/runtime/evaluation/page.ts'
import { rankImages } from '../../src/runtime/evaluation/ranking.ts'
import type { DepthResult, DetectionResult, SegmentationResult } from '../../src/runtime/evaluation/results.ts'
import { writeSample } from '../../src/runtime/data/synth/write.ts'
import { compile } from '../support/models.ts'
import { temporaryFolder } from '../data/support.ts'
import { oracle } from './oracle.ts'

const model = compile('models/taskprompter-tiny.mtl', { mode: 'infer', batch: 2 })
const count = 5
let root: string
let split: Dataset

beforeAll(async () => {
  root = temporaryFolder()
  for (let index = 0; index < count; index++) writeSample({ dir: root, split: 'val', index, size: [128, 256], seed: 3 })
  split = await openSplit(model, root, 'val')
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('perfect predictions', () => {
  let found: Evaluation
  const boxes: string[] = []
  const done: number[] = []
  beforeAll(async () => { found = await evaluate(model, oracle(model, split), split, { onProgress: n => done.push(n), onDetections: id => boxes.push(id) }) })

  it('have all of the dense scores, in batches of which the last is short', () => {
    const semseg = found.tasks.semseg as SegmentationResult, depth = found.tasks.depth as DepthResult
    expect([semseg.mIoU, semseg.accuracy, depth.delta1]).toEqual([1, 1, 1])
    // The target is float32, what it is compared with is not.
    expect(depth.rmse).toBeLessThan(1e-5)
    expect(done).toEqual([2, 4, 5])
    expect(semseg.confusion.flat().reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(count * 128 * 256)
  })

  it('find boxes where points were assigned to them, each as exact as the network can say it', () => {
    const { modal, mDSModal, mDS } = found.tasks['3ddet'] as DetectionResult
    expect(boxes).toEqual(split.ids)
    // A box without a point at this small size cannot be found: the score is that of the assignment.
    expect(mDSModal).toBeGreaterThan(0.3)
    expect(mDS).toBeGreaterThan(0.3)
    const cars = modal.Center_Dist.car
    expect(cars.auc).toBeGreaterThan(0.9999)
    expect(modal.Size_Similarity.car.auc).toBeGreaterThan(0.9999)
    expect(modal.OS_Yaw.car.auc).toBeGreaterThan(0.9999)
  })

  it('say so image by image', () => {
    expect(found.images.map(i => i.id)).toEqual(split.ids)
    for (const { scores } of found.images) expect([scores.semseg, scores.depth < 1e-5]).toEqual([1, true])
  })
})

describe('one spoilt image', () => {
  const spoilt = 3
  let found: Evaluation
  let page: string
  beforeAll(async () => {
    const session = oracle(model, split, (predictions, index) => {
      if (index !== spoilt) return
      predictions.semseg.data.fill(0)
      predictions.depth.data.forEach((v, i, all) => { all[i] = v + 2 })
      for (const [name, t] of Object.entries(predictions)) if (name.startsWith('3ddet/cls')) t.data.fill(-9)
    })
    found = await evaluate(model, session, split)
    const single = compile('models/taskprompter-tiny.mtl', { mode: 'infer', batch: 1 })
    const jpeg = await exampleSheet(single, session, split, spoilt, split.ids[spoilt])
    page = resultsPage({ model: 'Tiny <&>', weights: 'w.safetensors', data: root, split: 'val', images: count, text: 'model Tiny {}', evaluation: found, examples: [{ title: 'Worst 1', image: found.images[spoilt], jpeg }] })
    const { width, height, format } = await sharp(jpeg).metadata()
    expect([format, width! > 1280, height! > 700]).toEqual(['jpeg', true, true])
  })

  it('is the worst of all', () => {
    expect(rankImages(found.images, found.tasks).at(-1)!.index).toBe(spoilt)
    expect(found.images[spoilt].scores.depth).toBeCloseTo(2, 5)
    expect(found.images[spoilt].scores['3ddet']).toBe(0)
    expect(found.images[spoilt].scores.semseg).toBeLessThan(0.2)
  })

  it('costs what it must: its share of squared errors', () => {
    const { rmse, pixels } = found.tasks.depth as DepthResult
    expect(rmse).toBeGreaterThan(0)
    expect(rmse).toBeLessThan(2)
    expect(pixels).toBeGreaterThan(0)
  })

  it('makes a page that stands alone and shows the scores', () => {
    expect(page).toContain('Tiny &lt;&amp;&gt; on val')
    expect(page).not.toMatch(/<(script|link)\b|src="(?!data:)|href="http|url\(/)
    const { mDSModal } = found.tasks['3ddet'] as DetectionResult
    expect(page).toContain(`${(100 * (found.tasks.semseg as SegmentationResult).mIoU).toFixed(2)} %`)
    expect(page).toContain(`${(100 * mDSModal).toFixed(2)} %`)
    for (const name of ['road', 'Confusion in percent', 'Precision over recall', 'Average precision over distance', 'Worst 1', split.ids[spoilt]]) expect(page).toContain(name)
    expect(page.replace(/src="data:[^"]*"/g, '')).not.toMatch(/NaN|undefined|Infinity/)
    // Every element that is opened is closed.
    for (const tag of ['section', 'table', 'tr', 'figure', 'svg', 'div', 'details']) expect([tag, page.split(`<${tag}`).length]).toEqual([tag, page.split(`</${tag}>`).length])
  })
})
