// mtlc train, eval, export and weights on the micro model: what they write, how they stop, how they go on.
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodePng } from '../../src/runtime/data/cityscapes3d/png.ts'
import { runOnnxFile } from '../../src/runtime/engines/onnxruntime/onnx-file.ts'
import { readSafetensors } from '../../src/runtime/weights/safetensors.ts'
import { filesOf, micro, mtlc, remove, scenes, stable, temporary } from './support.ts'

const folder = temporary()
const data = join(folder, 'data')
const run = join(folder, 'run')
const at = (name: string): string => join(folder, name)
const clean = (text: string): string => stable(text, folder)
const log = (dir: string): Record<string, number>[] => readFileSync(join(dir, 'log.jsonl'), 'utf8').trimEnd().split('\n').map(l => JSON.parse(l) as Record<string, number>)
const bare = ['--no-eval', '--no-export']
const last = (dir: string, step: number, end: string): string => join(dir, 'checkpoints', `step_${String(step).padStart(7, '0')}${end}`)

beforeAll(() => { scenes(data, 5, 2) }, 120_000)
afterAll(() => remove(folder))

describe.sequential('train', () => {
  it('writes log, checkpoints, results and ONNX', async () => {
    const { code, stdout, stderr } = await mtlc(['train', micro, '--data', data, '--out', run])
    expect(clean(stderr).replace(/\d+(\.\d+)?(e[+-]?\d+)?/g, '0')).toMatchSnapshot()
    expect(code).toBe(0)
    expect(stdout.trimEnd().split('\n').map(l => l.slice(0, l.indexOf(':')))).toEqual(['semseg', 'depth', join(run, 'model.onnx')])
    expect(filesOf(run)).toMatchSnapshot()
    expect(log(run).map(l => l.step)).toEqual([1, 2, 4, 6])
    expect(Object.keys(log(run)[0])).toEqual(['step', 'lr', 'loss', 'semseg', 'depth', 'weight/semseg', 'weight/depth', 'grad_norm', 'images_per_second'])
    for (const line of log(run)) expect(line.loss).toBeCloseTo(100 * line.semseg + line.depth, 3)
    const results = JSON.parse(readFileSync(join(run, 'results.json'), 'utf8')) as { tasks: Record<string, { kind: string }> }
    expect(Object.keys(results.tasks)).toEqual(['semseg', 'depth'])
  })

  it('refuses a second run in the folder, and to go on when all is done', async () => {
    const [again, done] = await Promise.all([mtlc(['train', micro, '--data', data, '--out', run]), mtlc(['train', micro, '--data', data, '--resume', run])])
    expect([again.code, clean(again.stderr), done.code, clean(done.stderr)]).toMatchSnapshot()
  })

  it('stops at SIGINT, and goes on as if it had not', async () => {
    const stopped = at('stopped')
    const common = ['train', micro, '--data', data, ...bare, '--set', 'train.schedule=step(at = [1_000_000], factor = 0.5)', '--set', 'train.checkpoint_every=1000']
    const first = await mtlc([...common, '--out', stopped, '--steps', '1000'], (text, child) => { if (text.includes('step 1/') && !text.includes('stopping')) child.kill('SIGINT') })
    expect(first.code).toBe(130)
    const step = Number(/stopped at step (\d+) of 1000; --resume \S+ goes on from there/.exec(first.stderr)?.[1])
    const steps = String(step + 3)
    const [second, whole] = [await mtlc([...common, '--resume', stopped, '--steps', steps]), await mtlc([...common, '--out', at('whole'), '--steps', steps])]
    expect([second.code, whole.code, second.stderr.includes('resumed, ')]).toEqual([0, 0, true])
    for (const end of ['.safetensors', '.optimizer.safetensors']) expect(readFileSync(last(stopped, step + 3, end)).equals(readFileSync(last(at('whole'), step + 3, end)))).toBe(true)
    const losses = (dir: string) => log(dir).map(line => ({ ...line, images_per_second: 0 }))
    expect(losses(stopped)).toEqual(losses(at('whole')))
  })

  it('after SIGKILL between a line of the log and a checkpoint the log has no gap and no line twice', async () => {
    const killed = at('killed')
    const common = ['train', micro, '--data', data, ...bare, '--set', 'train.log_every=1', '--set', 'train.checkpoint_every=3', '--set', 'train.schedule=step(at = [1_000_000], factor = 0.5)']
    let asked = false
    const first = await mtlc([...common, '--out', killed, '--steps', '1000'], (text, child) => {
      if (asked || !text.includes('step 1/')) return
      asked = true
      const watch = setInterval(() => {
        if (!existsSync(last(killed, 3, '.json')) || log(killed).at(-1)!.step % 3 === 0) return
        clearInterval(watch)
        child.kill('SIGKILL')
      }, 5)
    })
    expect(first.signal).toBe('SIGKILL')
    const before = log(killed).at(-1)!.step
    expect((await mtlc([...common, '--resume', killed, '--steps', String(before + 2)])).code).toBe(0)
    expect(log(killed).map(l => l.step)).toEqual(Array.from({ length: before + 2 }, (_, i) => i + 1))
    expect(filesOf(killed).filter(f => f.endsWith('.tmp'))).toEqual([])
  })

  it('reads the text once: edited meanwhile, the run ends with what it began with', async () => {
    const text = at('edited.mtl')
    writeFileSync(text, readFileSync(micro, 'utf8').replace('../../../models', relative(folder, 'models')))
    const { code, stderr } = await mtlc(['train', text, '--data', data, '--out', at('edited'), '--steps', '3'], said => { if (said.includes('training step:')) writeFileSync(text, 'model Micro { broken') })
    expect({ code, written: filesOf(at('edited')).filter(f => !f.includes('checkpoints')) }, stderr).toEqual({ code: 0, written: expect.arrayContaining(['model.mtl.txt', 'model.onnx', 'results.json']) as unknown })
  })

  it('stops at a loss that is no number and keeps the checkpoint', async () => {
    const { code, stderr } = await mtlc(['train', micro, '--data', data, '--resume', run, '--steps', '12', '--set', 'train.optimizer.lr=1e30', '--allow-changes', ...bare])
    expect(code).toBe(1)
    expect(clean(stderr.slice(stderr.indexOf('error:')))).toMatchSnapshot()
    expect(filesOf(join(run, 'checkpoints')).at(-1)).toBe('step_0000006.safetensors')
  })
})

