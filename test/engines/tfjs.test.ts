// The tfjs engine on every device that is here: state across steps, copies of state, groups of small parameters, nothing left behind, messages of errors.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Builder } from '../../src/compiler/ir/builder.ts'
import type { TensorData } from '../../src/compiler/ir/types.ts'
import { EngineError, type Engine, type HostTensors } from '../../src/runtime/engines/engine.ts'
import { openEngine } from '../../src/runtime/engines/index.ts'
import { openOnnxRuntime } from '../../src/runtime/engines/onnxruntime/engine.ts'
import { openTfjs } from '../../src/runtime/engines/tfjs/engine.ts'
import { placeOf, readableTfjsError } from '../../src/runtime/engines/tfjs/messages.ts'
import { prepareProgram } from '../../src/runtime/engines/prepare.ts'
import { f32, ORIGIN } from '../onnx/operators.ts'
import { openIfHere } from './devices.ts'
import { derivedStep, groupedStep, handMadeStep } from './programs.ts'
import { expectSameTrace, scalars, trainOn, trainOnInterpreter } from './traces.ts'

/** Resident memory of this process, MiB. */
const resident = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024

for (const device of ['cpu', 'wasm', 'tensorflow', 'webgpu'] as const) {
  describe(`tfjs on ${device}`, () => {
    let engine: Engine | undefined
    beforeAll(async () => { engine = await openIfHere({ engine: 'tfjs', device }) })
    afterAll(async () => { await engine?.close() })
    const test = (name: string, body: (engine: Engine) => Promise<void>, timeout?: number): void => {
      it(name, async context => {
        if (engine === undefined) return context.skip()
        await body(engine)
      }, timeout)
    }
    const tolerance = device === 'webgpu' ? 1e-3 : 2e-4

    test('says what it is', async engine => {
      expect(engine).toMatchObject({ name: 'tfjs', device, target: { engine: 'tfjs', device } })
      expect(engine.detail).toMatch(/^@tensorflow\/tfjs-\S+ \d/)
    })

    test('a hand-made step equals the interpreter over three steps', async engine => {
      const step = handMadeStep()
      const trace = await trainOn(engine, step)
      expectSameTrace(trace, trainOnInterpreter(step), 1e-5)
      expect(Object.keys(trace.results[0]).sort()).toEqual(['late', 'loss'])
      expect(trace.state['net.count']).toEqual({ dtype: 'int32', shape: [], data: Int32Array.of(6) })
    })

    test('small parameters in groups equal the interpreter', async engine => {
      const step = groupedStep()
      const prepared = await prepareProgram(step.program, engine.target)
      expect(prepared.engine === 'tfjs' && prepared.groups.map(g => g.members.length)).toEqual([4, 4, 4])
      expectSameTrace(await trainOn(engine, step), trainOnInterpreter(step), tolerance)
    })

    // Drivers that compute on the processor take half a minute to compile the kernels.
    if (device !== 'webgpu') {
      test('a derived step with Adam and clipping equals the interpreter over three steps', async engine => {
        const step = derivedStep(0.01)
        expectSameTrace(await trainOn(engine, step), trainOnInterpreter(step), tolerance)
      })
    }

    test('copies and lends its state, takes over what is given, and closes', async engine => {
      const { program, state, feeds } = handMadeStep()
      const given = structuredClone(state)
      const [copied, gave] = [await engine.open(program, state), await engine.open(program, given, { give: true })]
      expect([given['net.weight'].data.length, state['net.weight'].data.length]).toEqual([0, 6])
      await gave.run(feeds)
      const read = await gave.lendState(tensors => structuredClone(tensors))
      await copied.run(feeds)
      const before = await copied.readState()
      expect(before).toEqual(read)
      before['net.weight'].data.fill(9)
      await expect(gave.lendState(() => { throw new Error('disk full') })).rejects.toThrow('disk full')
      expect(await gave.run(feeds)).toEqual(await copied.run(feeds))
      expect(feeds.x.data.length).toBe(12)
      await copied.dispose()
      await expect(copied.run(feeds)).rejects.toThrow('the session is closed')
      await gave.dispose()
    })

    test('only the outputs asked for come back, and the state goes on', async engine => {
      const { program, state, feeds } = handMadeStep()
      const session = await engine.open(program, state, { outputs: ['late'] })
      expect(Object.keys(await session.run(feeds))).toEqual(['late'])
      expect((await session.readState())['net.count'].data[0]).toBe(4)
      await expect(engine.open(program, state, { outputs: ['lost'] })).rejects.toThrow('the program has no output "lost": it has loss, net.weight, net.count, late')
      await session.dispose()
    })

    test('leaves nothing behind in 500 steps, and nothing when it is closed', async engine => {
      const empty = await engine.memory()
      const { program, state, feeds } = device === 'webgpu' ? handMadeStep() : groupedStep()
      const session = await engine.open(program, state)
      const opened = await engine.memory()
      let warm = 0
      for (let step = 0; step < 500; step++) {
        await session.run({ ...scalars(0), ...feeds })
        if (step === 199) warm = resident()
      }
      expect(await engine.memory()).toEqual(opened)
      expect(resident() - warm, 'growth of the process in the last 300 steps, MiB').toBeLessThan(24)
      await session.readState()
      await session.dispose()
      expect((await engine.memory())?.tensors).toBe(empty?.tensors)
    }, 240_000)

    test('errors name the tensor, what was given and what is expected', async engine => {
      const { program, state, feeds } = handMadeStep()
      const { 'net.frozen': _, ...rest } = state
      await expect(engine.open(program, rest)).rejects.toThrow(new EngineError('the parameter "net.frozen" is missing: f32[2] expected'))
      const session = await engine.open(program, state)
      await expect(session.run({ ...feeds, x: f32([4, 2]) })).rejects.toThrow(new EngineError('the input "x" is f32[4, 2], but f32[4, 3] is expected'))
      await session.dispose()
    })
  })
}

