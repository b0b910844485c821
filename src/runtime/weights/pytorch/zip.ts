// The zip container of PyTorch checkpoints: entries are stored, never deflated, so that a tensor is a range of the file. ZIP64 is read.
import type { FileWindow } from '../file-window.ts'
import { WeightsError } from '../tensors.ts'

export interface ZipEntry { readonly name: string; readonly size: number; readonly headerOffset: number }

/** A directory of a hundred bytes per storage is usual. */
const directoryLimit = 64 << 20

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
  if (length > directoryLimit) throw new WeightsError(`${file.path}: damaged zip: a directory of ${length} bytes; ${directoryLimit} are the limit`)
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

/** Where the bytes of a stored entry begin. */
export function entryStart(file: FileWindow, entry: ZipEntry): number {
  const header = file.read(entry.headerOffset, 30)
  if (header.toString('latin1', 0, 4) !== 'PK\x03\x04') throw new WeightsError(`${file.path}: damaged zip: entry ${entry.name} has no header`)
  const start = entry.headerOffset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28)
  if (start + entry.size > file.size) throw new WeightsError(`${file.path}: truncated: entry ${entry.name} needs bytes ${start} to ${start + entry.size}, the file has ${file.size}`)
  return start
}
