// What a person sees while a run goes on: one line that is rewritten on a terminal, plain lines elsewhere.

/** 3725 -> "1:02:05", 65 -> "1:05". */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds))
  const two = (n: number): string => String(n).padStart(2, '0')
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`
}

/** Four significant digits, without an exponent where one is not needed. */
export const figure = (v: number): string => (Math.abs(v) >= 1000 || v === 0 ? v.toFixed(0) : Math.abs(v) < 1e-3 ? v.toExponential(2) : v.toPrecision(4))

/** Smoothed rate and time left. */
export class Pace {
  #seconds = 0
  #last: number | undefined

  /** Call once per step with a clock in milliseconds. The first step, which warms up, counts little. */
  tick(now: number): void {
    if (this.#last !== undefined) { const s = (now - this.#last) / 1000; this.#seconds = this.#seconds === 0 ? s : 0.9 * this.#seconds + 0.1 * s }
    this.#last = now
  }

  /** What has passed since the last tick counts for no step. */
  pause(): void { this.#last = undefined }

  /** Seconds per step; 0 before the second step. */
  get secondsPerStep(): number { return this.#seconds }
}

export interface ProgressSink { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown }

/** `update` rewrites the line on a terminal and prints at most one line each `every` seconds elsewhere; `note` prints a line of its own. */
export class Progress {
  readonly #out: ProgressSink
  readonly #every: number
  #printed = -Infinity
  #open = false

  constructor(out: ProgressSink, everySeconds = 10) {
    this.#out = out
    this.#every = everySeconds * 1000
  }

  update(line: string, now: number, last = false): void {
    if (this.#out.isTTY === true) {
      const width = (this.#out.columns ?? 80) - 1
      this.#out.write(`\r\x1b[2K${line.length > width ? line.slice(0, width) : line}`)
      this.#open = true
    } else if (last || now - this.#printed >= this.#every) {
      this.#printed = now
      this.#out.write(`${line}\n`)
    }
  }

  note(text: string): void {
    this.end()
    this.#out.write(`${text}\n`)
  }

  /** Ends the line that is being rewritten. */
  end(): void {
    if (this.#open) this.#out.write('\n')
    this.#open = false
  }
}
