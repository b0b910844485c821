// Commands that need no engine: check, fmt, summary, ir, data; usage and exit codes.
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { filesOf, micro, mtlc, remove, stable, temporary } from './support.ts'

const folder = temporary()
afterAll(() => remove(folder))
const file = (name: string, text: string): string => { const path = join(folder, name); writeFileSync(path, text); return path }
const clean = (text: string): string => stable(text, folder)

describe('usage', () => {
  const wrong = [[], ['nope'], ['check', '--nope', 'x'], ['check'], ['sumary', 'x'], ['data'], ['train', micro, '--steps', '0'], ['train', micro, '--engine', 'jax'], ['ir', micro, '--stage', 'nope'], ['export', micro], ['data', 'synth', 'x', '--size', '3'], ['data', 'synth', 'x', '--size', '0x0']]
  it('wrong usage: 2, all on stderr', async () => {
    for (const [i, { code, stdout, stderr }] of (await Promise.all(wrong.map(args => mtlc(args)))).entries()) {
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(clean(stderr)).toMatchSnapshot(`mtlc ${wrong[i].join(' ')}`)
    }
  })
  it('every command has --help', async () => {
    await Promise.all(['check', 'fmt', 'summary', 'ir', 'train', 'eval', 'export', 'data synth', 'score cityscapes3d', 'score delta-m', 'weights inspect', 'weights convert'].map(async name => {
      const { code, stdout, stderr } = await mtlc([...name.split(' '), '--help'])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toContain(`Usage: mtlc ${name}`)
    }))
  })
})

describe('check', () => {
  it('finds nothing in a right file', async () => {
    expect(await mtlc(['check', micro])).toEqual({ code: 0, signal: null, stdout: '', stderr: `${micro}: no mistakes found\n` })
  })
  it('gives one document', async () => {
    const wrong = file('wrong.mtl', 'model M { forward(x: [B, 3, H, W]) = x + y }\n')
    const { code, stdout } = await mtlc(['check', '--json', wrong, micro])
    expect(code).toBe(1)
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; severity: string }[] }
    expect(diagnostics.map(d => d.code)).toContain('unknown-name')
    expect(JSON.parse((await mtlc(['check', '--json', micro])).stdout)).toEqual({ diagnostics: [] })
  })
  it.each([['a missing file', 'missing.mtl'], ['a folder', 'src'], ['a file in another language', 'tsconfig.json']])('says what is wrong with %s', async (_, name) => {
    const { code, stderr } = await mtlc(['check', name])
    expect(code).toBe(1)
    expect(stderr).toMatchSnapshot()
  })
})

describe('fmt', () => {
  it('says what is not formatted, formats it, and is content', async () => {
    const path = file('loose.mtl', 'block   B(n:int){forward(x:[*])=x*n}\n')
    expect((await mtlc(['fmt', '--check', path])).code).toBe(1)
    expect(readFileSync(path, 'utf8')).toContain('block   B')
    expect((await mtlc(['fmt', path])).code).toBe(0)
    expect(await mtlc(['fmt', '--check', path])).toMatchObject({ code: 0, stderr: '' })
  })
  it('leaves a broken file as it is', async () => {
    const path = file('broken.mtl', 'block {')
    const { code, stderr } = await mtlc(['fmt', path])
    expect({ code, text: readFileSync(path, 'utf8') }).toEqual({ code: 1, text: 'block {' })
    expect(clean(stderr)).toMatchSnapshot()
  })
  it.each(['missing.mtl', 'src'])('%s', async name => { expect(await mtlc(['fmt', name])).toMatchSnapshot() })
})

describe('summary', () => {
  it.each([['taskprompter', 438_470_804, 1542e9], ['taskprompter-released', 303_665_146, 2184e9], ['baseline', 129_930_096, 1185e9]])('%s has the published size', async (name, parameters, multiplyAdds) => {
    const { code, stdout } = await mtlc(['summary', `models/${name}.mtl`, '--json'])
    expect(code).toBe(0)
    const summary = JSON.parse(stdout) as { parameters: number; multiplyAdds: number; rows: unknown[] }
    expect(summary.parameters).toBe(parameters)
    expect(Math.abs(summary.multiplyAdds / multiplyAdds - 1)).toBeLessThan(0.01)
  })
  it('fits a hundred columns', async () => {
    const { stdout } = await mtlc(['summary', micro])
    expect(Math.max(...stdout.split('\n').map(l => l.length))).toBeLessThanOrEqual(100)
    const training = stdout.indexOf('training step')
    expect(stdout.slice(0, training)).toMatchSnapshot()
    // The sizes follow from every detail of the lowering: test/memory and bench/memory.mjs hold them.
    expect(stdout.slice(training).replaceAll(/\d+(\.\d+)? [MG]iB/g, 'SIZE')).toMatch(/^training step +SIZE +estimated peak of the process, batch 2\n\n {2}state and batch +SIZE .*\n {2}results at the peak +SIZE +at \S+\n( {4}\S+ +SIZE\n)+$/)
  })
  it.each([['train.bach=4'], ['train.batch="x"'], ['nonsense'], ['backbone.window=3'], ['train.steps=6']])('--set %s', async set => {
    const { code, stderr } = await mtlc(['summary', micro, '--json', '--set', set])
    expect({ code, stderr }).toMatchSnapshot()
  })
  it('a model that is not there', async () => { expect(await mtlc(['summary', micro, '--model', 'Macro'])).toMatchSnapshot() })
})

describe('ir', () => {
  it('prints every stage', async () => {
    await Promise.all(['forward', 'train', 'stop-gradients', 'simplify', 'common-subexpressions', 'constant-folding', 'dead-code'].map(async stage => {
      const { code, stdout, stderr } = await mtlc(['ir', micro, '--stage', stage])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toContain('backbone.patch_embed')
      expect(stdout.includes('adam')).toBe(stage !== 'forward')
    }))
  })
})

describe('data synth', () => {
  it('writes the same bytes for the same seed', async () => {
    const args = (to: string): string[] => ['data', 'synth', join(folder, to), '--train', '2', '--val', '1', '--size', '16x32', '--seed', '7']
    const [a] = await Promise.all([mtlc(args('a')), mtlc(args('b'))])
    expect(a).toMatchObject({ code: 0, stdout: '' })
    expect(clean(a.stderr)).toMatch(/TMP\/a: 2 training and 1 validation scenes of 16 x 32 in N s/)
    const files = filesOf(join(folder, 'a'))
    expect(files).toMatchSnapshot()
    for (const f of files) expect(readFileSync(join(folder, 'a', f)).equals(readFileSync(join(folder, 'b', f)))).toBe(true)
  })
  it('into a path below a file', async () => {
    copyFileSync('package.json', join(folder, 'plain'))
    const { code, stderr } = await mtlc(['data', 'synth', join(folder, 'plain', 'x'), '--train', '1', '--val', '0', '--size', '16x32'])
    expect(code).toBe(1)
    expect(clean(stderr)).toMatchSnapshot()
  })
  it.skipIf(!existsSync('/proc/self'))('where no folder can be made', async () => {
    const { code, stderr } = await mtlc(['data', 'synth', '/proc/x', '--train', '1', '--val', '0', '--size', '16x32'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^error: \/proc\/x\/.*: cannot be written: no folder or file can be made there\n$/)
  })
})
