// The onnxruntime engine: state across steps, copies of state, zero-copy outputs and their fallback, messages of errors.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Builder } from '../../src/compiler/ir/builder.ts'
import { EngineError, type Engine, type HostTensors } from '../../src/runtime/engines/engine.ts'
import { openEngine } from '../../src/runtime/engines/index.ts'
import { probeEngines } from '../../src/runtime/engines/probe.ts'
import { openOnnxRuntime } from '../../src/runtime/engines/onnxruntime/engine.ts'
import { readableError } from '../../src/runtime/engines/onnxruntime/messages.ts'
import type { OnnxRuntimeWorker } from '../../src/runtime/engines/onnxruntime/protocol.ts'
import { WorkerThread } from '../../src/runtime/engines/worker-thread.ts'
import { runOnnxFile } from '../../src/runtime/engines/onnxruntime/onnx-file.ts'
import { f32, ORIGIN } from '../onnx/operators.ts'
import { derivedStep, handMadeStep } from './programs.ts'
import { expectSameTrace, trainOn, trainOnInterpreter } from './traces.ts'

describe('training', () => {
  let engine: Engine, copying: Engine, doubled: Engine
  beforeAll(async () => { [engine, copying, doubled] = await Promise.all([openOnnxRuntime({ threads: 2 }), openOnnxRuntime({ threads: 2, zeroCopy: false }), openOnnxRuntime({ threads: 2, inPlace: false })]) })
  afterAll(() => Promise.all([engine, copying, doubled].map(e => e.close())))

  it('a hand-made step equals the interpreter over three steps', async () => {
    const step = handMadeStep()
    const trace = await trainOn(engine, step)
    expectSameTrace(trace, trainOnInterpreter(step), 1e-5)
    expect(Object.keys(trace.results[0]).sort()).toEqual(['late', 'loss'])
    expect(trace.state['net.count'].data).toEqual(Int32Array.of(6))
  })

  for (const clip of ['none', 0.01] as const) {
    it(`a derived step with Adam ${clip === 'none' ? '' : 'and clipping '}equals the interpreter over three steps`, async () => {
      const step = derivedStep(clip)
      const trace = await trainOn(engine, step)
      expectSameTrace(trace, trainOnInterpreter(step), 2e-4)
      expect(trace.results[2].loss.data[0]).toBeLessThan(trace.results[0].loss.data[0])
    })
  }

  it('updates in place, two buffers and copied results are bitwise the same', async () => {
    for (const step of [handMadeStep(), derivedStep(), derivedStep('none')]) {
      const [inPlace, ...others] = await Promise.all([engine, doubled, copying].map(e => trainOn(e, step, 4)))
      for (const other of others) expect(other).toEqual(inPlace)
    }
  })

  it('an update in place waits for the readers of the old value, when nothing else makes it wait', async () => {
    // Without the norm of all gradients the updates run while the backward pass goes on.
    const step = derivedStep('none')
    const [inPlace, apart] = await Promise.all([engine, doubled].map(e => trainOn(e, step, 4, ['loss'])))
    expect(inPlace).toEqual(apart)
  })

  it('readState gives copies, and leaves the caller its tensors', async () => {
    const { program, state, feeds } = handMadeStep()
    const session = await engine.open(program, state)
    const before = await session.readState()
    expect(before['net.weight']).toEqual(state['net.weight'])
    before['net.weight'].data.fill(9)
    await session.run(feeds)
    expect((await session.readState())['net.frozen']).toEqual(state['net.frozen'])
    expect((await session.readState())['net.weight'].data[0]).not.toBe(9)
    expect(feeds.x.data.length).toBe(12)
    await session.dispose()
    await expect(session.run(feeds)).rejects.toThrow('the session is closed')
  })

  it('lends its state without a copy, goes on when it is back, and takes over what is given', async () => {
    const { program, state, feeds } = handMadeStep()
    const given = structuredClone(state)
    const [copied, gave] = await Promise.all([engine.open(program, state), engine.open(program, given, { give: true })])
    expect(given['net.weight'].data.length).toBe(0)
    await gave.run(feeds)
    let lent: HostTensors = {}
    const read = await gave.lendState(tensors => { lent = tensors; return [...tensors['net.weight'].data] })
    expect(lent['net.weight'].data.length).toBe(0)
    await copied.run(feeds)
    expect(read).toEqual([...(await copied.readState())['net.weight'].data])
    await expect(gave.lendState(() => { throw new Error('disk full') })).rejects.toThrow('disk full')
    expect(await gave.run(feeds)).toEqual(await copied.run(feeds))
  })

  it('only the outputs asked for come back, and the state goes on', async () => {
    const { program, state, feeds } = handMadeStep()
    const session = await engine.open(program, state, { outputs: ['late'] })
    expect(Object.keys(await session.run(feeds))).toEqual(['late'])
    expect((await session.readState())['net.count'].data[0]).toBe(4)
    await expect(engine.open(program, state, { outputs: ['lost'] })).rejects.toThrow('the program has no output "lost": it has loss, net.weight, net.count, late')
  })
})

