// Charts as SVG text: lines over one axis, and a matrix as a heat map.
import { escape, raw, type Html } from './html.ts'

export interface Axis { readonly label: string; readonly min: number; readonly max: number; /** logarithmic: min is above 0 */ readonly log?: boolean }
export interface Series { readonly name: string; /** points in order of x; a value that is not finite leaves a gap */ readonly points: readonly (readonly [number, number])[]; readonly dashed?: boolean; /** x, lower and upper end of a shaded area behind the line */ readonly band?: readonly (readonly [number, number, number])[] }
export interface LineChart { readonly title: string; readonly x: Axis; readonly y: Axis; readonly series: readonly Series[]; readonly width?: number; readonly height?: number }

/** Eight colours that people with colour-blindness tell apart (Okabe and Ito, 2008), black replaced by grey for dark pages. */
export const seriesColors: readonly string[] = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8a8a8a', '#b8a800']

/** Round positions of about `count` ticks from `min` to `max`: multiples of 1, 2 or 5 times a power of ten. */
export function ticks(min: number, max: number, count = 5): number[] {
  if (!(max > min)) return [min]
  const rough = (max - min) / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map(f => f * power).find(s => s >= rough * 0.999)!
  const first = Math.ceil(min / step - 1e-9)
  const last = Math.floor(max / step + 1e-9)
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)))
}

/** Positions of the ticks of an axis. A logarithmic one over little more than a factor of ten has those of a linear one. */
function ticksOf({ min, max, log }: Axis): number[] {
  if (log !== true || max / min < 12) return ticks(min, max)
  const powers = Array.from({ length: Math.floor(Math.log10(max) + 1e-9) - Math.ceil(Math.log10(min) - 1e-9) + 1 }, (_, i) => 10 ** (Math.ceil(Math.log10(min) - 1e-9) + i))
  return powers.length > 6 ? powers.filter((_, i) => i % Math.ceil(powers.length / 6) === 0) : powers
}

/** 0 at the lower end of an axis, 1 at the upper; a range of one value lies in the middle. */
const shareOf = ({ min, max, log }: Axis) => (v: number): number => (max === min ? 0.5 : log === true ? Math.log(v / min) / Math.log(max / min) : (v - min) / (max - min))

const f = (v: number): string => v.toFixed(1)
/** 40000 as 40k, 0.0001 as 1e-4: labels stand side by side. */
function tickText(t: number): string {
  if (Math.abs(t) >= 10_000 && t % 100 === 0) return `${t / 1000}k`
  return t !== 0 && Math.abs(t) < 1e-3 ? Number(t.toPrecision(6)).toExponential() : String(Number(t.toPrecision(6)))
}

