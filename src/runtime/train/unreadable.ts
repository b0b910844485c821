// unreadable.jsonl: the images of a run that could not be read and were replaced, one line for each time.
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { explain, writeAtomically } from '../files.ts'

/** `pass`: batches before this one. */
export interface UnreadableImage { readonly pass: number; readonly id: string; readonly reason: string }

const passOf = (line: string): number => { try { return (JSON.parse(line) as UnreadableImage).pass } catch { return Infinity } }

export class UnreadableImages {
  readonly #waiting: UnreadableImage[] = []
  readonly #ids = new Set<string>()
  #path: string | undefined
  #times = 0

  /** Entries before the folder is known wait for it. Returns whether the image is a new one. Throws FileError. */
  add(image: UnreadableImage): boolean {
    const known = this.#ids.has(image.id)
    this.#ids.add(image.id)
    this.#times++
    if (this.#path === undefined) this.#waiting.push(image)
    else this.#append(image)
    return !known
  }

  /** The run is written to `folder` from batch `start` on: later entries of a run that was killed are taken back. */
  attach(folder: string, start: number): void {
    const path = this.#path = join(folder, 'unreadable.jsonl')
    if (existsSync(path)) writeAtomically(path, readFileSync(path, 'utf8').split('\n').filter(line => line !== '' && passOf(line) < start).map(line => `${line}\n`).join(''))
    for (const image of this.#waiting.splice(0)) this.#append(image)
  }

  /** In words; undefined without any. */
  get summary(): string | undefined {
    return this.#times === 0 ? undefined : `${this.#ids.size} images could not be read and were replaced, ${this.#times} times in all${this.#path === undefined ? '' : `: ${this.#path} lists them`}`
  }

  #append(image: UnreadableImage): void {
    try { appendFileSync(this.#path!, `${JSON.stringify(image)}\n`) } catch (error) { throw explain(this.#path!, error) }
  }
}
