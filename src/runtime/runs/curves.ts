// Curves of a run as charts: axes that fit what is shown.
import { lineChart, type Axis } from '../report/charts.ts'
import type { Html } from '../report/html.ts'
import { thin } from '../report/thin.ts'

export interface Curve { readonly name: string; readonly points: readonly (readonly [number, number])[] }

export interface ChartOptions { readonly width?: number; readonly height?: number; /** a logarithmic axis where values span a large range */ readonly log?: boolean }

/** Values that differ by more than this factor span a large range. */
const logarithmic = 20

const rangeOf = (values: readonly number[]): readonly [number, number] => {
  let [low, high] = [Infinity, -Infinity]
  for (const v of values) if (Number.isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v) }
  return low <= high ? [low, high] : [0, 1]
}

function valueAxis(label: string, values: readonly number[], log: boolean): Axis {
  const [low, high] = rangeOf(values)
  if (log && low > 0 && high / low > logarithmic) return { label, min: low, max: high, log: true }
  const margin = (high - low || Math.abs(high) || 1) * 0.04
  // Curves that come near zero begin at zero.
  return { label, min: low >= 0 && low < 0.3 * high ? 0 : low - margin, max: high + margin }
}

/** One chart over the steps. Undefined where there is no point to show. */
export function stepChart(title: string, unit: string, curves: readonly Curve[], { log = false, ...size }: ChartOptions = {}): Html | undefined {
  const thinned = curves.filter(c => c.points.some(([, y]) => Number.isFinite(y))).map(c => ({ name: c.name, ...thin(c.points) }))
  if (thinned.length === 0) return undefined
  const [first, last] = rangeOf(curves.flatMap(c => [...c.points.slice(0, 1), ...c.points.slice(-1)].map(p => p[0])))
  const values = thinned.flatMap(c => [...c.line.map(p => p[1]), ...c.band.flatMap(b => [b[1], b[2]])])
  return lineChart({ title, x: { label: 'step', min: Math.min(first, last > 1 ? 1 : 0), max: last }, y: valueAxis(unit, values, log), series: thinned.map(c => ({ name: c.name, points: c.line, band: c.band })), ...size })
}
