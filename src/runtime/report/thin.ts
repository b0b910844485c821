// Long curves made short without hiding anything: means over equal stretches, and the range of what was averaged.

export interface Thinned {
  /** mean of x and of y of each stretch */
  readonly line: readonly (readonly [number, number])[]
  /** x, least and largest y of each stretch; empty where every point is shown */
  readonly band: readonly (readonly [number, number, number])[]
}

/** Points in order of x; those that are not finite are left out. Up to `most` stretches. */
export function thin(points: readonly (readonly [number, number])[], most = 240): Thinned {
  const finite = points.filter(([, y]) => Number.isFinite(y))
  if (finite.length <= most) return { line: finite, band: [] }
  const line: [number, number][] = []
  const band: [number, number, number][] = []
  for (let k = 0; k < most; k++) {
    const part = finite.slice(Math.floor(k * finite.length / most), Math.floor((k + 1) * finite.length / most))
    const x = part.reduce((s, p) => s + p[0], 0) / part.length
    let [sum, low, high] = [0, Infinity, -Infinity]
    for (const [, y] of part) { sum += y; low = Math.min(low, y); high = Math.max(high, y) }
    line.push([x, sum / part.length])
    band.push([x, low, high])
  }
  return { line, band }
}
