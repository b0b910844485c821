// mtlc score on files: the result, what is warned of, exit codes.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { mtlc, type Ended } from '../cli/support.ts'

const folder = mkdtempSync(join(tmpdir(), 'mtlc-score-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const fixture = (name: string): string => join('test/fixtures/score3d', name)
const [gt, pred] = ['gt', 'pred'].map(name => join(folder, name))
const frankfurt = 'frankfurt_000000_000294'
const lindau = 'lindau_000001_000019'
const predicted = (base: string): string => join(pred, `${base}_predBbox3d.json`)
const annotated = (base: string): string => join(gt, 'val', base.split('_')[0], `${base}_gtBbox3d.json`)

beforeEach(() => {
  for (const path of [gt, pred]) rmSync(path, { recursive: true, force: true })
  cpSync(fixture('00_hand_example/gtBbox3d'), gt, { recursive: true })
  cpSync(fixture('00_hand_example/predBbox3d'), pred, { recursive: true })
})

const score = (...more: string[]): Promise<Ended> => mtlc(['score', 'cityscapes3d', '--gt', gt, '--pred', pred, ...more])
const clean = ({ code, stderr }: Ended): string => `${code}\n${stderr.replaceAll(folder, 'TMP')}`
/** Changes a json file through its text. */
const edit = (path: string, change: (text: string) => string): void => { const text = readFileSync(path, 'utf8'); const next = change(text); expect(next).not.toBe(text); writeFileSync(path, next) }

describe('a whole set', () => {
  it('gives a table', async () => {
    const { code, stdout, stderr } = await score()
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatchSnapshot()
  })
  it('gives the official json, on stdout and in a file', async () => {
    const out = join(folder, 'scores', 'results.json')
    const { code, stdout, stderr } = await score('--json', '--out', out)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(readFileSync(out, 'utf8')).toBe(stdout)
    expect(JSON.parse(stdout).mDetection_Score).toBeCloseTo(0.657032, 6)
    // Beside the predictions it must have the name that is passed over.
    expect((await score('--json', '--out', join(pred, 'results.json'))).code).toBe(0)
    expect((await score('--json')).stdout).toBe(stdout)
  })
  it('takes parameters', async () => {
    const [{ stdout }, automatic, plain] = await Promise.all([['--modal', '--labels', 'truck,car', '--min-iou', '0.5', '--max-depth', '40', '--step-size', '20', '--confidence', '0.33', '--num-conf', '10'], ['--confidence', '-1'], []].map(args => score('--json', ...args)))
    expect(JSON.parse(stdout)).toMatchObject({ eval_params: { labels: ['truck', 'car'], min_iou_to_match: 0.5, max_depth: 40, step_size: 20, matching_method: 'Modal' }, working_confidence: { car: 0.4 }, Center_Dist: { car: { items: { 0: 1, 20: 1 } } } })
    expect(JSON.parse(stdout).AP.car.data.recall).toHaveLength(11)
    expect(automatic.stdout).toBe(plain.stdout)
  })
  it('writes null where there is nothing to score, and says so', async () => {
    const ended = await score('--json', '--labels', 'train')
    expect(JSON.parse(ended.stdout)).toMatchObject({ mDetection_Score: null })
    expect(clean(ended)).toMatchSnapshot()
  })
  it('follows symbolic links, passes over results.json and hidden files', async () => {
    const whole = (await score('--json')).stdout
    renameSync(pred, join(folder, 'elsewhere'))
    mkdirSync(pred)
    symlinkSync(join(folder, 'elsewhere'), join(pred, 'link'))
    symlinkSync(pred, join(pred, 'circle'))
    writeFileSync(join(pred, 'results.json'), '{"mDetection_Score": NaN}')
    writeFileSync(join(pred, `._${frankfurt}_predBbox3d.json`), 'not json')
    const { stdout, stderr } = await score('--json')
    rmSync(join(folder, 'elsewhere'), { recursive: true })
    expect({ stdout, stderr }).toEqual({ stdout: whole, stderr: '' })
  })
})

describe('what the official tool passes over is warned of', () => {
  it('missing files, files without ground truth, objects without keys, other labels', async () => {
    const ended = await mtlc(['score', 'cityscapes3d', '--gt', fixture('10_messy/gtBbox3d'), '--pred', fixture('10_messy/predBbox3d')])
    expect(clean(ended)).toMatchSnapshot()
    expect(ended.stdout).toContain('Not the whole set: 1 of 14 images')
  })
  it('boxes behind the camera', async () => {
    edit(predicted(lindau), text => text.replace('35.0,-8.0', '-35.0,-8.0'))
    edit(annotated(lindau), text => text.replace('47.0,-4.0', '-47.0,-4.0'))
    expect(clean(await score())).toMatchSnapshot()
  })
  it('images of another size', async () => {
    edit(annotated(lindau), text => text.replace('"imgWidth":2048,"imgHeight":1024', '"imgWidth":512,"imgHeight":256'))
    expect(clean(await score())).toMatchSnapshot()
  })
})

describe('refusals', () => {
  it('a mistake in the files: 1, nothing on stdout, nothing written', async () => {
    edit(predicted(lindau), text => text.replace('35.0,', 'NaN,'))
    const out = join(folder, 'never.json')
    const ended = await score('--json', '--out', out)
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(clean(ended)).toMatchSnapshot()
    expect(existsSync(out)).toBe(false)
  })
  it('wrong usage: 2', async () => {
    const wrong = [['--labels', 'car,trailer'], ['--labels', ','], ['--min-iou', '70'], ['--max-depth', '0'], ['--step-size', '2.5'], ['--confidence', '-2'], ['--num-conf', '0'], ['--out', join(pred, 'scores.json')]]
    for (const [i, ended] of (await Promise.all(wrong.map(args => score(...args)))).entries()) {
      expect(ended).toMatchObject({ code: 2, stdout: '' })
      expect(clean(ended)).toMatchSnapshot(wrong[i].join(' ').replace(folder, 'TMP'))
    }
  })
})

it('delta-m: the mean of the gains', async () => {
  const results = (name: string, tasks: object): string => { const path = join(folder, name); writeFileSync(path, JSON.stringify({ model: 'M', weights: 'w', split: 'val', tasks })); return path }
  // +10 % and -20 %: -5 %.
  const files = [results('multi.json', { semseg: { kind: 'segmentation', mIoU: 0.55 }, depth: { kind: 'depth', rmse: 6 } }), results('a.json', { semseg: { kind: 'segmentation', mIoU: 0.5 } }), results('b.json', { depth: { kind: 'depth', rmse: 5 } })]
  const [text, json, alone] = await Promise.all([mtlc(['score', 'delta-m', ...files]), mtlc(['score', 'delta-m', '--json', ...files]), mtlc(['score', 'delta-m', files[0]])])
  expect(text.stdout).toMatchInlineSnapshot(`
    "semseg: mIoU 0.55000, alone 0.50000: +10.00 %
    depth: rmse 6.0000, alone 5.0000: -20.00 %
    delta-m -5.00 %
    "
  `)
  expect(JSON.parse(json.stdout)).toMatchObject({ deltaM: expect.closeTo(-0.05, 12) })
  expect(alone.code).toBe(2)
})
