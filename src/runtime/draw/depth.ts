// Depth or disparity in colours, with a scale bar.
import { css, font, type Brush } from './canvas.ts'
import { colourMap } from './colour-map.ts'
import type { Colour, Picture } from './picture.ts'
import { faint, ink, swatch, textSize, withBand } from './style.ts'

/** A value per pixel, row-major. */
export interface ValueMap { readonly height: number; readonly width: number; readonly data: ArrayLike<number> }

export interface DepthOptions {
  readonly unit: 'metres' | 'pixels of disparity'
  /** end of the scale; larger values have its colour */
  readonly max: number
}

/** Where there is no value: not finite, zero or negative; in metres also below half of the near end of the scale, where a camera on a vehicle sees nothing but a network's trace of missing measurements. */
export const noValue: Colour = [96, 96, 96]
const isValue = (value: number, { unit, max }: DepthOptions): boolean => value > (unit === 'metres' ? max / 64 : 0) && value < Infinity

/**
 * Near is bright. Distance grows to the dark end on a logarithmic scale from `max` / 32, for the eye sees ratios of distance; disparity, which is large for what is near, is linear from 0.
 * 0 (dark) to 255 (bright).
 */
export function depthIndex(value: number, { unit, max }: DepthOptions): number {
  const t = unit === 'metres' ? -Math.log2(value / max) / 5 : value / max
  return Math.round(255 * Math.min(1, Math.max(0, t)))
}

/** Round values of the scale: 1, 2 or 5 times a power of ten for a linear one; a halving per step for a logarithmic one. */
export function ticks({ unit, max }: DepthOptions): number[] {
  if (unit === 'metres') return Array.from({ length: 6 }, (_, i) => max / 2 ** i)
  const step = [1, 2, 5, 10].map(f => f * 10 ** Math.floor(Math.log10(max / 8))).find(s => max / s <= 8)!
  return Array.from({ length: Math.floor(max / step + 1e-9) + 1 }, (_, i) => i * step)
}

/** The map in colours, the same size, and the scale in a band below. */
export function depthMap(depth: ValueMap, options: DepthOptions): Picture {
  const { height, width, data } = depth
  const out = new Uint8Array(3 * height * width)
  let missing = false
  for (let i = 0, o = 0; o < out.length; i++, o += 3) {
    const value = data[i]
    const known = isValue(value, options)
    if (!known) missing = true
    const [r, g, b] = known ? colourMap[depthIndex(value, options)] : noValue
    out[o] = r
    out[o + 1] = g
    out[o + 2] = b
  }
  const size = textSize(Math.max(width, 360))
  return withBand({ height, width, data: out }, Math.round(4 * size), (brush, wide) => bar(brush, wide, size, options, missing))
}

/** At most two decimals, without zeros at the end. */
const short = (v: number): string => `${Number(v.toFixed(v >= 10 ? 1 : 2))}`

function bar(brush: Brush, width: number, size: number, options: DepthOptions, missing: boolean): void {
  const metric = options.unit === 'metres'
  brush.font = font(size)
  brush.textBaseline = 'middle'
  const gap = Math.round(size * 0.7)
  const [top, thick] = [gap, Math.round(size * 1.1)]
  const words = metric ? `none, or below ${short(options.max / 64)} m` : 'no value'
  const legend = missing ? size + gap / 2 + brush.measureText(words).width + 2 * gap : 0
  const left = gap + Math.ceil(brush.measureText('0000').width / 2)
  const right = width - legend - gap - Math.ceil(brush.measureText(metric ? '80+ m' : '256+ px').width / 2)
  // Ascending to the right: near to far in metres, far to near in disparity.
  const value = (x: number): number => (metric ? options.max / 32 * 32 ** ((x - left + 0.5) / (right - left)) : options.max * ((x - left + 0.5) / (right - left)))
  for (let x = left; x < right; x++) {
    brush.fillStyle = css(colourMap[depthIndex(value(x), options)])
    brush.fillRect(x, top, 1, thick)
  }
  brush.textAlign = 'center'
  for (const tick of ticks(options)) {
    const share = metric ? Math.log2(tick / options.max) / 5 + 1 : tick / options.max
    const x = Math.round(left + share * (right - left))
    brush.fillStyle = css(ink)
    brush.fillRect(x - 1, top + thick, 2, Math.round(size * 0.35))
    brush.fillText(`${short(tick)}${tick === options.max ? '+' : ''} ${metric ? 'm' : 'px'}`, x, top + thick + size * 1.1)
  }
  if (!missing) return
  swatch(noValue)(brush, Math.round(width - legend + gap / 2), top, size)
  brush.textAlign = 'left'
  brush.fillStyle = css(faint)
  brush.fillText(words, width - legend + size + gap, top + size / 2)
}
