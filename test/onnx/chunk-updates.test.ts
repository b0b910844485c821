// Updates of large parameters in pieces: which they are, and that the engine computes the same as the interpreter, in place.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Builder } from '../../src/compiler/ir/builder.ts'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import type { Program, ValueId } from '../../src/compiler/ir/program.ts'
import { sizeOf, type Shape, type TensorData } from '../../src/compiler/ir/types.ts'
import { optimise } from '../../src/compiler/passes/index.ts'
import { Emitter } from '../../src/compiler/rules/gradient-language.ts'
import { pieceOf } from '../../src/compiler/targets/onnx/chunk-updates.ts'
import { readsOf, type OnnxNode } from '../../src/compiler/targets/onnx/graph.ts'
import { sessionGraph } from '../../src/compiler/targets/onnx/session-graph.ts'
import { shortNames } from '../../src/compiler/targets/onnx/short-names.ts'
import type { OptimiserSpec } from '../../src/compiler/tasks/spec.ts'
import { buildTrainingStep } from '../../src/compiler/training/step.ts'
import type { Engine } from '../../src/runtime/engines/engine.ts'
import { openEngine } from '../../src/runtime/engines/index.ts'
import { uniform } from '../rules/gradient-cases.ts'
import { ORIGIN } from './operators.ts'
import { runSpec } from '../support/train-spec.ts'

let engine: Engine
beforeAll(async () => { engine = await openEngine({ engine: 'auto' }) })
afterAll(() => engine.close())

const draw = uniform(3)
const f32 = (shape: Shape): { dtype: 'float32'; shape: Shape } => ({ dtype: 'float32', shape })
const random = (shape: Shape, low = -1, high = 1): TensorData => ({ ...f32(shape), data: Float32Array.from({ length: sizeOf(shape) }, () => low + (high - low) * draw()) })

/** A wide layer that waits for its gradient; unless `alone`, one that does not, and a prime number of weights. */
function step(optimizer: OptimiserSpec, clipNorm: number | undefined, alone = false): Program {
  const b = new Builder(), g = new Emitter(b, { ...ORIGIN, path: 'net' })
  const parameter = (name: string, shape: Shape): ValueId => b.input(name, 'parameter', f32(shape), ORIGIN, { kind: 'constant', value: 0 })
  const x = b.input('image', 'input', f32([2, 1024]), ORIGIN)
  const hidden = b.emit('tanh', [g.matmul(x, parameter('wide.weight', [1088, 1024]), { transB: true })], {}, ORIGIN)
  const square = g.mean(g.square(hidden), [0, 1])
  const more = (): ValueId => {
    const scaled = g.mul(g.reshape(hidden, [2, 1088, 1]), g.reshape(parameter('scale.weight', [1024 * 1088]), [1, 1088, 1024]))
    return g.add(g.mean(g.square(scaled), [0, 1, 2]), g.scale(g.sum(g.square(parameter('prime.weight', [1048583])), [0]), 1e-6))
  }
  const loss = alone ? square : g.add(square, more())
  b.output('loss', 'loss', loss)
  const train = { optimizer, schedule: { kind: 'constant' as const }, clipNorm, batch: 2, steps: 3, ...runSpec }
  return optimise(buildTrainingStep({ mode: 'train', program: b.finish('Large'), train }, { defer: 1 }), { differentiated: true })
}

const adam: OptimiserSpec = { kind: 'adam', lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 }
const sessionOf = (program: Program): ReturnType<typeof sessionGraph> => sessionGraph(program, { contrib: true, hidden: false, inPlace: true })

