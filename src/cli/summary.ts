// mtlc summary: output shapes, parameters, multiply-adds and activation memory, per block and in total.
import { Command } from 'commander'
import { summarise, type SummaryRow } from '../compiler/summary.ts'
import { elaborate } from '../compiler/index.ts'
import { optimise } from '../compiler/passes/index.ts'
import { buildTrainingStep } from '../compiler/training/step.ts'
import { gib, largestModules, stepMemory, type FittedStep } from './memory.ts'
import { whole, withModel, type ModelOptions } from './options.ts'
import { compileFile, FileHost, sourceName } from './project.ts'

const grouped = (n: number): string => n.toLocaleString('en-US')
const giga = (n: number): string => (n === 0 ? '' : n >= 1e8 ? `${grouped(Number((n / 1e9).toFixed(1)))} G` : n >= 1e5 ? `${(n / 1e6).toFixed(1)} M` : grouped(n))
const bytes = (n: number): string => (n === 0 ? '' : n >= 1000 * 2 ** 20 ? `${(n / 2 ** 30).toFixed(2)} GiB` : n >= 1000 * 2 ** 10 ? `${(n / 2 ** 20).toFixed(1)} MiB` : `${(n / 1024).toFixed(1)} KiB`)
const count = (n: number): string => (n === 0 ? '' : grouped(n))

/** A row as it is shown: `level` counts the blocks around it, `name` is the path below the nearest of them. */
interface Shown { readonly row: SummaryRow; readonly level: number; readonly name: string }

/** Lists and records (`layers.0`) are no levels of their own: only blocks that were called are. */
function nested(rows: readonly SummaryRow[], model: string): Shown[] {
  const around: string[] = []
  return rows.map(row => {
    while (around.length > 0 && !row.path.startsWith(`${around[around.length - 1]}.`)) around.pop()
    const level = row.path === '' ? 0 : around.length + 1
    const parent = around.at(-1)
    const name = row.path === '' ? model : row.path.slice(parent === undefined ? 0 : parent.length + 1)
    if (row.path !== '') around.push(row.path)
    return { row, level, name }
  })
}

/** Members of a list of more than four, where nothing below them is shown, become one row: `fea_fuse (12)`. */
function folded(rows: readonly Shown[], deepest: number): Shown[] {
  const listOf = (s: Shown): string | undefined => (s.level === deepest && s.name.includes('.') ? s.row.path.slice(0, s.row.path.length - s.name.length) + s.name.slice(0, s.name.indexOf('.')) : undefined)
  const groups = new Map<string, Shown[]>()
  for (const s of rows) {
    const key = listOf(s) ?? s.row.path
    const members = groups.get(key)
    if (members === undefined) groups.set(key, [s])
    else members.push(s)
  }
  return [...groups].flatMap(([path, members]) => {
    if (members.length <= 4) return members
    const sum = (pick: (r: SummaryRow) => number): number => members.reduce((n, m) => n + pick(m.row), 0)
    const { row, level, name } = members[0]
    const block = members.every(m => m.row.block === row.block) ? row.block : ''
    return [{ level, name: `${name.slice(0, name.indexOf('.'))} (${members.length})`, row: { ...row, path, block, outputs: '', parameters: sum(r => r.parameters), multiplyAdds: sum(r => r.multiplyAdds), activationBytes: sum(r => r.activationBytes) } }]
  })
}

/** `semseg f32[1, 19, 64, 128], ...` -> `1x19x64x128 +1`: the first shape, and how many more there are. */
function outputs(row: SummaryRow): string {
  const shapes: readonly string[] = row.outputs.match(/[a-z]+\d*\[[^\]]*\]/g) ?? []
  if (shapes.length === 0) return ''
  return `${shapes[0].replace(/^f32/, '').replaceAll(', ', 'x').replace(/[[\]]/g, '')}${shapes.length > 1 ? ` +${shapes.length - 1}` : ''}`
}