describe('what cannot be trained', () => {
  const refused: readonly (readonly [string, readonly string[]])[] = [
    ['data: no folder', ['--data', at('none')]],
    ['data: no data set', ['--data', 'src']],
    ['weights: no file', ['--data', data, '--weights', at('none.pth')]],
    ['resume: no run', ['--resume', at('none')]],
    ['resume: no checkpoints', ['--resume', data]],
    ['resume: another text', ['--resume', run, '--data', data, '--steps', '9', '--set', 'data.image=32x64']],
    ['resume: another seed', ['--resume', run, '--data', data, '--steps', '9', '--seed', '3']],
    ['resume with weights', ['--resume', run, '--weights', 'x', '--steps', '9']],
    ['out: below a file', ['--data', data, '--out', join(process.cwd(), 'package.json', 'run')]],
    ['device', ['--data', data, '--out', at('device'), '--device', 'tpu']],
    ['a budget of memory on tfjs', ['--data', data, '--out', at('budget'), '--engine', 'tfjs', '--device', 'wasm', '--memory', '1GiB']],
  ]
  it.each(refused)('%s', async (_, args) => {
    const { code, stdout, stderr } = await mtlc(['train', micro, ...args])
    expect({ code, stdout, stderr: clean(stderr).replace(/^Micro: .*\n/, '') }).toMatchSnapshot()
  })
})

