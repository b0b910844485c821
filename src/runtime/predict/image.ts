// An image file of any common format -> RGB bytes, upright.
import { open } from 'node:fs/promises'
import sharp from 'sharp'
import { dataError, reasonOf } from '../data/errors.ts'
import type { Picture } from '../draw/picture.ts'
import { longestSide, mostPixels } from './limits.ts'

const largestFile = 1 << 29

const expected = 'an image: PNG, JPEG, WebP, TIFF, AVIF, GIF or SVG'

async function readBytes(path: string): Promise<Buffer> {
  let file
  try {
    file = await open(path, 'r')
    const status = await file.stat()
    if (status.isDirectory()) throw dataError(path, { found: 'is a folder, not a file', expected, fix: 'name the images, as in DIR/*.png' })
    if (!status.isFile()) throw dataError(path, { found: 'is not a regular file', expected, fix: 'copy the image into a file' })
    if (status.size === 0) throw dataError(path, { found: 'is empty', expected, fix: 'fetch the image again' })
    if (status.size > largestFile) throw dataError(path, { found: `is ${status.size} bytes long`, expected: `${expected}, of at most ${largestFile} bytes`, fix: 'scale the image down' })
    return await file.readFile()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    throw dataError(path, { found: reasonOf(error), expected, fix: 'check the path' })
  } finally {
    await file?.close()
  }
}

/**
 * Turned upright by its EXIF orientation, converted to sRGB of 8 bits (CMYK and gray too, by the file's colour profile), on white where it is transparent. Throws DataError for what is no whole
 * image of at most 50 megapixels and 16,384 pixels a side.
 */
export async function readImage(path: string): Promise<Picture> {
  const bytes = await readBytes(path)
  const options = { failOn: 'truncated', limitInputPixels: false } as const
  const damaged = (error: unknown, found: string): Error => dataError(path, { found: `${found} (${(error as Error).message.split('\n')[0].trim()})`, expected, fix: 'check that it opens in an image viewer, or convert it to PNG' })
  const { width, height } = await sharp(bytes, options).metadata().catch((error: unknown) => { throw damaged(error, 'is not an image that can be read') })
  if (width * height > mostPixels || Math.max(width, height) > longestSide) {
    throw dataError(path, { found: `is ${width} x ${height}`, expected: `at most ${mostPixels / 1e6} megapixels, and ${longestSide} pixels a side`, fix: 'scale the image down: a model sees it at its own size anyway' })
  }
  try {
    const { data, info } = await sharp(bytes, options).autoOrient().flatten({ background: 'white' }).toColourspace('srgb').removeAlpha().raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true })
    return { height: info.height, width: info.width, data: info.channels === 3 ? new Uint8Array(data.buffer, data.byteOffset, data.length) : threeTimes(data, info.channels) }
  } catch (error) {
    throw damaged(error, 'is damaged or truncated')
  }
}

/** The first channel, for each of red, green and blue. */
function threeTimes(data: Uint8Array, channels: number): Uint8Array {
  const out = new Uint8Array((3 * data.length) / channels)
  for (let i = 0, o = 0; i < data.length; i += channels, o += 3) out[o] = out[o + 1] = out[o + 2] = data[i]
  return out
}
