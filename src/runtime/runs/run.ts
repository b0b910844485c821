// A run folder as its readers see it: what was logged, how it was started, what its program was.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { readLog, type EvaluationLine, type LogLine } from '../train/log.ts'
import { readRunInfo, type RunInfo } from './run-info.ts'

/** A folder that is no run: the message says what was found. */
export class RunError extends Error {}

/** Sample predictions of one evaluation. */
export interface Samples { readonly step: number; /** name -> path of a PNG file */ readonly files: ReadonlyMap<string, string> }

export interface Run {
  readonly folder: string
  readonly name: string
  readonly info: RunInfo | undefined
  /** the resolved text of the model, '' where the folder has none */
  readonly text: string
  readonly steps: readonly LogLine[]
  readonly evaluations: readonly EvaluationLine[]
  readonly samples: readonly Samples[]
}

function samplesOf(folder: string): Samples[] {
  const root = join(folder, 'samples')
  if (!existsSync(root)) return []
  return readdirSync(root).flatMap(name => {
    const step = /^step_(\d+)$/.exec(name)?.[1]
    if (step === undefined) return []
    const files = readdirSync(join(root, name)).filter(f => f.endsWith('.png')).toSorted()
    return [{ step: Number(step), files: new Map(files.map(f => [basename(f, '.png'), join(root, name, f)])) }]
  }).toSorted((a, b) => a.step - b.step)
}

/** Throws RunError where the folder is missing, or holds nothing that a run has logged. */
export function readRun(folder: string): Run {
  const found = statSync(folder, { throwIfNoEntry: false })
  if (found === undefined) throw new RunError(`${folder}: no such folder: the folder of a run is expected, as \`mtlc train\` writes it (runs/MODEL, or --out)`)
  if (!found.isDirectory()) throw new RunError(`${folder}: is a file: the folder of a run is expected, as \`mtlc train\` writes it`)
  const { steps, evaluations } = readLog(folder)
  if (steps.length === 0) throw new RunError(`${folder}: has no log.jsonl with a logged step: is it the folder of a run, and has the run logged its first step?`)
  const text = join(folder, 'model.mtl.txt')
  return { folder, name: basename(resolve(folder)), info: readRunInfo(folder), text: existsSync(text) ? readFileSync(text, 'utf8') : '', steps, evaluations, samples: samplesOf(folder) }
}

const facts = new Set(['step', 'lr', 'loss', 'grad_norm', 'skipped', 'images_per_second'])

/** Columns of the log by what they are: losses by task (the task's own first, then its components), weights by task. */
export function columnsOf(run: Run): { readonly tasks: ReadonlyMap<string, readonly string[]>; readonly weights: readonly string[]; readonly metrics: readonly string[] } {
  const keys = [...new Set(run.steps.flatMap(l => Object.keys(l)))].filter(k => !facts.has(k))
  const losses = keys.filter(k => !k.startsWith('weight/'))
  const names = [...new Set(losses.map(k => k.split('/')[0]))]
  const tasks = new Map(names.map(task => [task, losses.filter(k => k.split('/')[0] === task).toSorted((a, b) => Number(a.includes('/')) - Number(b.includes('/')))] as const))
  return { tasks, weights: keys.filter(k => k.startsWith('weight/')), metrics: [...new Set(run.evaluations.flatMap(e => Object.keys(e.eval)))] }
}

/** A column over the steps. */
export const pointsOf = (run: Run, column: string): (readonly [number, number])[] => run.steps.flatMap(l => (column in l && typeof l[column] === 'number' ? [[l.step, l[column]] as const] : []))

/** A metric over the evaluations. */
export const metricPoints = (run: Run, metric: string): (readonly [number, number])[] => run.evaluations.flatMap(e => (typeof e.eval[metric] === 'number' ? [[e.step, e.eval[metric]] as const] : []))
