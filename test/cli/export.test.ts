// mtlc export: what is written, with which opset and batch, and that nothing is written when something is wrong.
import { existsSync, readFileSync, truncateSync, writeFileSync, copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import protobuf from 'onnx-proto'
import { runOnnxFile } from '../../src/runtime/engines/onnxruntime/onnx-file.ts'
import { readWeights } from '../../src/runtime/weights/read.ts'
import { writeSafetensors } from '../../src/runtime/weights/safetensors.ts'
import { storeTensor } from '../../src/runtime/weights/tensors.ts'
import { generatedImage } from '../support/generated.ts'
import { compile, generatedWeights } from '../support/models.ts'
import { filesOf, micro, mtlc, remove, stable, temporary } from './support.ts'

const dir = temporary()
afterAll(() => remove(dir))
const at = (name: string): string => join(dir, name)
const clean = (text: string): string => stable(text, dir)

const write = (name: string, file: string, set: string[] = []): string => {
  const weights = generatedWeights(compile(file, { mode: 'infer', set }).program)
  writeSafetensors(at(name), new Map(Object.entries(weights).map(([n, t]) => [n, storeTensor(t)])))
  return at(name)
}
let weights: string
beforeAll(() => { weights = write('micro.safetensors', micro) })

describe('the graph', () => {
  it.each([17, 18, 21, 24])('has the opset that was asked for: %i', async opset => {
    const out = at(`opset-${opset}.onnx`)
    const { code, stdout } = await mtlc(['export', micro, '--onnx', out, '--weights', weights, '--opset', String(opset)])
    expect(code).toBe(0)
    const model = protobuf.onnx.ModelProto.decode(readFileSync(out))
    expect(model.opsetImport.filter(o => o.domain === '').map(o => Number(o.version))).toEqual([opset])
    for (const line of stdout.trimEnd().split('\n')) expect(Number(/\((\S+) of the largest/.exec(line)![1]), line).toBeLessThan(1e-4)
  })

  it('takes any batch where that was asked for, and gives each image its own result', async () => {
    const out = at('open.onnx')
    const { code, stdout } = await mtlc(['export', 'models/taskprompter-tiny.mtl', '--onnx', out, '--dynamic-batch'])
    expect(code).toBe(0)
    expect(stdout.split('\n')[0]).toMatch(/^semseg {2}\[2, 19, 128, 256\]/)
    const three = generatedImage([3, 3, 128, 256])
    const size = 3 * 128 * 256
    const all = await runOnnxFile(out, { image: three })
    const last = await runOnnxFile(out, { image: { ...three, shape: [1, 3, 128, 256], data: three.data.slice(2 * size) } })
    for (const [name, t] of Object.entries(last)) {
      const [data, rest] = [Array.from(t.data), Array.from(all[name].data).slice(2 * t.data.length)]
      const scale = data.reduce((m, v) => Math.max(m, Math.abs(v)), 0)
      expect(data.reduce((m, v, i) => Math.max(m, Math.abs(v - rest[i])), 0) / scale, name).toBeLessThan(1e-4)
    }
  })
})

describe('weights that do not fit leave what was there', () => {
  it.each<[string, () => string, string[]]>([
    ['of another resolution', () => write('half.safetensors', micro, ['data.image=32x64']), []],
    ['of another model', () => write('baseline.safetensors', 'test/fixtures/models/baseline_tiny_a.mtl'), []],
    ['with a part missing', () => { writeSafetensors(at('part.safetensors'), new Map([...readWeights(weights)].slice(0, 200))); return at('part.safetensors') }, []],
    ['truncated', () => { copyFileSync(weights, at('short.safetensors')); truncateSync(at('short.safetensors'), 50_000); return at('short.safetensors') }, []],
    ['a folder', () => dir, []],
    ['an opset that is not known', () => weights, ['--opset', '99']],
    ['an opset that is too old', () => weights, ['--opset', '16']],
  ])('%s', async (_, make, options) => {
    writeFileSync(at('kept.onnx'), 'kept')
    const given = make()
    const { code, stdout, stderr } = await mtlc(['export', micro, '--onnx', at('kept.onnx'), '--weights', given, ...options])
    expect({ code, stdout, stderr: clean(stderr) }).toMatchSnapshot()
    expect(readFileSync(at('kept.onnx'), 'utf8')).toBe('kept')
    expect(filesOf(dir).filter(f => f.includes('.tmp'))).toEqual([])
  })

  it('an output that is a folder', async () => {
    const { code, stderr } = await mtlc(['export', micro, '--onnx', dir, '--weights', weights])
    expect({ code, stderr: clean(stderr) }).toMatchSnapshot()
    expect(existsSync(at('micro.safetensors'))).toBe(true)
  })
})

it.each([
  ['a constant as long as the batch', 'image[:, ..1] + cast(iota(B), "float32")[:, none, none, none]'],
  ['a slice of the batch', 'image[:, ..1] + image[..1, ..1]'],
  ['a mean over the batch', 'image[:, ..1] + mean(image)'],
])('%s cannot follow an open batch', async (_, depth) => {
  writeFileSync(at('closed.mtl'), `model Closed {
  data cityscapes3d { image = 32 x 64 }
  task depth = depth()
  forward(image: [B, 3, H, W]) = {depth: ${depth}}
}
`)
  const { code, stdout, stderr } = await mtlc(['export', at('closed.mtl'), '--onnx', at('closed.onnx'), '--dynamic-batch'])
  expect({ code, stdout, stderr: clean(stderr).replace(/\d\.\de[-+]\d/, 'X') }).toMatchSnapshot()
  expect(existsSync(at('closed.onnx'))).toBe(false)
})
