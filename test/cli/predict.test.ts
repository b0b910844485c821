// mtlc predict: which files are written for which model and image, and that nothing is half written.
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decode } from 'fast-png'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeSample } from '../../src/runtime/data/synth/write.ts'
import { writeOnnx } from '../../src/runtime/export-onnx.ts'
import { writeSafetensors } from '../../src/runtime/weights/safetensors.ts'
import { storeTensor } from '../../src/runtime/weights/tensors.ts'
import { compile, generatedWeights } from '../support/models.ts'
import { filesOf, micro, mtlc, remove, temporary } from './support.ts'

const dir = temporary()
afterAll(() => remove(dir))
const at = (...names: string[]): string => join(dir, ...names)
const tiny = 'models/taskprompter-tiny.mtl'
const scene = at('data/leftImg8bit/val/epochdorf/epochdorf_000000_000019_leftImg8bit.png')

beforeAll(async () => {
  const model = compile(tiny, { mode: 'infer', batch: 1 })
  const weights = generatedWeights(model.program)
  writeSafetensors(at('tiny.safetensors'), new Map(Object.entries(weights).map(([n, t]) => [n, storeTensor(t)])))
  writeOnnx(at('tiny.onnx'), model, weights, {})
  const plain = compile(micro, { mode: 'infer', batch: 1 })
  writeOnnx(at('micro.onnx'), plain, generatedWeights(plain.program), {})
  writeSample({ dir: at('data'), split: 'val', index: 0, size: [256, 512], seed: 3 })
  mkdirSync(at('photos'))
  copyFileSync(scene, at('photos/street.png'))
  await sharp(scene).resize(90, 120).jpeg().toFile(at('photos/tall.jpg'))
  await sharp({ create: { width: 1, height: 1, channels: 3, background: 'red' } }).png().toFile(at('photos/dot.png'))
}, 120_000)

const size = (path: string): number[] => { const { width, height } = decode(readFileSync(path)); return [height, width] }
const pictures = (name: string): string[] => ['bev', 'boxes', 'depth', 'semseg', 'sheet'].map(k => `${name}_${k}.png`)

describe('the same files', () => {
  it('from text with weights, and from an ONNX file alone', async () => {
    const text = await mtlc(['predict', tiny, '--weights', at('tiny.safetensors'), scene, '--out', at('text')])
    const onnx = await mtlc(['predict', at('tiny.onnx'), scene, '--out', at('onnx')])
    expect([text.code, onnx.code]).toEqual([0, 0])
    const expected = [...pictures('epochdorf_000000_000019'), 'epochdorf_000000_000019_leftImg8bit.json'].sort()
    expect(filesOf(at('text'))).toEqual(expected)
    expect(filesOf(at('onnx'))).toEqual(expected)
    expect(text.stdout.trimEnd().split('\n').sort()).toEqual(expected.map(f => at('text', f)))
    expect(text.stderr).toContain('512 x 256 (width x height), seen by the model at 256 x 128')
    expect(text.stderr).not.toContain('assumed')
    const [a, b] = ['text', 'onnx'].map(d => Uint8Array.from(decode(readFileSync(at(d, 'epochdorf_000000_000019_semseg.png'))).data))
    const differing = a.reduce((n, v, i) => n + (v === b[i] ? 0 : 1), 0)
    expect(differing / a.length).toBeLessThan(0.001)
    const [json, other] = ['text', 'onnx'].map(d => (JSON.parse(readFileSync(at(d, 'epochdorf_000000_000019_leftImg8bit.json'), 'utf8')) as { objects: { '3d': { center: number[] }; score: number }[] }).objects)
    expect(other.length).toBe(json.length)
    json.forEach((o, i) => expect(Math.abs(o.score - other[i].score)).toBeLessThan(1e-3))
  }, 180_000)

  it('from text with weights on tfjs', async () => {
    const weights = generatedWeights(compile(micro, { mode: 'infer', batch: 1 }).program)
    writeSafetensors(at('micro.safetensors'), new Map(Object.entries(weights).map(([n, t]) => [n, storeTensor(t)])))
    const runs = await Promise.all([['onnxruntime', 'cpu'], ['tfjs', 'wasm']].map(([engine, device]) => mtlc(['predict', micro, '--weights', at('micro.safetensors'), at('photos/street.png'), '--engine', engine, '--device', device, '--out', at(engine)])))
    expect(runs.map(r => r.code), runs.map(r => r.stderr).join('\n')).toEqual([0, 0])
    expect(filesOf(at('tfjs'))).toEqual(filesOf(at('onnxruntime')))
    const [a, b] = ['onnxruntime', 'tfjs'].map(d => Uint8Array.from(decode(readFileSync(at(d, 'street_semseg.png'))).data))
    expect(a.reduce((n, v, i) => n + (v === b[i] ? 0 : 1), 0) / a.length).toBeLessThan(0.001)
  }, 180_000)

  it('only of the tasks that the model has, and for images of any size', async () => {
    const { code, stderr } = await mtlc(['predict', at('micro.onnx'), at('photos/tall.jpg'), at('photos/dot.png'), '--out', at('two')])
    expect(code).toBe(0)
    expect(filesOf(at('two'))).toEqual(['dot_depth.png', 'dot_semseg.png', 'dot_sheet.png', 'tall_depth.png', 'tall_semseg.png', 'tall_sheet.png'])
    expect(stderr).toContain('90 x 120 (width x height), seen by the model at 48 x 64, with a margin to 128 x 64')
    expect(stderr).not.toContain('camera')
    // The picture is as high as the image and its legend, and not narrower than text needs.
    expect(size(at('two/tall_semseg.png'))[0]).toBeGreaterThan(120)
  })
})

