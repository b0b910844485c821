// What all pictures have in common: sizes of text, the band with a legend below a picture.
import type { Brush } from './brush.ts'
import { font, painted } from './canvas.ts'
import { background, css, faint, ink, type Colour } from './colours.ts'
import { pasted, plain, type Picture } from './picture.ts'
import { textSize } from './text-size.ts'

/** Pictures with a legend are at least this wide: on a narrower image nothing could be read. */
const narrowest = 360

export interface LegendEntry { readonly name: string; /** draws the sign into a square of that side at x, y */ readonly sign: (brush: Brush, x: number, y: number, side: number) => void }

/** A filled square, with a thin border that shows dark colours on the dark band. */
export const swatch = (colour: Colour) => (brush: Brush, x: number, y: number, side: number): void => {
  brush.fillStyle = css(colour)
  brush.fillRect(x, y, side, side)
  brush.strokeStyle = css(faint)
  brush.lineWidth = 1
  brush.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1)
}

/** The picture with a band of that height below, and `draw` in it (origin at the band's top left corner). Narrow pictures get a margin on the right. */
export function withBand(picture: Picture, bandHeight: number, draw: (brush: Brush, width: number) => void): Picture {
  const width = Math.max(picture.width, narrowest)
  const whole = pasted(plain(picture.height + bandHeight, width, background), picture, 0, 0)
  return painted(whole, brush => {
    brush.translate(0, picture.height)
    draw(brush, width)
  })
}

/** A legend below a picture, in as many rows as it needs, and below it a line of text. */
export function withLegend(picture: Picture, entries: readonly LegendEntry[], note?: string): Picture {
  if (entries.length === 0 && note === undefined) return picture
  const width = Math.max(picture.width, narrowest)
  const size = textSize(width)
  const [gap, row] = [Math.round(size * 0.6), Math.round(size * 1.7)]
  const places: { entry: LegendEntry; x: number; row: number }[] = []
  let [x, rows] = [gap, 0]
  // The height is wanted before the picture can be made: texts are measured on another one.
  painted(plain(1, 1, background), brush => {
    brush.font = font(size)
    for (const entry of entries) {
      const wide = size + gap / 2 + brush.measureText(entry.name).width
      if (x + wide > width - gap && x > gap) { x = gap; rows++ }
      places.push({ entry, x, row: rows })
      x += wide + 2 * gap
    }
  })
  const noteRow = entries.length === 0 ? 0 : rows + 1
  return withBand(picture, (note === undefined ? rows + 1 : noteRow + 1) * row + gap, brush => {
    brush.font = font(size)
    brush.textBaseline = 'middle'
    for (const { entry, x: left, row: r } of places) {
      const top = Math.round(gap / 2 + r * row + (row - size) / 2)
      entry.sign(brush, Math.round(left), top, size)
      brush.fillStyle = css(ink)
      brush.fillText(entry.name, left + size + gap / 2, top + size / 2)
    }
    brush.fillStyle = css(faint)
    if (note !== undefined) brush.fillText(note, gap, Math.round((gap + row) / 2 + noteRow * row), width - 2 * gap)
  })
}
