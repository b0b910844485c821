// onnxruntime on WebGPU: parameters, moments and statistics stay on the device from step to step.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '../../src/runtime/engines/engine.ts'
import { prepareProgram } from '../../src/runtime/engines/prepare.ts'
import { openIfHere } from './devices.ts'
import { groupedStep, handMadeStep } from './programs.ts'
import { expectSameTrace, scalars, trainOn, trainOnInterpreter } from './traces.ts'

describe('onnxruntime on webgpu', () => {
  let engine: Engine | undefined
  beforeAll(async () => {
    engine = await openIfHere({ engine: 'onnxruntime', device: 'webgpu' })
    // The GPU is looked for when the first session opens.
    await engine?.open(handMadeStep().program, handMadeStep().state).then(s => s.dispose(), (error: unknown) => {
      // Anything else that goes wrong is a failure, not a machine without a GPU.
      if (!String(error).includes('no GPU was found')) throw error
      console.warn(`not tested on onnxruntime webgpu: ${String(error)}`)
      engine = undefined
    })
  })
  afterAll(async () => { await engine?.close() })
  const test = (name: string, body: (engine: Engine) => Promise<void>): void => {
    it(name, async context => {
      if (engine === undefined) return context.skip()
      await body(engine)
    }, 240_000)
  }

  test('a hand-made step equals the interpreter over three steps', async engine => {
    const step = handMadeStep()
    const trace = await trainOn(engine, step)
    expectSameTrace(trace, trainOnInterpreter(step), 1e-3)
    expect(trace.state['net.count'].data).toEqual(Int32Array.of(6))
  })

  test('small parameters are cut out of the vectors of their groups', async engine => {
    const step = groupedStep()
    const prepared = await prepareProgram(step.program, engine.target)
    expect(prepared.engine === 'onnxruntime' && prepared.groups.length).toBe(3)
    expect(prepared.engine === 'onnxruntime' && prepared.stateInputs.map(p => p.name)).toEqual(['group.0/parameter', 'group.0/adam.m/', 'group.0/adam.v/'])
    expectSameTrace(await trainOn(engine, step), trainOnInterpreter(step), 1e-3)
  })

  test('copies and lends its state, also what no step reads, and closes', async engine => {
    const { program, state, feeds } = handMadeStep()
    const session = await engine.open(program, state)
    expect(await session.readState()).toEqual(state)
    await session.run(feeds)
    const read = await session.readState()
    expect(await session.lendState(lent => structuredClone(lent))).toEqual(read)
    await session.run(feeds)
    expect((await session.readState())['net.count'].data[0]).toBe(5)
    await session.dispose()
    await expect(session.run(feeds)).rejects.toThrow('the session is closed')
  })

  test('500 steps go on', async engine => {
    const { program, state, feeds } = groupedStep()
    const session = await engine.open(program, state)
    for (let step = 0; step < 500; step++) expect((await session.run({ ...feeds, ...scalars(0) })).loss.data[0]).toBeGreaterThan(0)
    await session.dispose()
  })
})
