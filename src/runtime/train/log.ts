// log.jsonl: one object per logged step, appended in whole lines; on resume, lines beyond the checkpoint are taken back.
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { explain, writeAtomically } from '../files.ts'

export interface LogEntry {
  readonly step: number
  readonly lr: number
  readonly loss: number
  /** each task's loss, unweighted, and its components as `task/component` */
  readonly losses: Readonly<Record<string, number>>
  readonly gradNorm: number | undefined
  readonly imagesPerSecond: number
}

export class RunLog {
  readonly path: string

  /** Keeps the lines up to `step` of an existing log. Throws FileError. */
  constructor(run: string, step: number) {
    this.path = join(run, 'log.jsonl')
    const kept = existsSync(this.path) && step > 0 ? readFileSync(this.path, 'utf8').split('\n').filter(line => line !== '' && stepOf(line) <= step) : []
    writeAtomically(this.path, kept.map(line => `${line}\n`).join(''))
  }

  append({ step, lr, loss, losses, gradNorm, imagesPerSecond }: LogEntry): void {
    try {
      appendFileSync(this.path, `${JSON.stringify({ step, lr, loss, ...losses, grad_norm: gradNorm, images_per_second: Number(imagesPerSecond.toPrecision(4)) })}\n`)
    } catch (error) { throw explain(this.path, error) }
  }
}

/** A line cut short by a crash counts as beyond every step. */
function stepOf(line: string): number {
  try { return (JSON.parse(line) as { step: number }).step } catch { return Infinity }
}
