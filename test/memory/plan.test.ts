// The plan of a step's memory: order and buffers as the engine has them, and recomputation that changes no result.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { verify } from '../../src/compiler/ir/verify.ts'
import { Builder } from '../../src/compiler/ir/builder.ts'
import type { Program } from '../../src/compiler/ir/program.ts'
import type { TensorData } from '../../src/compiler/ir/types.ts'
import { buffersOf, executionOrder, packedSize } from '../../src/compiler/memory/engine.ts'
import { cheapMemory, fitMemory } from '../../src/compiler/memory/fit.ts'
import { sequentialPeak } from '../../src/compiler/memory/sequence.ts'
import { peakOf, planMemory, type MemoryMode } from '../../src/compiler/memory/plan.ts'
import { typesOf } from '../../src/compiler/targets/onnx/types.ts'
import { freshWeights } from '../../src/compiler/passes/fresh-weights.ts'
import { optimise } from '../../src/compiler/passes/index.ts'
import { gradientsOf, inOrder } from '../../src/compiler/targets/onnx/gradient-order.ts'
import { hideShapes } from '../../src/compiler/targets/onnx/hide-shapes.ts'
import type { OnnxGraph, OnnxNode } from '../../src/compiler/targets/onnx/graph.ts'
import { lowerProgram } from '../../src/compiler/targets/onnx/lower.ts'
import { fedTensors, sessionGraph } from '../../src/compiler/targets/onnx/session-graph.ts'
import { Emitter } from '../../src/compiler/rules/gradient-language.ts'
import { optimiserScalars } from '../../src/compiler/training/scalars.ts'
import { buildTrainingStep } from '../../src/compiler/training/step.ts'
import type { Engine, HostTensors } from '../../src/runtime/engines/engine.ts'
import { openEngine } from '../../src/runtime/engines/index.ts'
import { generatedImage } from '../support/generated.ts'
import { sequentialStep } from '../../src/cli/memory.ts'
import { compile, generatedWeights } from '../support/models.ts'

let engine: Engine
beforeAll(async () => { engine = await openEngine({ engine: 'auto' }) })
afterAll(() => engine.close())

const model = compile('models/taskprompter-tiny.mtl', { mode: 'train', batch: 4 })
const step = optimise(buildTrainingStep(model), { differentiated: true })

const node = (op: string, inputs: string[], output: string, attributes: OnnxNode['attributes'] = {}): OnnxNode => ({ op, domain: '', name: output, doc: '', inputs, outputs: [output], attributes })
const graphOf = (nodes: OnnxNode[], outputs: string[]): OnnxGraph => ({
  name: 'g', opset: 21, nodes, initialisers: [], inputs: [{ name: 'x', dtype: 'float32', dims: [100] }], outputs: outputs.map(name => ({ name, dtype: 'float32', dims: [100] })),
})

it('runs depth first from the last result', () => {
  const graph = graphOf([node('Exp', ['x'], 'a'), node('Log', ['x'], 'b'), node('Add', ['a', 'b'], 'first'), node('Sin', ['b'], 'last')], ['first', 'last'])
  expect(executionOrder(graph).map(i => graph.nodes[i].name)).toEqual(['b', 'last', 'a', 'first'])
})

it('an elementwise result takes the buffer of an operand that dies; a free buffer is kept for a result of its shape, unless that is hidden', () => {
  const graph = graphOf([node('Sin', ['x'], 'a'), node('Exp', ['a'], 'b'), node('Cos', ['b'], 'c'), node('Sin', ['c'], 'd'), node('Cos', ['d'], 'e')], ['e'])
  const { types, unknown } = typesOf(graph)
  expect(unknown.size).toBe(0)
  const order = executionOrder(graph)
  expect(buffersOf(graph, order, types).map(b => b.values)).toEqual([['a', 'b', 'd'], ['c']])
  expect(buffersOf(graph, order, types, new Set(['a', 'b', 'c', 'd'])).map(b => [b.values, b.from, b.to])).toEqual([[['a'], 0, 1], [['b'], 1, 2], [['c'], 2, 3], [['d'], 3, 4]])
})

