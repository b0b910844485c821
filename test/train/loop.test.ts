// The loop with a session of its own: a disk that fills up, numbers that are not finite, an engine or a data worker that dies.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it, vi } from 'vitest'
import type { Program } from '../../src/compiler/ir/program.ts'
import type { TensorData } from '../../src/compiler/ir/types.ts'
import type { ElaboratedModel } from '../../src/compiler/semantics/model.ts'
import { DataError } from '../../src/runtime/data/dataset.ts'
import { EngineError, type HostTensors } from '../../src/runtime/engines/engine.ts'
import { FileError } from '../../src/runtime/files.ts'
import { checkpointSteps } from '../../src/runtime/train/checkpoint.ts'
import { findCheckpoint, loadCheckpoint } from '../../src/runtime/train/checkpoint-read.ts'
import { RunLog } from '../../src/runtime/train/log.ts'
import { train, TrainingError, type TrainingRun } from '../../src/runtime/train/loop.ts'
import { randomFeeds } from '../../src/runtime/train/passes.ts'
import { Progress } from '../../src/runtime/train/progress.ts'

const disk = vi.hoisted(() => ({ free: Infinity }))
vi.mock('node:fs', async original => {
  const fs = await original<typeof import('node:fs')>()
  return {
    ...fs,
    writeSync: (fd: number, chunk: Uint8Array, offset = 0, length = chunk.byteLength - offset) => {
      if (disk.free <= 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
      const n = fs.writeSync(fd, chunk, offset, Math.min(length, disk.free))
      disk.free -= n
      return n
    },
  }
})

const top = mkdtempSync(join(tmpdir(), 'mtlc-loop-'))
afterAll(() => rmSync(top, { recursive: true }))

const origin = { path: '', span: undefined, phase: 'forward' } as const
const type = { dtype: 'float32', shape: [100] } as const
const step: Program = { name: 'M', inputs: [{ id: 0, name: 'w', role: 'parameter', type, init: undefined, origin }, { id: 1, name: 'drop', role: 'random', type, init: undefined, origin }], nodes: [], outputs: [{ name: 'loss', role: 'loss', value: 0 }] }
const model = { name: 'M', resolved: 'model M {\n}\n', tasks: [], train: { optimizer: { kind: 'sgd', lr: 0.1, momentum: 0, weightDecay: 0 }, schedule: { kind: 'constant' }, steps: 9, batch: 2, logEvery: 4, checkpointEvery: 3, keep: 2, onNonfinite: 'stop', clipNorm: undefined } } as unknown as ElaboratedModel
const scalar = (v: number): TensorData => ({ dtype: 'float32', shape: [], data: Float32Array.of(v) })

/** A run of nine steps; `at(n)` may change what step n (from 1) returns, or throw; the weight counts the steps. */
function runOf(name: string, at: (n: number) => { loss?: number; gradNorm?: number; weight?: number } = () => ({}), more: Partial<TrainingRun> = {}): TrainingRun {
  const folder = join(top, name)
  let n = more.start ?? 0
  let weight = n
  const session = {
    run: async (): Promise<HostTensors> => {
      const { loss = 1 / ++n, gradNorm = 1, ...rest } = at(n + 1)
      weight = rest.weight ?? n
      return { loss: scalar(loss), grad_norm: scalar(gradNorm) }
    },
    readState: async (): Promise<HostTensors> => ({ w: { ...type, data: new Float32Array(100).fill(weight) } }),
    lendState: async <T>(use: (state: HostTensors) => T | Promise<T>): Promise<T> => use({ w: { ...type, data: new Float32Array(100).fill(weight) } }),
    dispose: async () => {},
  }
  const batches = { next: async () => ({ step: n, ids: ['a', 'b'], feeds: {} }), close: async () => {} }
  return { folder, model, step, digest: 'd', seed: 0, start: 0, steps: 9, session, batches, log: new RunLog(folder, more.start ?? 0), progress: new Progress({ write: () => {} }), stopping: () => false, ...more }
}
const lines = (name: string): unknown[] => readFileSync(join(top, name, 'log.jsonl'), 'utf8').trimEnd().split('\n').map(l => ({ ...JSON.parse(l) as Record<string, number>, images_per_second: 0 }))
const messageOf = (error: unknown): string => (error as Error).message.replaceAll(top, 'TOP')

it('a full disk ends the run, the earlier checkpoint stays', async () => {
  disk.free = Infinity
  const error = await train(runOf('full', n => { if (n === 6) disk.free = 300; return {} })).catch((e: unknown) => e)
  disk.free = Infinity
  expect(error).toBeInstanceOf(FileError)
  expect(messageOf(error)).toMatchInlineSnapshot(`"TOP/full/checkpoints/step_0000006.safetensors: cannot be written: the disk is full: free some space or choose another folder"`)
  expect(checkpointSteps(join(top, 'full'))).toEqual([0, 3])
  expect(loadCheckpoint(join(top, 'full'), { step: 3 }, step.inputs).state.w.data[0]).toBe(3)
  expect(readdirSync(join(top, 'full', 'checkpoints')).filter(f => f.includes('tmp') || f.includes('0006'))).toEqual([])
})

it.each([['loss', { loss: NaN }], ['gradient', { gradNorm: Infinity }], ['weight', { weight: NaN }]])('a %s that is not finite is never saved', async (name, result) => {
  const error = await train(runOf(name, n => (n === 6 ? result : {}))).catch((e: unknown) => e)
  expect(error).toBeInstanceOf(TrainingError)
  expect(messageOf(error)).toMatchSnapshot()
  expect(checkpointSteps(join(top, name))).toEqual([0, 3])
})

it('a loss that is not finite before the first checkpoint', async () => {
  expect(messageOf(await train(runOf('early', () => ({ loss: NaN }))).catch((e: unknown) => e))).toMatchSnapshot()
})

it('an engine or a data worker that dies ends the run', async () => {
  await expect(train(runOf('engine', n => { if (n === 5) throw new EngineError('the onnxruntime worker ended unexpectedly (exit code 1)'); return {} }))).rejects.toThrow(EngineError)
  await expect(train(runOf('data', () => ({}), { batches: { next: () => Promise.reject(new DataError('x.png: is damaged')), close: async () => {} } }))).rejects.toThrow(DataError)
})

it('stopped between two lines of the log and resumed it logs what an unbroken run logs', async () => {
  await train(runOf('whole'))
  let asked = 0
  const first = await train(runOf('parts', () => ({}), { stopping: () => asked++ > 9 }))
  expect(first.ended).toBe('stopped')
  const { info } = findCheckpoint(join(top, 'parts'))
  expect(info.step).toBe(first.step)
  expect(info.step % 4).not.toBe(0)
  await train(runOf('parts', () => ({}), { start: info.step, window: info.window }))
  expect(lines('parts')).toEqual(lines('whole'))
  expect(lines('whole')).toHaveLength(4)
})

it('draws depend on seed, step and name alone', () => {
  expect(randomFeeds(step, 1, 5)).toEqual(randomFeeds(step, 1, 5))
  for (const other of [randomFeeds(step, 1, 6), randomFeeds(step, 2, 5)]) expect(other.drop.data).not.toEqual(randomFeeds(step, 1, 5).drop.data)
  expect(randomFeeds(step, 1, 5).drop.data.every(v => v >= 0 && v < 1)).toBe(true)
})

/** Evaluations every two steps, with a metric that `values` gives by step. */
const evaluated = (values: Readonly<Record<number, number>>, asked: number[], patience?: number): Pick<TrainingRun, 'evaluation'> => ({
  evaluation: {
    every: 2, best: { metric: 'semseg/mIoU', direction: 'higher' }, patience,
    run: async (n, weights) => { asked.push(n); expect(existsSync(weights)).toBe(true); return { metrics: { 'semseg/mIoU': values[n] }, samples: [] } },
  },
})
const rising = { 2: 0.1, 4: 0.5, 6: 0.3, 8: NaN, 9: 0.2 }

it('evaluates on a schedule and at the end, and keeps the best checkpoint beside the newest', async () => {
  const asked: number[] = []
  const result = await train(runOf('evaluated', () => ({}), evaluated(rising, asked)))
  expect(asked).toEqual([2, 4, 6, 8, 9])
  expect(result).toMatchObject({ ended: 'done', step: 9, best: { step: 4, value: 0.5 } })
  expect(checkpointSteps(join(top, 'evaluated'))).toEqual([4, 8, 9])
  expect(lines('evaluated')).toContainEqual({ step: 8, eval: { 'semseg/mIoU': null }, images_per_second: 0 })
})

it('makes up for an evaluation that a kill has cut off, and makes none twice', async () => {
  const asked: number[] = []
  const cut = evaluated(rising, asked)
  await expect(train(runOf('cut', () => ({}), { evaluation: { ...cut.evaluation!, run: async (n, w) => { if (n === 6) throw new EngineError('killed'); return cut.evaluation!.run(n, w) } } }))).rejects.toThrow('killed')
  const { info } = findCheckpoint(join(top, 'cut'))
  expect(info.step).toBe(6)
  const result = await train(runOf('cut', () => ({}), { start: 6, window: info.window, ...cut }))
  expect(asked).toEqual([2, 4, 6, 8, 9])
  expect(result.best).toMatchObject({ step: 4, value: 0.5 })
  expect(lines('cut')).toEqual(lines('evaluated'))
})

it('ends early when nothing better comes', async () => {
  const asked: number[] = []
  const result = await train(runOf('early stop', () => ({}), evaluated(rising, asked, 2)))
  expect([result.ended, result.step, asked]).toEqual(['early', 8, [2, 4, 6, 8]])
  expect(findCheckpoint(join(top, 'early stop')).info.step).toBe(8)
})

const skipping = { ...model, train: { ...model.train, onNonfinite: 'skip' } } as unknown as ElaboratedModel

it('skips, counts and logs steps that are not finite, examines the first, and ends after ten in a row', async () => {
  const examined: number[] = []
  const examine = async (n: number): Promise<string> => { examined.push(n); return 'from the head' }
  await train(runOf('skipped', n => (n === 2 || n === 3 ? { gradNorm: NaN } : n === 7 ? { gradNorm: Infinity } : {}), { model: skipping, examine }))
  expect(examined).toEqual([1])
  expect((lines('skipped') as Record<string, number>[]).map(l => [l.step, l.skipped])).toEqual([[1, 0], [4, 2], [8, 1], [9, 0]])
  const long = { ...skipping, train: { ...skipping.train, steps: 30 } } as unknown as ElaboratedModel
  const error = await train(runOf('skipped out', n => (n > 4 ? { gradNorm: NaN } : {}), { model: long, steps: 30, examine })).catch((e: unknown) => e)
  expect(messageOf(error)).toMatchInlineSnapshot(`
    "step 14: 10 steps in a row were skipped because losses or gradients were not finite
      The checkpoint of step 12 is untouched
      fix: a lower learning rate (--set train.optimizer.lr=...) or gradient clipping (--set train.clip_norm=10) usually helps"
  `)
  expect(findCheckpoint(join(top, 'skipped out')).info.window).toMatchObject({ skippedInRow: 8 })
})

it('a clock that jumps changes nothing that is written but times', async () => {
  const jumps = vi.spyOn(Date, 'now').mockImplementation(() => (Math.random() < 0.5 ? 0 : 1e15))
  await train(runOf('jumping')).finally(() => jumps.mockRestore())
  expect(lines('jumping')).toEqual(lines('whole'))
  expect(readFileSync(join(top, 'jumping', 'log.jsonl'), 'utf8')).not.toMatch(/images_per_second":(-|null)/)
})
