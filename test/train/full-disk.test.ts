// A disk that fills up while a checkpoint is written: the message says so, no half-written file is left, the earlier checkpoint stays readable.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it, vi } from 'vitest'
import type { ProgramInput } from '../../src/compiler/ir/program.ts'
import type { TensorData } from '../../src/compiler/ir/types.ts'
import { checkpointSteps, saveCheckpoint } from '../../src/runtime/train/checkpoint.ts'
import { findCheckpoint, loadCheckpoint } from '../../src/runtime/train/checkpoint-read.ts'

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

const run = mkdtempSync(join(tmpdir(), 'mtlc-disk-'))
afterAll(() => rmSync(run, { recursive: true }))

const origin = { path: '', span: undefined, phase: 'forward' } as const
const inputs: ProgramInput[] = [{ id: 0, name: 'w', role: 'parameter', type: { dtype: 'float32', shape: [1000] }, init: undefined, origin }, { id: 1, name: 'adam.m/w', role: 'moment', type: { dtype: 'float32', shape: [1000] }, init: undefined, origin }]
const state = (v: number): Record<string, TensorData> => Object.fromEntries(inputs.map(i => [i.name, { dtype: 'float32', shape: [1000], data: new Float32Array(1000).fill(v) }]))
const info = (step: number) => ({ model: 'M', step, steps: 10, seed: 0, program: 'abc', text: '' }) as const

it.each([10, 3000, 5000, 8200])('with room for %i bytes', room => {
  disk.free = Infinity
  saveCheckpoint(run, info(1), inputs, state(1), { keep: 2 })
  disk.free = room
  expect(() => saveCheckpoint(run, info(2), inputs, state(2), { keep: 2 })).toThrow(/step_0000002\.(safetensors|optimizer\.safetensors|json): cannot be written: the disk is full: free some space or choose another folder/)
  disk.free = Infinity
  expect(readdirSync(join(run, 'checkpoints')).filter(f => f.endsWith('.tmp'))).toEqual([])
  expect(readdirSync(join(run, 'checkpoints')).filter(f => f.includes('0002'))).toEqual([])
  expect(checkpointSteps(run)).toEqual([1])
  expect(loadCheckpoint(run, findCheckpoint(run).info, inputs).state.w.data[5]).toBe(1)
})

it('keeps the newest checkpoints, and the best', () => {
  disk.free = Infinity
  for (let step = 1; step <= 5; step++) saveCheckpoint(run, info(step), inputs, state(step), { keep: 2, best: step < 3 ? undefined : 2 })
  expect(checkpointSteps(run)).toEqual([2, 4, 5])
  expect(findCheckpoint(run).info.step).toBe(5)
})
