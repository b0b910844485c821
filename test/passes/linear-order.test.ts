// Linear operators in the cheaper order: fewer multiply-adds, the same results.
import { describe, expect, it } from 'vitest'
import { Builder } from '../../src/compiler/ir/builder.ts'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import type { ConvAttrs, OpAttrs, OpName } from '../../src/compiler/ir/ops.ts'
import type { Program, ValueId } from '../../src/compiler/ir/program.ts'
import { verify } from '../../src/compiler/ir/verify.ts'
import { optimise, passes } from '../../src/compiler/passes/index.ts'
import { multiplyAdds } from '../../src/compiler/rules/flops.ts'
import { feedsFor, origin } from '../ir/random-program.ts'

class Sketch {
  readonly b = new Builder()
  e<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K]): ValueId { return this.b.emit(op, inputs, attrs, origin) }
  x(...shape: number[]): ValueId { return this.b.input(`x${this.b.inputs.length}`, 'input', { dtype: 'float32', shape }, origin) }
  resize(x: ValueId, size: readonly [number, number], mode: 'bilinear' | 'nearest' = 'bilinear'): ValueId { return this.e('resize2d', [x], { mode, size }) }
  matmul(a: ValueId, b: ValueId, transB = false, alpha = 1): ValueId { return this.e('matmul', [a, b], { transA: false, transB, alpha }) }
}

const build = (make: (s: Sketch) => ValueId): Program => {
  const s = new Sketch()
  s.b.output('y', 'tap', make(s))
  return s.b.finish('p')
}

const cost = (program: Program): number => {
  const types = new Map([...program.inputs, ...program.nodes].map(v => [v.id, v.type] as const))
  return program.nodes.reduce((n, node) => n + multiplyAdds(node.op as OpName, node.inputs.map(v => types.get(v)!), node.type, node.attrs as OpAttrs[OpName]), 0)
}

/** The share of the multiply-adds that stay; results must agree. */
function share(program: Program): number {
  const after = optimise(program)
  verify(after)
  const feeds = feedsFor(program)
  const [a, b] = [program, after].map(p => interpret(p, feeds).outputs.y)
  expect(b.shape).toEqual(a.shape)
  const scale = Math.max(...Array.from(a.data, v => Math.abs(v)))
  a.data.forEach((v, i) => { if (!(Math.abs(v - b.data[i]) <= 1e-6 * scale)) throw new Error(`[${i}]: ${v} became ${b.data[i]}`) })
  expect(optimise(after)).toBe(after)
  return cost(after) / cost(program)
}

const conv = (more: Partial<ConvAttrs> = {}): ConvAttrs => ({ stride: [1, 1], pad: [1, 1, 1, 1], dilation: [1, 1], groups: 1, ...more })

describe('convolutions of resized maps', () => {
  it('convolves levels of a pyramid at their own sizes', () => {
    expect(share(build(s => {
      const maps = [s.x(2, 8, 16, 16), s.resize(s.x(2, 64, 8, 8), [16, 16]), s.resize(s.x(2, 96, 4, 4), [16, 16]), s.resize(s.x(2, 96, 4, 4), [16, 16])]
      return s.e('conv2d', [s.e('concat', maps, { axis: 1 }), s.x(12, 264, 3, 3)], conv())
    }))).toBeLessThan(0.35)
  })

  it.each([
    ['nearest', conv(), 'nearest'], ['uneven padding', conv({ pad: [2, 0, 1, 3] }), 'bilinear'], ['dilation', conv({ dilation: [2, 3] }), 'bilinear'],
  ] as const)('keeps results with %s', (_, attrs, mode) => {
    expect(share(build(s => s.e('conv2d', [s.resize(s.x(2, 256, 4, 3), [16, 15], mode), s.x(16, 256, 3, 3)], attrs)))).toBeLessThan(0.75)
  })

  it('keeps results with stride 2', () => {
    expect(share(build(s => s.e('conv2d', [s.resize(s.x(4, 256, 3, 3), [16, 15]), s.x(16, 256, 3, 3)], conv({ stride: [2, 2] }))))).toBeLessThan(0.75)
  })

  it('moves a chain of pointwise convolutions, their biases and a 3x3 convolution before the enlarging', () => {
    const program = build(s => {
      const level = s.x(4, 64, 8, 8)
      const branches = [0, 1].map(() => s.e('add', [s.e('conv2d', [s.resize(level, [16, 16]), s.x(64, 64, 1, 1)], conv({ pad: [0, 0, 0, 0] })), s.x(64, 1, 1)], {}))
      const fused = s.e('add', [s.e('conv2d', [s.e('concat', branches, { axis: 1 }), s.x(512, 128, 1, 1)], conv({ pad: [0, 0, 0, 0] })), s.x(512, 1, 1)], {})
      return s.e('conv2d', [fused, s.x(16, 512, 3, 3)], conv())
    })
    expect(share(program)).toBeLessThan(0.4)
    expect(optimise(program).nodes.filter(n => n.op === 'resize2d')).toEqual([])
  })

  it('leaves maps that shrink, few channels and groups alone', () => {
    for (const program of [
      build(s => s.e('conv2d', [s.resize(s.x(1, 64, 16, 16), [8, 8]), s.x(8, 64, 3, 3)], conv())),
      build(s => s.e('conv2d', [s.resize(s.x(1, 2, 4, 4), [8, 8]), s.x(2, 2, 3, 3)], conv())),
      build(s => s.e('conv2d', [s.resize(s.x(1, 64, 4, 4), [16, 16]), s.x(64, 1, 3, 3)], conv({ groups: 64 }))),
    ]) expect(passes['linear-order'](program)).toBe(program)
  })
})

describe('products of products', () => {
  const affine = (s: Sketch): ValueId => s.e('add', [s.matmul(s.x(128, 400), s.x(2, 400, 64)), s.x(128, 1)], {})
  const half = (s: Sketch, v: ValueId, from: number): ValueId => s.e('slice', [v], { start: [0, from, 0], stop: [2, from + 64, 64], step: [1, 1, 1] })

  it('multiplies the attention of few rows from the left', () => {
    expect(share(build(s => {
      const kv = affine(s)
      const raw = s.matmul(s.x(2, 3, 64), half(s, kv, 0), false, 0.5)
      return s.matmul(s.e('softmax', [raw], { axis: 2 }), half(s, kv, 64), true)
    }))).toBeLessThan(0.5)
  })

  it('works without slice and bias', () => {
    expect(share(build(s => s.matmul(s.x(2, 2, 64), s.matmul(s.x(64, 400), s.x(2, 400, 64)))))).toBeLessThan(0.5)
  })

  it('leaves many rows alone', () => {
    const program = build(s => s.matmul(s.x(2, 100, 128), affine(s)))
    expect(passes['linear-order'](program)).toBe(program)
  })
})
