// mtlc export --tfjs and mtlc demo: what is written runs without mtlc, is checked before it is called done, and is served.
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runOnnxFile } from '../../src/runtime/engines/onnxruntime/onnx-file.ts'
import { writeShards } from '../../src/runtime/export-tfjs/shards.ts'
import { readSafetensors, writeSafetensors } from '../../src/runtime/weights/safetensors.ts'
import { storeTensor } from '../../src/runtime/weights/tensors.ts'
import { generatedImage } from '../support/generated.ts'
import { compile, generatedWeights } from '../support/models.ts'
import { filesOf, micro, mtlc, remove, stable, temporary, type Ended } from './support.ts'

const dir = temporary()
afterAll(() => remove(dir))
const at = (name: string): string => join(dir, name)
const out = at('page')
const weights = at('micro.safetensors')
let exported: Ended
beforeAll(async () => {
  writeSafetensors(weights, new Map(Object.entries(generatedWeights(compile(micro, { mode: 'infer' }).program)).map(([n, t]) => [n, storeTensor(t)])))
  exported = await mtlc(['export', micro, '--tfjs', out, '--weights', weights])
}, 120_000)

/** Runs a module in a process of its own, in a folder where nothing of mtlc is to be found. */
const node = (folder: string, program: string): string => execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] })

