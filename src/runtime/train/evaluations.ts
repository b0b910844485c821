// Evaluations during a run: which was the best, and when no better one is to be waited for.
import type { Direction } from '../../compiler/tasks/metrics.ts'
import type { EvaluationLine } from './log.ts'

/** What an evaluation found. */
export interface Evaluated {
  /** by `TASK/NAME` */
  readonly metrics: Readonly<Record<string, number>>
  /** PNG files of sample predictions, relative to the folder of the run */
  readonly samples: readonly string[]
}

export interface EvaluationPlan {
  /** steps between two evaluations; the last step of a run is evaluated besides */
  readonly every: number
  readonly best: { readonly metric: string; readonly direction: Direction } | undefined
  /** evaluations without a better value of `best` after which the run ends */
  readonly patience: number | undefined
  /** Judges the checkpoint of a step. */
  readonly run: (step: number, weights: string) => Promise<Evaluated>
}

export interface Best { readonly step: number; readonly value: number }

/** The evaluations so far, those of an earlier part of the run included. */
export class EvaluationHistory {
  readonly #plan: Pick<EvaluationPlan, 'best' | 'patience'>
  #best: Best | undefined
  #since = 0

  constructor(plan: Pick<EvaluationPlan, 'best' | 'patience'>, earlier: readonly EvaluationLine[] = []) {
    this.#plan = plan
    for (const { step, eval: metrics } of earlier) this.add(step, metrics)
  }

  /** True if it is the best one so far. A value that does not exist is never better. */
  add(step: number, metrics: Readonly<Record<string, number | null>>): boolean {
    if (this.#plan.best === undefined) return false
    const { metric, direction } = this.#plan.best
    const value = metrics[metric] ?? NaN
    const better = Number.isFinite(value) && (this.#best === undefined || (direction === 'higher' ? value > this.#best.value : value < this.#best.value))
    if (better) this.#best = { step, value }
    this.#since = better ? 0 : this.#since + 1
    return better
  }

  get best(): Best | undefined { return this.#best }

  /** Whether as many evaluations as the plan waits for have found nothing better. */
  get exhausted(): boolean { return this.#plan.patience !== undefined && this.#since >= this.#plan.patience }
}
