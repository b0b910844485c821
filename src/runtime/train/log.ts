// What a run leaves to be read: log.jsonl (one object per line), the same as log.csv, and TensorBoard events; on resume, what lies beyond the checkpoint is taken back.
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { explain, writeAtomically } from '../files.ts'
import { CsvFile } from './csv.ts'
import { EventWriter } from './tensorboard.ts'

export interface LogEntry {
  readonly step: number
  readonly lr: number
  readonly loss: number
  /** each task's loss, unweighted, and its components as `task/component` */
  readonly losses: Readonly<Record<string, number>>
  readonly gradNorm: number | undefined
  readonly imagesPerSecond: number
  /** steps since the line before that changed nothing, where such steps are skipped */
  readonly skipped?: number
  /** each task's weight in the loss, where a strategy chooses it */
  readonly weights?: Readonly<Record<string, number>>
}

/** A line of the file: of a training step, or of an evaluation after a step. */
export type LogLine = Readonly<Record<string, number>> & { readonly step: number }
export interface EvaluationLine { readonly step: number; readonly eval: Readonly<Record<string, number | null>> }

export const logPath = (run: string): string => join(run, 'log.jsonl')
const parse = (line: string): LogLine | EvaluationLine | undefined => {
  try {
    const value = JSON.parse(line) as LogLine
    return typeof value.step === 'number' ? value : undefined
  } catch { return undefined }
}

/** The lines of a run's log in order. A line cut short by a crash is left out. */
export function readLog(run: string): { readonly steps: LogLine[]; readonly evaluations: EvaluationLine[] } {
  const lines = existsSync(logPath(run)) ? readFileSync(logPath(run), 'utf8').split('\n').flatMap(l => parse(l) ?? []) : []
  return { steps: lines.filter((l): l is LogLine => !('eval' in l)), evaluations: lines.filter((l): l is EvaluationLine => 'eval' in l) }
}

/** As columns of a table: metrics of an evaluation as `eval/metric`. */
const columnsOf = (line: LogLine | EvaluationLine): Record<string, number | null> => ('eval' in line ? { step: line.step, ...Object.fromEntries(Object.entries(line.eval).map(([k, v]) => [`eval/${k}`, v])) } : { ...line })

/** TensorBoard groups charts by what stands before the slash. */
const tagOf = (column: string): string => {
  if (column === 'loss') return 'loss/total'
  if (column === 'lr' || column === 'grad_norm' || column === 'skipped' || column === 'images_per_second') return `train/${column}`
  return /^(weight|eval)\//.test(column) ? column : `loss/${column}`
}

export class RunLog {
  readonly path: string
  readonly #folder: string
  readonly #csv: CsvFile
  readonly #events: EventWriter
  readonly #evaluated: Set<number>

  /** Keeps the lines up to `step` of an existing log. Throws FileError. */
  constructor(run: string, step: number) {
    this.#folder = run
    this.path = logPath(run)
    const kept = existsSync(this.path) && step > 0 ? readFileSync(this.path, 'utf8').split('\n').flatMap(text => { const line = parse(text); return line !== undefined && line.step <= step ? [{ text, line }] : [] }) : []
    writeAtomically(this.path, kept.map(({ text }) => `${text}\n`).join(''))
    this.#csv = new CsvFile(join(run, 'log.csv'), kept.map(({ line }) => columnsOf(line)))
    this.#evaluated = new Set(kept.flatMap(({ line }) => ('eval' in line ? [line.step] : [])))
    this.#events = new EventWriter(run, step)
  }

  append({ step, lr, loss, losses, gradNorm, imagesPerSecond, skipped, weights = {} }: LogEntry): void {
    const weighted = Object.fromEntries(Object.entries(weights).map(([task, w]) => [`weight/${task}`, w]))
    this.#write({ step, lr, loss, ...losses, ...weighted, ...(gradNorm === undefined ? {} : { grad_norm: gradNorm }), ...(skipped === undefined ? {} : { skipped }), images_per_second: Number(imagesPerSecond.toPrecision(4)) })
  }

  /** Metrics of an evaluation after `step`; those that do not exist (NaN) are null in the file. */
  evaluation(step: number, metrics: Readonly<Record<string, number>>): void {
    this.#evaluated.add(step)
    this.#write({ step, eval: Object.fromEntries(Object.entries(metrics).map(([k, v]) => [k, Number.isFinite(v) ? v : null])) })
  }

  /** Whether the log holds the evaluation after `step`: a run that was killed between its checkpoint and its evaluation does not. */
  hasEvaluation(step: number): boolean { return this.#evaluated.has(step) }

  /** Sample predictions after `step`: PNG files, shown by TensorBoard under their names. Throws FileError. */
  samples(step: number, files: readonly string[]): void {
    for (const file of files) {
      const bytes = readFileSync(join(this.#folder, file))
      // The first chunk of a PNG file, at a fixed place, begins with its size.
      this.#events.image(step, `samples/${basename(file, '.png')}`, { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20), bytes })
    }
  }

  close(): void { this.#events.close() }

  #write(line: LogLine | EvaluationLine): void {
    try { appendFileSync(this.path, `${JSON.stringify(line)}\n`) } catch (error) { throw explain(this.path, error) }
    const columns = columnsOf(line)
    this.#csv.append(columns)
    const { step, ...values } = columns
    this.#events.scalars(step!, Object.fromEntries(Object.entries(values).flatMap(([k, v]) => (v === null ? [] : [[tagOf(k), v]]))))
  }
}