/** Lines with axes, grid and a legend below. */
export function lineChart({ title, x, y, series, width = 360, height = 240 }: LineChart): Html {
  // Room for the longest label and the name of the axis.
  const left = Math.max(48, 30 + 6.5 * Math.max(...ticksOf(y).map(t => tickText(t).length)))
  const [right, top, bottom] = [12, 26, 40]
  const [shareX, shareY] = [shareOf(x), shareOf(y)]
  const px = (v: number): number => left + shareX(v) * (width - left - right)
  const py = (v: number): number => height - bottom - shareY(v) * (height - top - bottom)
  const parts = [`<text x="${left}" y="14" font-weight="600">${escape(title)}</text>`]
  for (const t of ticksOf(x)) parts.push(`<line class="grid" x1="${f(px(t))}" x2="${f(px(t))}" y1="${top}" y2="${height - bottom}"/><text class="soft" text-anchor="middle" x="${f(px(t))}" y="${height - bottom + 14}">${tickText(t)}</text>`)
  for (const t of ticksOf(y)) parts.push(`<line class="grid" x1="${left}" x2="${width - right}" y1="${f(py(t))}" y2="${f(py(t))}"/><text class="soft" text-anchor="end" x="${left - 5}" y="${f(py(t) + 4)}">${tickText(t)}</text>`)
  parts.push(`<path class="axis" fill="none" d="M${left} ${top}V${height - bottom}H${width - right}"/>`)
  parts.push(`<text class="soft" text-anchor="middle" x="${(left + width - right) / 2}" y="${height - 8}">${escape(x.label)}</text>`)
  parts.push(`<text class="soft" text-anchor="middle" transform="translate(12 ${(top + height - bottom) / 2}) rotate(-90)">${escape(y.label)}</text>`)
  const clip = (v: number, { min, max }: Axis): number => Math.min(max, Math.max(min, v))
  series.forEach(({ points, dashed, band = [] }, i) => {
    const color = seriesColors[i % seriesColors.length]
    const edge = (at: 1 | 2): string[] => band.map(b => `${f(px(clip(b[0], x)))} ${f(py(clip(b[at], y)))}`)
    if (band.length > 0) parts.push(`<path fill="${color}" fill-opacity="0.18" d="M${[...edge(2), ...edge(1).toReversed()].join('L')}Z"/>`)
    let path = ''
    let open = false
    for (const [a, b] of points) {
      if (!Number.isFinite(a) || !Number.isFinite(b)) { open = false; continue }
      path += `${open ? 'L' : 'M'}${f(px(clip(a, x)))} ${f(py(clip(b, y)))}`
      open = true
    }
    if (path !== '') parts.push(`<path fill="none" stroke="${color}" stroke-width="1.8" stroke-linejoin="round"${dashed === true ? ' stroke-dasharray="5 4"' : ''} d="${path}"/>`)
    if (points.length <= 12) for (const [a, b] of points) if (Number.isFinite(a) && Number.isFinite(b)) parts.push(`<circle cx="${f(px(clip(a, x)))}" cy="${f(py(clip(b, y)))}" r="2.6" fill="${color}"/>`)
  })
  const named = series.length > 1 ? series : []
  const each = Math.max(110, 24 + 6.5 * Math.max(0, ...named.map(n => n.name.length)))
  const perRow = Math.max(1, Math.floor((width - left) / each))
  named.forEach(({ name }, i) => {
    const [lx, ly] = [left + i % perRow * each, height + 12 + Math.floor(i / perRow) * 16]
    parts.push(`<rect x="${lx}" y="${ly - 8}" width="10" height="10" rx="2" fill="${seriesColors[i % seriesColors.length]}"/><text x="${lx + 14}" y="${ly + 1}">${escape(name)}</text>`)
  })
  const whole = height + Math.ceil(named.length / perRow) * 16 + (named.length > 0 ? 8 : 0)
  return raw(`<figure class="chart"><svg role="img" aria-label="${escape(title)}" width="${width}" height="${whole}" viewBox="0 0 ${width} ${whole}">${parts.join('')}</svg></figure>`)
}

export interface MatrixChart { readonly title: string; readonly names: readonly string[]; /** row-major, rows ground truth, columns predictions; NaN for rows without data */ readonly shares: readonly (readonly number[])[] }

/** A square matrix of shares (0 to 1) as shaded cells; a cell from 1 % on shows its percentage. */
export function matrixChart({ title, names, shares }: MatrixChart): Html {
  const [cell, left, top] = [30, 100, 96]
  const side = names.length * cell
  const parts: string[] = []
  names.forEach((name, i) => {
    parts.push(`<text text-anchor="end" x="${left - 6}" y="${top + i * cell + cell / 2 + 4}">${escape(name)}</text>`)
    parts.push(`<text transform="translate(${left + i * cell + cell / 2 + 4} ${top - 6}) rotate(-60)">${escape(name)}</text>`)
  })
  shares.forEach((line, r) => line.forEach((share, c) => {
    if (!Number.isFinite(share)) return
    const [x, y] = [left + c * cell, top + r * cell]
    parts.push(`<rect class="heat" x="${x}" y="${y}" width="${cell - 1}" height="${cell - 1}" fill-opacity="${Math.sqrt(share).toFixed(3)}"><title>${escape(`${names[r]} predicted as ${names[c]}: ${(100 * share).toFixed(2)} %`)}</title></rect>`)
    if (share >= 0.01) parts.push(`<text text-anchor="middle" pointer-events="none" x="${x + cell / 2}" y="${y + cell / 2 + 4}"${share > 0.3 ? ' style="fill:#fff"' : ''}>${(100 * share).toFixed(0)}</text>`)
  }))
  parts.push(`<rect class="axis" fill="none" x="${left}" y="${top}" width="${side}" height="${side}"/>`)
  return raw(`<figure class="chart"><div class="wide"><svg role="img" aria-label="${escape(title)}" width="${left + side + 40}" height="${top + side + 8}" viewBox="0 0 ${left + side + 40} ${top + side + 8}">${parts.join('')}</svg></div><figcaption>${escape(title)}</figcaption></figure>`)
}
