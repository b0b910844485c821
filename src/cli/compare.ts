// mtlc compare: runs side by side.
import { Command } from 'commander'
import { writeAtomically } from '../runtime/files.ts'
import { compareRuns, comparisonPage, comparisonTable } from '../runtime/runs/compare.ts'
import { readRun } from '../runtime/runs/run.ts'
import { UsageError } from './errors.ts'

export const compareCommand = (): Command => new Command('compare')
  .description('what differs between runs, in their texts and in their results')
  .argument('<run...>', 'folders of two or more runs; texts are compared with the first')
  .option('--out <file>', 'an HTML page with the curves over one another')
  .option('--json', 'one JSON document on stdout')
  .action((folders: string[], options: { out?: string; json?: boolean }) => {
    if (folders.length < 2) throw new UsageError(`one run cannot be compared: name two or more folders, or see it alone with mtlc report ${folders[0]}`)
    const runs = folders.map(readRun)
    const compared = compareRuns(runs)
    if (options.out !== undefined) writeAtomically(options.out, comparisonPage(runs))
    if (options.json === true) {
      process.stdout.write(`${JSON.stringify(compared, null, 2)}\n`)
      return
    }
    const { columns, rows } = comparisonTable(compared)
    const widths = columns.map((c, i) => Math.max(c.length, ...rows.map(r => r[i].length)))
    for (const line of [columns, ...rows]) process.stdout.write(`${line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ').trimEnd()}\n`)
    for (const { name, textDifference } of compared.slice(1)) process.stdout.write(textDifference === '' ? `\n${name}: the same text\n` : `\n${name}: the text differs (- ${compared[0].name}, + ${name})\n${textDifference}`)
    if (options.out !== undefined) process.stdout.write(`\n${options.out}\n`)
  })
