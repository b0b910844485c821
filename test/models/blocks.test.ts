// Blocks of the library against plain loops, where no published numbers exist: padding, small maps, several channel heads, several prompts, prompts of one kind only.
import { describe, expect, test } from 'vitest'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import { elaborate } from '../../src/compiler/index.ts'
import { generatedImage } from '../support/generated.ts'
import { fileHost, generatedWeights } from '../support/models.ts'
import { rows, swinBlock, type BlockSizes } from '../support/plain-swin.ts'

type Case = Omit<BlockSizes, 'C' | 'heads'>

const C = 6, heads = 2, ratio = 2

/** A model around one block; its x are the pixels of an image of 2 H x W with three channels, read as H x W with six. */
const text = ({ H, W, window, shifted, T, spatial, channel, side, last }: Case): string => `
import { SwinBlock } from "mtlc:lib/swin.mtl"
block Net() {
  let design = {count: ${T}, spatial: ${spatial}, channel: ${channel ?? 'none'}, side: ${side}}
  block_ = SwinBlock([${H}, ${W}], ${heads}, ${window}, ${shifted}, 0.0, ${ratio}, design, ${last})
  param prompts: [${Math.max(T, 1)}, ${C}] = normal(1)
  forward(image: [1, 3, _, _]) = block_(image |> reshape([1, ${C}, -1]) |> swap(1, 2), prompts[none])
}
model M {
  data cityscapes3d { image = ${2 * H} x ${W} }
  task depth = depth()
  net = Net()
  forward(image: [B, 3, H, W]) {
    let y = net(image)
    return {depth: image[:, ..1] + mean(y.x)}
  }
}`

const base: Case = { H: 8, W: 8, window: 4, shifted: false, T: 3, spatial: true, channel: 16, side: 1, last: false }

describe('SwinBlock', () => {
  test.each<[string, Case]>([
    ['whole windows', base],
    ['shifted', { ...base, shifted: true }],
    ['padded', { ...base, H: 6, W: 9 }],
    ['padded and shifted', { ...base, H: 6, W: 9, shifted: true }],
    ['an odd window, padded and shifted', { ...base, H: 5, W: 7, window: 3, shifted: true }],
    ['a map no larger than the window', { ...base, H: 3, W: 6, shifted: true }],
    ['four channel heads', { ...base, side: 2 }],
    ['six prompts', { ...base, T: 6, shifted: true, side: 2 }],
    ['no spatial prompts', { ...base, spatial: false, shifted: true }],
    ['no channel prompts', { ...base, channel: undefined, H: 6 }],
    ['the last block', { ...base, last: true }],
  ])('%s', (_, c) => {
    const { model, diagnostics } = elaborate('m.mtl', { read: path => path === 'm.mtl' ? text(c) : fileHost.read(path) }, { mode: 'infer', batch: 1 })
    expect(diagnostics.filter(d => d.severity === 'error').map(d => d.message)).toEqual([])
    const { program } = model!
    const weights = generatedWeights(program)
    const image = generatedImage([1, 3, 2 * c.H, c.W])
    const call = model!.calls.find(m => m.path === 'net.block_')!
    const found = interpret(program, { ...weights, image }, { outputs: [], values: call.outputs.map(o => o.value) }).values
    const weight = (name: string): number[] => Array.from((weights[`net.block_.${name}`] ?? { data: [] }).data)
    const pixels = rows(image.data, c.H * c.W)
    const expected = swinBlock({ ...c, C, heads }, weight, Array.from({ length: c.H * c.W }, (_, i) => pixels.map(r => r[i])), rows(weights['net.prompts'].data, C))
    for (const [field, values] of Object.entries(expected)) {
      const output = call.outputs.find(o => o.field === field)
      const data = output === undefined ? [] : found.get(output.value)!.data
      expect(data.length, field).toBe(values.length)
      const worst = values.reduce((m, v, i) => Math.max(m, Math.abs(v - data[i])), 0)
      expect(worst, field).toBeLessThan(1e-9)
    }
  })
})
