// How an image of any size fits into the size of a model: scaled as a whole, centred, the rest filled; and the ways back.
import type { Camera } from '../data/dataset.ts'
import { scaledCamera } from '../projection.ts'

export interface Size { readonly height: number; readonly width: number }

/** An image inside a model's input: original pixel (u, v) lies at ((u + 0.5) * sx + left - 0.5, (v + 0.5) * sy + top - 0.5). sx and sy differ by rounding alone. */
export interface Fit { readonly image: Size; readonly model: Size; /** of the scaled image, in pixels of the model's input */ readonly content: Size; readonly left: number; readonly top: number; readonly sx: number; readonly sy: number }

/** The proportions are kept: a network that has learnt how wide a car is must not see it squeezed. */
export function fitImage(image: Size, model: Size): Fit {
  const scale = Math.min(model.width / image.width, model.height / image.height)
  const within = (v: number, most: number): number => Math.min(most, Math.max(1, Math.round(v)))
  const content = { height: within(image.height * scale, model.height), width: within(image.width * scale, model.width) }
  return {
    image, model, content, left: Math.floor((model.width - content.width) / 2), top: Math.floor((model.height - content.height) / 2),
    sx: content.width / image.width, sy: content.height / image.height,
  }
}

/** The camera of the model's input, of which the image is a part. */
export const fitCamera = (camera: Camera, { sx, sy, left, top }: Fit): Camera => scaledCamera(camera, sx, sy, left, top)

/** A rectangle [x, y, w, h] of the model's input in pixels of the image, cut at its borders; what reaches the outermost pixels of the one reaches the border of the other. */
export function rectangleBack([x, y, w, h]: readonly [number, number, number, number], { image, content, sx, sy, left, top }: Fit): readonly [number, number, number, number] {
  const back = (v: number, offset: number, inside: number, scale: number, length: number): number => (v <= offset ? 0 : v >= offset + inside - 1 ? length : Math.min(length, Math.max(0, (v + 0.5 - offset) / scale - 0.5)))
  const across = (v: number): number => back(v, left, content.width, sx, image.width)
  const down = (v: number): number => back(v, top, content.height, sy, image.height)
  const [x0, y0] = [across(x), down(y)]
  return [x0, y0, across(x + w) - x0, down(y + h) - y0]
}

/** Where the pixels of one axis of the image lie in a map that covers the model's input: lower neighbour, upper one, weight of the upper one. The filled margin is never reached. */
function neighbours(length: number, scale: number, offset: number, content: number, model: number, cells: number): { readonly low: Int32Array; readonly high: Int32Array; readonly weight: Float32Array } {
  const ratio = cells / model
  const [first, last] = [Math.min(cells - 1, Math.ceil(offset * ratio)), Math.max(0, Math.floor((offset + content) * ratio) - 1)]
  const [low, high, weight] = [new Int32Array(length), new Int32Array(length), new Float32Array(length)]
  for (let i = 0; i < length; i++) {
    const at = Math.min(Math.max(((i + 0.5) * scale + offset) * ratio - 0.5, Math.min(first, last)), Math.max(first, last))
    low[i] = Math.floor(at)
    high[i] = Math.min(cells - 1, low[i] + 1)
    weight[i] = at - low[i]
  }
  return { low, high, weight }
}

/** Rows of a map [channels, h, w] over the model's input, bilinearly at the pixels of the image: `row` gets the index of the row and its values, channel by channel; the array is used again. */
export function mapBack(map: Float32Array, channels: number, [h, w]: readonly [number, number], fit: Fit, row: (y: number, values: Float32Array) => void): void {
  const { image: { height, width } } = fit
  const across = neighbours(width, fit.sx, fit.left, fit.content.width, fit.model.width, w)
  const down = neighbours(height, fit.sy, fit.top, fit.content.height, fit.model.height, h)
  const line = new Float32Array(w)
  const out = new Float32Array(channels * width)
  for (let y = 0; y < height; y++) {
    const [t, a, b] = [down.weight[y], down.low[y] * w, down.high[y] * w]
    for (let c = 0; c < channels; c++) {
      const base = c * h * w
      for (let x = 0; x < w; x++) line[x] = t === 0 ? map[base + a + x] : (1 - t) * map[base + a + x] + t * map[base + b + x]
      for (let x = 0, o = c * width; x < width; x++, o++) {
        const s = across.weight[x]
        out[o] = s === 0 ? line[across.low[x]] : (1 - s) * line[across.low[x]] + s * line[across.high[x]]
      }
    }
    row(y, out)
  }
}
