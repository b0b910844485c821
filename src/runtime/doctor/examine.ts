// Every engine on every device, tried one after the other: each trains a small network in a process of its own, and is compared with the interpreter.
import { fork } from 'node:child_process'
import { engines } from '../engines/index.ts'
import { workerPath } from '../worker-path.ts'
import { deviceFacts, isInstalled } from './devices.ts'
import type { Fallback, Fallbacks, TrialAnswer, TrialRequest, TrialRun } from './protocol.ts'
import { largestDifference, type Trial } from './trial.ts'

export interface DeviceReport {
  readonly engine: string
  readonly device: string
  /** Its packages are installed. */
  readonly present: boolean
  /** It trains, and gives the values of the reference. */
  readonly works: boolean
  /** Package, version, and what stands behind it; undefined where it could not be loaded. */
  readonly detail?: string
  /** Opening engine and session, milliseconds. */
  readonly openMs?: number
  /** The fastest step but the first, milliseconds. */
  readonly stepMs?: number
  /** Largest difference from the reference of any loss of three steps and of any parameter, moment and statistic after them, as a part of the largest value; of which tensor; and what it may be. */
  readonly difference?: number
  readonly differs?: string
  readonly limit: number
  /** Why it does not work. */
  readonly problem?: string
  /** How to get it, line by line; empty where it works. */
  readonly remedy: readonly string[]
  /** onnxruntime on another device than the CPU: operators that it computes on the CPU all the same, of how many nodes in all. */
  readonly fallbacks?: readonly Fallback[]
  readonly nodes?: number
}

export interface ExamineOptions {
  /** For each device, milliseconds; 120,000 by default. */
  readonly timeLimit?: number
  /** `engine/device` names; all by default. */
  readonly only?: readonly string[]
  /** Said before a device is tried. */
  readonly onStart?: (engine: string, device: string) => void
  /** Environment of the processes. */
  readonly env?: NodeJS.ProcessEnv
}

/** All devices of all engines, in the order of the table of engines. */
export const allDevices = (): { engine: string; device: string }[] => Object.entries(engines).flatMap(([engine, { devices }]) => devices.map(device => ({ engine, device })))

export async function examine(trial: Trial, options: ExamineOptions = {}): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = []
  for (const { engine, device } of allDevices()) {
    if (options.only?.includes(`${engine}/${device}`) === false) continue
    options.onStart?.(engine, device)
    reports.push(await examineDevice(trial, engine, device, options))
  }
  return reports
}

async function examineDevice(trial: Trial, engine: string, device: string, options: ExamineOptions): Promise<DeviceReport> {
  const facts = deviceFacts[`${engine}/${device}`]
  if (facts === undefined) throw new Error(`internal: doctor knows nothing of ${engine} on ${device}`)
  const { limit, remedy } = facts
  const known = { engine, device, present: isInstalled(facts), limit }
  const request = { engine, device, program: trial.program, state: trial.state, feeds: trial.feeds }
  const { detail, run, problem } = await tryApart({ ...request, ask: 'trial' }, options)
  if (run === undefined) return { ...known, works: false, detail, problem, remedy }
  const { relative, name } = worstOf(run, trial)
  const works = relative <= limit
  const { openMs, stepMs } = run
  const { fallbacks } = engine === 'onnxruntime' && device !== 'cpu' ? await tryApart({ ...request, ask: 'fallbacks' }, options) : {}
  return {
    ...known, works, detail, openMs, stepMs: Math.min(...stepMs.slice(1)), difference: relative, differs: name, ...fallbacks, remedy: [],
    ...(works ? {} : { problem: `computes wrong values: ${name} differs from the reference by ${relative.toExponential(1)} of its largest value; ${limit} is the limit` }),
  }
}

function worstOf(run: TrialRun, trial: Trial): { readonly name: string; readonly relative: number } {
  const found = [...trial.losses.map((losses, i) => largestDifference(run.losses[i] ?? {}, losses)), largestDifference(run.after, trial.after)]
  return found.find(f => Number.isNaN(f.relative)) ?? found.toSorted((a, b) => b.relative - a.relative)[0]
}

interface Attempt { readonly detail?: string; readonly run?: TrialRun; readonly problem?: string; readonly fallbacks?: Fallbacks }

/** In a process of its own, which is ended when its time is over. */
function tryApart(request: TrialRequest, { timeLimit = 120_000, env = process.env }: ExamineOptions): Promise<Attempt> {
  return new Promise(resolve => {
    const child = fork(workerPath('doctor-process'), [], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'], env })
    let attempt: Attempt = {}, said = ''
    child.stderr!.on('data', (chunk: Buffer) => { said = (said + chunk.toString()).slice(-4000) })
    const timer = setTimeout(() => {
      attempt = { problem: `gave no answer within ${timeLimit / 1000} s`, ...attempt }
      child.kill('SIGKILL')
    }, timeLimit)
    child.on('message', (answer: TrialAnswer) => {
      if ('fallbacks' in answer) attempt = { ...attempt, fallbacks: answer }
      else if ('error' in answer) attempt = { problem: answer.error.explained ? answer.error.message : `failed: ${answer.error.message}`, ...attempt }
      else attempt = { ...attempt, ...answer }
      // Drivers hang or crash when they are unloaded: nothing is left to be done there.
      if (!('detail' in answer)) child.kill('SIGKILL')
    })
    child.on('error', error => { attempt = { problem: `could not be started: ${error.message}`, ...attempt } })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ problem: `the process ended (${signal ?? `exit code ${code}`})${lastLine(said)}`, ...attempt })
    })
    child.send(request, () => { /* an early end is seen by `close` */ })
  })
}

const lastLine = (text: string): string => {
  const line = text.split('\n').map(l => l.trim()).filter(l => l !== '' && !/^(at |Node\.js v|\d+: |-----|#)/.test(l)).at(-1)
  return line === undefined ? '' : `: ${line}`
}
