// mtlc summary: output shapes, parameters, multiply-adds and activation memory, per block and in total.
import { Command } from 'commander'
import { summarise, type SummaryRow } from '../compiler/summary.ts'
import { whole, withModel, type ModelOptions } from './options.ts'
import { compileFile } from './project.ts'

const grouped = (n: number): string => n.toLocaleString('en-US')
const giga = (n: number): string => (n === 0 ? '' : n >= 1e8 ? `${(n / 1e9).toFixed(1)} G` : n >= 1e5 ? `${(n / 1e6).toFixed(1)} M` : grouped(n))
const bytes = (n: number): string => (n >= 2 ** 30 ? `${(n / 2 ** 30).toFixed(2)} GiB` : n >= 2 ** 20 ? `${(n / 2 ** 20).toFixed(1)} MiB` : `${(n / 1024).toFixed(1)} KiB`)

function table(rows: readonly SummaryRow[]): string {
  const cells = rows.map(r => [`${'  '.repeat(r.depth)}${r.path === '' ? 'model' : r.path.split('.').at(-1)}`, r.block, r.outputs, r.parameters === 0 ? '' : grouped(r.parameters), giga(r.multiplyAdds), r.activationBytes === 0 ? '' : bytes(r.activationBytes)])
  const all = [['path', 'block', 'outputs', 'parameters', 'multiply-adds', 'activations'], ...cells]
  const width = all[0].map((_, c) => Math.min(c === 2 ? 60 : 48, Math.max(...all.map(r => r[c].length))))
  return all.map(r => r.map((text, c) => { const t = text.length > width[c] ? `${text.slice(0, width[c] - 3)}...` : text; return c >= 3 ? t.padStart(width[c]) : t.padEnd(width[c]) }).join('  ').trimEnd()).join('\n')
}

export const summaryCommand = (): Command => withModel(new Command('summary')
  .description('parameters, multiply-adds and memory, by block and in total')
  .argument('<file>')
  .option('--batch <n>', 'images per step', whole(1), 1)
  .option('--depth <n>', 'levels of blocks to show', whole(0), 2)
  .option('--json', 'one JSON document on stdout'))
  .action((file: string, options: ModelOptions & { batch: number; depth: number; json?: boolean }) => {
    const { model } = compileFile(file, { ...options, mode: 'infer', quiet: true })
    const summary = summarise(model)
    const rows = summary.rows.filter(r => r.depth <= options.depth)
    if (options.json === true) { process.stdout.write(`${JSON.stringify({ ...summary, rows }, null, 2)}\n`); return }
    const [h, w] = model.data.image
    process.stdout.write(`${model.name}: image ${h} x ${w}, batch ${options.batch}\n\n${table(rows)}\n\n`)
    process.stdout.write(`parameters      ${grouped(summary.parameters)}\nmultiply-adds   ${giga(summary.multiplyAdds)} (convolutions and matrix products, batch ${options.batch})\nactivations     ${bytes(summary.activationBytes)} (all results of the forward pass, float32)\n`)
    for (const t of summary.tasks) process.stdout.write(`task ${t.name}: ${t.kind}, weight ${t.weight}\n`)
  })