describe('the folder', () => {
  it('is checked against the training engine, output by output', () => {
    expect(exported.code, exported.stderr).toBe(0)
    const lines = exported.stdout.trimEnd().split('\n')
    expect(lines.map(l => l.split(' ')[0])).toEqual(['semseg', 'depth'])
    for (const line of lines) expect(Number(/\((\S+) of the largest/.exec(line)![1]), line).toBeLessThan(1e-4)
    expect(exported.stderr).toContain('written and checked on wasm')
  })

  it('holds everything, and nothing half done', () => {
    expect(filesOf(out)).toEqual([
      'README.md', 'bundle.js', 'index.html', 'model-00001-of-00001.safetensors', 'model.js', 'model.json', 'model.safetensors.index.json', 'package.json', 'page.css', 'page.js', 'prepare.js',
      'scenes/scene-1.png', 'scenes/scene-1_camera.json', 'scenes/scene-2.png', 'scenes/scene-2_camera.json',
      'tfjs-backend-wasm-simd.wasm', 'tfjs-backend-wasm-threaded-simd.wasm', 'tfjs-backend-wasm.wasm', 'worker.js',
    ])
    expect(filesOf(dir).filter(f => f.includes('.tmp'))).toEqual([])
    expect(JSON.parse(readFileSync(join(out, 'package.json'), 'utf8'))).toMatchObject({ name: 'micro', type: 'module', exports: { '.': './bundle.js' } })
    for (const name of ['page.js', 'worker.js', 'bundle.js', 'index.html', 'page.css']) expect(readFileSync(join(out, name), 'utf8'), name).not.toContain(process.cwd())
  })

  it('names weights as the model does, and leaves out what nothing reads', () => {
    const { tensors } = readSafetensors(join(out, 'model-00001-of-00001.safetensors'))
    expect(tensors.get('backbone.patch_embed.proj.weight')?.shape).toEqual([4, 3, 4, 4])
    expect([...tensors.keys()].filter(n => n.includes('num_batches_tracked'))).toEqual([])
  })

  it('runs in Node without mtlc, gives what onnxruntime gives, and leaks nothing', async () => {
    const alone = at('alone')
    cpSync(out, alone, { recursive: true })
    const image = generatedImage([1, 3, 64, 128])
    writeFileSync(join(alone, 'image.bin'), new Uint8Array((image.data as Float32Array).buffer))
    const text = node(alone, `
      import { readFileSync } from 'node:fs'
      import { load, facts } from './bundle.js'
      const image = new Float32Array(readFileSync('image.bin').buffer.slice(0))
      const model = await load()
      const { outputs } = await model.run(image)
      const before = model.tensors()
      await model.run(image)
      const found = await model.predict({ height: 30, width: 100, data: new Uint8Array(9000).fill(90) })
      const left = model.tensors() - before
      model.dispose()
      console.log(JSON.stringify({ name: facts.name, backend: model.backend, left, rest: model.tensors(), kinds: found.map(p => [p.kind, (p.classes ?? p.values).length]), outputs: Object.fromEntries(Object.entries(outputs).map(([n, t]) => [n, { shape: t.shape, data: [...t.data] }])) }))
    `)
    const found = JSON.parse(text) as { name: string; backend: string; left: number; rest: number; kinds: unknown; outputs: Record<string, { shape: number[]; data: number[] }> }
    expect([found.name, found.backend, found.left, found.rest, found.kinds]).toEqual(['Micro', 'wasm', 0, 0, [['segmentation', 3000], ['depth', 3000]]])
    await mtlc(['export', micro, '--onnx', at('micro.onnx'), '--weights', weights])
    for (const [name, { shape, data }] of Object.entries(await runOnnxFile(at('micro.onnx'), { image }))) {
      expect(found.outputs[name].shape).toEqual(shape)
      const values = Array.from(data)
      const scale = values.reduce((m, v) => Math.max(m, Math.abs(v)), 0)
      expect(values.reduce((m, v, i) => Math.max(m, Math.abs(v - found.outputs[name].data[i])), 0) / scale, name).toBeLessThan(1e-4)
    }
  })

  it('says which file is damaged or missing', () => {
    const broken = at('broken')
    cpSync(out, broken, { recursive: true })
    const message = (): string => node(broken, "import { load } from './bundle.js'\nawait load({ backend: 'wasm' }).catch(e => console.log(e.message))")
    truncateSync(join(broken, 'model-00001-of-00001.safetensors'), 60_000)
    expect(message()).toMatch(/^model-00001-of-00001\.safetensors is damaged: it ends inside .*\. Export the model again\n$/)
    remove(join(broken, 'model-00001-of-00001.safetensors'))
    expect(message()).toMatch(/model-00001-of-00001\.safetensors cannot be read: ENOENT/)
  })
})

describe('where it is written', () => {
  it('an earlier export is replaced', async () => {
    writeFileSync(join(out, 'README.md'), 'old')
    expect((await mtlc(['export', micro, '--tfjs', `${out}/`, '--weights', weights])).code).toBe(0)
    expect(readFileSync(join(out, 'README.md'), 'utf8')).toContain('# Micro')
  })

  it.each<[string, () => string]>([
    ['a folder with something else', () => { mkdirSync(at('other')); writeFileSync(at('other/notes.txt'), 'mine'); return at('other') }],
    ['a file', () => { writeFileSync(at('file'), 'mine'); return at('file') }],
    ['a place where nothing can be made', () => '/proc/nowhere/page'],
  ])('%s is left as it is', async (_, make) => {
    const place = make()
    const { code, stdout, stderr } = await mtlc(['export', micro, '--tfjs', place, '--weights', weights])
    expect([code, stdout]).toEqual([1, ''])
    expect(stable(stderr, dir)).toMatchSnapshot()
    expect(filesOf(dir).filter(f => f.includes('.tmp'))).toEqual([])
  })
})

it('weights are cut into files of a size, a large tensor alone', () => {
  const tensor = (n: number) => storeTensor({ dtype: 'float32', shape: [n], data: Float32Array.from({ length: n }, (_, i) => i) })
  const tensors = new Map([['a', tensor(10)], ['b', tensor(10)], ['c', tensor(40)], ['d', tensor(1)], ['e', tensor(0)]])
  mkdirSync(at('shards'))
  expect(writeShards(at('shards'), tensors, 100)).toEqual({ files: 3, bytes: 244 })
  const index = JSON.parse(readFileSync(at('shards/model.safetensors.index.json'), 'utf8')) as { metadata: unknown; weight_map: Record<string, string> }
  expect(index.metadata).toEqual({ total_size: 244 })
  expect(Object.entries(index.weight_map).map(([n, f]) => `${n} ${f.slice(6, 11)}`)).toEqual(['a 00001', 'b 00001', 'c 00002', 'd 00003', 'e 00003'])
  for (const [name, file] of Object.entries(index.weight_map)) expect(readSafetensors(join(at('shards'), file)).tensors.get(name)?.shape).toEqual(tensors.get(name)!.shape)
})

describe('mtlc demo', () => {
  it('serves until Ctrl-C', async () => {
    const child = spawn(process.execPath, ['bin/mtlc.js', 'demo', out, '--port', '0'], { stdio: ['ignore', 'pipe', 'pipe'] })
    const url = await new Promise<string>(done => { child.stdout.on('data', chunk => done(String(chunk).trim())) })
    const answer = await fetch(`${url}model.json`)
    expect(((await answer.json()) as { name: string }).name).toBe('Micro')
    const busy = await mtlc(['demo', out, '--port', new URL(url).port])
    expect([busy.code, busy.stderr.includes('is in use: choose another with --port')]).toEqual([1, true])
    const ended = new Promise(done => { child.on('exit', code => done(code)) })
    child.kill('SIGINT')
    expect(await ended).toBe(0)
  })

  it.each<[string, () => string]>([['missing', () => at('nowhere')], ['no export', () => { mkdirSync(at('empty'), { recursive: true }); return at('empty') }], ['a file', () => weights]])('%s is explained', async (_, make) => {
    const { code, stderr } = await mtlc(['demo', make()])
    expect(code).toBe(1)
    expect(stable(stderr, dir)).toMatchSnapshot()
  })

  it('a port that is none is refused', async () => {
    expect((await mtlc(['demo', out, '--port', '70000'])).code).toBe(2)
    expect(existsSync(out)).toBe(true)
  })
})
