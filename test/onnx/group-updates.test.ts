// Updates of many small parameters as updates of a few vectors: the same numbers from fewer nodes.
import { expect, it } from 'vitest'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import type { TensorData } from '../../src/compiler/ir/types.ts'
import { sizeOf } from '../../src/compiler/ir/types.ts'
import { verify } from '../../src/compiler/ir/verify.ts'
import { optimise } from '../../src/compiler/passes/index.ts'
import { groupUpdates } from '../../src/compiler/targets/onnx/group-updates.ts'
import { derivedStep } from '../engines/programs.ts'

it.each([[1, {}, []], ['none', {}, []], [1, { ema: { decay: 0.9, evaluate: true }, accumulate: 2 }, ['group.0/ema/']]] as const)('grouped updates give the next values of every member (clipping %s, %j)', (clip, more, further) => {
  const { program: given, state, feeds } = derivedStep(clip, more)
  const program = optimise(given, { differentiated: true })
  const { program: grouped, groups } = groupUpdates(program)
  verify(grouped)
  expect(groups.map(g => g.name)).toEqual(['group.0/parameter', 'group.0/adam.m/', 'group.0/adam.v/', ...further])
  const parameters = program.outputs.filter(o => o.role === 'parameter').map(o => o.name)
  expect(groups[0].members.map(m => m.name).sort()).toEqual(parameters.sort())
  // One chain of nodes for all; what is left per parameter is at most a reshape and the sum for the norm.
  expect(grouped.nodes.filter(n => n.origin.phase === 'update' && n.op === 'sqrt').length).toBeLessThan(3)
  expect(grouped.nodes.length).toBeLessThan(program.nodes.length)

  // Moments that differ from zero, so that an exchange would show.
  const filled: Record<string, TensorData> = Object.fromEntries(Object.entries(state).map(([name, t]) =>
    [name, /^(adam|ema|accumulated)/.test(name) ? { ...t, data: Float32Array.from(t.data, (_, i) => 0.01 * (1 + i % 7) + name.length / 1000) } : t]))
  const vectors = Object.fromEntries(groups.map(({ name, size, members }) => {
    const data = new Float32Array(size)
    for (const m of members) data.set(filled[m.name].data, m.offset)
    return [name, { dtype: 'float32', shape: [size], data } as const]
  }))
  const scalar = (v: number): TensorData => ({ dtype: 'float32', shape: [], data: Float32Array.of(v) })
  const scalars = { 'scalar/step_size': scalar(0.01), 'scalar/bias2_scale': scalar(1.5), ...Object.fromEntries(['keep', 'beta1', 'beta2', 'share1', 'share2', 'average', 'average_share'].map((n, i) => [`scalar/${n}`, scalar(0.3 + 0.1 * i)])) }
  const expected = interpret(program, { ...filled, ...feeds, ...scalars }).outputs
  const found = interpret(grouped, { ...filled, ...feeds, ...scalars, ...vectors }).outputs
  expect(found.grad_norm.data[0]).toBeCloseTo(expected.grad_norm.data[0], 10)
  for (const { name, members, size } of groups) {
    let end = 0
    for (const m of members) {
      const wanted = expected[m.name]
      end = m.offset + sizeOf(wanted.shape)
      wanted.data.forEach((v, i) => { if (!(Math.abs(v - found[name].data[m.offset + i]) < 1e-12)) throw new Error(`${m.name}[${i}]: ${found[name].data[m.offset + i]}, not ${v}`) })
    }
    expect(Array.from({ length: size - end }, (_, i) => found[name].data[end + i]).every(v => v === 0)).toBe(true)
  }
})

it('a moment that something else reads keeps its parameter out of the groups', () => {
  const { program: given } = derivedStep(1)
  const program = optimise(given, { differentiated: true })
  const moment = program.inputs.find(i => i.name === 'adam.m/bn.bias')!
  const watched = { ...program, outputs: [...program.outputs, { name: 'watched', role: 'metric' as const, value: moment.id }] }
  const { groups } = groupUpdates(watched)
  expect(groups[0].members.map(m => m.name)).not.toContain('bn.bias')
  expect(groups[0].members.map(m => m.name)).toContain('bn.weight')
})
