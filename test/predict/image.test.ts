// Image files of every kind, and files that are none.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { afterAll, expect, it } from 'vitest'
import { pixelAt, plain, type Picture } from '../../src/runtime/draw/picture.ts'
import { fitImage } from '../../src/runtime/predict/fit.ts'
import { readImage } from '../../src/runtime/predict/image.ts'
import { modelInput } from '../../src/runtime/predict/input.ts'
import { resized } from '../../src/runtime/predict/resize.ts'

const dir = mkdtempSync(join(tmpdir(), 'mtlc-image-'))
afterAll(() => rmSync(dir, { recursive: true }))
const put = async (name: string, bytes: Uint8Array | string | Promise<Uint8Array>): Promise<string> => {
  const path = join(dir, name)
  writeFileSync(path, await bytes)
  return path
}
/** Red on the left, blue on the right. */
const two = (height = 4, width = 8): Sharp => sharp(Uint8Array.from({ length: 3 * height * width }, (_, i) => ((i % 3 === 0) === (Math.floor(i / 3) % width < width / 2) && i % 3 !== 1 ? 255 : 0)), { raw: { height, width, channels: 3 } })

it.each<[string, () => Promise<Uint8Array>]>([
  ['png', () => two().png().toBuffer()],
  ['tiff', () => two().tiff({ compression: 'none' }).toBuffer()],
  ['webp', () => two().webp({ lossless: true }).toBuffer()],
  ['gif', () => two().gif().toBuffer()],
  ['png of 16 bits', () => two().toColourspace('rgb16').png().toBuffer()],
  ['png with alpha', () => two().ensureAlpha().png().toBuffer()],
])('%s', async (name, make) => {
  const image = await readImage(await put(name, make()))
  expect([image.height, image.width, image.data.length]).toEqual([4, 8, 96])
  expect([pixelAt(image, 0, 0), pixelAt(image, 3, 7)]).toEqual([[255, 0, 0], [0, 0, 255]])
})

it('is turned upright', async () => {
  const image = await readImage(await put('turned.jpg', two(64, 128).withMetadata({ orientation: 6 }).jpeg({ quality: 100 }).toBuffer()))
  expect([image.height, image.width]).toEqual([128, 64])
  const [top, bottom] = [pixelAt(image, 5, 30), pixelAt(image, 120, 30)]
  expect(top[0] > 240 && bottom[2] > 240).toBe(true)
})

it('gray has three equal channels; transparent is white; CMYK becomes RGB', async () => {
  const gray = await readImage(await put('gray.png', sharp(Uint8Array.of(7, 200), { raw: { height: 1, width: 2, channels: 1 } }).png().toBuffer()))
  expect([...gray.data]).toEqual([7, 7, 7, 200, 200, 200])
  const clear = await readImage(await put('clear.png', sharp(Uint8Array.of(9, 9, 9, 0), { raw: { height: 1, width: 1, channels: 4 } }).png().toBuffer()))
  expect([...clear.data]).toEqual([255, 255, 255])
  const grayAlpha = await readImage(await put('ga.png', sharp(Uint8Array.of(9, 255), { raw: { height: 1, width: 1, channels: 2 } }).png().toBuffer()))
  expect([...grayAlpha.data]).toEqual([9, 9, 9])
  const cmyk = await readImage(await put('cmyk.jpg', two(64, 64).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer()))
  expect(cmyk.data.length).toBe(3 * 64 * 64)
  const [r, g, b] = pixelAt(cmyk, 30, 5)
  expect(r > 200 && g < 80 && b < 80).toBe(true)
})

it.each<[string, () => Promise<string>, string]>([
  ['missing', async () => join(dir, 'nowhere.png'), 'does not exist'],
  ['a folder', async () => { mkdirSync(join(dir, 'folder')); return join(dir, 'folder') }, 'is a folder, not a file'],
  ['empty', () => put('empty.png', ''), 'is empty'],
  ['text', () => put('text.png', 'no image at all'), 'is not an image that can be read'],
  ['truncated PNG', async () => put('short.png', (await two(64, 64).png().toBuffer()).subarray(0, 120)), 'is damaged or truncated'],
  ['truncated JPEG', async () => put('short.jpg', (await two(640, 640).jpeg().toBuffer()).subarray(0, 900)), 'is damaged or truncated'],
  ['huge', () => put('huge.svg', '<svg xmlns="http://www.w3.org/2000/svg" width="9000" height="9000"/>'), 'is 9000 x 9000'],
  ['long', () => put('long.svg', '<svg xmlns="http://www.w3.org/2000/svg" width="20000" height="2"/>'), 'is 20000 x 2'],
])('%s is explained', async (_, make, found) => {
  const path = await make()
  await expect(readImage(path)).rejects.toThrow(`${path}: ${found}`)
  await expect(readImage(path)).rejects.toThrow('fix: ')
})

it('the input is normalised, and the margin is zero', () => {
  const spec = { image: [2, 4], mean: [0.4, 0.2, 0.6], std: [0.5, 0.25, 0.2] } as const
  const model = { height: 2, width: 4 }
  const same = modelInput(plain(2, 4, [102, 51, 255]), fitImage(model, model), spec)
  expect(same.shape).toEqual([1, 3, 2, 4])
  expect(Array.from(same.data).map(v => Number(v.toFixed(5)) + 0)).toEqual([...Array<number>(16).fill(0), ...Array<number>(8).fill(2)])
  const square = modelInput(plain(2, 2, [102, 51, 255]), fitImage({ height: 2, width: 2 }, model), spec)
  expect(Array.from(square.data.slice(16)).map(v => Number(v.toFixed(5)) + 0)).toEqual([0, 2, 2, 0, 0, 2, 2, 0])
})

/** Waves of 31 pixels across, of 6 to 19 down. */
const textured = (height: number, width: number): Picture => ({ height, width, data: Uint8Array.from({ length: 3 * height * width }, (_, i) => 127 + 60 * Math.sin(i / 3 % width / 5) + 50 * Math.sin(Math.floor(i / 3 / width) / 3 * (1 + i % 3))) })

it.each([[20, 31], [50, 40], [64, 96]])('resized to %i x %i as libvips resizes with its filter', async (height, width) => {
  const picture = textured(64, 96)
  const expected = await sharp(picture.data, { raw: { height: 64, width: 96, channels: 3 } }).resize(width, height, { fit: 'fill', kernel: 'lanczos3' }).raw().toBuffer()
  const found = resized(picture, height, width).data
  const differences = Array.from(found, (v, i) => Math.abs(v - expected[i]))
  expect(differences.reduce((a, b) => a + b, 0) / differences.length).toBeLessThan(0.6)
})

it('a picture of one colour keeps it at any size', () => {
  for (const [height, width] of [[1, 1], [7, 300], [33, 2]]) expect([...new Set(resized(plain(20, 30, [9, 9, 9]), height, width).data)]).toEqual([9])
})

it('enlarged, a ramp stays a ramp', () => {
  const ramp = { height: 40, width: 50, data: Uint8Array.from({ length: 3 * 40 * 50 }, (_, i) => 4 * (Math.floor(i / 3) % 50)) }
  const { data } = resized(ramp, 60, 125)
  for (let x = 10; x < 115; x++) expect(Math.abs(data[3 * (30 * 125 + x)] - 4 * ((x + 0.5) / 2.5 - 0.5))).toBeLessThan(1)
})