describe('broken data ends the run with a message', () => {
  const broken = (name: string, file: RegExp, change: (content: Buffer) => Uint8Array | string): readonly ['--data', string] => {
    const copy = at(name)
    cpSync(data, copy, { recursive: true })
    for (const f of filesOf(copy).filter(f => file.test(f) && f.includes('/train/'))) writeFileSync(join(copy, f), change(readFileSync(join(copy, f))))
    return ['--data', copy]
  }
  it.each([
    ['truncated', /leftImg8bit\.png$/, (b: Buffer) => b.subarray(0, 2000)],
    ['size', /labelIds\.png$/, () => encodePng('gray8', 32, 64, new Uint8Array(32 * 64))],
    ['label', /labelIds\.png$/, () => encodePng('gray8', 64, 128, new Uint8Array(64 * 128).fill(77))],
    ['json', /camera\.json$/, () => '{"extrinsic": {}}'],
  ] as const)('%s', async (name, file, change) => {
    const { code, stderr } = await mtlc(['train', micro, ...broken(name, file, change), '--out', at(`run-${name}`)])
    expect({ code, stderr: clean(stderr.slice(stderr.indexOf('error:'))).replace(/\w+_\d{6}_\d{6}/g, 'ID').replace(/train\/\w+\//g, 'train/CITY/') }).toMatchSnapshot()
  })
})

describe('weights that do not fit', () => {
  it.each(['test/fixtures/models/tiny_a_head.mtl', 'models/baseline-tiny.mtl'])('%s', async model => {
    const { code, stderr } = await mtlc(['train', model, '--weights', last(run, 6, '.safetensors'), '--out', at('misfit')])
    expect({ code, stderr: clean(stderr) }).toMatchSnapshot()
  })
  it('a pickle that would run a program', async () => {
    writeFileSync(at('evil.pth'), Buffer.from(`\x80\x02cos\nsystem\nX\x0d\0\0\0touch pwned.x\x85R.`, 'latin1'))
    const { code, stderr } = await mtlc(['train', micro, '--weights', at('evil.pth'), '--out', at('evil')])
    expect({ code, stderr: clean(stderr), ran: existsSync('pwned.x') }).toMatchSnapshot()
  })
})

describe('eval', () => {
  it('gives one document, the same as at the end of training', async () => {
    const { code, stdout } = await mtlc(['eval', micro, '--weights', last(run, 6, '.safetensors'), '--data', data, '--json', '--out', at('evaluated')])
    expect(code).toBe(0)
    expect((JSON.parse(stdout) as { tasks: unknown }).tasks).toEqual((JSON.parse(readFileSync(join(run, 'results.json'), 'utf8')) as { tasks: unknown }).tasks)
    expect(readFileSync(join(at('evaluated'), 'results.json'), 'utf8')).toBe(stdout)
  })
})

describe('export', () => {
  it('writes graphs that onnxruntime runs, with any batch', async () => {
    const weights = ['--weights', last(run, 6, '.safetensors')]
    const plain = await mtlc(['export', micro, '--onnx', at('plain.onnx'), '--opset', '17', ...weights])
    const open = await mtlc(['export', micro, '--onnx', at('open.onnx'), '--dynamic-batch', ...weights])
    expect([plain.code, open.code]).toEqual([0, 0])
    expect(plain.stdout).toMatch(/^semseg {2}\[1, 19, 64, 128\] {2}largest difference \S+ \(\S+ of the largest value\)\ndepth /)
    const image = (n: number) => ({ image: { dtype: 'float32', shape: [n, 3, 64, 128], data: Float32Array.from({ length: n * 3 * 64 * 128 }, (_, i) => Math.sin(i)) } }) as const
    const [one, two] = [await runOnnxFile(at('plain.onnx'), image(1)), await runOnnxFile(at('open.onnx'), image(2))]
    expect(two.semseg.shape).toEqual([2, 19, 64, 128])
    expect(Array.from(one.semseg.data).every((v, i) => Math.abs(v - two.semseg.data[i]) < 1e-4)).toBe(true)
  })
  it('writes the training step, and refuses an opset that it does not know', async () => {
    const { code } = await mtlc(['export', micro, '--onnx-training', at('step')])
    expect([code, filesOf(at('step'))]).toEqual([0, ['training.onnx']])
    const { code: refused, stderr } = await mtlc(['export', micro, '--onnx', at('x.onnx'), '--opset', '99'])
    expect([refused, clean(stderr), existsSync(at('x.onnx'))]).toMatchSnapshot()
  })
})

describe('weights', () => {
  it('inspects and converts', async () => {
    const source = last(run, 6, '.safetensors')
    const [shown, json, converted] = await Promise.all([mtlc(['weights', 'inspect', source]), mtlc(['weights', 'inspect', source, '--json']), mtlc(['weights', 'convert', source, at('copy.safetensors')])])
    expect([shown.code, json.code, converted.code]).toEqual([0, 0, 0])
    const { tensors } = JSON.parse(json.stdout) as { tensors: { name: string }[] }
    expect(shown.stdout.trimEnd().split('\n')).toHaveLength(tensors.length + 1)
    const [a, b] = [readSafetensors(source).tensors, readSafetensors(at('copy.safetensors')).tensors]
    expect([...b.keys()]).toEqual([...a.keys()])
    for (const [name, t] of a) expect(Buffer.from(b.get(name)!.bytes).equals(Buffer.from(t.bytes))).toBe(true)
  })
  it('refuses what is no weights file', async () => {
    writeFileSync(at('no.pth'), '{ "name": "not a weights file", "size": 60 }'.padEnd(400))
    for (const args of [['inspect', at('no.pth')], ['inspect', at('none')], ['convert', at('no.pth'), at('x.safetensors')], ['convert', at('no.pth'), at('x.npz')]]) {
      const { code, stderr } = await mtlc(['weights', ...args])
      expect([code, clean(stderr)]).toMatchSnapshot()
    }
  })
})
