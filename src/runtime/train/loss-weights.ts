// The weights of the tasks' losses from step to step: those that the host computes, those that are logged, and warnings when one collapses.
import type { TaskSpec, TrainSpec } from '../../compiler/tasks/spec.ts'
import { weightScalar } from '../../compiler/tasks/weighting-names.ts'
import type { HostTensors } from '../engines/engine.ts'

type Losses = Readonly<Record<string, number>>

/** What a checkpoint holds of the windows of dwa: of the one that runs sums and steps, of the two before it means. */
export interface LossWeightsState { readonly sums: Losses; readonly steps: number; readonly last?: Losses | undefined; readonly before?: Losses | undefined }

const prefix = 'weight/'

export class LossWeights {
  readonly #tasks: readonly Pick<TaskSpec, 'name' | 'weight'>[]
  readonly #weighting: TrainSpec['weighting']
  readonly #window: number
  readonly #warned = new Set<string>()
  #state: LossWeightsState

  /** `tasks`: those with losses. `epoch`: steps of one pass over the data, the window of dwa if the text gives none. */
  constructor(tasks: readonly Pick<TaskSpec, 'name' | 'weight'>[], weighting: TrainSpec['weighting'], epoch: number, state: LossWeightsState = { sums: {}, steps: 0 }) {
    this.#tasks = tasks
    this.#weighting = weighting
    this.#window = weighting?.kind === 'dwa' ? weighting.every ?? epoch : Infinity
    this.#state = state
  }

  /** undefined where the strategy keeps nothing on the host. */
  state(): LossWeightsState | undefined { return this.#weighting?.kind === 'dwa' ? this.#state : undefined }

  /** Scalars to feed in the next step: for dwa K exp(r_k / T) / sum of exp(r_i / T), r the means of the losses in the last window over those in the window before (Liu et al. 2019, equation 7). */
  scalars(): Record<string, number> {
    if (this.#weighting?.kind !== 'dwa') return {}
    const { last, before } = this.#state, { temperature } = this.#weighting
    const ratios = this.#tasks.map(({ name }) => last === undefined || before === undefined ? 1 : last[name] / Math.max(before[name], Number.MIN_VALUE) / temperature)
    const most = Math.max(...ratios)
    const powers = ratios.map(r => Math.exp(r - most)), sum = powers.reduce((a, b) => a + b, 0)
    return Object.fromEntries(this.#tasks.map(({ name }, i) => [weightScalar(name), this.#tasks.length * powers[i] / sum]))
  }

  /** The losses of a step, without weights, by task. */
  add(losses: Losses): void {
    if (this.#weighting?.kind !== 'dwa') return
    const { last, before } = this.#state, steps = this.#state.steps + 1
    const sums = Object.fromEntries(this.#tasks.map(({ name }) => [name, (this.#state.sums[name] ?? 0) + losses[name]]))
    this.#state = steps < this.#window ? { sums, steps, last, before } : { sums: {}, steps: 0, last: Object.fromEntries(Object.entries(sums).map(([k, v]) => [k, v / steps])), before: last }
  }

  /** What the losses were multiplied with in a step, by task. */
  used(outputs: HostTensors): Record<string, number> {
    return Object.fromEntries(this.#tasks.map(({ name, weight }) => [name, outputs[prefix + name]?.data[0] ?? weight]))
  }

  /** Weights that have left the bounds since the last call, each told once until it is back within. */
  collapsed(used: Readonly<Record<string, number>>): string[] {
    const { bounds: [low, high] } = this.#weighting ?? { bounds: [0, Infinity] }
    return this.#tasks.flatMap(({ name, weight }) => {
      const factor = used[name] / weight
      if (weight === 0 || (factor >= low && factor <= high)) { this.#warned.delete(name); return [] }
      if (this.#warned.has(name)) return []
      this.#warned.add(name)
      const beyond = factor < low ? `below low = ${low}` : `above high = ${high}`
      return [`the weight of task ${name} has collapsed: ${this.#weighting!.kind} multiplies its loss with ${used[name].toPrecision(3)}, ${factor.toPrecision(3)} times its own weight (${beyond}). Other weights or a lower learning rate may help, or train.weighting = fixed()`]
    })
  }
}
