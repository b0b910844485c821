// Image files in the browser: decoded to RGB as `mtlc predict` does, and to bitmaps that are shown.
import type { Picture } from '../runtime/draw/picture.ts'
import type { Size } from '../runtime/predict/fit.ts'
import { longestSide, mostPixels } from '../runtime/predict/limits.ts'

/** Upright by EXIF, in sRGB, on white where it is transparent. Throws Error with a message for users. */
export async function readPicture(name: string, file: Blob): Promise<{ readonly picture: Picture; readonly canvas: OffscreenCanvas }> {
  if (file.size === 0) throw new Error(`${name} is empty`)
  let bitmap
  try { bitmap = await createImageBitmap(file) } catch { throw new Error(`${name} cannot be read as an image: this browser expects PNG, JPEG, WebP, GIF, AVIF or BMP, and the file may be damaged`) }
  const { width, height } = bitmap
  if (width * height > mostPixels || Math.max(width, height) > longestSide) {
    bitmap.close()
    throw new Error(`${name} is ${width} × ${height}: at most ${mostPixels / 1e6} megapixels and ${longestSide} pixels a side are read`)
  }
  const canvas = new OffscreenCanvas(width, height)
  const brush = canvas.getContext('2d', { willReadFrequently: true })
  if (brush === null) throw new Error(`${name} is ${width} × ${height}, for which this browser has no canvas`)
  brush.fillStyle = '#fff'
  brush.fillRect(0, 0, width, height)
  brush.drawImage(bitmap, 0, 0)
  bitmap.close()
  const rgba = brush.getImageData(0, 0, width, height).data
  const data = new Uint8Array(3 * width * height)
  for (let i = 0, o = 0; o < data.length; i += 4, o += 3) {
    data[o] = rgba[i]
    data[o + 1] = rgba[i + 1]
    data[o + 2] = rgba[i + 2]
  }
  return { picture: { height, width, data }, canvas }
}

/** The longer side in pixels at which pictures are shown. */
const [least, most] = [1024, 1600]

export function shownSize({ height, width }: Size): Size {
  const long = Math.max(height, width)
  const scale = Math.min(most, Math.max(least, long)) / long
  return { height: Math.max(1, Math.round(height * scale)), width: Math.max(1, Math.round(width * scale)) }
}

export const toBitmap = (canvas: OffscreenCanvas, { height, width }: Size): Promise<ImageBitmap> => createImageBitmap(canvas, { resizeWidth: width, resizeHeight: height, resizeQuality: 'high' })
