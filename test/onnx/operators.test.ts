// Every operator, in every profile and opset, against the float64 interpreter.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import { encodeModel } from '../../src/compiler/targets/onnx/encode.ts'
import { MAX_OPSET, MIN_OPSET } from '../../src/compiler/targets/onnx/graph.ts'
import { lowerings } from '../../src/compiler/targets/onnx/lowering.ts'
import type { Engine } from '../../src/runtime/engines/engine.ts'
import { openOnnxRuntime } from '../../src/runtime/engines/onnxruntime/engine.ts'
import { runOnnxFile } from '../../src/runtime/engines/onnxruntime/onnx-file.ts'
import { expectClose } from './close.ts'
import { operatorCases, ORIGIN } from './operators.ts'

describe('every operator equals the interpreter', () => {
  let engine: Engine
  beforeAll(async () => { engine = await openOnnxRuntime({ threads: 2 }) })
  afterAll(() => engine.close())

  for (const { title, program, feeds, tolerance } of operatorCases) {
    it(`${title} (training)`, async () => {
      const session = await engine.open(program, {})
      expectClose((await session.run(feeds)).y, interpret(program, feeds).outputs.y, title, tolerance)
      await session.dispose()
    })
    it(`${title} (inference)`, async () => {
      const { model } = encodeModel(program, { profile: 'inference' })
      expectClose((await runOnnxFile(model, feeds)).y, interpret(program, feeds).outputs.y, title, tolerance)
    })
  }

  it('covers every operator', () => {
    expect([...new Set(operatorCases.map(c => c.op))].sort()).toEqual(Object.keys(lowerings).sort())
  })
})

describe('opsets', () => {
  for (let opset = MIN_OPSET; opset <= MAX_OPSET; opset++) {
    it(`every operator runs with opset ${opset}`, async () => {
      const seen = new Set<string>()
      for (const { op, title, program, feeds } of operatorCases) {
        if (seen.has(op)) continue
        seen.add(op)
        for (const profile of ['inference', 'training'] as const) {
          const { model } = encodeModel(program, { opset, profile })
          expectClose((await runOnnxFile(model, feeds)).y, interpret(program, feeds).outputs.y, `${title} (${profile})`)
        }
      }
    })
  }

  it('others are refused', () => {
    expect(() => encodeModel(operatorCases[0].program, { opset: 16 })).toThrow('opset 16 is not supported: choose one from 17 to 24')
  })
})

it('nodes name the module and the place in the source', () => {
  const { lowered } = encodeModel(operatorCases.find(c => c.title === 'conv2d: 3x3')!.program, { place: span => `${span.file}:${span.start}:1` })
  expect(lowered.graph.nodes).toMatchObject([{ op: 'Conv', name: `${ORIGIN.path}/Conv.2`, doc: `${ORIGIN.path} net.mtl:12:1`, outputs: ['y'] }])
})
