// A part of the image enlarged to the whole: what a camera with a longer lens and another principal point would have seen.
import { scaledCamera } from '../../projection.ts'
import type { Box3d, Sample } from '../dataset.ts'

type Box2d = readonly [number, number, number, number]

/** `scale` >= 1; `left` and `top`: distance of the part's edges from those of the image, in pixels, 0 to width - width / scale. */
export interface Window { readonly scale: number; readonly left: number; readonly top: number }

/** Boxes of which less than this share of the visible area is left are dropped. */
const leastVisible = 0.25
/** Largest raw disparity. */
const mostRaw = 65535

/** Where target pixel i lies in the source, pixel centres at integers. */
const sourceOf = (i: number, scale: number, offset: number): number => (i + 0.5) / scale + offset - 0.5

interface Taps { readonly low: Int32Array; readonly high: Int32Array; readonly weight: Float64Array; readonly nearest: Int32Array }

function taps(size: number, scale: number, offset: number): Taps {
  const t = { low: new Int32Array(size), high: new Int32Array(size), weight: new Float64Array(size), nearest: new Int32Array(size) }
  for (let i = 0; i < size; i++) {
    const at = Math.min(size - 1, Math.max(0, sourceOf(i, scale, offset)))
    t.low[i] = Math.floor(at)
    t.high[i] = Math.min(size - 1, t.low[i] + 1)
    t.weight[i] = at - t.low[i]
    t.nearest[i] = Math.min(size - 1, Math.floor(at + 0.5))
  }
  return t
}

function bilinear(image: Uint8Array, width: number, rows: Taps, columns: Taps): Uint8Array {
  const out = new Uint8Array(image.length)
  for (let y = 0, o = 0; y < rows.low.length; y++) {
    const [above, below, v] = [rows.low[y] * width, rows.high[y] * width, rows.weight[y]]
    for (let x = 0; x < columns.low.length; x++) {
      const [l, r, u] = [3 * columns.low[x], 3 * columns.high[x], columns.weight[x]]
      for (let c = 0; c < 3; c++, o++) {
        const [p, q] = [3 * above + c, 3 * below + c]
        const upper = image[p + l] + u * (image[p + r] - image[p + l])
        const lower = image[q + l] + u * (image[q + r] - image[q + l])
        out[o] = Math.round(upper + v * (lower - upper))
      }
    }
  }
  return out
}

/** Nearest, every value through `value`. */
function picked<T extends Uint8Array | Uint16Array>(map: T, width: number, rows: Taps, columns: Taps, value: (raw: number) => number): T {
  const out = map.slice() as T
  for (let y = 0, o = 0; y < rows.nearest.length; y++) for (let x = 0; x < columns.nearest.length; x++, o++) out[o] = value(map[rows.nearest[y] * width + columns.nearest[x]])
  return out
}

/** Raw 16-bit disparity at another scale: an object as far away as before is `scale` times as many pixels apart. What the 16 bits cannot hold is no measurement. */
const scaledDisparity = (scale: number) => (raw: number): number => {
  if (raw < 2) return raw
  const scaled = Math.round((raw - 1) * scale) + 1
  return scaled > mostRaw ? 0 : scaled
}

const clipped = ([x, y, w, h]: Box2d, width: number, height: number): Box2d => {
  const clamp = (v: number, most: number): number => Math.min(Math.max(v, 0), most)
  const [x0, y0, x1, y1] = [clamp(x, width - 1), clamp(y, height - 1), clamp(x + w, width - 1), clamp(y + h, height - 1)]
  return [x0, y0, x1 - x0, y1 - y0]
}

/** The sample seen through the window, at its own size. Depth, 3D boxes and their frame stay as they are; camera, disparity and 2D boxes follow. */
export function zoom(sample: Sample, { scale, left, top }: Window): Sample {
  const { width, height } = sample
  const [rows, columns] = [taps(height, scale, top), taps(width, scale, left)]
  const enlarged = ([x, y, w, h]: Box2d): Box2d => [(x + 0.5 - left) * scale - 0.5, (y + 0.5 - top) * scale - 0.5, w * scale, h * scale]
  const seen = (box: Box2d): Box2d => clipped(enlarged(box), width, height)
  const share = (box: Box2d): number => { const [, , w, h] = seen(box); return w * h / (box[2] * box[3] * scale * scale) }
  const boxes = (all: readonly Box3d[]): Box3d[] => all.filter(b => share(b.modal) >= leastVisible).map(b => ({ ...b, modal: seen(b.modal), amodal: seen(b.amodal) }))
  return {
    ...sample,
    image: bilinear(sample.image, width, rows, columns),
    labelIds: sample.labelIds && picked(sample.labelIds, width, rows, columns, v => v),
    disparity: sample.disparity && picked(sample.disparity, width, rows, columns, scaledDisparity(scale)),
    camera: sample.camera && scaledCamera(sample.camera, scale, scale, -left * scale, -top * scale),
    boxes: sample.boxes && boxes(sample.boxes),
    ...(sample.ignores === undefined ? {} : { ignores: sample.ignores.map(r => ({ ...r, box: seen(r.box) })) }),
  }
}
