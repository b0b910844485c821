// Checkpoints as they are published: their names, shapes and containers, bound to the models of the repository.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { sizeOf } from '../../src/compiler/ir/types.ts'
import { bindWeights, storedInputs } from '../../src/runtime/weights/bind.ts'
import { mapNames } from '../../src/runtime/weights/names.ts'
import { readWeights } from '../../src/runtime/weights/read.ts'
import { checkBinding } from '../../src/runtime/weights/report.ts'
import { generate } from '../support/generated.ts'
import { compile } from '../support/models.ts'
import { legacyCheckpoint, zipCheckpoint, type TorchTensor } from '../support/pytorch.ts'

const dir = mkdtempSync(join(tmpdir(), 'mtlc-published-'))
afterAll(() => rmSync(dir, { recursive: true }))

type Shapes = readonly (readonly [name: string, shape: readonly number[], integers?: boolean])[]

/** Names and shapes of the Swin checkpoints of Liu et al.: buffers of relative positions in every block, masks in the shifted blocks of maps larger than a window (of `training` pixels a side), a classifier. */
function swinNames(embed: number, depths: readonly number[], heads: readonly number[], window: number, training: number): Shapes {
  const pair = (name: string, outputs: number, inputs: number): Shapes => [[`${name}.weight`, [outputs, inputs]], [`${name}.bias`, [outputs]]]
  const norm = (name: string, width: number): Shapes => [[`${name}.weight`, [width]], [`${name}.bias`, [width]]]
  const tokens = window ** 2
  const layers = depths.flatMap((depth, i): Shapes => {
    const width = embed * 2 ** i, grid = training / 4 / 2 ** i
    const blocks = Array.from({ length: depth }, (_, j): Shapes => {
      const name = `layers.${i}.blocks.${j}`
      const mask: Shapes = j % 2 === 1 && grid > window ? [[`${name}.attn_mask`, [(grid / window) ** 2, tokens, tokens]]] : []
      return [
        ...mask, ...norm(`${name}.norm1`, width), [`${name}.attn.relative_position_bias_table`, [(2 * window - 1) ** 2, heads[i]]], [`${name}.attn.relative_position_index`, [tokens, tokens], true],
        ...pair(`${name}.attn.qkv`, 3 * width, width), ...pair(`${name}.attn.proj`, width, width), ...norm(`${name}.norm2`, width), ...pair(`${name}.mlp.fc1`, 4 * width, width), ...pair(`${name}.mlp.fc2`, width, 4 * width),
      ]
    }).flat()
    return i === depths.length - 1 ? blocks : [...blocks, [`layers.${i}.downsample.reduction.weight`, [2 * width, 4 * width]], ...norm(`layers.${i}.downsample.norm`, 4 * width)]
  })
  const last = embed * 2 ** (depths.length - 1)
  return [['patch_embed.proj.weight', [embed, 3, 4, 4]], ['patch_embed.proj.bias', [embed]], ...norm('patch_embed.norm', embed), ...layers, ...norm('norm', last), ...pair('head', 1000, last)]
}

const tensorsOf = (shapes: Shapes): Record<string, TorchTensor> => Object.fromEntries(shapes.map(([name, shape, integers]) =>
  [name, { shape, data: integers === true ? new BigInt64Array(sizeOf(shape)) : generate(name, shape, 1, 0) }]))

const stored = (file: string): Map<string, string> => {
  const model = compile(file, { mode: 'infer' })
  return new Map([...storedInputs(model), ...model.constants].map(i => [i.name, `[${i.type.shape.join(', ')}]`]))
}

describe('Swin of ImageNet', () => {
  it.each(['models/taskprompter.mtl', 'models/taskprompter-released.mtl', 'models/baseline.mtl'])('at full size: every name of Swin-B has its place in %s', file => {
    const shapes = swinNames(128, [2, 2, 18, 2], [4, 8, 16, 32], 12, 384)
    const model = stored(file)
    const { names, note } = mapNames(shapes.map(([name]) => name), new Set(model.keys()), compile(file, { mode: 'infer' }).renames)
    expect(shapes.filter(([name]) => !names.has(name)).map(([name]) => name)).toEqual(['head.weight', 'head.bias'])
    expect(note).toBe('names of the file are taken below "backbone" of the model')
    expect(shapes.filter(([name, shape]) => names.has(name) && !name.endsWith('attn_mask') && model.get(names.get(name)!) !== `[${shape.join(', ')}]`)).toEqual([])
    expect(shapes.reduce((n, [name, shape, integers]) => n + (integers === true || name.endsWith('mask') || name.startsWith('head') ? 0 : sizeOf(shape)), 0)).toBe(86_878_584)
  })

  // At this size every map is at least a window high, as at full size.
  const set = ['data.image=256x512']
  const small = tensorsOf(swinNames(16, [2, 2, 4, 2], [1, 2, 4, 8], 6, 192))
  describe.each([['zip', zipCheckpoint], ['legacy', legacyCheckpoint]] as const)('small, in the %s container', (kind, write) => {
    it.each(['tiny_a_v1', 'tiny_a_head', 'baseline_tiny_a'])('loads into %s', name => {
      const path = join(dir, `${kind}.pth`)
      writeFileSync(path, write(small, 'model'))
      const model = compile(`test/fixtures/models/${name}.mtl`, { mode: 'train', set })
      const { values, report } = bindWeights(model, readWeights(path))
      const trained = Object.keys(small).filter(n => !/^head\.|attn_mask|relative_position_index/.test(n))
      expect(report.matched.toSorted()).toEqual(trained.map(n => `backbone.${n}`).toSorted())
      for (const n of trained) expect(values[`backbone.${n}`].data, n).toEqual(small[n].data)
      expect(report.unexpected).toEqual(['head.weight', 'head.bias'])
      expect([report.misshapen, report.mistyped]).toEqual([[], []])
      expect(checkBinding('swin.pth', model, report, false)).toMatchSnapshot()
      expect(() => checkBinding('swin.pth', model, report, true)).toThrow(/tensors of the model are missing from the file/)
    })
  })

  it('of another window is refused', () => {
    const path = join(dir, 'window.pth')
    writeFileSync(path, zipCheckpoint(tensorsOf(swinNames(16, [2, 2, 4, 2], [1, 2, 4, 8], 7, 224)), 'model'))
    const model = compile('test/fixtures/models/tiny_a_v1.mtl', { mode: 'train', set })
    const { report } = bindWeights(model, readWeights(path))
    expect(report.misshapen.every(m => m.name.endsWith('relative_position_bias_table'))).toBe(true)
    expect(() => checkBinding('swin.pth', model, report, false)).toThrowErrorMatchingSnapshot()
  })
})

