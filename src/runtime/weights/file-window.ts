// Random access to a file in bounded reads: what a header promises is checked against what the file has.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { WeightsError } from './tensors.ts'

const reasons: Readonly<Record<string, string>> = { ENOENT: 'no such file', EISDIR: 'it is a folder', EACCES: 'no permission to read it' }

/** An open file. Throws WeightsError where it cannot be read, and for every read outside of it. */
export class FileWindow {
  readonly path: string
  readonly size: number
  readonly #fd: number

  constructor(path: string) {
    this.path = path
    try { this.#fd = openSync(path, 'r') } catch (e) { throw unreadable(path, e) }
    const status = fstatSync(this.#fd)
    if (status.isDirectory()) { this.close(); throw unreadable(path, { code: 'EISDIR' }) }
    this.size = status.size
  }

  /** `length` bytes in a buffer of their own, so that views of any element size are aligned. Reads in pieces, as one call may not take 2 GiB. */
  read(position: number, length: number): Buffer {
    if (!(position >= 0 && length >= 0 && position + length <= this.size)) throw new WeightsError(`${this.path}: truncated: bytes ${position} to ${position + length} are needed, the file has ${this.size}`)
    const out = Buffer.from(new ArrayBuffer(length))
    for (let done = 0; done < length;) {
      const n = readSync(this.#fd, out, done, Math.min(length - done, 1 << 30), position + done)
      if (n === 0) throw new WeightsError(`${this.path}: truncated at byte ${position + done}`)
      done += n
    }
    return out
  }

  close(): void { closeSync(this.#fd) }
}

const unreadable = (path: string, error: unknown): WeightsError => {
  const { code = '', message } = error as { code?: string; message?: string }
  return new WeightsError(`${path}: cannot be read: ${reasons[code] ?? message}`)
}

/** One range of a file, read now. The file is opened for each range: tensors outlive the listing of their file, and none of them holds it open. */
export function readRange(path: string, position: number, length: number): Buffer {
  const file = new FileWindow(path)
  try { return file.read(position, length) } finally { file.close() }
}
