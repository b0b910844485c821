// The worker as the page sees it: started anew for each backend, so that nothing of a lost GPU or a full memory stays; a question at a time, never silent.
import type { Ask, Tell } from './protocol.ts'
import type { Backend } from './network/tensorflow.ts'

export type Ready = Extract<Tell, { kind: 'ready' }>
type Answer = Exclude<Tell, { kind: 'progress' | 'failed' }>

export class Session {
  readonly #worker: Worker
  readonly #progress: (text: string, share: number | undefined) => void
  #waiting: { readonly resolve: (answer: Answer) => void; readonly reject: (error: Error) => void } | undefined
  #dead: Error | undefined

  constructor(progress: (text: string, share: number | undefined) => void) {
    this.#progress = progress
    this.#worker = new Worker(new URL('worker.js', document.baseURI), { type: 'module' })
    this.#worker.addEventListener('message', ({ data }: MessageEvent<Tell>) => this.#hear(data))
    this.#worker.addEventListener('error', event => {
      event.preventDefault()
      this.#end(event.message === '' || event.message === undefined ? 'worker.js or bundle.js could not be loaded: is the exported folder complete?' : event.message)
    })
    this.#worker.addEventListener('messageerror', () => this.#end('the browser could not hand the results over: it may be out of memory'))
  }

  open(backend: Backend | 'auto'): Promise<Ready> { return this.#ask({ kind: 'open', backend }) as Promise<Ready> }
  predict(picked: Extract<Ask, { kind: 'predict' }>['picked']): Promise<Extract<Tell, { kind: 'result' }>> { return this.#ask({ kind: 'predict', picked }) as Promise<Extract<Tell, { kind: 'result' }>> }
  measure(runs: number): Promise<Extract<Tell, { kind: 'measured' }>> { return this.#ask({ kind: 'measure', runs }) as Promise<Extract<Tell, { kind: 'measured' }>> }

  close(): void {
    this.#worker.terminate()
    this.#end('closed')
  }

  #ask(ask: Ask): Promise<Answer> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#worker.postMessage(ask)
    })
  }

  #hear(message: Tell): void {
    if (message.kind === 'progress') return this.#progress(message.text, message.share)
    const waiting = this.#waiting
    this.#waiting = undefined
    if (message.kind === 'failed') waiting?.reject(new Error(message.message))
    else waiting?.resolve(message)
  }

  #end(message: string): void {
    this.#dead ??= new Error(message)
    this.#waiting?.reject(this.#dead)
    this.#waiting = undefined
  }
}
