// mtlc eval: what it writes, where it refuses to write, and that nothing half done is left.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { predictionFileName } from '../../src/runtime/tasks/detection3d/prediction-json.ts'
import { synthId, writeSample } from '../../src/runtime/data/synth/write.ts'
import { writeSafetensors } from '../../src/runtime/weights/safetensors.ts'
import { bytesView } from '../../src/runtime/weights/tensors.ts'
import { compile, generatedWeights } from '../support/models.ts'
import { filesOf, mtlc, remove, stable, temporary } from './support.ts'

const folder = temporary()
const data = join(folder, 'data')
const weights = join(folder, 'weights.safetensors')
const file = 'models/taskprompter-tiny.mtl'
const common = ['eval', file, '--weights', weights, '--data', data]
const count = 3

beforeAll(() => {
  for (let index = 0; index < count; index++) writeSample({ dir: data, split: 'val', index, size: [128, 256], seed: 5 })
  const { program } = compile(file, { mode: 'infer' })
  writeSafetensors(weights, new Map(Object.entries(generatedWeights(program)).map(([name, { dtype, shape, data: values }]) => [name, { dtype: dtype === 'int32' ? 'I32' : 'F32', shape, bytes: bytesView(values) }])))
})
afterAll(() => remove(folder))

describe.sequential('eval', () => {
  const out = join(folder, 'results')

  it('writes scores, page and one prediction file per image, in place of earlier ones', async () => {
    mkdirSync(join(out, 'predBbox3d', 'val'), { recursive: true })
    writeFileSync(join(out, 'predBbox3d', 'val', 'of_another_run.json'), '{}')
    const { code, stdout, stderr } = await mtlc([...common, '--out', out, '--examples', '1', '--batch', '2', '--json'])
    expect([code, stderr.includes('results.html')]).toEqual([0, true])
    expect(filesOf(out)).toEqual([...Array.from({ length: count }, (_, i) => `predBbox3d/val/${predictionFileName(synthId('val', i))}`), 'results.html', 'results.json'].sort())
    const written = readFileSync(join(out, 'results.json'), 'utf8')
    expect(stdout).toBe(written)
    const results = JSON.parse(written) as { images: number; tasks: Record<string, { kind: string; mDS?: number }> }
    expect([results.images, ...Object.values(results.tasks).map(t => t.kind)]).toEqual([count, 'segmentation', 'depth', 'detection3d'])
    const page = readFileSync(join(out, 'results.html'), 'utf8')
    expect(page.match(/<img /g)!.length).toBeGreaterThanOrEqual(2)
    expect(page).toContain('Best 1')
    expect(page).toContain('Worst 1')
  })

  it('gives the official score of the files that it writes', async () => {
    const { code, stdout } = await mtlc(['score', 'cityscapes3d', '--gt', join(data, 'gtBbox3d', 'val'), '--pred', join(out, 'predBbox3d', 'val'), '--image-size', '128x256', '--json'])
    expect(code).toBe(0)
    const scored = JSON.parse(stdout) as { mDetection_Score: number; AP: object }
    const { tasks } = JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')) as { tasks: Record<string, { amodal: typeof scored }> }
    expect(tasks['3ddet'].amodal).toEqual(scored)
  })

  it('refuses to write into the data set', async () => {
    for (const at of [data, join(data, 'results')]) {
      const { code, stdout, stderr } = await mtlc([...common, '--out', at])
      expect([code, stdout, stable(stderr, folder)]).toEqual([1, '', `error: ${stable(at, folder)}: lies in the data set TMP/data: choose a folder of its own for the results\n`])
    }
    expect(readdirSync(data)).not.toContain('results')
  })

  it('leaves nothing where an image cannot be read, and earlier results as they were', async () => {
    const [fresh, before] = [join(folder, 'fresh'), readFileSync(join(out, 'results.json'), 'utf8')]
    const labels = join(data, 'gtFine', 'val', synthId('val', 1).split('_')[0], `${synthId('val', 1)}_gtFine_labelIds.png`)
    const whole = readFileSync(labels)
    truncateSync(labels, 100)
    const [first, second] = [await mtlc([...common, '--out', fresh]), await mtlc([...common, '--out', out])]
    writeFileSync(labels, whole)
    expect([first.code, second.code]).toEqual([1, 1])
    expect(stable(first.stderr, folder)).toContain('_gtFine_labelIds.png: is damaged or truncated')
    expect(existsSync(fresh) ? filesOf(fresh) : []).toEqual([])
    expect(readFileSync(join(out, 'results.json'), 'utf8')).toBe(before)
    expect(filesOf(out).filter(f => /tmp|old/.test(f))).toEqual([])
    expect(filesOf(out)).toHaveLength(count + 2)
  })

  it('says what is wrong with a split that is empty or missing', async () => {
    const empty = join(folder, 'empty')
    mkdirSync(join(empty, 'leftImg8bit', 'val'), { recursive: true })
    const [none, missing] = [await mtlc(['eval', file, '--weights', weights, '--data', empty]), await mtlc([...common, '--split', 'vla'])]
    rmSync(empty, { recursive: true })
    expect([none.code, missing.code]).toEqual([1, 1])
    expect(none.stderr).toContain('has no city folder')
    expect(missing.stderr).toContain("a folder for the split 'vla'")
  })
})