it('gradients come in the order given, each with what it needs, and what they read is free then', () => {
  // y1 and y2 are cotangents, g1 and g2 what the updates read: left to itself the engine follows the y's first.
  const graph = graphOf([node('Sin', ['x'], 'y1'), node('Cos', ['y1'], 'g1'), node('Sin', ['y1'], 'y2'), node('Cos', ['y2'], 'g2'), node('Add', ['g2', 'y2'], 'u2'), node('Add', ['u2', 'g1'], 'u1')], ['u1'])
  const orderOf = (g: OnnxGraph): string[] => executionOrder(g).map(i => g.nodes[i].outputs[0])
  expect(orderOf(graph)).toEqual(['y1', 'y2', 'g2', 'u2', 'g1', 'u1'])
  const ordered = inOrder(graph, ['g1', 'g2', 'absent'])
  expect(orderOf(ordered)).toEqual(['y1', 'g1', 'order.1', 'y2', 'g2', 'order.0', 'order', 'u2', 'u1'])
  const { types } = typesOf(ordered)
  const freed = buffersOf(ordered, executionOrder(ordered), types, new Set(['y1', 'y2', 'g1', 'g2', 'u2'])).find(b => b.values[0] === 'y1')
  expect(freed?.to).toBe(3)
  expect(inOrder(graph, ['g1'])).toBe(graph)
})

it('the gradients of a step are in order: less is alive at once', () => {
  const { graph, inputs } = sessionGraph(step, { contrib: true, hidden: true, inPlace: true })
  const sizes = graph.nodes.filter(n => n.name.startsWith('order.'))
  // Those that the engine's graph has under another name, as views of what lies below, count as well.
  expect(sizes.length).toBeGreaterThan(450)
  const alive = (g: OnnxGraph): number => peakOf(g, fedTensors(inputs)).bytes
  expect(alive(graph)).toBeLessThan(0.9 * alive({ ...graph, nodes: graph.nodes.filter(n => !n.name.startsWith('order')) }))
})

it('in one block a buffer takes the gap that it fills best', () => {
  const buffer = (kib: number, from: number, to: number) => ({ bytes: 1024 * kib, from, to, values: [] })
  expect(packedSize([buffer(4, 0, 1), buffer(1, 0, 9), buffer(2, 0, 1), buffer(1, 0, 9), buffer(2, 2, 9), buffer(4, 3, 9)])).toBe(8 * 1024)
  expect(packedSize([buffer(4, 0, 1), buffer(1, 0, 9), buffer(5, 2, 9)])).toBe(10 * 1024)
  expect(packedSize([{ bytes: 1, from: 0, to: 3, values: [] }, { bytes: 0, from: 1, to: 3, values: [] }, { bytes: 1, from: 2, to: 3, values: [] }])).toBe(512)
})

it('weights that were moved are moved again for the backward pass', () => {
  const fresh = freshWeights(step)
  verify(fresh)
  expect(fresh.nodes.length).toBeGreaterThan(step.nodes.length)
  expect(planMemory(fresh, 'compact').results).toBeLessThan(planMemory(step, 'compact').results)
  expect(freshWeights(fresh)).toBe(fresh)
})

