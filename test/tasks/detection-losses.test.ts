// The loss of the detection task and its gradients equal the published code's on three annotated images (fixtures/detection/losses.json).
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TensorData } from '../../src/compiler/ir/types.ts'
import { elaborate } from '../../src/compiler/index.ts'
import { optimise } from '../../src/compiler/passes/index.ts'
import { optimiserScalars } from '../../src/compiler/training/scalars.ts'
import { buildTrainingStep } from '../../src/compiler/training/step.ts'
import type { Engine, HostTensors } from '../../src/runtime/engines/engine.ts'
import { openEngine } from '../../src/runtime/engines/index.ts'
import type { Box3d } from '../../src/runtime/data/dataset.ts'
import { encodeDetection3d } from '../../src/runtime/tasks/detection3d/encode.ts'
import { generate } from '../support/generated.ts'
import { fileHost } from '../support/models.ts'
import { config, goldenCamera, grids, readJson, sampleOf } from './detection-support.ts'

const golden = readJson<Record<string, { losses: Record<string, number>; gradients: Record<string, { max: number; at: number[]; value: number[] }> }>>('detection/losses.json')
const channels = { cls: 6, bbox: 13, dir: 6, ctr: 1 } as const
const images = 3

// The predictions are what trains, so that their gradients come out.
const names = Object.keys(channels) as (keyof typeof channels)[]
const text = `
import { Fcos3dLoss } from "mtlc:lib/fcos3d.mtl"
block Given() {
${names.flatMap(n => grids.map(([h, w], l) => `  param ${n}${l}: [${images}, ${channels[n]}, ${h}, ${w}] = zeros`)).join('\n')}
  forward(image: [B, 3, H, W]) = {${names.map(n => `${n}: [${grids.map((_, l) => `${n}${l}`).join(', ')}]`).join(', ')}}
}
model M {
  data cityscapes3d { image = 32 x 32 }
  task det = detection3d(classes = cityscapes.vehicles, rotation = "published") { head = Given(); loss = Fcos3dLoss() }
  forward(image: [B, 3, H, W]) { return {det: tasks[0].head(image)} }
  train { optimizer = adam(lr = 0.001); batch = ${images}; steps = 1 }
}`

/** The published predictions: a function of their names, with the activations of the head. */
function prediction(name: keyof typeof channels, level: number): TensorData {
  const [h, w] = grids[level]
  const n = h * w
  const shape = [images, channels[name], h, w]
  if (name !== 'bbox') return { dtype: 'float32', shape, data: generate(`pred/${name}/${level}`, shape, ...{ cls: [2, -3], dir: [1.5, 0], ctr: [2, 0] }[name] as [number, number]) }
  const data = new Float32Array(images * 13 * n)
  const parts: [string, number, number, number, (x: number) => number][] = [['off', 2, 1.5, 0, x => x], ['z', 1, 1, 3, Math.exp], ['size', 3, 0.6, 0.8, x => Math.exp(x) + 1e-6], ['rot', 3, 3.5, 0, x => x], ['ltrb', 4, 3, 2, x => Math.max(0, x)]]
  let first = 0
  for (const [part, c, a, b, activate] of parts) {
    const raw = generate(`pred/${part}/${level}`, [images, c, h, w], a, b)
    for (let i = 0; i < images; i++) data.set(raw.subarray(i * c * n, (i + 1) * c * n).map(activate), (i * 13 + first) * n)
    first += c
  }
  return { dtype: 'float32', shape, data }
}

let engine: Engine
beforeAll(async () => { engine = await openEngine({ engine: 'auto' }) })
afterAll(() => engine.close())

describe.each([['all', []], ['image1_empty', [1]]] as const)('%s', (name, empty) => {
  let found: HostTensors

  beforeAll(async () => {
    const { model, diagnostics } = elaborate('m.mtl', { read: path => path === 'm.mtl' ? text : fileHost.read(path) }, { mode: 'train', batch: images })
    expect(diagnostics.filter(d => d.severity === 'error').map(d => d.message)).toEqual([])
    const step = optimise(buildTrainingStep(model!, { gradients: true, predictions: false }), { differentiated: true })
    const zeros = (shape: readonly number[]): TensorData => ({ dtype: 'float32', shape, data: new Float32Array(shape.reduce((n, d) => n * d, 1)) })
    const state = Object.fromEntries(step.inputs.flatMap(i => {
      if (i.role === 'moment') return [[i.name, zeros(i.type.shape)]]
      const [, kind, level] = i.role === 'parameter' ? /(cls|bbox|dir|ctr)(\d)$/.exec(i.name)! : []
      return kind === undefined ? [] : [[i.name, prediction(kind as keyof typeof channels, Number(level))]]
    }))
    const samples = Array.from({ length: images }, (_, i) => {
      type JsonBox = { '2d': { modal: Box3d['modal'] }; '3d': { center: Box3d['center']; dimensions: Box3d['dimensions']; rotation: Box3d['rotation'] }; label: string }
      const { objects } = readJson<{ objects: JsonBox[] }>(`detection/gt/frankfurt/frankfurt_000000_00000${i + 1}_gtBbox3d.json`)
      const boxes = (empty as readonly number[]).includes(i) ? [] : objects.map(o => ({ label: o.label, center: o['3d'].center, dimensions: o['3d'].dimensions, rotation: o['3d'].rotation, modal: o['2d'].modal }))
      return encodeDetection3d(sampleOf(boxes, goldenCamera(i)), config, model!.tasks[0].predictions)
    })
    const targets = Object.fromEntries(Object.keys(samples[0]).map(key => {
      const { dtype, shape, data } = samples[0][key]
      const joined = dtype === 'int32' ? new Int32Array(images * data.length) : new Float32Array(images * data.length)
      samples.forEach((s, i) => joined.set(s[key].data, i * data.length))
      return [`target/det/${key}`, { dtype, shape: [images, ...shape], data: joined } as TensorData]
    }))
    const session = await engine.open(step, state)
    const scalars = Object.fromEntries(Object.entries(optimiserScalars(model!.train, 0)).map(([k, v]) => [k, { dtype: 'float32', shape: [], data: new Float32Array([v]) } as TensorData]))
    found = await session.run({ ...step.inputs.some(i => i.name === 'image') ? { image: zeros([images, 3, 32, 32]) } : {}, ...targets, ...scalars })
    await session.dispose()
  }, 120_000)

  it('has the published losses', () => {
    for (const [part, expected] of Object.entries(golden[name].losses)) {
      const mine = found[part === 'total' ? 'loss' : `loss/det/${part}`].data[0]
      expect(Math.abs(mine - expected) / expected, part).toBeLessThan(1e-5)
    }
  })

  it.each(Object.keys(golden[name].gradients))('has the published gradient of %s', key => {
    const { max, at, value } = golden[name].gradients[key]
    const mine = found[`grad/heads.det.${key.replace('/', '')}`].data
    expect(Math.max(...at.map((i, k) => Math.abs(mine[i] - value[k]))) / (max || 1)).toBeLessThan(3e-5)
  })
})
