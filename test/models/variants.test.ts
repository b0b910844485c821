// The variants say what they change in few lines, and change that and nothing else.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { sizeOf } from '../../src/compiler/ir/types.ts'
import type { ElaboratedModel } from '../../src/compiler/semantics/model.ts'
import { compile } from '../support/models.ts'

const small = ['data.image = 128 x 256', 'fused = 36', 'backbone.prompts.channel = 64', 'tasks."3ddet".head.width = 32', 'tasks."3ddet".head.groups = 16']
const names = (model: ElaboratedModel): Set<string> => new Set(model.program.inputs.filter(i => i.role === 'parameter').map(i => i.name))
const variant = (name: string, set: readonly string[] = []): ElaboratedModel => compile(`models/variants/${name}.mtl`, { mode: 'train', set: [...set], batch: 1 })
const without = (...patterns: RegExp[]): string[] => [...names(compile('models/taskprompter.mtl', { mode: 'train', batch: 1 }))].filter(n => !patterns.some(p => p.test(n))).sort()

test('no variant is longer than five lines beyond its imports', () => {
  for (const file of readdirSync('models/variants')) {
    const lines = readFileSync(`models/variants/${file}`, 'utf8').split('\n').filter(l => l.trim() !== '' && !l.startsWith('//') && !l.startsWith('import') && l.trim() !== '}')
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

test.each(readdirSync('models/variants').map(f => f.replace('.mtl', '')))('%s elaborates at a small size', name => {
  const set = small.filter(s => !(name === 'no-channel-prompts' && s.includes('channel')) && !(/semseg-only|depth-only/.test(name) && s.includes('3ddet')) && !(name === 'detection-only' && s.startsWith('fused')))
  const model = variant(name, set)
  expect(model.program.outputs.some(o => o.role === 'loss')).toBe(true)
})
