// PNG files of known size and kind: read with every mistake named, written with the same bytes everywhere.
import { zlibSync } from 'fflate'
import { open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'
import { dataError, reasonOf } from '../errors.ts'

/** The three kinds in use, with channels, bit depth and colour type of the PNG standard. */
const formats = {
  rgb8: { words: 'an 8-bit RGB', depth: 8, colour: 2, channels: 3 },
  gray8: { words: 'an 8-bit gray', depth: 8, colour: 0, channels: 1 },
  gray16: { words: 'a 16-bit gray', depth: 16, colour: 0, channels: 1 },
} as const
export type PngKind = keyof typeof formats

const colours: Readonly<Record<number, string>> = { 0: 'gray', 2: 'RGB', 3: 'palette', 4: 'gray with alpha', 6: 'RGB with alpha' }
const signature = [137, 80, 78, 71, 13, 10, 26, 10]

/** Reads a whole file of at most `limit` bytes. Throws DataError. */
export async function readLimited(path: string, limit: number, what: string, fix: string): Promise<Uint8Array> {
  let file
  try {
    file = await open(path, 'r')
    const { size } = await file.stat()
    if (size > limit) throw dataError(path, { found: `is ${size} bytes long`, expected: `${what} of at most ${limit} bytes`, fix })
    return new Uint8Array(await file.readFile())
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    throw dataError(path, { found: reasonOf(error), expected: what, fix })
  } finally {
    await file?.close()
  }
}

function checkHeader(path: string, bytes: Uint8Array, kind: PngKind, height: number, width: number, sizeFrom: string, fix: string): void {
  const format = formats[kind]
  const fromText = sizeFrom.includes('data.image')
  const expected = `${format.words} PNG of ${width} x ${height} (width x height)`
  if (bytes.length === 0) throw dataError(path, { found: 'is empty', expected, fix })
  if (signature.some((b, i) => bytes[i] !== b)) throw dataError(path, { found: `is not a PNG: it begins with ${[...bytes.subarray(0, 8)].map(b => b.toString(16).padStart(2, '0')).join(' ')}`, expected, fix })
  if (bytes.length < 33) throw dataError(path, { found: `ends after ${bytes.length} bytes, inside the PNG header`, expected, fix })
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const [w, h, depth, colour] = [view.getUint32(16), view.getUint32(20), view.getUint8(24), view.getUint8(25)]
  if (depth !== format.depth || colour !== format.colour) throw dataError(path, { found: `is ${depth}-bit ${colours[colour] ?? `of colour type ${colour}`}`, expected, fix: 'use the file as published; a converted copy loses its values' })
  if (w !== width || h !== height) throw dataError(path, { found: `is ${w} x ${h}`, expected: `${width} x ${height} (width x height), ${sizeFrom}`, fix: fromText ? `set data.image = ${h} x ${w} in the model's text if all images have this size` : 'use the files as published, or rescale all of them alike' })
}

/** Rows and columns that a PNG file states for itself. Throws DataError. */
export async function pngSize(path: string): Promise<[number, number]> {
  const expected = 'a PNG file'
  const fix = 'unpack it again'
  let file
  try {
    file = await open(path, 'r')
    const head = Buffer.alloc(24)
    const { bytesRead } = await file.read(head, 0, 24, 0)
    if (bytesRead < 24 || signature.some((b, i) => head[i] !== b)) throw dataError(path, { found: bytesRead === 0 ? 'is empty' : 'is not a PNG', expected, fix })
    return [head.readUInt32BE(20), head.readUInt32BE(16)]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    throw dataError(path, { found: reasonOf(error), expected, fix })
  } finally {
    await file?.close()
  }
}

const damaged = (path: string, error: unknown, kind: PngKind, fix: string): Error =>
  dataError(path, { found: `is damaged or truncated (${(error as Error).message.split('\n')[0].replace(/:?\s*$/, '')})`, expected: `the whole of ${formats[kind].words} PNG`, fix })

/**
 * Decodes a PNG: row-major samples, HWC. `sizeFrom` says where the expected size comes from, `fix` what to do about a broken file.
 * Throws DataError for a missing, truncated or damaged file and for another size, bit depth or number of channels.
 */
export async function readPng(path: string, kind: PngKind, height: number, width: number, sizeFrom: string, fix: string): Promise<Uint8Array | Uint16Array> {
  // Twice the raw pixels and room for metadata: a larger file is not what its name says.
  const limit = height * width * formats[kind].channels * formats[kind].depth / 4 + (1 << 20)
  const bytes = await readLimited(path, limit, `${formats[kind].words} PNG`, fix)
  checkHeader(path, bytes, kind, height, width, sizeFrom, fix)
  try {
    checkChunks(bytes)
    return await decoders[kind](bytes)
  } catch (error) {
    throw damaged(path, error, kind, fix)
  }
}

// Each image is decoded once, in one go: neither a cache of results nor threads within an image help.
sharp.cache(false)
sharp.concurrency(1)

/** libvips decodes several times faster than JavaScript, but by default it turns 16 bits into 8 without a word and gray into RGB: the colour space and the depth are named here. */
const decoders: Readonly<Record<PngKind, (bytes: Uint8Array) => Promise<Uint8Array | Uint16Array>>> = {
  rgb8: async bytes => bytesOf(await opened(bytes).raw().toBuffer()),
  gray8: async bytes => bytesOf(await opened(bytes).toColourspace('b-w').raw().toBuffer()),
  gray16: async bytes => {
    const raw = await opened(bytes).toColourspace('grey16').raw({ depth: 'ushort' }).toBuffer()
    // Typed arrays of 16 bits begin at even offsets.
    const { buffer, byteOffset, length } = raw.byteOffset % 2 === 0 ? raw : Buffer.from(raw)
    return new Uint16Array(buffer, byteOffset, length / 2)
  },
}
const opened = (bytes: Uint8Array): Sharp => sharp(bytes, { failOn: 'truncated', limitInputPixels: false })
const bytesOf = ({ buffer, byteOffset, length }: Buffer): Uint8Array => new Uint8Array(buffer, byteOffset, length)

/** Walks the chunks of a PNG to its end and checks their sums: a decoder may overlook what does not stop it. Throws Error. */
function checkChunks(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = signature.length; ;) {
    if (at + 12 > bytes.length) throw new Error(`it ends after ${bytes.length} bytes, before the PNG does`)
    const length = view.getUint32(at)
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    if (at + 12 + length > bytes.length) throw new Error(`it ends after ${bytes.length} bytes, inside the chunk ${type}`)
    const [stated, sum] = [view.getUint32(at + 8 + length), crc32(bytes.subarray(at + 4, at + 8 + length))]
    if (stated !== sum) throw new Error(`the check sum of the chunk ${type} at byte ${at} is wrong`)
    if (type === 'IEND') return
    at += 12 + length
  }
}

