// Training on an engine held against the published code (v1): losses, gradients, and the state after three Adam steps.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { TensorData } from '../../src/compiler/ir/types.ts'
import { optimise } from '../../src/compiler/passes/index.ts'
import type { ElaboratedModel } from '../../src/compiler/semantics/model.ts'
import type { Detection3dConfig } from '../../src/compiler/tasks/spec.ts'
import { optimiserScalars } from '../../src/compiler/training/scalars.ts'
import { buildTrainingStep } from '../../src/compiler/training/step.ts'
import type { Engine, HostTensors } from '../../src/runtime/engines/engine.ts'
import { assign, levelsOf, type Assignment } from '../../src/runtime/tasks/detection3d/assign.ts'
import type { ParsedBox } from '../../src/runtime/tasks/detection3d/parse.ts'
import { readSafetensors } from '../../src/runtime/weights/safetensors.ts'
import { toFloat32, toInt32 } from '../../src/runtime/weights/tensors.ts'
import { generatedImage } from './generated.ts'
import { goldens, relativeDifference, type Golden } from './golden.ts'
import { compile, generatedWeights } from './models.ts'

const batch = 2

/** The labels of the fixture as the targets that the task codecs make. */
function targets(path: string, model: ElaboratedModel): Record<string, TensorData> {
  const { tensors } = readSafetensors(path)
  const rows = (name: string, width: number): number[][] => { const v = toFloat32(tensors.get(name)!); return Array.from({ length: v.length / width }, (_, i) => [...v.subarray(i * width, (i + 1) * width)]) }
  const detection = model.tasks.find(t => t.name === '3ddet')!
  const config = detection.config as Detection3dConfig
  const levels = levelsOf(config, config.strides.map((_, l) => { const [, , h, w] = detection.predictions[`cls/${l}`].shape; return [h, w] as const }))
  const assigned = Array.from({ length: batch }, (_, image) => {
    const at = (key: string, width: number): number[][] => rows(`label/det/${image}/${key}`, width)
    const [centers, projected, sizes, angles, modal] = [at('center_S', 3), at('center_I', 3), at('size_S', 3), at('rotation_S', 3), at('bbox_modal', 4)]
    const labels = toInt32(tensors.get(`label/det/${image}/label`)!)
    return assign([...labels].map((label, i) => ({ label, center: centers[i], projected: projected[i], size: sizes[i], angles: angles[i], modal: modal[i] }) as unknown as ParsedBox), levels, config)
  })
  const join = (pick: (a: Assignment) => Float32Array | Int32Array, dtype: 'float32' | 'int32', tail: number[]): TensorData => {
    const parts = assigned.map(pick)
    const data = dtype === 'int32' ? new Int32Array(batch * parts[0].length) : new Float32Array(batch * parts[0].length)
    parts.forEach((p, i) => data.set(p, i * p.length))
    return { dtype, shape: [batch, assigned[0].label.length, ...tail], data }
  }
  const [h, w] = model.tasks.find(t => t.name === 'semseg')!.predictions[''].shape.slice(2)
  return {
    'target/semseg/labels': { dtype: 'int32', shape: [batch, h, w], data: toInt32(tensors.get('label/semseg')!) },
    'target/depth/depth': { dtype: 'float32', shape: [batch, 1, h, w], data: toFloat32(tensors.get('label/depth')!) },
    'target/3ddet/label': join(a => a.label, 'int32', []),
    'target/3ddet/box': join(a => a.box, 'float32', [13]),
    'target/3ddet/direction': join(a => a.direction, 'int32', [3]),
    'target/3ddet/centerness': join(a => a.centerness, 'float32', []),
    'target/3ddet/has_boxes': { dtype: 'float32', shape: [batch], data: new Float32Array(batch).fill(1) },
  }
}

/** Zero on paper, so that only rounding noise is left: see the README of the fixtures. */
const zeroOnPaper = (name: string): boolean => /fea_fuse\.\d\.\w+\.1\.bias$|mt_proj\.[03]\.bias$|conv_cls_prev\.1\.conv\.bias$|qkv\.bias$|chan_kv\.bias$/.test(name)

const scalar = (v: number): TensorData => ({ dtype: 'float32', shape: [], data: new Float32Array([v]) })

interface StepLosses { readonly semseg: number; readonly depth: number; readonly '3ddet': number; readonly total: number; readonly grad_norm: number; readonly [component: string]: number }

/** The bias before a batch norm walks by the sign of its noise, and the running mean behind it follows: at most three steps of the learning rate. */
const followsNoise = (name: string): boolean => /(fea_fuse\.\d\.\w+\.2|mt_proj\.[14])\.running_mean$/.test(name)

export interface GoldenCase {
  readonly name: string
  /** Of gradients, over the largest of each. */
  readonly worstGradient: number
  /** Relative, by step. */
  readonly losses: readonly number[]
  readonly norm: readonly number[]
  /** Share of parameter elements after three steps that may be off. */
  readonly outside: number
}

