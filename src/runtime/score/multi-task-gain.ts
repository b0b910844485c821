// The gain of a network of several tasks over networks of one task each.
import type { JsonValue } from '../data/cityscapes3d/json-value.ts'
import { readJson } from '../data/cityscapes3d/json.ts'
import { dataError } from '../data/errors.ts'

/** The number by which a task is compared. */
export interface TaskScore { readonly task: string; readonly metric: string; readonly value: number; /** as of an error: RMSE */ readonly lowerIsBetter: boolean }

/** `gain` is relative and signed: 0.05 is five percent better than the single-task network. */
export interface TaskGain { readonly task: string; readonly metric: string; readonly multi: number; readonly single: number; readonly gain: number }
export interface MultiTaskGain { readonly tasks: readonly TaskGain[]; /** mean of the gains: delta-m */ readonly deltaM: number }

/**
 * delta-m = mean over tasks of (-1)^l (multi - single) / single, with l = 1 where lower is better. (Maninis, Radosavovic, Kokkinos, CVPR 2019.)
 * `single` needs every task of `multi`, by name. Throws RangeError where the single-task score is 0, to which nothing is relative.
 */
export function multiTaskGain(multi: readonly TaskScore[], single: readonly TaskScore[]): MultiTaskGain {
  const tasks = multi.map(m => {
    const s = single.find(t => t.task === m.task)
    if (s === undefined) throw new RangeError(`no single-task result for ${m.task}`)
    if (!(s.value > 0)) throw new RangeError(`the single-task ${s.metric} of ${m.task} is ${s.value}: a relative gain needs a positive one`)
    const difference = m.lowerIsBetter ? s.value - m.value : m.value - s.value
    return { task: m.task, metric: m.metric, multi: m.value, single: s.value, gain: difference / s.value }
  })
  return { tasks, deltaM: tasks.length === 0 ? NaN : tasks.reduce((sum, t) => sum + t.gain, 0) / tasks.length }
}

const fix = 'give files results.json as `mtlc eval --out DIR` writes them'
const metrics: Readonly<Record<string, { readonly name: string; readonly lowerIsBetter: boolean }>> = { segmentation: { name: 'mIoU', lowerIsBetter: false }, depth: { name: 'rmse', lowerIsBetter: true }, detection3d: { name: 'mDS', lowerIsBetter: false } }

export interface ResultsFile { readonly path: string; readonly split: string | undefined; readonly scores: readonly TaskScore[]; /** per task, what numbers must share to be compared */ readonly terms: ReadonlyMap<string, string> }

function parseTask(task: string, json: JsonValue): TaskScore {
  const kind = json.field('kind')
  const metric = metrics[kind.string()] ?? kind.wrong(`one of ${Object.keys(metrics).join(', ')}`)
  return { task, metric: metric.name, value: json.field(metric.name).number('a finite number: the task has nothing to be judged by', 0), lowerIsBetter: metric.lowerIsBetter }
}

/** Settings that change what a number means. */
const terms = (json: JsonValue): string => ['kind', 'unit', 'max', 'matching'].filter(name => json.has(name)).map(name => `${name} ${String(json.field(name).value)}`).join(', ')

/** Reads a results.json. Throws DataError. */
export async function readResults(path: string): Promise<ResultsFile> {
  const json = await readJson(path, 'the results of an evaluation', fix)
  const tasks = json.field('tasks')
  const names = Object.keys(tasks.value === null || typeof tasks.value !== 'object' ? {} : tasks.value)
  if (names.length === 0) tasks.wrong('an object with a result per task')
  return { path, split: json.has('split') ? json.field('split').string() : undefined, scores: names.map(name => parseTask(name, tasks.field(name))), terms: new Map(names.map(name => [name, terms(tasks.field(name))])) }
}

/** delta-m of result files; every task of `multi` must be in exactly one of `singles`, judged in the same terms on the same split. Throws DataError. */
export function gainOfResults(multi: ResultsFile, singles: readonly ResultsFile[]): MultiTaskGain {
  const single = multi.scores.map(({ task }) => {
    const having = singles.filter(file => file.terms.has(task))
    if (having.length === 0) throw dataError(multi.path, { found: `no single-task result for '${task}'`, expected: `one of the other files with this task; they have ${singles.flatMap(file => [...file.terms.keys()]).join(', ') || 'none'}`, fix: 'evaluate a network of this task alone (same split) and give its results.json too' })
    if (having.length > 1) throw dataError(having[1].path, { found: `has the task '${task}', as ${having[0].path} does`, expected: 'one single-task result for every task', fix: 'leave one of them out' })
    const [file] = having
    if (file.terms.get(task) !== multi.terms.get(task)) throw dataError(file.path, { found: `'${task}' was judged with ${file.terms.get(task)}`, expected: `${multi.terms.get(task)}, as in ${multi.path}`, fix: 'evaluate both in the same way' })
    if (file.split !== multi.split) throw dataError(file.path, { found: `is of the split '${file.split}'`, expected: `'${multi.split}', as in ${multi.path}`, fix: 'evaluate both on the same split' })
    const score = file.scores.find(s => s.task === task)!
    if (!(score.value > 0)) throw dataError(file.path, { found: `the ${score.metric} of '${task}' is ${score.value}`, expected: 'a positive number: a gain is relative to it', fix: 'a single-task network that finds nothing cannot be compared with: train it longer' })
    return score
  })
  return multiTaskGain(multi.scores, single)
}
