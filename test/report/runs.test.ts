// Pages and tables of runs: what was logged is what is shown, short or long, and what is no run is refused.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodePng } from '../../src/runtime/data/cityscapes3d/png.ts'
import { thin } from '../../src/runtime/report/thin.ts'
import { comparisonPage, comparisonTable, compareRuns } from '../../src/runtime/runs/compare.ts'
import { bestOf } from '../../src/runtime/runs/metrics.ts'
import { reportPage } from '../../src/runtime/runs/report.ts'
import { readRunInfo, recordStart, thisStart } from '../../src/runtime/runs/run-info.ts'
import { readRun } from '../../src/runtime/runs/run.ts'

let root: string
beforeEach(() => { root = mkdtempSync(join(tmpdir(), 'mtlc-runs-')) })
afterEach(() => { rmSync(root, { recursive: true, force: true }) })

/** A run of `lines` logged steps, with an evaluation every third line. */
function made(name: string, lines: number, { lr = 0.001, text = 'model A {\n  batch = 2\n}\n' } = {}): string {
  const folder = join(root, name)
  mkdirSync(folder)
  const step = (i: number): object => ({ step: i, lr, loss: 100 / i, semseg: 3 / i, '3ddet/loss_cls': 2 / i, '3ddet': 4 / i, 'weight/semseg': 10, grad_norm: 5, images_per_second: 4 })
  const evaluation = (i: number): object => ({ step: i, eval: { 'semseg/mIoU': i === 3 ? 0.5 : 0.25, 'depth/rmse': 10 / i, '3ddet/mDS': null } })
  writeFileSync(join(folder, 'log.jsonl'), Array.from({ length: lines }, (_, k) => k + 1).flatMap(i => [step(i), ...(i % 3 === 0 ? [evaluation(i)] : [])]).map(l => `${JSON.stringify(l)}\n`).join(''))
  writeFileSync(join(folder, 'model.mtl.txt'), text)
  return folder
}

describe('thin', () => {
  it('keeps short curves as they are', () => { expect(thin([[1, 2], [2, NaN], [3, 4]], 3)).toEqual({ line: [[1, 2], [3, 4]], band: [] }) })
  it('hides no extreme and keeps the mean, whatever the values', () => {
    fc.assert(fc.property(fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 50, maxLength: 400 }), values => {
      const { line, band } = thin(values.map((v, i) => [i, v] as const), 20)
      expect(line.length).toBe(20)
      expect(Math.min(...band.map(b => b[1]))).toBe(Math.min(...values))
      expect(Math.max(...band.map(b => b[2]))).toBe(Math.max(...values))
      for (const [i, [x, y]] of line.entries()) {
        expect(y).toBeGreaterThanOrEqual(band[i][1] - 1e-9)
        expect(y).toBeLessThanOrEqual(band[i][2] + 1e-9)
        if (i > 0) expect(x).toBeGreaterThan(line[i - 1][0])
      }
    }))
  })
})

describe('a run', () => {
  it('tells its best values, the earliest of equals, errors by their least', () => {
    const run = readRun(made('a', 9))
    expect(bestOf(run, 'semseg/mIoU')).toMatchObject({ step: 3, value: 0.5, shown: '50.00 %' })
    expect(bestOf(run, 'depth/rmse')).toMatchObject({ step: 9, shown: '1.111' })
    expect(bestOf(run, '3ddet/mDS')).toBeUndefined()
  })

  it('records its starts, and begins anew at step 0', () => {
    const facts = { model: 'A', seed: 0, steps: 10, batch: 2, data: 'd', images: 5, program: 'p' }
    const start = (step: number): ReturnType<typeof thisStart> => thisStart({ step, engine: 'onnxruntime', device: 'cpu', mtlc: '1', command: ['mtlc', 'train'] })
    for (const step of [0, 4]) recordStart(root, facts, start(step))
    expect(readRunInfo(root)!.starts.map(s => s.step)).toEqual([0, 4])
    recordStart(root, facts, start(0))
    expect(readRunInfo(root)!.starts.map(s => s.step)).toEqual([0])
    writeFileSync(join(root, 'run.json'), '{')
    expect(readRunInfo(root)).toBeUndefined()
  })

  it.each([10, 10_000])('makes a page of %i lines that stands alone and stays small', async lines => {
    const folder = made('a', lines)
    mkdirSync(join(folder, 'samples', 'step_0000003'), { recursive: true })
    writeFileSync(join(folder, 'samples', 'step_0000003', 'town.png'), encodePng('rgb8', 4, 6, new Uint8Array(72)))
    const html = await reportPage(readRun(folder))
    for (const title of ['Total loss, weighted', 'semseg: loss', '3ddet: its parts', 'Weights of the losses', 'Learning rate', 'depth/rmse', 'step 3', 'batch = 2']) expect(html).toContain(title)
    expect(html).not.toMatch(/NaN|Infinity|undefined|https?:/)
    expect(html.length).toBeLessThan(300_000)
    expect(html.includes('the shaded area')).toBe(lines > 240)
  })

  it('is refused where there is none', async () => {
    expect(() => readRun(join(root, 'nowhere'))).toThrow(/nowhere: no such folder: the folder of a run is expected/)
    expect(() => readRun(root)).toThrow(/has no log\.jsonl with a logged step/)
    const folder = made('a', 3)
    expect(() => readRun(join(folder, 'log.jsonl'))).toThrow(/is a file/)
    mkdirSync(join(folder, 'samples', 'step_0000003'), { recursive: true })
    writeFileSync(join(folder, 'samples', 'step_0000003', 'town.png'), 'no picture')
    await expect(reportPage(readRun(folder))).rejects.toThrow(/town\.png: is no picture that can be read/)
  })
})

describe('runs compared', () => {
  it('shows results, and what differs from the first text', () => {
    const runs = [made('a', 9), made('b', 6, { lr: 0.01, text: 'model B {\n  batch = 2\n}\n' })].map(readRun)
    const compared = compareRuns(runs)
    expect(compared.map(c => [c.name, c.step, c.losses['3ddet'], c.best['depth/rmse'].step, c.textDifference])).toEqual([['a', 9, 4 / 9, 9, ''], ['b', 6, 4 / 6, 6, '- model A {\n+ model B {\n    batch = 2\n  }\n']])
    const { columns, rows } = comparisonTable(compared)
    expect(columns).toEqual(['run', 'steps', 'loss', 'loss of semseg', 'loss of 3ddet', 'best semseg/mIoU', 'best depth/rmse', 'images/s'])
    expect(rows[1]).toEqual(['b', '6', '16.67', '0.5000', '0.6667', '50.00 % at 3', '1.667 at 6', '4.000'])
    const html = comparisonPage(runs)
    expect(html).toContain('+ model B {')
    expect(html).not.toMatch(/NaN|undefined|https?:/)
  })
  it('names runs by their paths where folders have the same name', () => {
    mkdirSync(join(root, 'x'))
    const runs = [made('a', 3), made('x/a', 3)].map(readRun)
    expect(compareRuns(runs).map(c => c.name)).toEqual(runs.map(r => r.folder))
  })
})