function chunk(type: string, content: Uint8Array): Uint8Array {
  const out = new Uint8Array(content.length + 12)
  const view = new DataView(out.buffer)
  view.setUint32(0, content.length)
  for (let i = 0; i < 4; i++) out[4 + i] = type.charCodeAt(i)
  out.set(content, 8)
  view.setUint32(content.length + 8, crc32(out.subarray(4, content.length + 8)))
  return out
}

/** Encodes a PNG (filter `Up` on every row). fflate rather than zlib: its bytes do not depend on the processor. */
export function encodePng(kind: PngKind, height: number, width: number, data: Uint8Array | Uint16Array): Uint8Array {
  const { depth, colour, channels } = formats[kind]
  if (data.length !== height * width * channels) throw new Error(`internal: ${data.length} samples for a ${kind} image of ${width} x ${height}`)
  const row = width * channels * depth / 8
  const raw = new Uint8Array((row + 1) * height)
  const samples = width * channels
  for (let y = 0; y < height; y++) {
    const at = y * (row + 1)
    raw[at] = 2
    const [here, above] = [y * samples, (y - 1) * samples]
    if (depth === 8) for (let x = 0; x < samples; x++) raw[at + 1 + x] = data[here + x] - (y > 0 ? data[above + x] : 0)
    else {
      for (let x = 0; x < samples; x++) {
        const value = data[here + x]
        const up = y > 0 ? data[above + x] : 0
        raw[at + 1 + 2 * x] = (value >> 8) - (up >> 8)
        raw[at + 2 + 2 * x] = (value & 255) - (up & 255)
      }
    }
  }
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header[8] = depth
  header[9] = colour
  const parts = [Uint8Array.from(signature), chunk('IHDR', header), chunk('IDAT', zlibSync(raw, { level: kind === 'rgb8' ? 1 : 3 })), chunk('IEND', new Uint8Array(0))]
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
