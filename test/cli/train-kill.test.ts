// A run of sixty steps is killed twenty times, most often while it writes, and goes on each time: it ends as the run that nobody disturbed, bit for bit.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Random } from '../../src/runtime/data/synth/random.ts'
import { checkpointSteps } from '../../src/runtime/train/checkpoint.ts'
import { readSafetensors } from '../../src/runtime/weights/safetensors.ts'
import { filesOf, mtlc, remove, scenes, temporary } from './support.ts'

const dot = 'test/fixtures/models/dot.mtl'
const folder = temporary()
const [data, whole, killed] = ['data', 'whole', 'killed'].map(n => join(folder, n))
const kills = 20

beforeAll(() => { scenes(data, 5, 0, [32, 64]) }, 120_000)
afterAll(() => remove(folder))

const lines = (run: string): string[] => readFileSync(join(run, 'log.jsonl'), 'utf8').split('\n')

/** Everything that is named as a finished file can be read; of the log only the last line may be torn. */
function readable(run: string): void {
  if (!existsSync(run)) return
  for (const file of filesOf(run)) {
    const path = join(run, file)
    if (file.endsWith('.json')) expect(() => JSON.parse(readFileSync(path, 'utf8')), file).not.toThrow()
    if (file.endsWith('.safetensors')) for (const t of readSafetensors(path).tensors.values()) expect(t.bytes.length, file).toBeGreaterThan(0)
    if (file === 'log.jsonl') for (const line of lines(run).slice(0, -1)) expect(() => JSON.parse(line), line).not.toThrow()
  }
}

it('ends as if it had never been killed', async () => {
  const common = ['train', dot, '--data', data, '--no-eval', '--no-export']
  const undisturbed = mtlc([...common, '--out', whole])
  const random = new Random(7)
  const reached: number[] = []
  for (let i = 0; i < kills; i++) {
    const at = `${30 + random.below(150)} ${['before', 'half', 'after'][random.below(3)]}`
    const begun = checkpointSteps(killed).length > 0
    const { signal, stderr } = await mtlc([...common, begun ? '--resume' : '--out', killed], undefined, at)
    expect(signal, `${at}: ${stderr}`).toBe('SIGKILL')
    readable(killed)
    reached.push(checkpointSteps(killed).at(-1) ?? -1)
  }
  expect(reached.at(-1)).toBeLessThan(60)
  expect(new Set(reached).size).toBeGreaterThan(10)
  const last = await mtlc([...common, '--resume', killed])
  expect(last.code, last.stderr).toBe(0)
  expect((await undisturbed).code).toBe(0)
  for (const end of ['.safetensors', '.optimizer.safetensors']) expect(readFileSync(join(killed, 'checkpoints', `step_0000060${end}`)).equals(readFileSync(join(whole, 'checkpoints', `step_0000060${end}`))), end).toBe(true)
  const log = (run: string): Record<string, number>[] => lines(run).slice(0, -1).map(line => ({ ...JSON.parse(line) as Record<string, number>, images_per_second: 0 }))
  expect(log(killed)).toEqual(log(whole))
  expect(log(killed).map(l => l.step)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
  expect(filesOf(killed).filter(f => f.endsWith('.tmp') || f.includes('lock'))).toEqual([])
}, 600_000)
