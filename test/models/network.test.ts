// Whole networks against plain loops in configurations without published numbers: maps that are no multiple of the window, several channel heads, batch 1, two tasks, both decoders.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openEngine } from '../../src/runtime/engines/index.ts'
import type { Engine } from '../../src/runtime/engines/engine.ts'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import { generatedImage } from '../support/generated.ts'
import { compile, generatedWeights } from '../support/models.ts'
import { network, type NetworkSizes } from '../support/plain-network.ts'
import { rows } from '../support/plain-swin.ts'

let engine: Engine
beforeAll(async () => { engine = await openEngine({ engine: 'auto' }) })
afterAll(() => engine.close())

const dense = ['semseg', 'depth']
const base: NetworkSizes = { heads: [1, 2, 4, 8], depths: [2, 1, 2, 2], window: 3, channel: 16, side: 1, tasks: [...dense, '3ddet'], dense, labels: [64, 128], upsample: 1, merge: 'concat', upconv: false }

/** The model of the repository with these sizes, for an image of `image` that the network sees as it is. */
const settings = (s: NetworkSizes, image: readonly [number, number]): string[] => [
  `data.image=${image.join('x')}`, 'ratio=1.0', 'fused=6', 'backbone.embed=8', `backbone.depths=[${s.depths.join(', ')}]`, `backbone.heads=[${s.heads.join(', ')}]`, `backbone.window=${s.window}`, 'backbone.drop_path=0',
  `backbone.prompts.channel=${s.channel}`, `backbone.prompts.channel_heads=${s.side ** 2}`, 'decoder.width=4', 'decoder.fused=6',
  ...(s.tasks.includes('3ddet') ? ['tasks."3ddet".head.width=8', 'tasks."3ddet".head.groups=2'] : ['tasks."3ddet"=off']),
]

const large = (values: ArrayLike<number>): number => Array.from(values).reduce((m, v) => Math.max(m, Math.abs(v)), 0)
const apart = (a: ArrayLike<number>, b: ArrayLike<number>): number => (a.length === b.length ? large(Array.from(a, (v, i) => v - b[i])) / large(b) : Infinity)

describe.each<[string, string, NetworkSizes, readonly [number, number]]>([
  ['no multiple of the window', 'models/taskprompter.mtl', base, [64, 128]],
  ['no multiple of an even window, four channel heads', 'models/taskprompter.mtl', { ...base, window: 6, side: 2 }, [64, 128]],
  ['a square image, sixteen channel heads', 'models/taskprompter.mtl', { ...base, window: 5, side: 4, labels: [128, 128] }, [128, 128]],
  ['taller than wide, two tasks', 'models/taskprompter.mtl', { ...base, tasks: dense, window: 4, side: 2, depths: [1, 2, 3, 1], labels: [128, 64] }, [128, 64]],
  ['as released', 'models/taskprompter-released.mtl', { ...base, side: 2, window: 5, upsample: 2, merge: 'sum', upconv: true, labels: [512, 1024] }, [64, 128]],
])('%s', (_, file, sizes, image) => {
  const released = file.includes('released')
  const labels: readonly [number, number] = released ? [32, 64] : sizes.labels
  const model = compile(file, { mode: 'infer', batch: 1, set: [...settings(sizes, image), ...(released ? [`labels=${labels.join('x')}`] : [])] })
  const weights = generatedWeights(model.program)
  const input = generatedImage([1, 3, ...image])
  const expected = network({ ...sizes, labels }, name => weights[name]?.data ?? [], { C: 3, H: image[0], W: image[1], data: rows(input.data, image[0] * image[1]) })
  const decoder = model.calls.find(c => c.path === 'decoder')!
  const taps = Object.keys(expected).filter(name => name.includes('/')).map(name => ({ name: `tap/${name}`, role: 'tap' as const, value: decoder.outputs.find(o => o.field === name)!.value }))
  const program = { ...model.program, outputs: [...model.program.outputs, ...taps] }

  test('in double precision', () => {
    const found = interpret(program, { ...weights, image: input }).outputs
    for (const [name, { data }] of Object.entries(expected)) expect(apart(Array.from(found[name.includes('/') ? `tap/${name}` : name].data), data.flat()), name).toBeLessThan(1e-9)
  })

  test('in the engine', async () => {
    const session = await engine.open(program, weights)
    const found = await session.run({ image: input })
    await session.dispose()
    for (const [name, { data }] of Object.entries(expected)) expect(apart(found[name.includes('/') ? `tap/${name}` : name].data, data.flat()), name).toBeLessThan(1e-4)
  })
})