describe('TaskPrompter as released', () => {
  const listed = (list: string): Shapes => readFileSync(`test/fixtures/state_dict/${list}.state_dict.txt`, 'utf8').split('\n').filter(l => l !== '' && !l.startsWith('#'))
    .map(line => { const [name, shape, dtype] = line.split('\t'); return [name, JSON.parse(shape) as number[], dtype === 'int64'] as const })
  const beside = {
    optimizer: { state: { 0: { step: 40000 } }, param_groups: [{ lr: 2e-5, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 1e-6, params: [0, 1] }] },
    scheduler: { max_iterations: 40000, gamma: 0.9, base_lrs: [2e-5], last_epoch: 39999, _last_lr: [0] }, epoch: 26, iter_count: 39999,
  }
  it.each([['zip', zipCheckpoint], ['legacy', legacyCheckpoint]] as const)('loads whole from the %s container', (kind, write) => {
    const tensors = tensorsOf(listed('tiny_a_head').map(([name, shape, integers]) => [`module.${name}`, shape, integers]))
    const path = join(dir, `released-${kind}.pth`)
    writeFileSync(path, write(tensors, 'model', beside))
    const model = compile('test/fixtures/models/tiny_a_head.mtl', { mode: 'infer' })
    const { values, report } = bindWeights(model, readWeights(path))
    expect([report.missing, report.unexpected, report.misshapen, report.mistyped, report.placed]).toEqual([[], [], [], [], undefined])
    expect(report.matched.length + report.computed.length).toBe(Object.keys(tensors).length)
    for (const [name, { data }] of Object.entries(values)) expect(Array.from(data), name).toEqual(Array.from(tensors[`module.${name}`].data, Number))
    expect(checkBinding('released.pth', model, report, true).at(-1)).toBe(`${report.computed.length} tensors of the file are computed by the model itself and are not read`)
  })

  it('has the names of taskprompter-released.mtl at full size', () => {
    const model = stored('models/taskprompter-released.mtl')
    expect(listed('swin_b_head').map(([name, shape]) => `${name} [${shape.join(', ')}]`).toSorted()).toEqual([...model].map(([name, shape]) => `${name} ${shape}`).toSorted())
  })

  it('with the paths of the text loads, too', () => {
    const model = compile('test/fixtures/models/tiny_a_head.mtl', { mode: 'infer' })
    const back = (name: string): string => { const rule = model.renames.find(([, to]) => name.startsWith(`${to}.`)); return rule === undefined ? name : rule[0] + name.slice(rule[1].length) }
    const path = join(dir, 'internal.pth')
    writeFileSync(path, zipCheckpoint(tensorsOf(listed('tiny_a_head').map(([name, shape, integers]) => [back(name), shape, integers]))))
    const { report } = bindWeights(model, readWeights(path))
    expect([...readWeights(path).keys()].some(n => n.startsWith('decoder.'))).toBe(true)
    expect([report.missing, report.unexpected, report.placed]).toEqual([[], [], undefined])
  })
})

describe('numbers of another kind', () => {
  it('are refused', () => {
    const model = compile('test/fixtures/models/micro.mtl', { mode: 'infer' })
    const tensors = Object.fromEntries(storedInputs(model).map((i, k) => [i.name, { shape: i.type.shape, data: k < 2 ? new BigInt64Array(sizeOf(i.type.shape)) : new Float32Array(sizeOf(i.type.shape)) }]))
    const path = join(dir, 'integers.pth')
    writeFileSync(path, zipCheckpoint(tensors))
    const { report } = bindWeights(model, readWeights(path))
    expect(() => checkBinding('integers.pth', model, report, true)).toThrowErrorMatchingSnapshot()
  })
})
