// Depth or disparity in colours, with a scale bar.
import type { Brush } from './brush.ts'
import { font } from './canvas.ts'
import { colourMap } from './colour-map.ts'
import { css, faint, ink } from './colours.ts'
import { barPosition, barValue, depthColour, depthIndex, isValue, noValue, noValueText, tickText, ticks, type DepthOptions } from './depth-scale.ts'
import type { Picture } from './picture.ts'
import { swatch, withBand } from './style.ts'
import { textSize } from './text-size.ts'

/** A value per pixel, row-major. */
export interface ValueMap { readonly height: number; readonly width: number; readonly data: ArrayLike<number> }

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

function bar(brush: Brush, width: number, size: number, options: DepthOptions, missing: boolean): void {
  const metric = options.unit === 'metres'
  brush.font = font(size)
  brush.textBaseline = 'middle'
  const gap = Math.round(size * 0.7)
  const [top, thick] = [gap, Math.round(size * 1.1)]
  const words = noValueText(options)
  const legend = missing ? size + gap / 2 + brush.measureText(words).width + 2 * gap : 0
  const left = gap + Math.ceil(brush.measureText('0000').width / 2)
  const right = width - legend - gap - Math.ceil(brush.measureText(metric ? '80+ m' : '256+ px').width / 2)
  for (let x = left; x < right; x++) {
    brush.fillStyle = css(depthColour(barValue((x - left + 0.5) / (right - left), options), options))
    brush.fillRect(x, top, 1, thick)
  }
  brush.textAlign = 'center'
  for (const tick of ticks(options)) {
    const x = Math.round(left + barPosition(tick, options) * (right - left))
    brush.fillStyle = css(ink)
    brush.fillRect(x - 1, top + thick, 2, Math.round(size * 0.35))
    brush.fillText(tickText(tick, options), x, top + thick + size * 1.1)
  }
  if (!missing) return
  swatch(noValue)(brush, Math.round(width - legend + gap / 2), top, size)
  brush.textAlign = 'left'
  brush.fillStyle = css(faint)
  brush.fillText(words, width - legend + size + gap, top + size / 2)
}
