// The safetensors container: 8 bytes of header length, a JSON header, then the tensors. Reads untrusted files; writes whole files or none.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { writeAtomically } from '../files.ts'
import { bytesOf, WeightsError, type StoredDType, type StoredTensor, type StoredTensors } from './tensors.ts'

const headerLimit = 100 << 20

/** Throws WeightsError for every violation of the format (truncated, overlapping or missing ranges, unknown dtype, sizes that do not agree). */
export function readSafetensors(path: string): { readonly tensors: StoredTensors; readonly metadata: Readonly<Record<string, string>> } {
  const fd = open(path)
  try {
    const size = fstatSync(fd).size
    const bad = (what: string): never => { throw new WeightsError(`${path}: ${what}`) }
    if (size < 8) bad(`not a safetensors file: ${size} bytes, at least 8 expected`)
    const length = Number(readExactly(fd, path, 0, 8).readBigUInt64LE(0))
    if (length > headerLimit || 8 + length > size) bad(`not a safetensors file, or a truncated one: the header is said to have ${length} bytes, the file has ${size}`)
    const header = parseHeader(readExactly(fd, path, 8, length).toString('utf8'), bad)
    const tensors = new Map<string, StoredTensor>()
    const data = size - 8 - length
    let metadata: Record<string, string> = {}
    for (const [name, entry] of Object.entries(header)) {
      if (name === '__metadata__') { metadata = entry as Record<string, string>; continue }
      const { dtype, shape, begin, end } = checkEntry(name, entry, data, bad)
      tensors.set(name, { dtype, shape, bytes: readExactly(fd, path, 8 + length + begin, end - begin) })
    }
    return { tensors, metadata }
  } finally { closeSync(fd) }
}

function open(path: string): number {
  try { return openSync(path, 'r') } catch (e) { throw new WeightsError(`${path}: cannot be read: ${(e as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (e as Error).message}`) }
}

/** Reads above 2 GiB in pieces, as one read() call may not. */
function readExactly(fd: number, path: string, position: number, length: number): Buffer {
  const out = Buffer.from(new ArrayBuffer(length))
  for (let done = 0; done < length;) {
    const n = readSync(fd, out, done, Math.min(length - done, 1 << 30), position + done)
    if (n === 0) throw new WeightsError(`${path}: truncated: ${length} bytes expected at ${position}, ${done} found`)
    done += n
  }
  return out
}

function parseHeader(text: string, bad: (what: string) => never): Record<string, unknown> {
  let header: unknown
  try { header = JSON.parse(text) } catch (e) { bad(`the header is no JSON: ${(e as Error).message}`) }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) bad('the header is no JSON object')
  return header as Record<string, unknown>
}

function checkEntry(name: string, entry: unknown, data: number, bad: (what: string) => never): { dtype: StoredDType; shape: number[]; begin: number; end: number } {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown }
  if (typeof dtype !== 'string' || !(dtype in bytesOf)) bad(`tensor ${name}: dtype ${JSON.stringify(dtype)} is not one of ${Object.keys(bytesOf).join(', ')}`)
  const whole = (v: unknown): v is number[] => Array.isArray(v) && v.every(d => Number.isSafeInteger(d) && d >= 0)
  if (!whole(shape)) return bad(`tensor ${name}: shape ${JSON.stringify(shape)} is no list of sizes`)
  if (!whole(offsets) || offsets.length !== 2) return bad(`tensor ${name}: data_offsets ${JSON.stringify(offsets)} is no pair of offsets`)
  const [begin, end] = offsets
  if (begin > end || end > data) bad(`tensor ${name}: bytes ${begin}..${end} lie outside the ${data} bytes of data (truncated file?)`)
  const expected = shape.reduce((n, d) => n * d, 1) * bytesOf[dtype as StoredDType]
  if (expected !== end - begin) bad(`tensor ${name}: shape [${shape.join(', ')}] of ${dtype as string} needs ${expected} bytes, ${end - begin} given`)
  return { dtype: dtype as StoredDType, shape, begin, end }
}

/** Writes to a temporary name, then renames. Tensors are laid out in the order of the map, aligned to 8 bytes by a padded header. */
export function writeSafetensors(path: string, tensors: StoredTensors, metadata: Readonly<Record<string, string>> = {}): void {
  const header: Record<string, unknown> = { __metadata__: metadata }
  let offset = 0
  for (const [name, t] of tensors) {
    header[name] = { dtype: t.dtype, shape: t.shape, data_offsets: [offset, offset + t.bytes.byteLength] }
    offset += t.bytes.byteLength
  }
  let text = JSON.stringify(header)
  text += ' '.repeat((8 - (Buffer.byteLength(text) % 8)) % 8)
  const head = Buffer.alloc(8)
  head.writeBigUInt64LE(BigInt(Buffer.byteLength(text)))
  writeAtomically(path, (function* () { yield head; yield Buffer.from(text); for (const t of tensors.values()) yield t.bytes })())
}
