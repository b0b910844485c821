// Nearest resampling of label maps: source index floor((i + 0.5) * in / out), which for a half-size map picks 2i + 1.

/** Source index of every target index. */
export const nearestIndex = (from: number, to: number): Int32Array => Int32Array.from({ length: to }, (_, i) => Math.min(from - 1, Math.floor(((i + 0.5) * from) / to)))

/** Maps every pixel of a row-major h x w map to the target size through `value`. */
export function resampleMap(source: ArrayLike<number>, from: readonly [number, number], to: readonly [number, number], out: Float32Array | Int32Array, value: (raw: number) => number): void {
  const rows = nearestIndex(from[0], to[0])
  const columns = nearestIndex(from[1], to[1])
  for (let i = 0, o = 0; i < to[0]; i++) {
    const row = rows[i] * from[1]
    for (let j = 0; j < to[1]; j++, o++) out[o] = value(source[row + columns[j]])
  }
}

/** resampleMap through a table of values by raw value, which is faster. */
export function resampleByTable(source: Uint8Array | Uint16Array, from: readonly [number, number], to: readonly [number, number], out: Float32Array | Int32Array, table: Float32Array | Int32Array): void {
  if (from[0] === to[0] && from[1] === to[1]) {
    for (let i = 0; i < out.length; i++) out[i] = table[source[i]]
    return
  }
  const rows = nearestIndex(from[0], to[0])
  const columns = nearestIndex(from[1], to[1])
  for (let i = 0, o = 0; i < to[0]; i++) {
    const row = rows[i] * from[1]
    for (let j = 0; j < to[1]; j++, o++) out[o] = table[source[row + columns[j]]]
  }
}
