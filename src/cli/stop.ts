// The first SIGINT or SIGTERM asks the run to end after the current step and to save; the second ends the process.
import type { Progress } from '../runtime/train/progress.ts'

/** As shells report a process that a signal has ended. */
const codes = { SIGINT: 130, SIGTERM: 143 } as const
type StopSignal = keyof typeof codes

export class StopRequest {
  readonly #progress: Progress
  #code: number | undefined

  constructor(progress: Progress) {
    this.#progress = progress
    for (const signal of Object.keys(codes)) process.on(signal, this.#receive)
  }

  get asked(): boolean { return this.#code !== undefined }

  /** 130 or 143, by the signal that came; 0 without one. */
  get exitCode(): number { return this.#code ?? 0 }

  /** Signals end the process again. */
  close(): void { for (const signal of Object.keys(codes)) process.off(signal, this.#receive) }

  readonly #receive = (signal: StopSignal): void => {
    if (this.#code !== undefined) process.exit(codes[signal])
    this.#code = codes[signal]
    this.#progress.note('stopping after this step (again to stop at once without saving)')
  }
}
