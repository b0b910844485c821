// The losses of the library against plain loops: images without boxes, no positive point, pixels without a measurement.
import { describe, expect, test } from 'vitest'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import type { TensorData } from '../../src/compiler/ir/types.ts'
import { elaborate } from '../../src/compiler/index.ts'
import type { ElaboratedModel } from '../../src/compiler/semantics/model.ts'
import { buildTrainingStep } from '../../src/compiler/training/step.ts'
import { generatedImage } from '../support/generated.ts'
import { fileHost, generatedWeights } from '../support/models.ts'

const compileText = (text: string, batch: number): ElaboratedModel => {
  const { model, diagnostics } = elaborate('m.mtl', { read: path => path === 'm.mtl' ? text : fileHost.read(path) }, { mode: 'train', batch })
  expect(diagnostics.filter(d => d.severity === 'error').map(d => d.message)).toEqual([])
  return model!
}
const train = 'train { optimizer = adam(lr = 0.001); batch = 2; steps = 1 }'
const float32 = (shape: number[], at: (i: number) => number): TensorData => ({ dtype: 'float32', shape, data: Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => at(i)) })
const int32 = (shape: number[], at: (i: number) => number): TensorData => ({ dtype: 'int32', shape, data: Int32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => at(i)) })

describe('Fcos3dLoss', () => {
  const levels = [[4, 6], [3, 3], [2, 2], [2, 1], [1, 1]]
  const P = levels.reduce((n, [h, w]) => n + h * w, 0), K = 6, B = 3
  // Predictions are cut out of the image; the learned factor is there so that something trains.
  const model = compileText(`
import { Fcos3dLoss } from "mtlc:lib/fcos3d.mtl"
block Cut() {
  param factor: [] = ones
  forward(image: [B, 3, H, W]) {
    let many = factor * concat([image, -0.5 * image, 0.3 * image, 0.2 * image, -image], 1)
    let sizes = [${levels.map(([h, w]) => `[${h}, ${w}]`).join(', ')}]
    let at = {for k, name in ["cls", "bbox", "dir", "ctr"]: [for i, s in sizes: many[:, ..[${K}, 13, 6, 1][k], i + k..i + k + s[0], 2 * i..2 * i + s[1]]]}
    return {cls: at.cls, bbox: at.bbox, dir: at.dir, ctr: at.ctr}
  }
}
model M {
  data cityscapes3d { image = 32 x 32 }
  task det = detection3d(classes = cityscapes.vehicles) { head = Cut(); loss = Fcos3dLoss() }
  forward(image: [B, 3, H, W]) { return {det: tasks[0].head(image)} }
  ${train}
}`, B)
  const step = buildTrainingStep(model, { gradients: true, predictions: true })
  const image = generatedImage([B, 3, 32, 32])

  const run = (label: (b: number, p: number) => number, boxes: readonly number[]): { found: (name: string) => number; expected: Record<string, number> } => {
    const targets = {
      'target/det/label': int32([B, P], i => label(Math.floor(i / P), i % P)),
      'target/det/box': float32([B, P, 13], i => Math.sin(7 * i)),
      'target/det/direction': int32([B, P, 3], i => (i * 5 + (i >> 2)) % 2),
      'target/det/centerness': float32([B, P], i => (i % 10) / 10),
      'target/det/has_boxes': float32([B], i => boxes[i]),
    }
    const weights = generatedWeights(step)
    const scalars = Object.fromEntries(step.inputs.filter(i => i.role === 'scalar' || i.role === 'moment').map(i => [i.name, float32([...i.type.shape], () => 1)]))
    const { outputs } = interpret(step, { ...weights, ...scalars, ...targets, image, 'heads.det.factor': float32([], () => 1) }, { outputs: step.outputs.map(o => o.name).filter(n => /^(loss|grad\/|grad_norm|det\/)/.test(n)) })
    const predicted = (name: string, b: number, c: number, p: number): number => {
      let at = p
      for (const [l, [h, w]] of levels.entries()) {
        if (at >= h * w) { at -= h * w; continue }
        const { data, shape } = outputs[`det/${name}/${l}`]
        return data[(b * shape[1] + c) * h * w + at]
      }
      throw new Error('no such point')
    }
    const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
    const smooth = (d: number): number => Math.abs(d) < 1 / 9 ? 0.5 * d * d * 9 : Math.abs(d) - 0.5 / 9
    const bce = (x: number, t: number): number => -t * Math.log(sigmoid(x)) - (1 - t) * Math.log(1 - sigmoid(x))
    const sums: Record<string, number> = { cls: 0, offset: 0, depth: 0, size: 0, rotsin: 0, dir: 0, centerness: 0, bbox2d: 0 }
    let positives = 0
    for (let b = 0; b < B; b++) for (let p = 0; p < P && boxes[b] > 0; p++) {
      for (let k = 0; k < K; k++) {
        const x = predicted('cls', b, k, p), hit = label(b, p) === k
        sums.cls += hit ? 0.25 * (1 - sigmoid(x)) ** 2 * bce(x, 1) : 0.75 * sigmoid(x) ** 2 * bce(x, 0)
      }
      if (label(b, p) >= K) continue
      positives++
      for (let c = 0; c < 13; c++) {
        const x = predicted('bbox', b, c, p), t = targets['target/det/box'].data[(b * P + p) * 13 + c]
        const group = c < 2 ? 'offset' : c < 3 ? 'depth' : c < 6 ? 'size' : c < 9 ? 'rotsin' : 'bbox2d'
        sums[group] += group === 'rotsin' ? smooth(Math.sin(x) * Math.cos(t) - Math.cos(x) * Math.sin(t)) : smooth(x - t)
      }
      for (let a = 0; a < 3; a++) {
        const logits = [predicted('dir', b, 2 * a, p), predicted('dir', b, 2 * a + 1, p)]
        sums.dir += Math.log(Math.exp(logits[0]) + Math.exp(logits[1])) - logits[targets['target/det/direction'].data[(b * P + p) * 3 + a]]
      }
      sums.centerness += bce(predicted('ctr', b, 0, p), targets['target/det/centerness'].data[b * P + p])
    }
    const weight: Record<string, number> = { cls: 5, depth: 0.2, rotsin: 5 }
    const images = boxes.filter(v => v > 0).length
    const expected = Object.fromEntries(Object.entries(sums).map(([k, v]) => [`loss_${k}`, v * (weight[k] ?? 1) / Math.max(k === 'cls' ? positives + images : positives, 1)]))
    return { found: name => outputs[name].data[0], expected }
  }

  test.each<[string, (b: number, p: number) => number, readonly number[]]>([
    ['every image has boxes', (b, p) => (3 * p + b) % 8, [1, 1, 1]],
    ['an image without boxes does not count', (b, p) => (3 * p + b) % 8, [1, 0, 1]],
    ['no positive point', () => K, [1, 1, 1]],
    ['no image has boxes', () => K, [0, 0, 0]],
  ])('%s', (_, label, boxes) => {
    const { found, expected } = run(label, boxes)
    for (const [name, value] of Object.entries(expected)) expect(found(`loss/det/${name}`), name).toBeCloseTo(value, 5)
    expect(found('loss')).toBeCloseTo(Object.values(expected).reduce((a, b) => a + b, 0), 4)
    expect(Number.isFinite(found('grad/heads.det.factor'))).toBe(true)
    if (boxes.every(v => v === 0)) expect([found('loss'), found('grad/heads.det.factor')]).toEqual([0, 0])
  })
})

