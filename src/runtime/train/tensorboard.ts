// TensorBoard event files: records with checksums around a few protocol buffer messages, appended in whole records.
// Formats: tensorflow/core/lib/io/record_writer.h and tensorflow/core/util/event.proto, summary.proto.
import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, readdirSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { explain } from '../files.ts'

const castagnoli = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1
  return c >>> 0
})

/** CRC-32C, rotated and shifted by a constant, so that a checksum over bytes that hold checksums stays strong. */
export function maskedCrc(bytes: Uint8Array): number {
  let c = 0xffffffff
  for (const b of bytes) c = (c >>> 8) ^ castagnoli[(c ^ b) & 255]
  c = ~c >>> 0
  return (((c >>> 15) | (c << 17)) + 0xa282ead8) >>> 0
}

const utf8 = new TextEncoder()

function varint(value: number): number[] {
  const bytes: number[] = []
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 + 128)
  return [...bytes, value]
}

function fixed(field: number, value: number, size: 4 | 8): Uint8Array {
  const bytes = new Uint8Array(1 + size)
  const view = new DataView(bytes.buffer)
  bytes[0] = (field << 3) | (size === 8 ? 1 : 5)
  if (size === 8) view.setFloat64(1, value, true)
  else view.setFloat32(1, value, true)
  return bytes
}

const integer = (field: number, value: number): Uint8Array => Uint8Array.from([field << 3, ...varint(value)])
const bytesField = (field: number, content: Uint8Array): Uint8Array => Buffer.concat([Uint8Array.from([(field << 3) | 2, ...varint(content.length)]), content])
const text = (field: number, content: string): Uint8Array => bytesField(field, utf8.encode(content))
const message = (field: number, ...parts: readonly Uint8Array[]): Uint8Array => bytesField(field, Buffer.concat(parts))

/** One record: length, checksum of the length, data, checksum of the data. */
export function record(data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(data.length + 16)
  bytes.writeBigUInt64LE(BigInt(data.length), 0)
  bytes.writeUInt32LE(maskedCrc(bytes.subarray(0, 8)), 8)
  bytes.set(data, 12)
  bytes.writeUInt32LE(maskedCrc(data), data.length + 12)
  return bytes
}

export interface EventImage { readonly width: number; readonly height: number; /** of a whole PNG or JPEG file */ readonly bytes: Uint8Array }

/**
 * Writes one event file of a run. A run that goes on after a stop opens a new file, whose first words tell TensorBoard to forget what older files hold from the
 * following step on: steps that were done twice are shown once.
 */
export class EventWriter {
  readonly path: string
  readonly #fd: number
  readonly #now: () => number

  /** `start`: steps that are done already. `now`: seconds since 1970; shown by TensorBoard, and used for nothing else. Throws FileError. */
  constructor(folder: string, start: number, now: () => number = () => Date.now() / 1000) {
    this.#now = now
    this.path = folder
    try {
      mkdirSync(folder, { recursive: true })
      // TensorBoard reads the files of a folder in the order of their names, also where the clock was set back in between.
      const older = readdirSync(folder).map(name => Number(/^events\.out\.tfevents\.(\d+)\./.exec(name)?.[1] ?? -1))
      this.path = join(folder, `events.out.tfevents.${String(Math.max(Math.floor(now()), ...older.map(t => t + 1))).padStart(10, '0')}.${hostname()}.${process.pid}`)
      this.#fd = openSync(this.path, 'a')
    } catch (error) { throw explain(this.path, error) }
    this.#append(0, text(3, 'brain.Event:2'))
    if (start > 0) this.#append(start + 1, message(7, integer(1, 1)))
  }

  /** Values by tag. Those that are not finite are left out: TensorBoard's charts break at them. */
  scalars(step: number, values: Readonly<Record<string, number>>): void {
    const finite = Object.entries(values).filter(([, v]) => Number.isFinite(v))
    if (finite.length > 0) this.#append(step, message(5, ...finite.map(([tag, v]) => message(1, text(1, tag), fixed(2, v, 4)))))
  }

  image(step: number, tag: string, { width, height, bytes }: EventImage): void {
    this.#append(step, message(5, message(1, text(1, tag), message(4, integer(1, height), integer(2, width), integer(3, 3), bytesField(4, bytes)))))
  }

  close(): void { closeSync(this.#fd) }

  #append(step: number, what: Uint8Array): void {
    const bytes = record(Buffer.concat([fixed(1, this.#now(), 8), integer(2, step), what]))
    const before = fstatSync(this.#fd).size
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(this.#fd, bytes, done)
    } catch (error) {
      // Half a record would hide all that follows it.
      ftruncateSync(this.#fd, before)
      throw explain(this.path, error)
    }
  }
}
