// Forward pass in evaluation mode: every tap and output of the small configurations equals the published code's.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEngine } from '../../src/runtime/engines/index.ts'
import type { Engine, HostTensors } from '../../src/runtime/engines/engine.ts'
import { generatedImage } from '../support/generated.ts'
import { goldens, relativeDifference } from '../support/golden.ts'
import { compile, generatedWeights, withTaps } from '../support/models.ts'

let engine: Engine
beforeAll(async () => { engine = await openEngine({ engine: 'auto' }) })
afterAll(() => engine.close())

describe.each(['tiny_a_v1', 'tiny_a_head', 'baseline_tiny_a'])('%s', name => {
  const model = compile(`test/fixtures/models/${name}.mtl`, { mode: 'infer', batch: 2 })
  const golden = goldens(`test/fixtures/taskprompter/${name}_eval.safetensors`, '')
  let out: HostTensors
  beforeAll(async () => {
    const program = withTaps(model)
    const session = await engine.open(program, generatedWeights(program))
    out = await session.run({ image: generatedImage([2, 3, 128, 256]) })
    await session.dispose()
  })

  const found = (tap: string): HostTensors[string] | undefined => out[tap] ?? out[tap.replace(/^out\//, '')] ?? out[tap.replace(/^tap\/level\/(\d)$/, 'tap/backbone/$1/x')]

  it('has every tap', () => {
    expect(golden.filter(g => found(g.name) === undefined).map(g => g.name)).toEqual([])
  })

  // 1e-4 of the largest value from the raw image: bilinear coordinates at ratio 0.75 differ by an ulp between implementations.
  it('gives its values', () => {
    const off = golden.map(g => [g.name, relativeDifference(found(g.name)?.data ?? [], g)] as const).filter(([, d]) => !(d < 1e-4))
    expect(off).toEqual([])
  })
})
