// Means of the losses between two lines of the log, in a form that a checkpoint can hold.

export interface WindowState {
  readonly steps: number
  readonly sums: Readonly<Record<string, number>>
  /** steps that changed nothing because a number was not finite: in this window, and since the last one that was */
  readonly skipped?: number
  readonly skippedInRow?: number
}

/** Sums in double precision, added in the order of the steps: going on from a saved window gives the same bits. */
export class Window {
  readonly #sums: Map<string, number>
  #steps: number
  #skipped: number
  #inRow: number

  constructor(from: WindowState = { steps: 0, sums: {} }) {
    this.#sums = new Map(Object.entries(from.sums))
    this.#steps = from.steps
    this.#skipped = from.skipped ?? 0
    this.#inRow = from.skippedInRow ?? 0
  }

  add(losses: Readonly<Record<string, number>>): void {
    this.#steps++
    this.#inRow = 0
    for (const [k, v] of Object.entries(losses)) this.#sums.set(k, (this.#sums.get(k) ?? 0) + v)
  }

  /** A step whose losses do not count. Returns how many there were in a row. */
  skip(): number {
    this.#skipped++
    return ++this.#inRow
  }

  get skipped(): number { return this.#skipped }

  get steps(): number { return this.#steps }

  means(): Record<string, number> { return Object.fromEntries([...this.#sums].map(([k, v]) => [k, v / this.#steps])) }

  /** The means, and a new start. */
  take(): Record<string, number> {
    const means = this.means()
    this.#sums.clear()
    this.#steps = 0
    this.#skipped = 0
    return means
  }

  state(): WindowState { return { steps: this.#steps, sums: Object.fromEntries(this.#sums), ...(this.#skipped > 0 && { skipped: this.#skipped }), ...(this.#inRow > 0 && { skippedInRow: this.#inRow }) } }
}
