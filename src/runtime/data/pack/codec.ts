// Tensors as compact bytes, exactly: where few different values occur, a table of them and an index per element.
import type { TensorData } from '../../../compiler/ir/types.ts'

/**
 * Raise it with every change of what `encodeSample` makes of a sample, or of the codings below: packs of other versions are refused.
 * A test holds a digest of both against this number.
 */
export const codecVersion = 1

/** One tensor of a record. `planes`: parts along the first axis, each with a table of its own (the channels of an image differ in their values). */
export interface Slot { readonly name: string; readonly dtype: 'float32' | 'int32'; readonly shape: readonly number[]; readonly planes: number }

const coding = { raw: 0, table8: 1, table16: 2 } as const
const padded = (n: number): number => (n + 7) & ~7
const elementsOf = (slot: Slot): number => slot.shape.reduce((n, d) => n * d, 1)

export const slotsOf = (feeds: Readonly<Record<string, TensorData>>): Slot[] => Object.entries(feeds).map(([name, { dtype, shape }]) => {
  if (dtype !== 'float32' && dtype !== 'int32') throw new Error(`internal: ${name} is ${dtype}`)
  return { name, dtype, shape, planes: name === 'image' ? shape[0] : 1 }
})

/** Open addressing over 32-bit words: gives each different word the next number. */
const slots = 1 << 18
const keys = new Uint32Array(slots)
const numbers = new Int32Array(slots)
const distinct = new Uint32Array(65536)

/** Index of every word in the table of different ones, in order of appearance; undefined if there are more than 65536. */
function tabulate(words: Uint32Array): { readonly table: Uint32Array; readonly index: Uint16Array } | undefined {
  numbers.fill(-1)
  let count = 0
  const index = new Uint16Array(words.length)
  for (let i = 0; i < words.length; i++) {
    const word = words[i]
    let at = Math.imul(word, 0x9e3779b1) >>> 14
    while (numbers[at] >= 0 && keys[at] !== word) at = (at + 1) & (slots - 1)
    if (numbers[at] < 0) {
      if (count === 65536) return undefined
      keys[at] = word
      numbers[at] = count
      distinct[count++] = word
    }
    index[i] = numbers[at]
  }
  return { table: distinct.slice(0, count), index }
}

function encodePlane(words: Uint32Array): Uint8Array[] {
  const found = tabulate(words)
  const short = found !== undefined && found.table.length <= 256
  const head = Uint32Array.of(found === undefined ? coding.raw : short ? coding.table8 : coding.table16, found?.table.length ?? 0)
  const body = found === undefined ? words : short ? Uint8Array.from(found.index) : found.index
  const parts: ArrayBufferView[] = [head, ...(found === undefined ? [] : [found.table]), body]
  return parts.map(p => new Uint8Array(p.buffer, p.byteOffset, p.byteLength))
}

/** The bytes of the tensors of a sample, in the order of the slots. */
export function encodeRecord(feeds: Readonly<Record<string, TensorData>>, layout: readonly Slot[]): Uint8Array {
  const parts = layout.flatMap(slot => {
    const { data } = feeds[slot.name]
    const words = new Uint32Array(data.buffer, data.byteOffset, data.length)
    const n = words.length / slot.planes
    return Array.from({ length: slot.planes }, (_, p) => encodePlane(words.subarray(p * n, (p + 1) * n))).flat()
  })
  const out = new Uint8Array(parts.reduce((n, p) => n + padded(p.length), 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += padded(part.length)
  }
  return out
}

/** Four indices are read as one word (of a little-endian machine, as the files are): half the time of one after the other. */
function expand8(index: Uint8Array, table: Uint32Array, out: Uint32Array): void {
  const whole = out.length & ~3, words = new Uint32Array(index.buffer, index.byteOffset, whole >> 2)
  for (let i = 0, j = 0; i < whole; i += 4, j++) {
    const four = words[j]
    out[i] = table[four & 255]
    out[i + 1] = table[four >>> 8 & 255]
    out[i + 2] = table[four >>> 16 & 255]
    out[i + 3] = table[four >>> 24]
  }
  for (let i = whole; i < out.length; i++) out[i] = table[index[i]]
}
function expand16(index: Uint16Array, table: Uint32Array, out: Uint32Array): void {
  const whole = out.length & ~1, words = new Uint32Array(index.buffer, index.byteOffset, whole >> 1)
  for (let i = 0, j = 0; i < whole; i += 2, j++) {
    const two = words[j]
    out[i] = table[two & 65535]
    out[i + 1] = table[two >>> 16]
  }
  if (whole < out.length) out[whole] = table[index[whole]]
}

/**
 * Writes the wanted tensors of a record into their places; `into` gives the memory of a slot, or undefined for one that is not wanted.
 * Throws RangeError where the bytes are no record of this layout.
 */
export function decodeRecord(bytes: Uint8Array, layout: readonly Slot[], into: (slot: Slot) => Float32Array | Int32Array | undefined): void {
  let at = 0
  const take = (length: number): number => {
    const start = at
    at += padded(length)
    if (at > bytes.length) throw new RangeError(`ends after ${bytes.length} bytes`)
    return bytes.byteOffset + start
  }
  const head = new Uint32Array(2)
  for (const slot of layout) {
    const target = into(slot)
    const n = elementsOf(slot) / slot.planes
    for (let plane = 0; plane < slot.planes; plane++) {
      head.set(new Uint32Array(bytes.buffer, take(8), 2))
      const [kind, count] = head
      if (kind > coding.table16 || count > 65536 || (kind === coding.raw) !== (count === 0)) throw new RangeError(`has the coding ${kind} with ${count} values`)
      const table = kind === coding.raw ? undefined : new Uint32Array(bytes.buffer, take(4 * count), count)
      const start = take(n * (kind === coding.raw ? 4 : kind === coding.table8 ? 1 : 2))
      if (target === undefined) continue
      const out = new Uint32Array(target.buffer, target.byteOffset + 4 * plane * n, n)
      if (table === undefined) out.set(new Uint32Array(bytes.buffer, start, n))
      else if (kind === coding.table8) expand8(new Uint8Array(bytes.buffer, start, n), table, out)
      else expand16(new Uint16Array(bytes.buffer, start, n), table, out)
    }
  }
  if (at !== bytes.length) throw new RangeError(`has ${bytes.length - at} bytes too many`)
}
