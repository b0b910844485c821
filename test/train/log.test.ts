// What a run leaves to be read: whole lines, one table, events that TensorBoard itself reads.
import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodePng } from '../../src/runtime/data/cityscapes3d/png.ts'
import { CsvFile } from '../../src/runtime/train/csv.ts'
import { readLog, RunLog } from '../../src/runtime/train/log.ts'
import { EventWriter, maskedCrc, record } from '../../src/runtime/train/tensorboard.ts'

let run: string
beforeEach(() => { run = mkdtempSync(join(tmpdir(), 'mtlc-log-')) })
afterEach(() => { rmSync(run, { recursive: true, force: true }) })

const entry = (step: number): Parameters<RunLog['append']>[0] => ({ step, lr: 1e-3, loss: 10 / step, losses: { semseg: 3 / step, '3ddet/loss_cls': 1 }, gradNorm: 2, imagesPerSecond: 1.23456, weights: { semseg: 100 } })
const csv = (): string[] => readFileSync(join(run, 'log.csv'), 'utf8').split('\n')
const events = (): string[] => readdirSync(run).filter(f => f.startsWith('events.out.tfevents.')).toSorted()

describe('the log of a run', () => {
  it('holds the same in lines and in the table, evaluations between the steps', () => {
    const log = new RunLog(run, 0)
    log.append(entry(1))
    log.evaluation(1, { 'semseg/mIoU': 0.25, '3ddet/mDS': NaN })
    log.append(entry(2))
    log.close()
    const { steps, evaluations } = readLog(run)
    expect(steps.map(l => [l.step, l.loss, l['weight/semseg']])).toEqual([[1, 10, 100], [2, 5, 100]])
    expect(evaluations).toEqual([{ step: 1, eval: { 'semseg/mIoU': 0.25, '3ddet/mDS': null } }])
    expect(csv()).toEqual([
      'step,lr,loss,semseg,3ddet/loss_cls,weight/semseg,grad_norm,images_per_second,eval/semseg/mIoU,eval/3ddet/mDS',
      '1,0.001,10,3,1,100,2,1.235,,', '1,,,,,,,,0.25,', '2,0.001,5,1.5,1,100,2,1.235,,', '',
    ])
  })

  it('takes back what lies beyond the checkpoint, and a line that a crash cut short', () => {
    const first = new RunLog(run, 0)
    for (const step of [1, 2, 3]) first.append(entry(step))
    first.evaluation(2, { m: 1 })
    first.evaluation(3, { m: 1 })
    first.close()
    appendFileSync(join(run, 'log.jsonl'), '{"step":2,"lo')
    const second = new RunLog(run, 2)
    expect([second.hasEvaluation(2), second.hasEvaluation(3)]).toEqual([true, false])
    second.append(entry(3))
    second.close()
    expect(readLog(run).steps.map(l => l.step)).toEqual([1, 2, 3])
    expect(readLog(run).evaluations.map(l => l.step)).toEqual([2])
    expect(csv().map(l => l.split(',')[0])).toEqual(['step', '1', '2', '2', '3', ''])
  })

  it('quotes what a table cannot hold bare', () => {
    const path = join(run, 't.csv')
    new CsvFile(path, [{ 'a,b': 'say "x"', c: 1 }]).append({ c: 2 })
    expect(readFileSync(path, 'utf8')).toBe('"a,b",c\n"say ""x""",1\n,2\n')
  })
})

describe('event files', () => {
  it('have the checksums of the format', () => {
    // CRC-32C of "123456789" is e3069283 (RFC 3720, B.4); masked: rotated right by 15, plus a282ead8.
    expect(maskedCrc(new TextEncoder().encode('123456789'))).toBe((((0xe3069283 >>> 15) | (0xe3069283 << 17)) + 0xa282ead8) >>> 0)
    expect(Buffer.from(record(Uint8Array.from([1, 2, 3]))).readBigUInt64LE()).toBe(3n)
  })

  it('stay in order where the clock is set back', () => {
    for (const now of [2000, 1000]) new EventWriter(run, 0, () => now).close()
    expect(events().map(f => f.split('.')[3])).toEqual(['0000002000', '0000002001'])
  })

  it('begin with the version, and end whole when the disk refuses', () => {
    const writer = new EventWriter(run, 0, () => 1000)
    writer.scalars(1, { a: 1, broken: NaN })
    writer.close()
    const [file] = events()
    expect(file).toMatch(/^events\.out\.tfevents\.0000001000\./)
    expect(readFileSync(join(run, file)).includes('brain.Event:2')).toBe(true)
    expect(readFileSync(join(run, file)).includes('broken')).toBe(false)
    writeFileSync(join(run, 'file'), '')
    expect(() => new EventWriter(join(run, 'file'), 0)).toThrow(/cannot be written: a part of the path is a file/)
  })
})

const python = process.env.PYTHON ?? 'python3'
const hasTensorBoard = spawnSync(python, ['-c', 'import tensorboard']).status === 0
if (!hasTensorBoard) console.warn(`TensorBoard itself does not read the events in this run: ${python} has no package tensorboard (pip install tensorboard, or PYTHON=... names another interpreter)`)

describe.skipIf(!hasTensorBoard)('events read by TensorBoard', () => {
  const script = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
e = EventAccumulator(sys.argv[1]); e.Reload()
tags = e.Tags()
print(json.dumps({'scalars': {t: [[s.step, s.value] for s in e.Scalars(t)] for t in tags['scalars']},
  'images': {t: [[i.step, i.width, i.height, len(i.encoded_image_string)] for i in e.Images(t)] for t in tags['images']}}))
`
  it('shows steps once after a stop in the middle of a record, and images', () => {
    const first = new RunLog(run, 0)
    for (const step of [1, 2, 3]) first.append(entry(step))
    first.close()
    const torn = join(run, events()[0])
    truncateSync(torn, readFileSync(torn).length - 5)
    const second = new RunLog(run, 1)
    second.append(entry(2))
    second.evaluation(2, { 'semseg/mIoU': 0.5 })
    const png = encodePng('rgb8', 4, 6, new Uint8Array(4 * 6 * 3))
    mkdirSync(join(run, 'samples', 'step_0000002'), { recursive: true })
    writeFileSync(join(run, 'samples', 'step_0000002', 'town.png'), png)
    second.samples(2, ['samples/step_0000002/town.png'])
    second.close()
    const out = spawnSync(python, ['-c', script, run], { encoding: 'utf8' })
    const read = JSON.parse(out.stdout) as { scalars: Record<string, [number, number][]>; images: Record<string, number[][]> }
    expect(read.scalars['loss/total']).toEqual([[1, 10], [2, 5]])
    expect(read.scalars['eval/semseg/mIoU']).toEqual([[2, 0.5]])
    expect(read.scalars['weight/semseg'].map(([step]) => step)).toEqual([1, 2])
    expect(read.images['samples/town']).toEqual([[2, 6, 4, png.length]])
  }, 60_000)
})
