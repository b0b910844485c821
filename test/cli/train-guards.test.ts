// mtlc train against what happens in days: mistakes told together, a second process, damaged checkpoints, a changed text, images that cannot be read, numbers that are not finite, evaluations on the way.
import { cpSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readLog } from '../../src/runtime/train/log.ts'
import { filesOf, mtlc, remove, scenes, stable, temporary } from './support.ts'

const dot = 'test/fixtures/models/dot.mtl'
const folder = temporary()
const data = join(folder, 'data')
const run = join(folder, 'run')
const at = (name: string): string => join(folder, name)
const bare = ['--no-eval', '--no-export']
const clean = (text: string): string => stable(text, folder).replace(/\w+_\d{6}_\d{6}/g, 'ID')

beforeAll(() => { scenes(data, 5, 3, [32, 64]) }, 120_000)
afterAll(() => remove(folder))

describe.sequential('train', () => {
  it('tells all mistakes together, and leaves no folder behind', async () => {
    const { code, stdout, stderr } = await mtlc(['train', dot, '--data', at('none'), '--out', at('wrong'), '--weights', at('none.pth'), '--split-file', at('none.txt'), '--device', 'tpu', '--seed', '-3', '--engine', 'abacus', '--memory', 'much', '--set', 'train.steps=0', '--set', 'train.best="depth/mIoU"'])
    expect({ code, stdout, stderr: clean(stderr) }).toMatchSnapshot()
    expect(existsSync(at('wrong'))).toBe(false)
  })

  it('evaluates on the way, draws samples, keeps the best and finishes with it', async () => {
    const { code, stderr, stdout } = await mtlc(['train', dot, '--data', data, '--out', run, '--steps', '8', '--no-export', '--set', 'train.eval_every=3', '--set', 'train.eval_images=2', '--set', 'train.best="depth/rmse"', '--set', 'train.checkpoint_every=4', '--set', 'train.keep=1'])
    expect(code, stderr).toBe(0)
    const { evaluations } = readLog(run)
    expect(evaluations.map(e => e.step)).toEqual([3, 6, 8])
    expect(Object.keys(evaluations[0].eval).slice(0, 3)).toEqual(['semseg/mIoU', 'semseg/accuracy', 'depth/rmse'])
    const best = evaluations.reduce((a, b) => (b.eval['depth/rmse']! < a.eval['depth/rmse']! ? b : a)).step
    expect(stderr).toContain(`step_000000${best}.safetensors: the best, depth/rmse `)
    expect((JSON.parse(readFileSync(join(run, 'results.json'), 'utf8')) as { weights: string }).weights).toBe(join(run, 'checkpoints', `step_000000${best}.safetensors`))
    expect(filesOf(join(run, 'checkpoints')).filter(f => f.endsWith('.json'))).toEqual([...new Set([best, 8])].map(s => `step_000000${s}.json`))
    expect(filesOf(join(run, 'samples')).map(f => f.slice(0, 13))).toEqual([3, 3, 6, 6, 8, 8].map(s => `step_000000${s}/`.slice(0, 13)))
    expect(stdout).toMatch(/^semseg: mIoU/)
  })

  it('refuses a run that another process writes, and a changed text until it is allowed', async () => {
    const lock = join(run, 'lock.json')
    writeFileSync(lock, JSON.stringify({ pid: process.pid, host: hostname(), since: '2024-01-01T00:00:00.000Z' }))
    const second = await mtlc(['train', dot, '--data', data, '--resume', run, '--steps', '12'])
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining(`process ${process.pid} writes this run`) as unknown])
    remove(lock)
    // The line that changes is one that the text has elsewhere, too.
    const twin = await mtlc(['train', dot, '--data', data, '--resume', run, '--steps', '10', '--set', 'tasks.depth.weight=2', ...bare])
    expect([twin.code, twin.stderr]).toEqual([1, expect.stringMatching(/- weight = 1(\.0)?\n\s+\+ weight = 2(\.0)?\n/) as unknown])
    const wider = ['train', dot, '--data', data, '--resume', run, '--steps', '10', '--set', 'stem=Conv2d(9, kernel = 3)', ...bare]
    const refused = await mtlc(wider)
    expect([refused.code, clean(refused.stderr)]).toMatchSnapshot()
    const allowed = await mtlc([...wider, '--allow-changes'])
    expect(allowed.code, allowed.stderr).toBe(0)
    expect(clean(allowed.stderr).split('\n').filter(l => l.startsWith('note: ')).join('\n')).toMatchSnapshot()
    expect(readLog(run).steps.map(l => l.step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it('goes on from the checkpoint before a damaged one, and says so', async () => {
    const damaged = at('damaged')
    const common = ['train', dot, '--data', data, ...bare]
    expect((await mtlc([...common, '--out', damaged, '--steps', '6'])).code).toBe(0)
    truncateSync(join(damaged, 'checkpoints', 'step_0000006.optimizer.safetensors'), 100)
    const { code, stderr } = await mtlc([...common, '--resume', damaged, '--steps', '6'])
    expect({ code, notes: clean(stderr).split('\n').filter(l => l.startsWith('note: ')) }).toMatchSnapshot()
    expect(readLog(damaged).steps.map(l => l.step)).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('replaces images that cannot be read where asked for, and lists them', async () => {
    const broken = at('broken')
    cpSync(data, broken, { recursive: true })
    const [first] = filesOf(broken).filter(f => /train\/.*leftImg8bit\.png$/.test(f))
    truncateSync(join(broken, first), 500)
    const { code, stderr } = await mtlc(['train', dot, '--data', broken, '--out', at('replaced'), '--steps', '6', '--set', 'train.on_error="skip"', ...bare])
    expect(code, stderr).toBe(0)
    const listed = readFileSync(join(at('replaced'), 'unreadable.jsonl'), 'utf8').trimEnd().split('\n').map(l => JSON.parse(l) as { pass: number; id: string; reason: string })
    expect(listed.length).toBeGreaterThan(0)
    for (const { id, reason } of listed) expect([first.includes(id), reason.includes(first)]).toEqual([true, true])
    expect(stderr).toContain(`warning: 1 images could not be read and were replaced, ${listed.length} times in all`)
  })

  it.each(['stop', 'skip'])('names the part of the model that makes a number not finite: %s', async what => {
    const { code, stderr } = await mtlc(['train', dot, '--data', data, '--out', at(what), '--set', 'train.optimizer.lr=1e30', '--set', 'train.checkpoint_every=50', ...(what === 'skip' ? ['--set', 'train.on_nonfinite="skip"'] : []), ...bare])
    expect(code).toBe(1)
    expect(stderr).toMatch(/step 2: the first number that is not finite is made by heads\.(semseg|depth) \(operator conv2d, models\/lib\/layers\.mtl:\d+:\d+\); images /)
    expect(stderr).toMatch(what === 'stop' ? /error: step 2: semseg, depth, loss became NaN on / : /error: step 11: 10 steps in a row were skipped/)
  })
})
