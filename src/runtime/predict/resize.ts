// Pictures at another size, for models: Lanczos with three lobes, widened where the picture gets smaller, so that nothing flickers (C. E. Duchon, Lanczos filtering in one and two dimensions, 1979).
import type { Picture } from '../draw/picture.ts'

const lobes = 3
const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))
const lanczos = (x: number): number => (Math.abs(x) < lobes ? sinc(x) * sinc(x / lobes) : 0)

/** Of one axis: per target index the first source index, and the weights from there on, whose sum is 1. */
interface Taps { readonly first: Int32Array; readonly weights: readonly Float64Array[] }

function taps(from: number, to: number): Taps {
  const scale = from / to
  const wide = Math.max(1, scale)
  const first = new Int32Array(to)
  const weights = Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale - 0.5
    const [low, high] = [Math.max(0, Math.ceil(centre - lobes * wide)), Math.min(from - 1, Math.floor(centre + lobes * wide))]
    const raw = Float64Array.from({ length: high - low + 1 }, (_, k) => lanczos((low + k - centre) / wide))
    const sum = raw.reduce((a, b) => a + b, 0)
    first[i] = low
    return raw.map(v => v / sum)
  })
  return { first, weights }
}

/** Each row of RGB pixels at another width; values are not rounded. */
function across(data: Uint8Array, height: number, from: number, to: number): Float32Array {
  const { first, weights } = taps(from, to)
  const out = new Float32Array(3 * height * to)
  for (let y = 0, o = 0; y < height; y++) {
    for (let x = 0; x < to; x++, o += 3) {
      const w = weights[x]
      let [r, g, b] = [0, 0, 0]
      for (let k = 0, s = 3 * (y * from + first[x]); k < w.length; k++, s += 3) {
        r += w[k] * data[s]
        g += w[k] * data[s + 1]
        b += w[k] * data[s + 2]
      }
      out[o] = r
      out[o + 1] = g
      out[o + 2] = b
    }
  }
  return out
}

/** The picture at that size, rounded to bytes; itself where it has the size already. */
export function resized(picture: Picture, height: number, width: number): Picture {
  if (picture.height === height && picture.width === width) return picture
  const rows = across(picture.data, picture.height, picture.width, width)
  const { first, weights } = taps(picture.height, height)
  const row = 3 * width
  const sum = new Float64Array(row)
  const data = new Uint8Array(height * row)
  for (let y = 0; y < height; y++) {
    sum.fill(0.5)
    const w = weights[y]
    for (let k = 0; k < w.length; k++) for (let i = 0, s = (first[y] + k) * row; i < row; i++, s++) sum[i] += w[k] * rows[s]
    for (let i = 0, o = y * row; i < row; i++, o++) data[o] = Math.min(255, Math.max(0, sum[i]))
  }
  return { height, width, data }
}
