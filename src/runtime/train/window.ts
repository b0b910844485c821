// Means of the losses between two lines of the log, in a form that a checkpoint can hold.

export interface WindowState { readonly steps: number; readonly sums: Readonly<Record<string, number>> }

/** Sums in double precision, added in the order of the steps: going on from a saved window gives the same bits. */
export class Window {
  readonly #sums: Map<string, number>
  #steps: number

  constructor(from: WindowState = { steps: 0, sums: {} }) {
    this.#sums = new Map(Object.entries(from.sums))
    this.#steps = from.steps
  }

  add(losses: Readonly<Record<string, number>>): void {
    this.#steps++
    for (const [k, v] of Object.entries(losses)) this.#sums.set(k, (this.#sums.get(k) ?? 0) + v)
  }

  get steps(): number { return this.#steps }

  means(): Record<string, number> { return Object.fromEntries([...this.#sums].map(([k, v]) => [k, v / this.#steps])) }

  /** The means, and a new start. */
  take(): Record<string, number> {
    const means = this.means()
    this.#sums.clear()
    this.#steps = 0
    return means
  }

  state(): WindowState { return { steps: this.#steps, sums: Object.fromEntries(this.#sums) } }
}
