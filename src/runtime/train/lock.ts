// One process at a time writes a run folder: a lock file names it, and one that a killed process left behind is recognised.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { explain, makeFolder } from '../files.ts'

/** Who writes a run. */
export interface Holder {
  readonly pid: number
  readonly host: string
  /** what tells the process from a later one of the same number: its start, in ticks since the machine started; undefined where the system does not say */
  readonly started: string | undefined
  /** ISO 8601, UTC */
  readonly since: string
}

/** Another process writes the run. */
export class LockError extends Error {}

const pathOf = (run: string): string => join(run, 'lock.json')

/** Field 22 of /proc/PID/stat; the name of the program, field 2, may hold blanks and parentheses. */
function startOf(pid: number): string | undefined {
  try { return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ')[19] } catch { return undefined }
}

function isAlive(pid: number): boolean {
  try { process.kill(pid, 0); return true } catch (error) { return (error as NodeJS.ErrnoException).code === 'EPERM' }
}

/** Of another machine nothing can be known: its lock counts. */
const isStale = (h: Holder): boolean => h.host === hostname() && (!isAlive(h.pid) || (h.started !== undefined && startOf(h.pid) !== h.started))

const textOf = (path: string): string | undefined => { try { return readFileSync(path, 'utf8') } catch { return undefined } }

/** undefined for a text that is no lock: it was written whole or not at all, so nobody holds it. */
function holderOf(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Holder
    return typeof holder.pid === 'number' && typeof holder.host === 'string' ? holder : undefined
  } catch { return undefined }
}

/** A link appears with its whole content, or fails because somebody was first; some file systems have none. */
function place(temporary: string, path: string, text: string): void {
  try { linkSync(temporary, path) } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error
    writeFileSync(path, text, { flag: 'wx' })
  }
}

const busy = (run: string, h: Holder): LockError =>
  new LockError(`${run}: process ${h.pid}${h.host === hostname() ? '' : ` on ${h.host}`} writes this run since ${h.since}: two would spoil it\n  fix: wait for it, stop it, or choose another folder with --out${h.host === hostname() ? '' : `; if it is known to be gone, remove ${pathOf(run)}`}`)

/** Throws LockError if another process that may be alive writes the run. Changes nothing. */
export function requireFree(run: string): void {
  const holder = holderOf(textOf(pathOf(run)) ?? '')
  if (holder !== undefined && holder.pid !== process.pid && !isStale(holder)) throw busy(run, holder)
}

export class RunLock {
  readonly #path: string
  readonly #text: string
  /** Who left a lock behind without being alive. */
  readonly left: Holder | undefined

  /** Makes the folder if need be. Throws LockError, and FileError where nothing can be written. */
  constructor(run: string) {
    this.#path = pathOf(run)
    const own: Holder = { pid: process.pid, host: hostname(), started: startOf(process.pid), since: new Date().toISOString() }
    this.#text = `${JSON.stringify(own)}\n`
    const temporary = `${this.#path}.${process.pid}.tmp`
    try {
      makeFolder(run)
      writeFileSync(temporary, this.#text)
      for (;;) {
        try { place(temporary, this.#path, this.#text); break } catch (error) { if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error }
        const found = textOf(this.#path)
        if (found === undefined) continue
        const holder = holderOf(found)
        if (holder !== undefined && !isStale(holder)) throw busy(run, holder)
        this.left = holder
        this.#takeAway(found)
      }
    } catch (error) {
      throw error instanceof LockError ? error : explain(this.#path, error)
    } finally { rmSync(temporary, { force: true }) }
  }

  /** Of two that find the same stale lock one may take away what the other has just put there: it is given back. */
  #takeAway(stale: string): void {
    const aside = `${this.#path}.${process.pid}.old.tmp`
    try { renameSync(this.#path, aside) } catch { return }
    if (textOf(aside) !== stale) try { linkSync(aside, this.#path) } catch { /* a third one was first */ }
    rmSync(aside, { force: true })
  }

  release(): void { if (textOf(this.#path) === this.#text) rmSync(this.#path, { force: true }) }
}
