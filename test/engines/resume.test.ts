// A run on onnxruntime and on tfjs from the command line: the same losses, and a run that is stopped on one engine goes on upon the other.
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { filesOf, micro, mtlc, remove, scenes, temporary } from '../cli/support.ts'

const STEPS = 50, HALF = 25
const folder = temporary()
const data = join(folder, 'data')
const at = (name: string): string => join(folder, name)
const common = [
  'train', micro, '--data', data, '--no-eval', '--no-export', '--steps', String(STEPS), '--set', 'tasks.depth=off', '--set', 'train.log_every=1', '--set', `train.checkpoint_every=${HALF}`,
]
const onnx = ['--engine', 'onnxruntime', '--device', 'cpu'], tfjs = ['--engine', 'tfjs', '--device', 'wasm']

async function run(...args: readonly string[]): Promise<string> {
  const { code, stderr } = await mtlc([...common, ...args])
  expect(code, stderr).toBe(0)
  return stderr
}

/** The run as it was when its first checkpoint was written. */
function half(from: string, to: string): string {
  cpSync(at(from), at(to), { recursive: true })
  for (const file of filesOf(at(to)).filter(f => f.includes(`step_${String(STEPS).padStart(7, '0')}`))) rmSync(join(at(to), file))
  return at(to)
}

const losses = (name: string): number[] => readFileSync(join(at(name), 'log.jsonl'), 'utf8').trimEnd().split('\n').map(l => (JSON.parse(l) as { loss: number }).loss)

function expectSame(name: string, reference: string): void {
  const [found, expected] = [losses(name), losses(reference)]
  expect(found.length).toBe(STEPS)
  const worst = Math.max(...found.map((v, i) => Math.abs(v / expected[i] - 1)))
  expect(worst, `${name}: largest relative difference of a loss`).toBeLessThan(1e-4)
}

describe.sequential('fifty steps', () => {
  beforeAll(() => { scenes(data, 5, 1) }, 60_000)
  afterAll(() => remove(folder))

  it('have the same losses on onnxruntime and on tfjs', async () => {
    await run(...onnx, '--out', at('onnx'))
    const said = await run(...tfjs, '--out', at('tfjs'))
    expect(said).toMatch(/tfjs on wasm/)
    expect(losses('onnx').at(-1)!).toBeLessThan(0.95 * losses('onnx')[0])
    expectSame('tfjs', 'onnx')
  }, 400_000)

  it('go on upon the other engine', async () => {
    await run(...tfjs, '--resume', half('onnx', 'onnx-tfjs'))
    await run(...onnx, '--resume', half('tfjs', 'tfjs-onnx'))
    for (const name of ['onnx-tfjs', 'tfjs-onnx']) expectSame(name, 'onnx')
  }, 400_000)
})