describe('the camera', () => {
  it('is named where it is assumed', async () => {
    const { code, stderr } = await mtlc(['predict', at('tiny.onnx'), at('photos/street.png'), '--out', at('assumed')])
    expect(code).toBe(0)
    expect(stderr).toContain('street.png: camera assumed: focal length 566 px, centre (255.5, 127.5), level, 1.22 m above the ground; give the true one with --camera')
  })

  it('of another size is refused, and nothing is written', async () => {
    const camera = JSON.parse(readFileSync(at('data/camera/val/epochdorf/epochdorf_000000_000019_camera.json'), 'utf8')) as { intrinsic: { u0: number } }
    camera.intrinsic.u0 = 1100
    writeFileSync(at('camera.json'), JSON.stringify(camera))
    const { code, stderr } = await mtlc(['predict', at('tiny.onnx'), at('photos/street.png'), '--out', at('refused'), '--camera', at('camera.json')])
    expect(code).toBe(1)
    expect(stderr).toContain('the principal point (1100,')
    expect(filesOf(at('refused'))).toEqual([])
  })
})

describe('mistakes', () => {
  it('in some images leave the others predicted, and the exit code says so', async () => {
    writeFileSync(at('photos/broken.png'), readFileSync(scene).subarray(0, 5000))
    writeFileSync(at('photos/text.jpg'), 'no image')
    const { code, stderr, stdout } = await mtlc(['predict', at('micro.onnx'), at('photos/broken.png'), at('photos/street.png'), at('photos/text.jpg'), at('photos'), at('photos/gone.png'), '--out', at('some')])
    expect(code).toBe(1)
    expect(filesOf(at('some'))).toEqual(['street_depth.png', 'street_semseg.png', 'street_sheet.png'])
    expect(stdout.trimEnd().split('\n')).toHaveLength(3)
    for (const part of ['broken.png: is damaged or truncated', 'text.jpg: is not an image', 'photos: is a folder', 'gone.png: does not exist', '4 of 5 images failed']) expect(stderr).toContain(part)
  })

  it('images of one name are refused before anything is computed', async () => {
    mkdirSync(at('more'))
    copyFileSync(scene, at('more/street.webp'))
    const { code, stderr } = await mtlc(['predict', at('micro.onnx'), at('photos/street.png'), at('more/street.webp'), '--out', at('same')])
    expect(code).toBe(1)
    expect(stderr).toContain('would both be drawn to')
    expect(existsSync(at('same'))).toBe(false)
  })

  it('no picture is written over an image that is read', async () => {
    copyFileSync(scene, at('more/a.png'))
    copyFileSync(scene, at('more/a_depth.png'))
    const { code, stderr } = await mtlc(['predict', at('micro.onnx'), at('more/a.png'), at('more/a_depth.png'), '--out', at('more')])
    expect(code).toBe(1)
    expect(stderr).toContain('would be written over')
  })

  it('an output folder that is a file, and a picture whose place is a folder', async () => {
    writeFileSync(at('file'), '')
    expect(await mtlc(['predict', at('micro.onnx'), at('photos/street.png'), '--out', at('file')])).toMatchObject({ code: 1, stderr: expect.stringContaining('a part of the path is a file') as string })
    mkdirSync(at('blocked/street_sheet.png'), { recursive: true })
    const { code, stderr } = await mtlc(['predict', at('micro.onnx'), at('photos/street.png'), '--out', at('blocked')])
    expect(code).toBe(1)
    expect(stderr).toContain('street_sheet.png: cannot be written: the path is a folder')
    expect(filesOf(at('blocked'))).toEqual([])
  })

  it.skipIf(process.getuid?.() === 0)('an output folder without permission', async () => {
    mkdirSync(at('closed'))
    chmodSync(at('closed'), 0o500)
    expect(await mtlc(['predict', at('micro.onnx'), at('photos/street.png'), '--out', at('closed')])).toMatchObject({ code: 1, stderr: expect.stringContaining('no permission') as string })
  })

  it.each<[string, () => string[], number, string]>([
    ['an ONNX file of something else', () => { writeFileSync(at('other.onnx'), 'x'); return [at('other.onnx'), scene, '--out', at('o')] }, 1, 'is not an ONNX file'],
    ['text without weights', () => [micro, scene, '--out', at('o')], 2, '--weights is needed'],
    ['an ONNX file with weights', () => [at('micro.onnx'), scene, '--weights', 'w', '--out', at('o')], 2, '--weights does not go with an ONNX file'],
    ['an ONNX file on another engine', () => [at('micro.onnx'), scene, '--engine', 'tfjs', '--out', at('o')], 2, '--engine tfjs does not go with an ONNX file'],
    ['no image', () => [at('micro.onnx'), '--out', at('o')], 2, "missing required argument 'images'"],
    ['no folder', () => [at('micro.onnx'), scene], 2, '--out'],
    ['a score beyond 1', () => [at('micro.onnx'), scene, '--out', at('o'), '--score', '30'], 2, 'a number from 0 to 1'],
  ])('%s', async (_, make, expected, message) => {
    const { code, stderr } = await mtlc(['predict', ...make()])
    expect({ code, stderr }).toEqual({ code: expected, stderr: expect.stringContaining(message) as string })
    expect(existsSync(at('o'))).toBe(false)
  })
})
