// mtlc report: the page of one run.
import { Command } from 'commander'
import { join } from 'node:path'
import { writeAtomically } from '../runtime/files.ts'
import { reportPage } from '../runtime/runs/report.ts'
import { readRun } from '../runtime/runs/run.ts'

export const reportCommand = (): Command => new Command('report')
  .description('one HTML page of a run, finished or going on: curves by task, learning rate and weights, sample predictions, program, machine')
  .argument('<run>', 'folder of the run')
  .option('--out <file>', 'the page (default RUN/report.html)')
  .action(async (folder: string, options: { out?: string }) => {
    const out = options.out ?? join(folder, 'report.html')
    writeAtomically(out, await reportPage(readRun(folder)))
    process.stdout.write(`${out}\n`)
  })