describe('the graph of a session', () => {
  it('has pieces that divide the tensor', () => {
    expect(pieceOf(3 * 2 ** 20)).toBe(2 ** 19)
    expect(pieceOf(768 * 768 * 9)).toBe(589824)
    expect(pieceOf(1048583)).toBeUndefined()
    expect(pieceOf(40000)).toBe(40000)
  })

  it('has one Scan for the update of each large parameter', () => {
    const { graph, inputs, outputs, inPlace } = sessionOf(step(adam, 1))
    const scans = graph.nodes.filter(n => n.op === 'Scan')
    expect(scans.map(n => n.outputs)).toEqual(['wide', 'scale'].map(name => [`next/${name}.weight`, `next/adam.m/${name}.weight`, `next/adam.v/${name}.weight`]))
    for (const { body } of scans.map(n => n.attributes)) expect((body as unknown as { graph: { nodes: OnnxNode[] } }).graph.nodes.map(n => n.op).sort().join()).toBe('Add,Add,Add,Div,Mul,Mul,Mul,Mul,Mul,Mul,Sqrt,Sub')
    const shape = [2, 2 ** 19 + 2 ** 15]
    for (const port of [...outputs.filter(o => /wide|scale/.test(o.name)), ...inputs.filter(i => /adam.*(wide|scale)/.test(i.name))]) expect([port.name, port.type.shape]).toEqual([port.name, shape])
    expect(inputs.find(i => i.name === 'wide.weight')!.type.shape).toEqual([1088, 1024])
    expect(inPlace.size).toBe(9)
    // Every value is made before it is read, in bodies too.
    const known = new Set([...graph.inputs, ...graph.initialisers].map(v => v.name))
    for (const node of graph.nodes) {
      for (const name of readsOf(node)) expect(name === '' || known.has(name), `${node.name} reads ${name}`).toBe(true)
      node.outputs.forEach(o => known.add(o))
    }
  })

  it('keeps what bodies read of it when names are shortened', () => {
    const { graph } = shortNames(sessionOf(step(adam, 1)).graph)
    const known = new Set([...graph.inputs, ...graph.initialisers, ...graph.nodes.flatMap(n => n.outputs.map(name => ({ name })))].map(v => v.name))
    for (const node of graph.nodes) for (const name of readsOf(node)) expect(name === '' || known.has(name), `${node.name} reads ${name}`).toBe(true)
  })

  it('leaves alone an update whose moment something else reads', () => {
    const program = step(adam, 1), moment = program.inputs.find(i => i.name === 'adam.m/wide.weight')!
    const { graph } = sessionOf({ ...program, outputs: [...program.outputs, { name: 'watched', role: 'metric', value: moment.id }] })
    expect(graph.nodes.filter(n => n.op === 'Scan').map(n => n.outputs[0])).toEqual(['next/scale.weight'])
  })
})

it.each<[string, OptimiserSpec, number | undefined]>([
  ['adam and clipping', adam, 0.01], ['sgd with momentum and decay', { kind: 'sgd', lr: 0.1, momentum: 0.9, weightDecay: 0.1 }, undefined],
])('two steps equal the interpreter: %s', async (_, optimizer, clipNorm) => {
  const program = step(optimizer, clipNorm, true)
  expect(sessionOf(program).graph.nodes.filter(n => n.op === 'Scan').length).toBe(1)
  const state = Object.fromEntries(program.inputs.filter(i => i.role === 'parameter' || i.role === 'moment').map(i => [i.name, random(i.type.shape, i.role === 'moment' ? 0.1 : -1)]))
  const scalar = (v: number): TensorData => ({ dtype: 'float32', shape: [], data: Float32Array.of(v) })
  const feeds = { image: random([2, 1024]), ...Object.fromEntries(program.inputs.filter(i => i.role === 'scalar').map(i => [i.name, scalar(0.02)])) }
  const session = await engine.open(program, state)
  let expected: Record<string, TensorData> = state
  for (let i = 0; i < 2; i++) {
    await session.run(feeds)
    const { outputs } = interpret(program, { ...feeds, ...expected })
    expected = Object.fromEntries(Object.keys(state).map(name => [name, { ...f32(outputs[name].shape), data: Float32Array.from(outputs[name].data) }]))
  }
  const after = await session.readState()
  await session.dispose()
  for (const [name, { shape, data }] of Object.entries(expected)) {
    expect(after[name].shape).toEqual(shape)
    const worst = Array.from(data).reduce((most, v, i) => Math.max(most, Math.abs(v - after[name].data[i])), 0)
    expect([name, worst < 5e-6]).toEqual([name, true])
  }
}, 60_000)
