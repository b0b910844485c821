// The safetensors container: 8 bytes of header length, a JSON header, then the tensors. Reads untrusted files; writes whole files or none.
import { writeAtomically } from '../files.ts'
import { FileWindow, readRange } from './file-window.ts'
import { byteLength, bytesOf, LazyTensor, WeightsError, type StoredDType, type StoredTensor, type StoredTensors } from './tensors.ts'

/** A header of a hundred bytes per tensor is usual; this one is of a third of a million tensors. */
const headerLimit = 32 << 20

interface Entry { readonly name: string; readonly dtype: StoredDType; readonly shape: number[]; readonly begin: number; readonly end: number }

/** Reads the header only; the tensors read themselves. Throws WeightsError for every violation of the format (truncated, overlapping or missing ranges, unknown dtype, sizes that do not agree). */
export function readSafetensors(path: string): { readonly tensors: StoredTensors; readonly metadata: Readonly<Record<string, string>> } {
  const file = new FileWindow(path)
  try {
    const bad = (what: string): never => { throw new WeightsError(`${path}: ${what}`) }
    if (file.size < 8) bad(`not a safetensors file: ${file.size} bytes, at least 8 expected`)
    const length = Number(file.read(0, 8).readBigUInt64LE(0))
    if (8 + length > file.size) bad(`not a safetensors file, or a truncated one: the header is said to have ${length} bytes, the file has ${file.size}`)
    if (length > headerLimit) bad(`not a safetensors file: a header of ${length} bytes; ${headerLimit} are the limit`)
    const header = parseHeader(file.read(8, length).toString('utf8'), bad)
    const start = 8 + length
    const entries = Object.entries(header).filter(([name]) => name !== '__metadata__').map(([name, entry]) => checkEntry(name, entry, file.size - start, bad))
    checkRanges(entries, file.size - start, bad)
    const tensors = new Map(entries.map(({ name, dtype, shape, begin, end }): [string, StoredTensor] => [name, new LazyTensor(dtype, shape, () => readRange(path, start + begin, end - begin))]))
    return { tensors, metadata: (header.__metadata__ ?? {}) as Record<string, string> }
  } finally { file.close() }
}

function parseHeader(text: string, bad: (what: string) => never): Record<string, unknown> {
  let header: unknown
  try { header = JSON.parse(text) } catch (e) { bad(`the header is no JSON: ${(e as Error).message}`) }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) bad('the header is no JSON object')
  return header as Record<string, unknown>
}

function checkEntry(name: string, entry: unknown, data: number, bad: (what: string) => never): Entry {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown }
  if (typeof dtype !== 'string' || !(dtype in bytesOf)) bad(`tensor ${name}: dtype ${JSON.stringify(dtype)} is not one of ${Object.keys(bytesOf).join(', ')}`)
  const whole = (v: unknown): v is number[] => Array.isArray(v) && v.every(d => Number.isSafeInteger(d) && d >= 0)
  if (!whole(shape)) return bad(`tensor ${name}: shape ${JSON.stringify(shape)} is no list of sizes`)
  if (!whole(offsets) || offsets.length !== 2) return bad(`tensor ${name}: data_offsets ${JSON.stringify(offsets)} is no pair of offsets`)
  const [begin, end] = offsets
  if (begin > end || end > data) bad(`tensor ${name}: bytes ${begin}..${end} lie outside the ${data} bytes of data (truncated file?)`)
  const expected = shape.reduce((n, d) => n * d, 1) * bytesOf[dtype as StoredDType]
  if (expected !== end - begin) bad(`tensor ${name}: shape [${shape.join(', ')}] of ${dtype as string} needs ${expected} bytes, ${end - begin} given`)
  return { name, dtype: dtype as StoredDType, shape, begin, end }
}

/** Tensors lie side by side: nothing is read twice, and nothing is hidden between them. */
function checkRanges(entries: readonly Entry[], data: number, bad: (what: string) => never): void {
  let [at, before] = [0, 'the header']
  for (const { name, begin, end } of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at) bad(`tensor ${name}: begins at byte ${begin} of the data, but ${before} ends at ${at}: tensors may neither overlap nor leave gaps`)
    at = end
    before = name
  }
  if (at !== data) bad(`the tensors end at byte ${at} of the data, which has ${data}`)
}

/** Writes to a temporary name, then renames. Tensors are laid out in the order of the map, one in memory at a time, aligned to 8 bytes by a padded header. `written` sees every byte of the file in order. */
export function writeSafetensors(path: string, tensors: StoredTensors, metadata: Readonly<Record<string, string>> = {}, written: (chunk: Uint8Array) => void = () => {}): void {
  const header: Record<string, unknown> = { __metadata__: metadata }
  let offset = 0
  for (const [name, t] of tensors) {
    header[name] = { dtype: t.dtype, shape: t.shape, data_offsets: [offset, offset + byteLength(t)] }
    offset += byteLength(t)
  }
  let text = JSON.stringify(header)
  text += ' '.repeat((8 - (Buffer.byteLength(text) % 8)) % 8)
  const head = Buffer.alloc(8)
  head.writeBigUInt64LE(BigInt(Buffer.byteLength(text)))
  const seen = (chunk: Uint8Array): Uint8Array => { written(chunk); return chunk }
  writeAtomically(path, (function* () { yield seen(head); yield seen(Buffer.from(text)); for (const t of tensors.values()) yield seen(t.bytes) })())
}