describe('errors', () => {
  it('of a worker that ends reach all that wait, and all that come later', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mtlc-worker-'))
    const path = join(folder, 'worker.mjs')
    for (const [body, message] of [['process.exit(3)', 'the onnxruntime worker ended unexpectedly (exit code 3)'], ['throw new Error("broken\\n  at line 7")', 'the onnxruntime worker failed: broken']]) {
      writeFileSync(path, `import { parentPort } from 'node:worker_threads'\nparentPort.on('message', () => { ${body} })\n`)
      const thread = new WorkerThread<OnnxRuntimeWorker>('onnxruntime', path, readableError)
      const answers = await Promise.allSettled([thread.ask({ kind: 'state', session: 1 }), thread.ask({ kind: 'state', session: 2 })])
      expect(answers).toMatchObject([{ reason: new EngineError(message) }, { reason: new EngineError(message) }])
      await expect(thread.ask({ kind: 'state', session: 3 })).rejects.toThrow(message)
    }
    rmSync(folder, { recursive: true })
  })

  it('name the tensor, what was given and what is expected', async () => {
    const engine = await openEngine({ engine: 'auto' })
    const { program, state, feeds } = handMadeStep()
    const { 'net.frozen': _, ...rest } = state
    await expect(engine.open(program, rest)).rejects.toThrow(new EngineError('the parameter "net.frozen" is missing: f32[2] expected'))
    const session = await engine.open(program, state)
    await expect(session.run({ ...feeds, x: f32([4, 2]) })).rejects.toThrow(new EngineError('the input "x" is f32[4, 2], but f32[4, 3] is expected'))
    await expect(session.run({ x: feeds.x })).rejects.toThrow(new EngineError('the input "lr" is missing: f32[] expected'))
    await engine.close()
    await expect(session.run(feeds)).rejects.toThrow(new EngineError('the engine is closed'))
  })

  it('of a node name the node by its module path, without a stack trace', async () => {
    const engine = await openEngine({ engine: 'onnxruntime', device: 'cpu' })
    const b = new Builder()
    const x = b.input('x', 'input', { dtype: 'float32', shape: [3] }, ORIGIN), i = b.input('i', 'input', { dtype: 'int32', shape: [2] }, ORIGIN)
    b.output('y', 'tap', b.emit('gather', [x, i], { axis: 0 }, ORIGIN))
    const session = await engine.open(b.finish('p'), {})
    const failure = await session.run({ x: f32([3]), i: { dtype: 'int32', shape: [2], data: Int32Array.of(0, 7) } }).catch((e: unknown) => e)
    expect(failure).toBeInstanceOf(EngineError)
    expect((failure as Error).message).toBe('backbone.stage.0/Gather.2: indices element out of data bounds, idx=7 must be within the inclusive range [-3,2]')
    await engine.close()
  })

  it('of the choice list what there is', async () => {
    await expect(openEngine({ engine: 'torch' })).rejects.toThrow('there is no engine "torch": choose one of auto, onnxruntime')
    await expect(openEngine({ engine: 'auto', device: 'tpu' })).rejects.toThrow('the engine onnxruntime has no device "tpu": choose one of cpu, webgpu, cuda')
    await expect(runOnnxFile('/nowhere/m.onnx', {})).rejects.toThrow('onnxruntime cannot run /nowhere/m.onnx: Load model from /nowhere/m.onnx failed')
    expect(readableError("Cannot find package 'onnxruntime-node' imported from x")).toBe('the package onnxruntime-node is not installed: run npm install')
    expect(readableError("Non-zero status code returned while running Conv node. Name:'a.b/Conv.3' Status Message: std::bad_alloc")).toBe('out of memory at a.b/Conv.3: use a smaller batch or image')
    expect(readableError("Non-zero status code returned while running Gather node. Name:'a/Gather.3' Status Message: indices element out of data bounds, idx=-2147483648 must be within the inclusive range [-3,2]"))
      .toBe('a/Gather.3: indices element out of data bounds, idx=-2147483648 must be within the inclusive range [-3,2]; a NaN was turned into this index: the values before it diverged')
  })
})

it('what works here is found by trying', async () => {
  const reports = await probeEngines()
  expect(reports.map(r => `${r.engine} ${r.device}`)).toEqual(['onnxruntime cpu', 'onnxruntime webgpu', 'onnxruntime cuda', 'tfjs tensorflow', 'tfjs webgpu', 'tfjs wasm', 'tfjs cpu'])
  expect(reports[0]).toEqual({ engine: 'onnxruntime', device: 'cpu', works: true, reason: '' })
  for (const { works, reason } of reports) expect(works).toBe(reason === '')
})
