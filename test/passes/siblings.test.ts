// Convolutions side by side become one, with what follows them alike.
import { expect, it } from 'vitest'
import { Builder } from '../../src/compiler/ir/builder.ts'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import type { Program, ValueId } from '../../src/compiler/ir/program.ts'
import { verify } from '../../src/compiler/ir/verify.ts'
import { passes } from '../../src/compiler/passes/index.ts'
import { feedsFor, origin } from '../ir/random-program.ts'

/** Towers of widths `widths` on one map: convolution, bias, group norm with groups of two channels, a ReLU. */
function towers(widths: readonly number[], { shared = true, eps = [] as readonly number[] } = {}): Program {
  const b = new Builder()
  const map = (): ValueId => b.input(`x${b.inputs.length}`, 'input', { dtype: 'float32', shape: [2, 3, 5, 4] }, origin)
  const parameter = (...shape: number[]): ValueId => b.input(`p${b.inputs.length}`, 'parameter', { dtype: 'float32', shape }, origin)
  const x = map()
  widths.forEach((width, i) => {
    const conv = b.emit('conv2d', [shared ? x : map(), parameter(width, 3, 3, 3)], { stride: [1, 1], pad: [1, 1, 1, 1], dilation: [1, 1], groups: 1 }, origin)
    const sum = b.emit('add', [conv, b.emit('reshape', [parameter(width)], { shape: [width, 1, 1] }, origin)], {}, origin)
    const norm = b.emit('groupNorm', [sum, parameter(width), parameter(width)], { groups: width / 2, eps: eps[i] ?? 1e-5 }, origin)
    b.output(`y${i}`, 'tap', b.emit('relu', [norm], {}, origin))
  })
  return b.finish('towers')
}

const count = (program: Program, op: string): number => program.nodes.filter(n => n.op === op).length

it('merges towers on one map, of any widths', () => {
  const before = towers([4, 2, 6]), after = passes.siblings(before)
  verify(after)
  expect([count(after, 'conv2d'), count(after, 'add'), count(after, 'groupNorm'), count(after, 'slice')]).toEqual([1, 1, 1, 3])
  const feeds = feedsFor(before)
  const [a, b] = [before, after].map(p => interpret(p, feeds).outputs)
  for (const name of Object.keys(a)) a[name].data.forEach((v, i) => { if (!(Math.abs(v - b[name].data[i]) < 1e-9)) throw new Error(`${name}[${i}]: ${v} became ${b[name].data[i]}`) })
  expect(passes.siblings(after)).toBe(after)
})

it('leaves one tower, towers on different maps and different norms alone', () => {
  for (const program of [towers([4]), towers([4, 4], { shared: false }), towers([4, 4], { eps: [1e-5, 1e-6] })]) expect(passes.siblings(program)).toBe(program)
})
