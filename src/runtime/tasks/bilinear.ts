// Bilinear resizing of network outputs to the size of the annotation, half-pixel centres (align_corners = false).

/** Per target index: the two source indices, and the weight of the second. */
interface Taps { readonly low: Int32Array; readonly high: Int32Array; readonly weight: Float64Array }

function taps(from: number, to: number): Taps {
  const t = { low: new Int32Array(to), high: new Int32Array(to), weight: new Float64Array(to) }
  for (let i = 0; i < to; i++) {
    const at = Math.max(0, ((i + 0.5) * from) / to - 0.5)
    const low = Math.min(from - 1, Math.floor(at))
    t.low[i] = low
    t.high[i] = Math.min(from - 1, low + 1)
    t.weight[i] = at - low
  }
  return t
}

/**
 * Resizes planes [channels, h, w] row by row: `take` gets, for every row of the target and every channel in turn, the row's values (a buffer that is used again).
 * Nothing of the target's full size is held.
 */
export function resizeRows(source: Float32Array, channels: number, from: readonly [number, number], to: readonly [number, number], take: (row: number, channel: number, values: Float32Array) => void): void {
  const [h, w] = from
  const rows = taps(h, to[0])
  const { low, high, weight } = taps(w, to[1])
  const blended = new Float64Array(w)
  const values = new Float32Array(to[1])
  for (let i = 0; i < to[0]; i++) {
    const t = rows.weight[i]
    for (let c = 0; c < channels; c++) {
      const above = (c * h + rows.low[i]) * w
      const below = (c * h + rows.high[i]) * w
      for (let j = 0; j < w; j++) blended[j] = source[above + j] + t * (source[below + j] - source[above + j])
      for (let j = 0; j < values.length; j++) { const a = blended[low[j]]; values[j] = a + weight[j] * (blended[high[j]] - a) }
      take(i, c, values)
    }
  }
}

/** One plane [h, w] at another size. */
export function resizeBilinear(source: Float32Array, from: readonly [number, number], to: readonly [number, number]): Float32Array {
  const out = new Float32Array(to[0] * to[1])
  resizeRows(source, 1, from, to, (row, _, values) => out.set(values, row * to[1]))
  return out
}