/** Registers the tests; those of an engine that `open` does not find are skipped. */
export const goldenTraining = (open: () => Promise<Engine | undefined>, cases: readonly GoldenCase[]): void => describe.each(cases)('$name', ({ name, worstGradient, losses, norm, outside }) => {
  const path = `test/fixtures/taskprompter/${name}_train.safetensors`
  const expected = JSON.parse(readFileSync(`test/fixtures/taskprompter/${name}_train.json`, 'utf8')) as { steps: StepLosses[] }
  const model = compile(`test/fixtures/models/${name}.mtl`, { mode: 'train', batch })
  const outs: HostTensors[] = []
  let after: HostTensors
  let engine: Engine | undefined
  afterAll(() => engine?.close())

  beforeAll(async () => {
    engine = await open()
    if (engine === undefined) return
    const step = optimise(buildTrainingStep(model, { gradients: true, predictions: true }), { differentiated: true })
    const moments = Object.fromEntries(step.inputs.filter(i => i.role === 'moment').map(i => [i.name, { dtype: 'float32', shape: i.type.shape, data: new Float32Array(i.type.shape.reduce((n, d) => n * d, 1)) } as const]))
    const session = await engine.open(step, { ...generatedWeights(step), ...moments })
    const feeds = { image: generatedImage([batch, 3, 128, 256]), ...targets(path, model) }
    for (let i = 0; i < 3; i++) outs.push(await session.run({ ...feeds, ...Object.fromEntries(Object.entries(optimiserScalars(model.train, i)).map(([k, v]) => [k, scalar(v)])) }))
    after = await session.readState()
    await session.dispose()
  }, 1_800_000)
  beforeEach(({ skip }) => { if (engine === undefined) skip() })

  it.each([0, 1, 2])('losses and gradient norm of step %i', i => {
    const { lr: _, total, grad_norm, semseg, depth, '3ddet': detection, ...components } = expected.steps[i]
    const pairs: [string, number, number][] = [['loss', total, losses[i]], ['loss/semseg', semseg, losses[i]], ['loss/depth', depth, losses[i]], ['loss/3ddet', detection, losses[i]], ['grad_norm', grad_norm, norm[i]], ...Object.entries(components).map(([k, v]) => [`loss/3ddet/${k}`, v, losses[i]] as [string, number, number])]
    const off = pairs.map(([k, v, tolerance]) => [k, v, outs[i][k]?.data[0], tolerance] as const).filter(([, v, mine, tolerance]) => !(Math.abs(mine - v) / Math.abs(v) < tolerance))
    expect(off).toEqual([])
    expect(pairs.length).toBe(13)
  })

  it('predictions with batch statistics', () => {
    const off = goldens(path, 'train_out/').map(g => [g.name, relativeDifference(outs[0][g.name.slice(10)].data, g)] as const).filter(([, d]) => !(d < 2e-4))
    expect(off).toEqual([])
  })

  it('gradients', () => {
    const differences = goldens(path, 'grad64/').filter(g => !zeroOnPaper(g.name)).map(g => [g.name, relativeDifference(outs[0][`grad/${g.name.slice(7)}`].data, g)] as const).sort((a, b) => a[1] - b[1])
    expect(differences.length).toBeGreaterThan(400)
    expect(differences[Math.floor(differences.length / 2)][1]).toBeLessThan(1e-5)
    expect(differences.filter(([, d]) => !(d < worstGradient))).toEqual([])
  })

  it('parameters and statistics after three steps', () => {
    const gradients = new Map<string, Golden>(goldens(path, 'grad64/').map(g => [g.name.slice(7), g]))
    let [compared, noise] = [0, 0]
    const off: [string, number, number][] = []
    for (const g of goldens(path, 'after3/')) {
      const parameter = g.name.slice(7)
      if (zeroOnPaper(parameter)) continue
      const gradient = gradients.get(parameter)
      const scale = gradient === undefined ? 0 : gradient.values.reduce((m, v) => Math.max(m, Math.abs(v)), 0)
      for (let i = 0; i < g.values.length; i++) {
        // Adam turns the sign of a gradient into a step: below rounding noise the sign says nothing.
        if (gradient !== undefined && Math.abs(gradient.values[i]) < 1e-4 * scale) { noise++; continue }
        compared++
        const difference = Math.abs(after[parameter].data[i * g.every] - g.values[i])
        // Running variances reach 5, where float32 itself is 5e-7 fine.
        const allowed = followsNoise(parameter) ? 3 * model.train.optimizer.lr : 1e-6 * Math.max(1, Math.abs(g.values[i]))
        if (!(difference <= allowed)) off.push([parameter, i, difference])
      }
    }
    console.info(`${name}: ${compared} sampled elements compared, ${noise} left out as noise, ${off.length} outside`)
    expect(off.length).toBeLessThanOrEqual(outside * compared)
    expect(Math.max(0, ...off.map(([, , d]) => d))).toBeLessThan(2e-3)
  })
})
