// The lock of a run folder: one process at a time, and what a killed one leaves behind.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { LockError, requireFree, RunLock, type Holder } from '../../src/runtime/train/lock.ts'

const top = mkdtempSync(join(tmpdir(), 'mtlc-lock-'))
afterAll(() => rmSync(top, { recursive: true }))

const run = (name: string, holder?: Partial<Holder> | string): string => {
  const folder = join(top, name)
  mkdirSync(folder, { recursive: true })
  if (holder !== undefined) writeFileSync(join(folder, 'lock.json'), typeof holder === 'string' ? holder : JSON.stringify({ pid: process.pid, host: hostname(), since: '2024-01-01T00:00:00.000Z', ...holder }))
  return folder
}

it('makes the folder, names its holder, and goes when it is released', () => {
  const folder = join(top, 'new', 'run')
  const lock = new RunLock(folder)
  expect(lock.left).toBeUndefined()
  expect(JSON.parse(readFileSync(join(folder, 'lock.json'), 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() })
  requireFree(folder)
  lock.release()
  expect(readdirSync(folder)).toEqual([])
})

it('refuses a folder that a living process writes', async () => {
  const other = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'])
  try {
    const folder = run('busy', { pid: other.pid! })
    const message = (body: () => void): string => { try { body(); return '' } catch (e) { expect(e).toBeInstanceOf(LockError); return (e as Error).message.replace(top, 'TOP').replace(String(other.pid), 'PID') } }
    expect(message(() => requireFree(folder))).toMatchInlineSnapshot(`
      "TOP/busy: process PID writes this run since 2024-01-01T00:00:00.000Z: two would spoil it
        fix: wait for it, stop it, or choose another folder with --out"
    `)
    expect(message(() => new RunLock(folder))).toContain('two would spoil it')
    expect(readdirSync(folder)).toEqual(['lock.json'])
  } finally { other.kill('SIGKILL') }
})

it('takes over from a process that is gone, or whose number is another one\'s now', async () => {
  const ended = spawn(process.execPath, ['-e', ''])
  await new Promise(resolve => ended.on('exit', resolve))
  for (const [name, holder] of [['gone', { pid: ended.pid! }], ['reused', { pid: process.ppid, started: '1' }]] as const) {
    if (name === 'reused' && !existsSync('/proc/self/stat')) continue
    const folder = run(name, holder)
    requireFree(folder)
    const lock = new RunLock(folder)
    expect(lock.left).toMatchObject(holder)
    expect(readdirSync(folder)).toEqual(['lock.json'])
    lock.release()
  }
  const torn = new RunLock(run('torn', '{"pid": 12'))
  expect(torn.left).toBeUndefined()
  torn.release()
})

it('cannot tell whether a process of another machine lives', () => {
  const folder = run('elsewhere', { host: 'elsewhere', pid: 1 })
  expect(() => requireFree(folder)).toThrow(/process 1 on elsewhere writes this run .*if it is known to be gone, remove .*lock\.json/s)
})
