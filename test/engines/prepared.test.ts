// Programs prepared for the engine apart from it: the same results, short names in the model, long ones in messages.
import { describe, expect, it } from 'vitest'
import { Builder } from '../../src/compiler/ir/builder.ts'
import { encodeGraph } from '../../src/compiler/targets/onnx/encode.ts'
import type { OnnxGraph } from '../../src/compiler/targets/onnx/graph.ts'
import { longName, shortNames } from '../../src/compiler/targets/onnx/short-names.ts'
import { openOnnxRuntime } from '../../src/runtime/engines/onnxruntime/engine.ts'
import { probeGraph, probeModel, withSequence } from '../../src/runtime/engines/onnxruntime/fetch.ts'
import { prepareOnnx } from '../../src/runtime/engines/onnxruntime/prepare.ts'
import { f32, ORIGIN } from '../onnx/operators.ts'
import { derivedStep } from './programs.ts'

it('the probe is the encoded graph that it stands for', () => {
  expect(probeModel()).toEqual(Uint8Array.from(encodeGraph(withSequence(probeGraph)).model))
})

describe('short names', () => {
  const value = (name: string) => ({ name, dtype: 'float32', dims: [2] }) as const
  const graph: OnnxGraph = {
    name: 'g', opset: 17, inputs: [value('0'), value('block/x')], outputs: [value('1')],
    initialisers: [{ ...value('block/const.1'), data: Float32Array.of(1, 2) }],
    nodes: [
      { op: 'Add', domain: '', name: 'block/Add.3', doc: 'block a.mtl:1:2', inputs: ['0', 'block/const.1'], outputs: ['block/Add.3'], attributes: {} },
      { op: 'Clip', domain: '', name: 'block/Clip.4', doc: '', inputs: ['block/Add.3', '', 'block/x'], outputs: ['1'], attributes: {} },
    ],
  }
  it('leave inputs and outputs alone, and never meet theirs', () => {
    const { graph: { nodes, initialisers, inputs, outputs }, names } = shortNames(graph)
    expect([inputs, outputs]).toEqual([graph.inputs, graph.outputs])
    const [constant, sum] = [initialisers[0].name, nodes[0].outputs[0]]
    expect(nodes.map(n => [n.name, n.doc, n.inputs, n.outputs])).toEqual([['0', '', ['0', constant], [sum]], ['1', '', [sum, '', 'block/x'], ['1']]])
    expect(new Set([constant, sum, '0', '1', 'block/x', '']).size).toBe(6)
    expect(nodes.map(n => longName(names, n.name))).toEqual(['block/Add.3', 'block/Clip.4'])
  })
})

describe('a prepared program', () => {
  it('survives a copy as plain data, and gives what the program gives', async () => {
    const engine = await openOnnxRuntime({ threads: 2 })
    const { program, state, feeds } = derivedStep()
    const scalars = Object.fromEntries(program.inputs.filter(i => i.role === 'scalar').map(i => [i.name, { dtype: 'float32', shape: [], data: Float32Array.of(0.01) }] as const))
    const direct = await engine.open(program, state), apart = await engine.openPrepared(structuredClone(prepareOnnx(program, structuredClone(engine.target))), state)
    for (let step = 0; step < 3; step++) expect(await apart.run({ ...feeds, ...scalars })).toEqual(await direct.run({ ...feeds, ...scalars }))
    expect(await apart.readState()).toEqual(await direct.readState())
    await engine.close()
  })

  it('names its nodes in errors, though the model does not hold the names', async () => {
    const engine = await openOnnxRuntime({ threads: 1 })
    const b = new Builder()
    const x = b.input('x', 'input', { dtype: 'float32', shape: [3] }, ORIGIN), i = b.input('i', 'input', { dtype: 'int32', shape: [2] }, ORIGIN)
    b.output('y', 'tap', b.emit('gather', [x, i], { axis: 0 }, ORIGIN))
    const prepared = prepareOnnx(b.finish('p'), engine.target)
    expect(Buffer.from(prepared.model).includes('backbone')).toBe(false)
    const session = await engine.openPrepared(prepared, {})
    await expect(session.run({ x: f32([3]), i: { dtype: 'int32', shape: [2], data: Int32Array.of(0, 7) } })).rejects.toThrow(/^backbone\.stage\.0\/Gather\.2: indices element out of data bounds/)
    await engine.close()
  })
})
