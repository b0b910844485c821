// The variants say what they change in few lines, and change that and nothing else.
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Program } from '../../src/compiler/ir/program.ts'
import { sizeOf, type TensorData } from '../../src/compiler/ir/types.ts'
import { optimise } from '../../src/compiler/passes/index.ts'
import type { ElaboratedModel } from '../../src/compiler/semantics/model.ts'
import { optimiserScalars } from '../../src/compiler/training/scalars.ts'
import { buildTrainingStep } from '../../src/compiler/training/step.ts'
import type { Engine } from '../../src/runtime/engines/engine.ts'
import { openEngine } from '../../src/runtime/engines/index.ts'
import { generatedImage } from '../support/generated.ts'
import { compile, generatedWeights } from '../support/models.ts'

const small = ['data.image = 128 x 256', 'fused = 36', 'backbone.prompts.channel = 64', 'tasks."3ddet".head.width = 32', 'tasks."3ddet".head.groups = 16']
const names = (model: ElaboratedModel): Set<string> => new Set(model.program.inputs.filter(i => i.role === 'parameter').map(i => i.name))
const variant = (name: string, set: readonly string[] = []): ElaboratedModel => compile(`models/variants/${name}.mtl`, { mode: 'train', set: [...set], batch: 1 })
const without = (...patterns: RegExp[]): string[] => [...names(compile('models/taskprompter.mtl', { mode: 'train', batch: 1 }))].filter(n => !patterns.some(p => p.test(n))).sort()

test('no variant is longer than five lines beyond its imports', () => {
  for (const file of readdirSync('models/variants')) {
    const lines = readFileSync(`models/variants/${file}`, 'utf8').split('\n').filter(l => l.trim() !== '' && !l.startsWith('//') && !l.startsWith('import'))
    expect(lines.length, file).toBeLessThanOrEqual(5)
  }
})

describe('parameters', () => {
  test('without spatial prompts', () => expect([...names(variant('no-spatial-prompts'))].sort()).toEqual(without(/spa_attn_ds/, /fea_decode_spa/)))
  test('without channel prompts', () => expect([...names(variant('no-channel-prompts'))].sort()).toEqual(without(/\.chan_/, /token_trans/, /process_chan_attn/, /fea_decode_chan/)))
  test.each([['semseg-only', 'semseg'], ['depth-only', 'depth'], ['detection-only', '3ddet']])('%s', (file, task) => {
    const model = variant(file)
    expect(model.tasks.map(t => t.name)).toEqual([task])
    expect([...names(model)].sort()).toEqual(without(...['semseg', 'depth', '3ddet'].filter(t => t !== task).map(t => new RegExp(`\\.${t}\\.`))))
    expect(model.program.inputs.find(i => i.name === 'backbone.task_prompts')?.type.shape).toEqual([1, 128])
  })
  test('two prompts per task', () => expect(variant('two-prompts').program.inputs.find(i => i.name === 'backbone.task_prompts')?.type.shape).toEqual([6, 128]))
  test.each([['swin-t', 96, 12], ['swin-s', 96, 24]])('%s: the backbone is of the published size', (file, width, depth) => {
    const model = compile(`models/variants/${file}.mtl`, { mode: 'infer', batch: 1 })
    const ofPrompts = /task_prompts|\.chan_|token_trans|process_chan_attn|spa_attn_ds|fea_|multi_scale_fuse/
    const backbone = model.program.inputs.filter(i => i.role === 'parameter' && i.name.startsWith('backbone.') && !ofPrompts.test(i.name))
    expect(backbone.find(i => i.name === 'backbone.patch_embed.norm.weight')?.type.shape).toEqual([width])
    expect(backbone.filter(i => i.name.endsWith('mlp.fc1.weight')).length).toBe(depth)
    // Liu et al. 2021 with the classifier (1000 classes) taken off: 28,288,354 and 49,606,258.
    expect(backbone.reduce((n, i) => n + sizeOf(i.type.shape), 0) + 1000 * 769).toBe(file === 'swin-t' ? 28_288_354 : 49_606_258)
  })
  test('equal weights', () => expect(variant('equal-weights').tasks.map(t => t.weight)).toEqual([1, 1, 1]))
})

/** As in taskprompter-tiny.mtl. */
const tiny = [...small, 'ratio = 1.0', 'backbone.embed = 24', 'backbone.depths = [2, 2, 2, 2]', 'backbone.heads = [1, 2, 4, 8]', 'backbone.window = 8', 'backbone.drop_path = 0', 'decoder.width = 32', 'decoder.fused = 48']

describe('at tiny size', () => {
  let engine: Engine
  beforeAll(async () => { engine = await openEngine({ engine: 'auto' }) })
  afterAll(() => engine.close())

  test.each(readdirSync('models/variants').map(f => f.replace('.mtl', '')))('%s takes a training step', async name => {
    const model = variant(name, tiny.filter(s => !(name === 'no-channel-prompts' && s.includes('channel')) && !(/semseg-only|depth-only/.test(name) && s.includes('3ddet')) && !(name === 'detection-only' && s.startsWith('fused'))))
    const step = optimise(buildTrainingStep(model), { differentiated: true })
    const given = generatedWeights(step)
    const filled = (value: number, { name: input, type: { dtype, shape } }: Program['inputs'][number]): [string, TensorData] =>
      [input, { dtype, shape, data: (dtype === 'int32' ? new Int32Array(sizeOf(shape)) : new Float32Array(sizeOf(shape))).fill(value) } as TensorData]
    const ofRole = (role: string, value: number): Record<string, TensorData> => Object.fromEntries(step.inputs.filter(x => x.role === role).map(x => filled(value, x)))
    const session = await engine.open(step, { ...given, ...ofRole('moment', 0) })
    const scalars = Object.fromEntries(Object.entries(optimiserScalars(model.train, 0)).map(([k, v]) => [k, { dtype: 'float32', shape: [], data: new Float32Array([v]) } as const]))
    const out = await session.run({ image: generatedImage([1, 3, 128, 256]), ...ofRole('target', 1), ...scalars })
    const after = await session.readState()
    await session.dispose()
    for (const task of model.tasks) {
      const losses = Object.keys(out).filter(o => o === `loss/${task.name}` || o.startsWith(`loss/${task.name}/`))
      expect(losses.length).toBeGreaterThan(0)
      for (const o of losses) expect(Number.isFinite(out[o].data[0]), o).toBe(true)
    }
    const still = step.inputs.filter(x => x.role === 'parameter' && after[x.name].data.every((v, i) => v === given[x.name].data[i])).map(x => x.name)
    expect(still.length, still.join(' ')).toBeLessThan(0.05 * names(model).size)
  }, 120_000)
})
