// Runs side by side: their curves over one another, what differs in their texts, and what came of it.
import { diffModels } from '../../compiler/semantics/resolved.ts'
import { code, page, paragraph, row, section, subsection, table, type Html } from '../report/html.ts'
import { stepChart } from './curves.ts'
import { bestOf, showMetric, type BestMetric } from './metrics.ts'
import { columnsOf, metricPoints, pointsOf, type Run } from './run.ts'
import { figure } from '../train/progress.ts'

export interface ComparedRun {
  readonly name: string
  readonly folder: string
  readonly step: number
  readonly loss: number
  /** each task's loss in the last logged line */
  readonly losses: Readonly<Record<string, number>>
  /** metric -> its best value and the step of it */
  readonly best: Readonly<Record<string, { readonly value: number; readonly step: number }>>
  /** metric -> value of the last evaluation */
  readonly last: Readonly<Record<string, number>>
  readonly imagesPerSecond: number | null
  /** lines of the text that differ from the first run's; '' where nothing does */
  readonly textDifference: string
}

const lastOf = (points: readonly (readonly [number, number])[]): number | undefined => points.at(-1)?.[1]

const median = (values: readonly number[]): number | undefined => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

/** Names that tell the runs apart: their folders' own where these differ, else whole paths. */
export const namesOf = (runs: readonly Run[]): string[] => (new Set(runs.map(r => r.name)).size === runs.length ? runs.map(r => r.name) : runs.map(r => r.folder))

/** The figures of each run, in the order given. The first is what texts are compared with. */
export function compareRuns(runs: readonly Run[]): ComparedRun[] {
  const names = namesOf(runs)
  return runs.map((run, i) => {
    const { tasks, metrics } = columnsOf(run)
    const last = run.steps.at(-1)!
    return {
      name: names[i], folder: run.folder, step: last.step, loss: last.loss,
      losses: Object.fromEntries([...tasks].flatMap(([task, [own]]) => { const v = lastOf(pointsOf(run, own)); return v === undefined ? [] : [[task, v]] })),
      best: Object.fromEntries(metrics.flatMap(m => { const b = bestOf(run, m); return b === undefined ? [] : [[m, { value: b.value, step: b.step }]] })),
      last: Object.fromEntries(metrics.flatMap(m => { const v = lastOf(metricPoints(run, m)); return v === undefined ? [] : [[m, v]] })),
      imagesPerSecond: median(pointsOf(run, 'images_per_second').map(p => p[1])) ?? null,
      textDifference: i === 0 ? '' : diffModels(runs[0].text, run.text),
    }
  })
}

export interface ComparisonTable { readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] }

/** One row per run: steps, losses, the best value of each metric with its step. */
export function comparisonTable(compared: readonly ComparedRun[]): ComparisonTable {
  const tasks = [...new Set(compared.flatMap(c => Object.keys(c.losses)))]
  const metrics = [...new Set(compared.flatMap(c => Object.keys(c.best)))]
  const best = (c: ComparedRun, m: string): BestMetric['shown'] => (m in c.best ? `${showMetric(m, c.best[m].value)} at ${c.best[m].step}` : '-')
  return {
    columns: ['run', 'steps', 'loss', ...tasks.map(t => `loss of ${t}`), ...metrics.map(m => `best ${m}`), 'images/s'],
    rows: compared.map(c => [c.name, String(c.step), figure(c.loss), ...tasks.map(t => (t in c.losses ? figure(c.losses[t]) : '-')), ...metrics.map(m => best(c, m)), c.imagesPerSecond === null ? '-' : figure(c.imagesPerSecond)]),
  }
}

/** The page: one curve per run in each chart. */
export function comparisonPage(runs: readonly Run[]): string {
  const compared = compareRuns(runs)
  const names = namesOf(runs)
  const columns = runs.map(columnsOf)
  const over = (title: string, unit: string, points: (run: Run) => readonly (readonly [number, number])[]): Html[] => {
    const chart = stepChart(title, unit, runs.map((run, i) => ({ name: names[i], points: points(run) })), { width: 540, height: 280, log: unit === 'loss' || unit === 'norm' })
    return chart === undefined ? [] : [chart]
  }
  const tasks = [...new Set(columns.flatMap(c => [...c.tasks.keys()]))]
  const metrics = [...new Set(columns.flatMap(c => c.metrics))]
  const weights = [...new Set(columns.flatMap(c => c.weights))]
  const { columns: titles, rows } = comparisonTable(compared)
  const changed = compared.filter(c => c.textDifference !== '')
  return page({
    title: `${runs.length} runs compared`,
    facts: runs.map((r, i) => `${names[i]}: ${r.folder}`),
    body: [
      section('Results', table(titles.map((title, i) => ({ title, number: i > 0 })), rows)),
      ...(metrics.length === 0 ? [] : [section('Evaluations on held-out images', row(...metrics.flatMap(m => over(m, m, run => metricPoints(run, m)))))]),
      section('Losses', row(...over('Total loss, weighted', 'loss', run => pointsOf(run, 'loss')), ...tasks.flatMap(t => over(`${t}: loss`, 'loss', run => pointsOf(run, columnsOf(run).tasks.get(t)?.[0] ?? t))))),
      section('Rates', row(...over('Learning rate', 'learning rate', run => pointsOf(run, 'lr')), ...weights.flatMap(w => over(`Weight of ${w.slice('weight/'.length)}`, 'weight', run => pointsOf(run, w))), ...over('Norm of the gradients, before clipping', 'norm', run => pointsOf(run, 'grad_norm')))),
      section('What differs in the texts', ...(changed.length === 0 ? [paragraph('Nothing: the runs have the same text.')] : changed.map(c => subsection(`${c.name}, compared with ${names[0]}`, code(c.textDifference))))),
    ],
  })
}