it('large parameters that are moved are read through a view whose shape the engine does not know', () => {
  const ints = (name: string, ...values: number[]): OnnxGraph['initialisers'][number] => ({ name, dtype: 'int64', dims: [values.length], data: BigInt64Array.from(values, BigInt) })
  const graph: OnnxGraph = {
    ...graphOf([node('Slice', ['w', 'from', 'to'], 'half'), node('Slice', ['small', 'from', 'to'], 'part'), node('MatMul', ['x', 'half'], 'y'), node('Mul', ['w', 'w'], 'next')], ['y', 'part', 'next']),
    inputs: [{ name: 'x', dtype: 'float32', dims: [8, 512] }, { name: 'w', dtype: 'float32', dims: [1024, 512] }, { name: 'small', dtype: 'float32', dims: [1024, 8] }],
    initialisers: [ints('from', 0), ints('to', 512)],
  }
  const { nodes, initialisers } = hideShapes(graph, new Set(['x']))
  expect(nodes.filter(n => graph.nodes.some(o => o.name === n.name)).map(n => n.inputs[0])).toEqual(['hidden/w', 'small', 'x', 'w'])
  expect(nodes.find(n => n.name === 'hidden/w')).toMatchObject({ op: 'Reshape', inputs: ['w', 'hidden/int64[1024,512]'] })
  expect(initialisers.map(t => t.name)).toEqual(['from', 'to', 'int64[1024,512]', 'int64[0]'])
})

it('norms of gradients take no buffer for squares', () => {
  const { graph } = sessionGraph(step, { contrib: true, hidden: true, inPlace: true }), { types } = typesOf(graph)
  const squares = new Set(graph.nodes.filter(n => n.op === 'Mul' && n.inputs[0] === n.inputs[1] && types.get(n.outputs[0])!.shape.length === 1).flatMap(n => n.outputs))
  for (const n of graph.nodes) if (n.op === 'Reshape' && squares.has(n.inputs[0])) squares.add(n.outputs[0])
  expect(graph.nodes.filter(n => n.op === 'ReduceSum' && squares.has(n.inputs[0]))).toEqual([])
  expect(graph.nodes.filter(n => n.op === 'ReduceSumSquare').length).toBeGreaterThan(10)
})

it.each([[true], [false]])('gradients that are larger than what is kept for them come last, wherever they are made', swap => {
  const origin = { path: '', span: undefined, phase: 'forward' } as const, b = new Builder(), g = new Emitter(b, origin)
  const f32 = (...shape: number[]): { dtype: 'float32'; shape: number[] } => ({ dtype: 'float32', shape })
  const [few, many] = [b.input('few', 'input', f32(2, 64), origin), b.input('many', 'input', f32(200, 64), origin)]
  const [first, second] = ['first', 'second'].map(name => b.input(name, 'parameter', f32(64, 64), origin, { kind: 'constant', value: 0 }))
  const layers = [[few, second], [many, first]] as const
  const losses = (swap ? layers.toReversed() : layers).map(([x, w]) => g.mean(g.square(g.matmul(x, w)), [0, 1]))
  b.output('loss', 'loss', g.add(losses[0], losses[1]))
  const small = optimise(buildTrainingStep({ mode: 'train', program: b.finish('Two'), train: model.train }, { defer: 0 }), { differentiated: true })
  const made = new Map(small.nodes.map(n => [n.id, n] as const))
  const rows = gradientsOf(small).flatMap(v => { const n = made.get(v)!; return n.op === 'matmul' ? [small.inputs.find(i => i.id === n.inputs[0])!.name] : [] })
  expect(rows).toEqual(['many', 'few'])
})

it('what is alive at once where nodes run as they stand', () => {
  const origin = { path: '', span: undefined, phase: 'forward' } as const, b = new Builder(), g = new Emitter(b, origin)
  const x = b.input('x', 'input', { dtype: 'float32', shape: [10, 10] }, origin)
  // The view keeps a; b dies when it is added; the constant and the input are not counted.
  const first = g.exp(x), view = g.reshape(first, [100]), second = g.add(first, g.fill(1, [10, 10]))
  b.output('y', 'prediction', g.add(g.reshape(g.add(second, second), [100]), view))
  expect(sequentialPeak(b.finish('p'))).toBe(3 * 400)
})

it('an engine that runs nodes as they stand computes what is nearly free again, too, where that is much', () => {
  const spared = sequentialStep(step)
  verify(spared)
  expect(sequentialPeak(spared)).toBeLessThan(0.7 * sequentialPeak(step))
  const small = optimise(buildTrainingStep(compile('test/fixtures/models/micro.mtl', { mode: 'train', batch: 1 })), { differentiated: true })
  expect(sequentialStep(small)).toBe(small)
})

