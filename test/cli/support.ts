// Runs the built command line as a user does, in a folder of its own.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { writeSample } from '../../src/runtime/data/synth/write.ts'

export const micro = 'test/fixtures/models/micro.mtl'
const bin = resolve('bin/mtlc.js')

export interface Ended { readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly stdout: string; readonly stderr: string }

/** Starts `mtlc ...args`; `onStderr` gets all of stderr so far, and the process. `killAt`: as kill-hook.mjs reads it. */
export function mtlc(args: readonly string[], onStderr?: (text: string, child: ChildProcess) => void, killAt?: string): Promise<Ended> {
  return new Promise((done, fail) => {
    const hook = killAt === undefined ? [] : ['--import', resolve('test/cli/kill-hook.mjs')]
    const child = spawn(process.execPath, [...hook, bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, KILL_AT: killAt ?? '' } })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', chunk => { stdout += chunk })
    child.stderr.on('data', chunk => { stderr += chunk; onStderr?.(stderr, child) })
    child.on('error', fail)
    child.on('close', (code, signal) => done({ code, signal, stdout, stderr }))
  })
}

export const temporary = (): string => mkdtempSync(join(tmpdir(), 'mtlc-cli-'))
export const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true })

/** Scenes, by default of the micro model's size. */
export function scenes(dir: string, train: number, val: number, size: readonly [number, number] = [64, 128]): string {
  for (let index = 0; index < train; index++) writeSample({ dir, split: 'train', index, size, seed: 5 })
  for (let index = 0; index < val; index++) writeSample({ dir, split: 'val', index, size, seed: 5 })
  return dir
}

/** Every file below a folder, relative, sorted. */
export const filesOf = (dir: string): string[] => readdirSync(dir, { recursive: true, withFileTypes: true }).filter(e => e.isFile()).map(e => join(e.parentPath, e.name).slice(dir.length + 1).replace(/tfevents\..*/, 'tfevents')).sort()

/** Folders, digests and times taken out. */
export const stable = (text: string, folder: string): string => text.replaceAll(folder, 'TMP').replaceAll(process.cwd(), 'ROOT').replace(/\b[0-9a-f]{16}\b/g, 'DIGEST').replace(/\d+(\.\d+)? (images\/s|s\b)/g, 'N $2').replace(/\b\d+:\d\d\b/g, 'M:SS')
