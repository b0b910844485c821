// Updates in place: what must wait, what need not, and what cannot be done.
import { expect, it } from 'vitest'
import { Builder } from '../../src/compiler/ir/builder.ts'
import type { OnnxGraph } from '../../src/compiler/targets/onnx/graph.ts'
import { guardInPlace } from '../../src/compiler/targets/onnx/inplace.ts'
import { lowerProgram } from '../../src/compiler/targets/onnx/lower.ts'
import { derivedStep, handMadeStep } from '../engines/programs.ts'
import { ORIGIN } from './operators.ts'

const pairsOf = (state: Readonly<Record<string, unknown>>, graph: OnnxGraph): { input: string; output: string }[] =>
  Object.keys(state).map(input => ({ input, output: `next/${input}` })).filter(p => graph.outputs.some(o => o.name === p.output))

/** Every node comes after those it reads. */
function expectSorted(graph: OnnxGraph): void {
  const known = new Set([...graph.inputs, ...graph.initialisers].map(v => v.name))
  for (const node of graph.nodes) {
    for (const name of node.inputs) expect(name === '' || known.has(name), `${node.name} reads ${name}`).toBe(true)
    node.outputs.forEach(o => known.add(o))
  }
}

it('the update waits for a reader that is not on its way', () => {
  const { program, state } = handMadeStep()
  const { graph } = lowerProgram(program, { profile: 'training' })
  const guarded = guardInPlace(graph, pairsOf(state, graph))
  expect([...guarded.inPlace].sort()).toEqual(['next/net.count', 'next/net.weight'])
  expectSorted(guarded.graph)
  const waits = guarded.graph.nodes.filter(n => n.name.includes('/wait.'))
  expect(waits.map(n => n.op)).toEqual(['Shape', 'Slice', 'ConstantOfShape', 'Add'])
  // The metric's product reads the weight after the gradient is known.
  expect(waits[0].inputs[0]).toMatch(/^net\/Gemm/)
})

it('every state of a derived step is updated in place; with clipping the norm already waits for almost all', () => {
  const count = (clip: number | 'none'): number => {
    const { program, state } = derivedStep(clip)
    const { graph } = lowerProgram(program, { profile: 'training' })
    const pairs = pairsOf(state, graph)
    const guarded = guardInPlace(graph, pairs)
    expect(guarded.inPlace.size).toBe(pairs.length)
    expectSorted(guarded.graph)
    return guarded.graph.nodes.filter(n => n.op === 'Shape').length
  }
  expect(count(1)).toBeLessThanOrEqual(count('none'))
})

it('an update that is read together with the old value needs two buffers', () => {
  const b = new Builder()
  const w = b.input('w', 'parameter', { dtype: 'float32', shape: [3] }, ORIGIN), x = b.input('x', 'input', { dtype: 'float32', shape: [3] }, ORIGIN)
  const next = b.emit('add', [w, x], {}, ORIGIN)
  b.output('w', 'parameter', next)
  b.output('change', 'metric', b.emit('reduceSum', [b.emit('sub', [next, w], {}, ORIGIN)], { axes: [0], keepDims: false }, ORIGIN))
  const { graph } = lowerProgram(b.finish('p'), { profile: 'training' })
  expect(guardInPlace(graph, [{ input: 'w', output: 'next/w' }]).inPlace.size).toBe(0)
})
