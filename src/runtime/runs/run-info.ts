// run.json: how and where a run was started, for those who read its results later.
import { arch, cpus, platform, totalmem } from 'node:os'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeAtomically } from '../files.ts'

/** One start of a run: the first, or a later one that goes on. */
export interface RunStart {
  /** ISO 8601, UTC */
  readonly time: string
  /** steps done before it */
  readonly step: number
  readonly command: readonly string[]
  readonly mtlc: string
  readonly node: string
  readonly system: string
  readonly processor: string
  readonly cores: number
  /** bytes */
  readonly memory: number
  readonly engine: string
  readonly device: string
}

export interface RunInfo {
  readonly version: 1
  readonly model: string
  readonly seed: number
  readonly steps: number
  readonly batch: number
  /** root of the data set, and its images that are trained on */
  readonly data: string
  readonly images: number
  /** digest of the training program */
  readonly program: string
  readonly starts: readonly RunStart[]
}

const pathOf = (run: string): string => join(run, 'run.json')

/** What is on record, or undefined for folders without it. A file that cannot be read counts as none: it only informs. */
export function readRunInfo(run: string): RunInfo | undefined {
  if (!existsSync(pathOf(run))) return undefined
  try {
    const info = JSON.parse(readFileSync(pathOf(run), 'utf8')) as RunInfo
    return Array.isArray(info.starts) ? info : undefined
  } catch { return undefined }
}

/** This machine, now. */
export const thisStart = (facts: Pick<RunStart, 'step' | 'engine' | 'device' | 'mtlc' | 'command'>): RunStart => ({
  time: new Date().toISOString(), ...facts, node: process.version, system: `${platform()} ${arch()}`,
  processor: cpus()[0]?.model.trim() ?? 'unknown', cores: cpus().length, memory: totalmem(),
})

/** Adds a start to the record of a run. Throws FileError. */
export function recordStart(run: string, facts: Omit<RunInfo, 'version' | 'starts'>, start: RunStart): void {
  const earlier = start.step === 0 ? [] : readRunInfo(run)?.starts ?? []
  const info: RunInfo = { version: 1, ...facts, starts: [...earlier, start] }
  writeAtomically(pathOf(run), `${JSON.stringify(info, null, 2)}\n`)
}
