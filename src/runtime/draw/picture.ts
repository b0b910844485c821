// A picture in memory: RGB bytes, pasted and repeated.
import type { Colour } from './colours.ts'

/** RGB, 8 bit, row-major HWC. */
export interface Picture { readonly height: number; readonly width: number; readonly data: Uint8Array }

/** A picture of one colour. */
export function plain(height: number, width: number, [r, g, b]: Colour): Picture {
  const data = new Uint8Array(3 * height * width)
  for (let i = 0; i < data.length; i += 3) { data[i] = r; data[i + 1] = g; data[i + 2] = b }
  return { height, width, data }
}

/** The colour of a pixel. */
export function pixelAt({ width, data }: Picture, row: number, column: number): Colour {
  const at = 3 * (row * width + column)
  return [data[at], data[at + 1], data[at + 2]]
}

/** `inner` copied into `outer` at a place where it fits. */
export function pasted(outer: Picture, inner: Picture, top: number, left: number): Picture {
  if (top < 0 || left < 0 || top + inner.height > outer.height || left + inner.width > outer.width) throw new Error(`internal: ${inner.width} x ${inner.height} at ${left}, ${top} does not fit into ${outer.width} x ${outer.height}`)
  const data = outer.data.slice()
  for (let y = 0; y < inner.height; y++) data.set(inner.data.subarray(3 * y * inner.width, 3 * (y + 1) * inner.width), 3 * ((top + y) * outer.width + left))
  return { ...outer, data }
}

/** A map of h x w values, row-major, with each value `factor` times across and down. */
export function repeated(map: ArrayLike<number>, height: number, width: number, factor: number): Float32Array {
  const out = new Float32Array(height * width * factor * factor)
  const wide = width * factor
  for (let y = 0; y < height * factor; y++) for (let x = 0, row = Math.floor(y / factor) * width; x < wide; x++) out[y * wide + x] = map[row + Math.floor(x / factor)]
  return out
}