/** The loss `text` of the depth task, on predictions 0, 1, 2, 3. */
const depthLoss = (text: string, target: readonly number[]): number => {
  const model = compileText(`
import { ${text.replace(/\(.*/, '')} } from "mtlc:lib/losses.mtl"
block Head() {
  param factor: [] = ones
  forward(image: [B, 3, H, W]) = factor * image[:, ..1]
}
model M {
  data cityscapes3d { image = 2 x 2 }
  task depth = depth() { head = Head(); loss = ${text} }
  forward(image: [B, 3, H, W]) { return {depth: tasks[0].head(image)} }
  ${train}
}`, 1)
  return interpret(model.program, { image: float32([1, 3, 2, 2], i => i), 'heads.depth.factor': float32([], () => 1), 'target/depth/depth': float32([1, 1, 2, 2], i => target[i]) }, { outputs: ['loss'] }).outputs.loss.data[0]
}

describe('L1Loss', () => {
  test('over all pixels', () => expect(depthLoss('L1Loss()', [0, 0, 0, 7])).toBeCloseTo((0 + 1 + 2 + 4) / 4, 6))
  test('over those with a measurement', () => expect(depthLoss('L1Loss(ignore = -1)', [-1, 0, -1, 7])).toBeCloseTo((1 + 4) / 2, 6))
  test('without any', () => expect(depthLoss('L1Loss(ignore = -1)', [-1, -1, -1, -1])).toBe(0))
})

describe('DepthLoss', () => {
  const text = 'DepthLoss(ignore = 0.0, farthest = 10.0, beta = 2.0)'
  test('is quadratic below beta, and what is far counts as farthest', () => expect(depthLoss(text, [0, 2, 2, 50])).toBeCloseTo((0.25 + 0 + (7 - 1)) / 3, 6))
  test('without any', () => expect(depthLoss(text, [0, 0, 0, 0])).toBe(0))
})

describe('WeightedCrossEntropy', () => {
  const classes = ['road', 'car', 'person']
  const weights = [0.5, 2, 3]
  const loss = (ignore: number, labels: readonly number[]): number => {
    const model = compileText(`
import { WeightedCrossEntropy } from "mtlc:lib/losses.mtl"
block Head() {
  param factor: [] = ones
  forward(image: [B, 3, H, W]) = factor * image
}
model M {
  data cityscapes3d { image = 2 x 2 }
  task semseg = segmentation(classes = ${JSON.stringify(classes)}) { head = Head(); loss = WeightedCrossEntropy(weights = ${JSON.stringify(weights)}, ignore = ${ignore}) }
  forward(image: [B, 3, H, W]) { return {semseg: tasks[0].head(image)} }
  ${train}
}`, 1)
    return interpret(model.program, { image: float32([1, 3, 2, 2], logit), 'heads.semseg.factor': float32([], () => 1), 'target/semseg/labels': int32([1, 2, 2], i => labels[i]) }, { outputs: ['loss'] }).outputs.loss.data[0]
  }
  const logit = (i: number): number => Math.sin(3 * i)
  const expected = (ignore: number, labels: readonly number[]): number => {
    let [total, count] = [0, 0]
    for (const [p, label] of labels.entries()) {
      if (label === ignore) continue
      const logits = classes.map((_, c) => logit(4 * c + p))
      total += weights[label] * (Math.log(logits.reduce((n, v) => n + Math.exp(v), 0)) - logits[label])
      count += weights[label]
    }
    return total / Math.max(count, 1)
  }
  for (const [ignore, labels] of [[255, [0, 255, 2, 1]], [255, [255, 255, 255, 255]], [1, [0, 1, 2, 1]]] as const) {
    test(`ignoring ${ignore} of ${labels.join(', ')}`, () => expect(loss(ignore, labels)).toBeCloseTo(expected(ignore, labels), 5))
  }
})
