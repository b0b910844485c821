// Checkpoints that are damaged, that lie, or that a later version wrote: they are recognised, and the one before is taken.
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { ProgramInput } from '../../src/compiler/ir/program.ts'
import type { TensorData } from '../../src/compiler/ir/types.ts'
import { checkpointSteps, removeLeftovers, saveCheckpoint } from '../../src/runtime/train/checkpoint.ts'
import { findCheckpoint, loadCheckpoint, setAside } from '../../src/runtime/train/checkpoint-read.ts'

const top = mkdtempSync(join(tmpdir(), 'mtlc-checkpoint-'))
afterAll(() => rmSync(top, { recursive: true }))

const origin = { path: '', span: undefined, phase: 'forward' } as const
const input = (name: string, role: ProgramInput['role'], size = 4): ProgramInput => ({ id: 0, name, role, type: { dtype: 'float32', shape: [size] }, init: { kind: 'constant', value: 7 }, origin })
const inputs = [input('w', 'parameter'), input('adam.m/w', 'moment'), input('ema/w', 'moment')]
const state = (v: number): Record<string, TensorData> => Object.fromEntries(inputs.map((i, at) => [i.name, { ...i.type, data: new Float32Array(4).fill(v + at / 10) }]))

/** A run with the checkpoints of steps 2 and 4. */
function runOf(name: string): { readonly run: string; readonly file: (end: string) => string } {
  const run = join(top, name)
  for (const step of [2, 4]) saveCheckpoint(run, { model: 'M', step, steps: 10, seed: 0, program: 'abc', text: 'model M {}\n' }, inputs, state(step), { keep: 2 })
  return { run, file: end => join(run, 'checkpoints', `step_0000004${end}`) }
}

const edited = (path: string, change: (info: Record<string, unknown>) => unknown): void => writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>)))

it('reads back what was written, averages too', () => {
  const { run } = runOf('whole')
  const { info, rejected } = findCheckpoint(run)
  expect([info.step, info.version, rejected]).toEqual([4, 2, []])
  expect(Object.keys(info.files)).toEqual(['step_0000004.safetensors', 'step_0000004.ema.safetensors', 'step_0000004.optimizer.safetensors'])
  expect(loadCheckpoint(run, info, inputs)).toEqual({ state: state(4), fresh: [], dropped: [] })
})

describe('passed over', () => {
  const cases: readonly (readonly [string, boolean, RegExp, (file: (end: string) => string) => void])[] = [
    ['a truncated tensor file', true, /optimizer\.safetensors: has \d+ bytes instead of \d+$/, f => truncateSync(f('.optimizer.safetensors'), 60)],
    ['a longer one', true, /4\.safetensors: has \d+ bytes instead of \d+$/, f => appendFileSync(f('.safetensors'), 'x')],
    ['a flipped bit', true, /4\.safetensors: is not what was written/, f => { const b = readFileSync(f('.safetensors')); b[b.length - 3] ^= 1; writeFileSync(f('.safetensors'), b) }],
    ['a missing file', true, /ema\.safetensors: is missing/, f => rmSync(f('.ema.safetensors'))],
    ['half a json', true, /4\.json: no readable JSON/, f => truncateSync(f('.json'), 40)],
    ['a json of something else', true, /4\.json: does not describe a checkpoint/, f => writeFileSync(f('.json'), '{"version": 2}')],
    ['a json that is none', true, /4\.json: does not describe a checkpoint/, f => writeFileSync(f('.json'), 'null')],
    ['a json of another step', true, /4\.json: says that it is of step 9/, f => edited(f('.json'), i => ({ ...i, step: 9 }))],
    ['a later version', false, /4\.json: was written by a later mtlc \(version 3 of checkpoints; this one reads version 2\)/, f => edited(f('.json'), i => ({ ...i, version: 3 }))],
    ['the earliest version', false, /kept no checksums; --weights .*4\.safetensors starts a run/, f => edited(f('.json'), i => ({ ...i, version: 1 }))],
  ]
  it.each(cases)('%s', (name, damaged, message, spoil) => {
    const { run, file } = runOf(name)
    spoil(file)
    const { info, rejected } = findCheckpoint(run)
    expect([info.step, rejected.map(r => [r.step, r.damaged])]).toEqual([2, [[4, damaged]]])
    expect(rejected[0].message).toMatch(message)
    setAside(run, rejected)
    expect(checkpointSteps(run)).toEqual(damaged ? [2] : [2, 4])
    expect(readdirSync(join(run, 'checkpoints')).filter(f => f.endsWith('.damaged'))).toHaveLength(damaged ? 1 : 0)
  })
  it('all of them: each is told', () => {
    const { run } = runOf('none left')
    for (const step of [2, 4]) truncateSync(join(run, 'checkpoints', `step_000000${step}.json`), 10)
    expect(() => findCheckpoint(run)).toThrow(/none of its checkpoints can be used:\n.*4\.json: no readable JSON.*\n.*2\.json: no readable JSON/)
  })
})

it('removes what a killed process left half written, and nothing else', () => {
  const { run, file } = runOf('leftovers')
  for (const name of [`${file('.json')}.123.tmp`, join(run, 'log.jsonl.7.tmp'), join(run, 'checkpoints', 'step_0000006.safetensors'), join(run, 'checkpoints', 'step_0000006.ema.safetensors')]) writeFileSync(name, 'x')
  removeLeftovers(run)
  expect(readdirSync(run)).toEqual(['checkpoints'])
  expect(readdirSync(join(run, 'checkpoints'))).toHaveLength(8)
})

it('matches by name where the program has changed', () => {
  const { run } = runOf('changed')
  const changed = [input('w', 'parameter'), input('adam.m/w', 'moment'), input('new', 'parameter'), input('adam.m/new', 'moment'), input('ema/w', 'moment', 5)]
  expect(() => loadCheckpoint(run, { step: 4 }, changed)).toThrow('tensor new is missing')
  const { state: found, fresh, dropped } = loadCheckpoint(run, { step: 4 }, changed, i => ({ ...i.type, data: new Float32Array(i.type.shape[0]).fill(7) }))
  expect([found.w.data[0], found.new.data[0], found['adam.m/w'].data[0]]).toEqual([4, 7, Math.fround(4.1)])
  expect([fresh, dropped]).toEqual([['new', 'adam.m/new', 'ema/w'], []])
})