const cut = (text: string, width: number): string => (text.length > width ? `${text.slice(0, width - 3)}...` : text)

/** Columns of the widths given at most; those from `right` on are numbers. */
function table(rows: readonly (readonly string[])[], limits: readonly number[], right: number): string {
  const widths = limits.map((limit, c) => Math.min(limit, Math.max(...rows.map(r => r[c].length))))
  return rows.map(r => r.map((text, c) => (c >= right ? cut(text, widths[c]).padStart(widths[c]) : cut(text, widths[c]).padEnd(widths[c]))).join('  ').trimEnd()).join('\n')
}

/** The memory of a training step at the batch of the text; undefined for a model that cannot be trained. */
function trainingMemory(file: string, { model: name, set }: ModelOptions): (FittedStep & { readonly batch: number }) | undefined {
  const { model, diagnostics } = elaborate(sourceName(file), new FileHost(), { model: name, set, mode: 'train' })
  if (model === undefined || diagnostics.some(d => d.severity === 'error')) return undefined
  return { ...stepMemory(optimise(buildTrainingStep(model), { differentiated: true })), batch: model.train.batch }
}

/** Modules that are named at the peak. */
const AT_THE_PEAK = 5

export const summaryCommand = (): Command => withModel(new Command('summary')
  .description('parameters, multiply-adds and memory, by block and in total')
  .argument('<file>')
  .option('--batch <n>', 'images per step', whole(1), 1)
  .option('--depth <n>', 'levels of blocks to show', whole(0), 2)
  .option('--json', 'one JSON document on stdout'))
  .action((file: string, options: ModelOptions & { batch: number; depth: number; json?: boolean }) => {
    const { model } = compileFile(file, { ...options, mode: 'infer', quiet: true })
    const summary = summarise(model)
    const training = trainingMemory(file, options)
    const shown = nested(summary.rows, model.name).filter(s => s.level <= options.depth)
    if (options.json === true) { process.stdout.write(`${JSON.stringify({ ...summary, ...(training && { trainingStep: { batch: training.batch, ...training.plan, paths: largestModules(training.plan, 20) } }), rows: shown.map(s => ({ ...s.row, depth: s.level })) }, null, 2)}\n`); return }
    const [h, w] = model.data.image
    const cells = folded(shown, options.depth).map(({ row, level, name }) => [`${'  '.repeat(level)}${name}`, level === 0 ? '' : row.block, outputs(row), count(row.parameters), giga(row.multiplyAdds), bytes(row.activationBytes)])
    process.stdout.write(`${model.name}: image ${h} x ${w}, batch ${options.batch}\n\n${table([['block', 'type', 'output', 'parameters', 'mult-adds', 'memory'], ...cells], [28, 13, 19, 13, 9, 9], 3)}\n\n`)
    const tasks = summary.tasks.map(t => [`task ${t.name}`, t.kind, `loss weight ${t.weight}`])
    process.stdout.write(`${table(tasks, [28, 16, 40], 3)}\n\n`)
    process.stdout.write(`${table([
      ['parameters', grouped(summary.parameters), ''],
      ['multiply-adds', giga(summary.multiplyAdds), `convolutions and matrix products, batch ${options.batch}`],
      ['memory', bytes(summary.activationBytes), 'all results of the forward pass, float32'],
      ...(training === undefined ? [] : [['training step', gib(training.plan.peak), `estimated peak of the process, batch ${training.batch}`]]),
    ], [28, 20, 50], 9)}\n`)
    if (training === undefined) return
    const { plan } = training
    process.stdout.write(`\n${table([
      ['  state and batch', gib(plan.state), 'parameters, moments, statistics, inputs'],
      ['  results at the peak', gib(plan.results), `at ${plan.at.slice(0, plan.at.lastIndexOf('/'))}`],
      ...largestModules(plan, AT_THE_PEAK).map(m => [`    ${m.path === '' ? model.name : m.path}`, gib(m.bytes), '']),
    ], [40, 12, 50], 9)}\n`)
  })
