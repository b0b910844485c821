// What reverse mode emits: only what is needed, in reverse order, in the terms of the forward program.
import { describe, expect, it } from 'vitest'
import { Builder } from '../../src/compiler/ir/builder.ts'
import type { Origin, ValueId } from '../../src/compiler/ir/program.ts'
import { Emitter } from '../../src/compiler/rules/gradient-language.ts'
import { differentiate, unreachedBy } from '../../src/compiler/training/reverse.ts'

const at = (path: string): Origin => ({ path, span: { file: 'm.mtl', start: path.length, end: path.length + 1 }, phase: 'forward' })
const whole: Origin = { path: '', span: undefined, phase: 'backward' }

/** conv -> relu -> sum, and a parameter of its own. */
function network(): { builder: Builder; image: ValueId; weight: ValueId; unused: ValueId; loss: ValueId } {
  const builder = new Builder()
  const image = builder.input('image', 'input', { dtype: 'float32', shape: [1, 2, 4, 4] }, at(''))
  const weight = builder.input('weight', 'parameter', { dtype: 'float32', shape: [2, 2, 3, 3] }, at('a'))
  const unused = builder.input('unused', 'parameter', { dtype: 'float32', shape: [3] }, at('z'))
  const conv = builder.emit('conv2d', [image, weight], { stride: [1, 1], pad: [0, 0, 0, 0], dilation: [1, 1], groups: 1 }, at('a'))
  const y = builder.emit('relu', [conv], {}, at('bb'))
  const stopped = builder.emit('stopGradient', [builder.emit('exp', [unused], {}, at('z'))], {}, at('z'))
  const loss = new Emitter(builder, at('ccc')).sum(new Emitter(builder, at('ccc')).add(new Emitter(builder, at('ccc')).sum(y, [0, 1, 2, 3]), stopped), [0])
  return { builder, image, weight, unused, loss }
}

describe('differentiate', () => {
  it('keeps path and span of the forward node, with the phase backward, in reverse order', () => {
    const { builder, weight, loss } = network()
    const before = builder.nodes.length
    differentiate(builder, loss, [weight], whole)
    const origins = builder.nodes.slice(before).map(n => n.origin)
    expect(new Set(origins.map(o => o.phase))).toEqual(new Set(['backward']))
    expect(origins.map(o => o.path).filter((p, i, all) => p !== all[i - 1])).toEqual(['', 'ccc', 'bb', 'a'])
    expect(origins.find(o => o.path === 'bb')?.span).toEqual({ file: 'm.mtl', start: 2, end: 3 })
  })

  it('computes no gradient that nobody asked for', () => {
    const { builder, weight, loss } = network()
    differentiate(builder, loss, [weight], whole)
    expect(builder.nodes.map(n => n.op)).toContain('conv2dWeightGrad')
    expect(builder.nodes.map(n => n.op)).not.toContain('conv2dInputGrad')
  })

  it('gives gradients of inputs and inner values as well', () => {
    const { builder, image, loss } = network()
    const inner = builder.nodes[0].id
    const { gradients } = differentiate(builder, loss, [image, inner], whole)
    expect(builder.type(gradients.get(image)!)).toEqual(builder.type(image))
    expect(builder.type(gradients.get(inner)!)).toEqual(builder.type(inner))
  })

  it('gives zeros for what the loss does not depend on, and says so', () => {
    const { builder, weight, unused, loss } = network()
    expect(unreachedBy(builder.nodes, loss, [weight, unused])).toEqual([unused])
    const { gradients, unreached } = differentiate(builder, loss, [weight, unused], whole)
    expect(unreached).toEqual([unused])
    expect(builder.nodes.find(n => n.id === gradients.get(unused))).toMatchObject({ op: 'fill', attrs: { value: 0, shape: [3] } })
  })

  it('refuses a loss that is no scalar', () => {
    const { builder, weight } = network()
    expect(() => differentiate(builder, weight, [weight], whole)).toThrow('internal: a loss must be one float32 element')
  })
})
