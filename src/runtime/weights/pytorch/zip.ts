// The zip container of PyTorch checkpoints: entries are stored, never deflated, so that a tensor is a range of the file. ZIP64 is read.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { WeightsError } from '../tensors.ts'

export interface ZipEntry { readonly name: string; readonly size: number; readonly headerOffset: number }

/** Random access to a file in bounded reads; all reads are checked against its size. */
export class FileWindow {
  readonly path: string
  readonly size: number
  readonly #fd: number

  constructor(path: string) {
    this.path = path
    try { this.#fd = openSync(path, 'r') } catch (e) { throw new WeightsError(`${path}: cannot be read: ${(e as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (e as Error).message}`) }
    this.size = fstatSync(this.#fd).size
  }

  read(position: number, length: number): Buffer {
    if (position < 0 || length < 0 || position + length > this.size) throw new WeightsError(`${this.path}: truncated: bytes ${position} to ${position + length} are needed, the file has ${this.size}`)
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

/** The central directory. Throws WeightsError for a file that is no zip, a truncated one, or one with compressed entries. */
export function zipEntries(file: FileWindow): Map<string, ZipEntry> {
  const tailLength = Math.min(file.size, 65_557 + 20)
  const tail = file.read(file.size - tailLength, tailLength)
  const end = tail.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  if (end < 0 || end + 22 > tail.length) throw new WeightsError(`${file.path}: truncated zip: its directory at the end is missing`)
  let count = tail.readUInt16LE(end + 10)
  let length = tail.readUInt32LE(end + 12)
  let offset = tail.readUInt32LE(end + 16)
  const locator = end - 20
  if (locator >= 0 && tail.toString('latin1', locator, locator + 4) === 'PK\x06\x07') {
    const record = file.read(Number(tail.readBigUInt64LE(locator + 8)), 56)
    count = Number(record.readBigUInt64LE(32))
    length = Number(record.readBigUInt64LE(40))
    offset = Number(record.readBigUInt64LE(48))
  }
  const directory = file.read(offset, length)
  const entries = new Map<string, ZipEntry>()
  for (let at = 0, i = 0; i < count; i++) {
    if (at + 46 > directory.length || directory.toString('latin1', at, at + 4) !== 'PK\x01\x02') throw new WeightsError(`${file.path}: damaged zip directory at entry ${i} of ${count}`)
    const [nameLength, extraLength, commentLength] = [directory.readUInt16LE(at + 28), directory.readUInt16LE(at + 30), directory.readUInt16LE(at + 32)]
    const name = directory.toString('utf8', at + 46, at + 46 + nameLength)
    const extra = directory.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength)
    if (directory.readUInt16LE(at + 10) !== 0) throw new WeightsError(`${file.path}: entry ${name} is compressed; PyTorch stores entries uncompressed`)
    entries.set(name, { name, ...wideFields(extra, directory.readUInt32LE(at + 24), directory.readUInt32LE(at + 20), directory.readUInt32LE(at + 42)) })
    at += 46 + nameLength + extraLength + commentLength
  }
  return entries
}

/** Sizes and offsets that do not fit 32 bits stand in the ZIP64 extra field, in this order, each only if its narrow field is all ones. */
function wideFields(extra: Buffer, size: number, packed: number, headerOffset: number): { size: number; headerOffset: number } {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue
    let field = at + 4
    const wide = (narrow: number): number => {
      if (narrow !== 0xffffffff || field + 8 > extra.length) return narrow
      field += 8
      return Number(extra.readBigUInt64LE(field - 8))
    }
    const wideSize = wide(size)
    wide(packed)
    return { size: wideSize, headerOffset: wide(headerOffset) }
  }
  return { size, headerOffset }
}

/** The bytes of one stored entry. */
export function readEntry(file: FileWindow, entry: ZipEntry): Buffer {
  const header = file.read(entry.headerOffset, 30)
  if (header.toString('latin1', 0, 4) !== 'PK\x03\x04') throw new WeightsError(`${file.path}: damaged zip: entry ${entry.name} has no header`)
  return file.read(entry.headerOffset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28), entry.size)
}