it('recomputation that is nearly free', () => {
  const cheap = cheapMemory(step, 'released')
  expect(cheap.added / cheap.multiplyAdds).toBeLessThan(0.04)
  expect(cheap.plan.results).toBeLessThan(0.8 * planMemory(step, 'released').results)
  // What a deformable convolution reads is read once for its columns, and again for the gradient of its offsets.
  const copies = (program: Program): number => program.nodes.filter(n => n.op === 'gather' && n.origin.phase === 'backward' && n.origin.path.includes('cls_convs')).length
  expect(copies(cheap.program) - copies(step)).toBeGreaterThan(0)
})

it('every value of a step has the type that the program says', () => {
  const { graph, outputs } = lowerProgram(step, { profile: 'training' })
  const { types, unknown } = typesOf(graph)
  expect([...unknown]).toEqual([])
  expect(outputs.filter(o => types.get(o.onnx)!.shape.join() !== o.type.shape.join())).toEqual([])
  const hidden = typesOf(hideShapes(graph, new Set(['image'])))
  expect(graph.nodes.filter(n => hidden.types.get(n.outputs[0])!.shape.join() !== types.get(n.outputs[0])!.shape.join())).toEqual([])
})

it('a smaller budget costs more multiply-adds, and below the smallest it says so', () => {
  const whole = planMemory(step, 'compact')
  expect(whole.results).toBeLessThan(planMemory(step).results)
  const budget = whole.base + whole.state + 0.8 * whole.results
  const fitted = fitMemory(step, budget), least = fitMemory(step, 0)
  expect(fitted.fits).toBe(true)
  expect(fitted.plan.peak).toBeLessThanOrEqual(budget)
  expect(least.fits).toBe(false)
  expect(least.plan.peak).toBeLessThan(fitted.plan.peak)
  expect(least.added).toBeGreaterThan(fitted.added)
  expect(least.modules.length).toBeGreaterThan(fitted.modules.length)
  verify(least.program)
})

it('recomputation and hidden shapes change no bit of a step', async () => {
  const scalars = (count: number): HostTensors => Object.fromEntries(Object.entries(optimiserScalars({ ...model.train, schedule: { kind: 'constant' } }, count)).map(([name, value]) => [name, { dtype: 'float32', shape: [], data: Float32Array.of(value) }]))
  const zeros = (role: string): Record<string, TensorData> => Object.fromEntries(step.inputs.filter(i => i.role === role).map(({ name, type: { dtype, shape } }) => {
    const size = shape.reduce((n, d) => n * d, 1)
    return [name, { dtype, shape, data: dtype === 'int32' ? new Int32Array(size).fill(1) : new Float32Array(size).fill(role === 'moment' ? 0 : 1) }]
  }))
  const results = async (program: typeof step, memory: MemoryMode): Promise<HostTensors> => {
    const session = await engine.open(program, { ...generatedWeights(step), ...zeros('moment') }, { memory })
    const feeds = { image: generatedImage([4, 3, 128, 256]), ...zeros('target') }
    // From the second run on, a released step has all its buffers in one block.
    await session.run({ ...feeds, ...scalars(0) })
    const losses = await session.run({ ...feeds, ...scalars(0) })
    const state = await session.readState()
    await session.dispose()
    return { ...losses, ...state }
  }
  const plain = await results(step, 'plain')
  expect(Number.isFinite(plain.loss.data[0])).toBe(true)
  const fit = fitMemory(freshWeights(step), 0)
  expect(fit.modules.length).toBeGreaterThan(10)
  expect(fit.program.nodes.filter(n => n.op === 'after').length).toBeGreaterThan(50)
  const least = await results(fit.program, 'released')
  expect(Object.keys(plain).filter(name => Buffer.compare(Buffer.from(plain[name].data.buffer), Buffer.from(least[name].data.buffer)) !== 0)).toEqual([])
}, 120_000)
