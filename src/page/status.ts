// The line that says what is going on, with the seconds that it takes; errors as text that stays until the next success.
import { byId } from './dom.ts'

export class Status {
  readonly #line = byId('status', HTMLElement)
  readonly #bar = byId('progress', HTMLProgressElement)
  readonly #error = byId('error', HTMLElement)
  readonly #note = byId('note', HTMLElement)
  #since = 0
  #words = ''
  #timer: ReturnType<typeof setInterval> | undefined

  /** Something has begun or goes on; `share` of it from 0 to 1 is done. */
  say(words: string, share: number | undefined): void {
    if (this.#timer === undefined) {
      this.#since = performance.now()
      this.#timer = setInterval(() => this.#tick(), 1000)
    }
    this.#words = words
    this.#line.textContent = words
    this.#bar.hidden = false
    if (share === undefined) this.#bar.removeAttribute('value')
    else this.#bar.value = share
  }

  /** It has succeeded. */
  done(words: string): void {
    this.#stop(words)
    this.#error.hidden = true
  }

  /** An empty message is of something that nobody waits for any more. */
  fail(message: string): void {
    if (message === '') return
    this.#stop('')
    this.#error.textContent = message
    this.#error.hidden = false
  }

  note(words: string | undefined): void {
    this.#note.hidden = words === undefined
    this.#note.textContent = words ?? ''
  }

  #stop(words: string): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#line.textContent = words
    this.#bar.hidden = true
  }

  #tick(): void {
    const seconds = Math.round((performance.now() - this.#since) / 1000)
    if (seconds >= 2) this.#line.textContent = `${this.#words}, ${seconds} s`
  }
}
