// What `mtlc score` refuses, and in which words.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { DataError } from '../../src/runtime/data/dataset.ts'
import { readDetectionFolders } from '../../src/runtime/score/folders.ts'
import { gainOfResults, readResults } from '../../src/runtime/score/multi-task-gain.ts'
import { defaultParams } from '../../src/runtime/score/params.ts'

const folder = mkdtempSync(join(tmpdir(), 'mtlc-score-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const [gt, pred] = ['gt', 'pred'].map(name => join(folder, name))
const frankfurt = 'frankfurt_000000_000294'
const lindau = 'lindau_000001_000019'
const predicted = (base: string): string => join(pred, `${base}_predBbox3d.json`)
const annotated = (base: string): string => join(gt, 'val', base.split('_')[0], `${base}_gtBbox3d.json`)
/** Changes a json file through its text. */
const edit = (path: string, change: (text: string) => string): void => { const text = readFileSync(path, 'utf8'); const next = change(text); expect(next).not.toBe(text); writeFileSync(path, next) }

beforeEach(() => {
  for (const path of [gt, pred]) rmSync(path, { recursive: true, force: true })
  cpSync('test/fixtures/score3d/00_hand_example/gtBbox3d', gt, { recursive: true })
  cpSync('test/fixtures/score3d/00_hand_example/predBbox3d', pred, { recursive: true })
})

async function messageOf(work: () => Promise<unknown>): Promise<string> {
  const error = await work().then(() => undefined, (e: unknown) => e)
  expect(error).toBeInstanceOf(DataError)
  return (error as DataError).message.replaceAll(folder, 'TMP')
}

describe('folders', () => {
  const cases: Record<string, () => void> = {
    'NaN in a prediction': () => edit(predicted(lindau), text => text.replace('35.0,', 'NaN,')),
    'NaN in the ground truth': () => edit(annotated(frankfurt), text => text.replace('"fx":2262.52', '"fx":NaN')),
    'a file that ends too early': () => edit(predicted(lindau), text => text.slice(0, 60)),
    'an empty file': () => writeFileSync(predicted(lindau), ''),
    'a box without size': () => edit(predicted(lindau), text => text.replace('"dimensions":[4.0', '"dimensions":[0')),
    'an annotated box without size': () => edit(annotated(lindau), text => text.replace('"dimensions":[4.0', '"dimensions":[0')),
    'a score in percent': () => edit(predicted(lindau), text => text.replace('"score":0.35', '"score":35')),
    'a center of two numbers': () => edit(predicted(lindau), text => text.replace('35.0,-8.0,', '35.0,')),
    'a quaternion of zeros': () => edit(predicted(lindau), text => text.replace('"rotation":[1.0', '"rotation":[0')),
    'no list of objects': () => writeFileSync(predicted(lindau), '{"boxes": []}'),
    'a list instead of an object': () => writeFileSync(predicted(lindau), '[]'),
    'ground truth without ignore': () => edit(annotated(lindau), text => text.replace('"ignore":', '"ignored":')),
    'ground truth without sensor': () => edit(annotated(lindau), text => text.replace('"sensor":', '"camera":')),
    'an ignore region with a dictionary': () => edit(annotated(lindau), text => text.replace('"ignore":[]', '"ignore":[{"2d":{"modal":[1,2,3,4]},"label":"car"}]')),
    'two files for an image': () => { mkdirSync(join(pred, 'copy')); cpSync(predicted(lindau), join(pred, 'copy', `${lindau}_other.json`)) },
    'two files for an image of the ground truth': () => cpSync(annotated(lindau), join(gt, `${lindau}_gtBbox3d.json`)),
    'other files among the ground truth': () => writeFileSync(join(gt, `${lindau}_camera.json`), '{}'),
    'files without their suffix': () => { for (const base of [frankfurt, lindau]) renameSync(predicted(base), join(pred, `${base}.json`)) },
    'predictions of other images': () => { for (const base of [frankfurt, lindau]) renameSync(predicted(base), predicted(base.replace('00', '99'))) },
    'an empty folder of predictions': () => { rmSync(pred, { recursive: true }); mkdirSync(pred) },
    'no folder of predictions': () => rmSync(pred, { recursive: true }),
    'no folder of ground truth': () => rmSync(gt, { recursive: true }),
    'an empty folder of ground truth': () => { rmSync(gt, { recursive: true }); mkdirSync(gt) },
    'predictions inside of the ground truth': () => { rmSync(pred, { recursive: true }); mkdirSync(join(gt, 'pred')); symlinkSync(join(gt, 'pred'), pred) },
    'ground truth inside of the predictions': () => { rmSync(gt, { recursive: true }); mkdirSync(join(pred, 'gt')); symlinkSync(join(pred, 'gt'), gt) },
  }
  it.each(Object.entries(cases))('%s', async (_, prepare) => {
    prepare()
    expect(await messageOf(() => readDetectionFolders(gt, pred, defaultParams.labels))).toMatchSnapshot()
  })
  it('the ground truth as predictions', async () => {
    symlinkSync(gt, join(folder, 'alias'))
    expect(await messageOf(() => readDetectionFolders(gt, join(folder, 'alias'), defaultParams.labels))).toMatchSnapshot()
  })
})

describe('delta-m of result files', () => {
  const results = (name: string, tasks: object, split = 'val'): string => { const path = join(folder, name); writeFileSync(path, JSON.stringify({ model: 'M', weights: 'w', split, tasks })); return path }
  const semseg = (mIoU: number | null): object => ({ semseg: { kind: 'segmentation', mIoU } })
  const depth = (rmse: number, unit = 'metres'): object => ({ depth: { kind: 'depth', rmse, unit, max: 80 } })
  const boxes = (mDS: number): object => ({ '3ddet': { kind: 'detection3d', mDS } })
  const multi = results('multi.json', { ...semseg(0.55), ...depth(6), ...boxes(0.3) })
  const alone = [results('semseg.json', semseg(0.5)), results('depth.json', depth(5)), results('boxes.json', boxes(0.25))]
  const gain = async (files: readonly string[]): Promise<unknown> => gainOfResults(await readResults(files[0]), await Promise.all(files.slice(1).map(readResults)))

  it('takes each task from the file that has it', async () => expect(await gain([multi, ...alone.toReversed()])).toMatchObject({ deltaM: expect.closeTo(0.1 / 3, 12) }))
  it.each([
    ['a task that no file has alone', () => [multi, ...alone.slice(1)]],
    ['a task that two files have', () => [multi, ...alone, results('again.json', semseg(0.4))]],
    ['another unit', () => [multi, alone[0], results('disparity.json', depth(5, 'pixels of disparity')), alone[2]]],
    ['another split', () => [multi, results('train.json', semseg(0.5), 'train'), ...alone.slice(1)]],
    ['nothing to be relative to', () => [multi, ...alone.slice(0, 2), results('none.json', boxes(0))]],
    ['a score that does not exist', () => [multi, results('null.json', semseg(null)), ...alone.slice(1)]],
    ['an unknown kind', () => [multi, results('kind.json', { edges: { kind: 'edges', f1: 1 } }), ...alone]],
    ['no task', () => [results('empty.json', {}), ...alone]],
    ['another file', () => [multi, annotated(lindau)]],
    ['a missing file', () => [join(folder, 'nowhere.json'), ...alone]],
  ] as const)('refuses %s', async (_, files) => expect(await messageOf(() => gain(files()))).toMatchSnapshot())
})