describe('state moves between engines', () => {
  it('half on onnxruntime and half on tfjs is the same as all on one', async () => {
    const onnx = await openOnnxRuntime({ threads: 2 }), tfjs = await openTfjs({ device: 'wasm' })
    const { program, state, feeds } = derivedStep()
    const run = async (engine: Engine, from: HostTensors, first: number, count: number): Promise<{ readonly losses: number[]; readonly state: HostTensors }> => {
      const session = await engine.open(program, from), losses: number[] = []
      for (let step = first; step < first + count; step++) losses.push((await session.run({ ...feeds, ...scalars(step) })).loss.data[0])
      return { losses, state: await session.readState() }
    }
    const whole = await run(onnx, state, 0, 6)
    for (const [a, b] of [[onnx, tfjs], [tfjs, onnx]] as const) {
      const first = await run(a, state, 0, 3), second = await run(b, first.state, 3, 3)
      for (const [i, loss] of [...first.losses, ...second.losses].entries()) expect(Math.abs(loss / whole.losses[i] - 1)).toBeLessThan(1e-4)
    }
    await Promise.all([onnx.close(), tfjs.close()])
  })
})

describe('errors', () => {
  const message = (text: string): Error => Object.assign(new Error(text), { stack: `Error: ${text}\n    at run (file:///tmp/x/mtlc-program.mjs:4:9)` })
  const source = '// net\nexport function run(tf) {\n  // backbone.stages.0 model.mtl:7:12\n  const a_1 = tf.fft(b_1)\n}'

  it('of a program name the place in the text that asked for the operator', () => {
    expect(placeOf(source, 4)).toBe('backbone.stages.0 model.mtl:7:12')
    expect(readableTfjsError(message("Kernel 'FFT' not registered for backend 'wasm'"), 'wasm', source))
      .toBe('backbone.stages.0 model.mtl:7:12: tfjs on wasm has no kernel FFT: choose another device (--device tensorflow, webgpu, wasm or cpu) or --engine onnxruntime')
    expect(readableTfjsError(message('Array buffer allocation failed'), 'cpu', source)).toBe('backbone.stages.0 model.mtl:7:12: out of memory: use a smaller batch or image')
    expect(readableTfjsError(message('shapes differ\n at x'), 'cpu', source)).toBe('backbone.stages.0 model.mtl:7:12: shapes differ')
    expect(readableTfjsError({ message: 'odd' }, 'cpu', source)).toBe('odd')
  })

  it('of a package that is missing say where it was looked for and how to get it', async () => {
    const before = process.env.MTLC_TFJS_NODE
    process.env.MTLC_TFJS_NODE = '/nowhere'
    try {
      const failure = openTfjs({ device: 'tensorflow' })
      await expect(failure).rejects.toThrow(EngineError)
      await expect(failure).rejects.toThrow(/^tfjs on tensorflow needs @tensorflow\/tfjs-node, which is not installed: run npm install @tensorflow\/tfjs-node .*mtlc doctor --fix tfjs-node.*Looked from \/nowhere; MTLC_TFJS_NODE=FOLDER names another folder$/)
    } finally {
      if (before === undefined) delete process.env.MTLC_TFJS_NODE
      else process.env.MTLC_TFJS_NODE = before
    }
    await expect(openEngine({ engine: 'tfjs', device: 'cuda' })).rejects.toThrow('the engine tfjs has no device "cuda": choose one of tensorflow, webgpu, wasm, cpu')
  })

  it('of an operator that the device lacks reach the caller from inside the worker', async () => {
    const engine = await openTfjs({ device: 'wasm' })
    const b = new Builder()
    b.output('y', 'tap', b.emit('neg', [b.input('x', 'input', { dtype: 'float32', shape: [3] }, ORIGIN)], {}, ORIGIN))
    const prepared = await prepareProgram(b.finish('p'), engine.target)
    if (prepared.engine !== 'tfjs') throw new Error('prepared for another engine')
    // Polynomials of x are the one thing that no device has.
    const session = await engine.openPrepared({ ...prepared, source: prepared.source.replace('tf.neg(', 'tf.engine().runKernel("Lacking", ') }, {})
    await expect(session.run({ x: f32([3]) })).rejects.toThrow(/^backbone\.stage\.0.*: tfjs on wasm has no kernel Lacking: choose another device/)
    await engine.close()
    const closed: Promise<Readonly<Record<string, TensorData>>> = session.run({ x: f32([3]) })
    await expect(closed).rejects.toThrow(new EngineError('the engine is closed'))
  })
})
