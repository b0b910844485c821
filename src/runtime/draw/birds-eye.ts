// The view from above as a picture, with a legend.
import type { Brush } from './brush.ts'
import { font, painted } from './canvas.ts'
import { background, css, faint, ink, vehicleColour, type Colour } from './colours.ts'
import { isShown, paintGround } from './ground.ts'
import { plain, type Picture } from './picture.ts'
import { textSize } from './text-size.ts'
import type { DrawnBox } from './wireframe.ts'

export interface BirdsEyeOptions {
  readonly height?: number
  readonly width?: number
  /** metres ahead that are shown; the sides follow from the width of the picture */
  readonly range?: number
  /** half the horizontal angle of view in radians, drawn as a wedge */
  readonly halfView?: number
  /** a line of text below the legend, such as where the camera is from */
  readonly note?: string
}

/** North is ahead. Boxes beyond the borders are counted in a line of text. */
export function birdsEye(boxes: readonly DrawnBox[], groundTruth: readonly DrawnBox[] = [], { height = 1200, width = 1000, range = 100, halfView, note }: BirdsEyeOptions = {}): Picture {
  const size = Math.max(11, Math.round(1.35 * textSize(width)))
  const legend = Math.round(size * (note === undefined ? 3.6 : 5))
  const plot = height - legend
  const shown = (b: DrawnBox): boolean => isShown(b, plot, width, range)
  return painted(plain(height, width, background), brush => {
    paintGround(brush, boxes, groundTruth, plot, width, { font, text: size, range, halfView })
    brush.translate(0, plot)
    const beyond = [...boxes, ...groundTruth].filter(b => !shown(b)).length
    signs(brush, width, size, [...new Set([...boxes, ...groundTruth].filter(shown).map(b => b.label))].toSorted(), groundTruth.length > 0, beyond, note)
  })
}

function signs(brush: Brush, width: number, size: number, labels: readonly string[], truth: boolean, beyond: number, note: string | undefined): void {
  const small = size * 0.85
  brush.font = font(small)
  brush.textAlign = 'left'
  brush.textBaseline = 'middle'
  let x = size * 0.5
  const word = (text: string, colour: Colour, y: number): void => {
    brush.fillStyle = css(colour)
    brush.fillText(text, x, y)
    x += brush.measureText(text).width + size
  }
  for (const label of labels) {
    brush.fillStyle = css(vehicleColour(label))
    brush.fillRect(x, size - small * 0.4, small * 0.8, small * 0.8)
    x += small * 1.1
    word(label, ink, size)
  }
  if (labels.length === 0) word('no boxes', faint, size)
  x = size * 0.5
  const lower = size * 2.5
  if (truth) word('solid: prediction, dashed: ground truth', ink, lower)
  if (beyond > 0) word(`${beyond} beyond the borders`, faint, lower)
  brush.fillStyle = css(faint)
  if (note !== undefined) brush.fillText(note, size * 0.5, size * 3.9, width - size)
}
