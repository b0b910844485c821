// 3D boxes on a picture of an image, with a legend below.
import type { Camera } from '../data/dataset.ts'
import type { Brush } from './brush.ts'
import { font, painted } from './canvas.ts'
import { css, ink, truthColour, vehicleColour } from './colours.ts'
import { frameStyle, paintBoxes } from './frames.ts'
import type { Picture } from './picture.ts'
import { swatch, withLegend, type LegendEntry } from './style.ts'
import type { DrawnBox } from './wireframe.ts'

export interface BoxesOptions {
  /** drawn dashed and white, below the others */
  readonly groundTruth?: readonly DrawnBox[]
  /** a band below with the classes that occur (default) */
  readonly legend?: boolean
  /** a line of text below the legend, such as where the camera is from */
  readonly note?: string
}

/** `camera` is that of the image as it is here. A box outside the image is left out. */
export function boxes3d(image: Picture, boxes: readonly DrawnBox[], camera: Camera, { groundTruth = [], legend = true, note }: BoxesOptions = {}): Picture {
  let seen: string[] = []
  const picture = painted(image, brush => { seen = paintBoxes(brush, boxes, camera, image, frameStyle(font, image.width), groundTruth) })
  if (!legend) return picture
  const entries: LegendEntry[] = seen.map(name => ({ name, sign: swatch(vehicleColour(name)) }))
  if (groundTruth.length > 0) entries.push({ name: 'ground truth', sign: dashes })
  return withLegend(picture, entries.length > 0 ? [...entries, { name: 'tinted: the front; arrow: the heading', sign: tinted }] : [{ name: 'no boxes', sign: tinted }], note)
}

const dashes = (brush: Brush, x: number, y: number, side: number): void => {
  brush.setLineDash([side / 4, side / 6])
  brush.strokeStyle = css(truthColour)
  brush.lineWidth = Math.max(1.5, side / 10)
  brush.strokeRect(x + 1, y + 1, side - 2, side - 2)
  brush.setLineDash([])
}

const tinted = (brush: Brush, x: number, y: number, side: number): void => {
  brush.fillStyle = css(ink, 0.38)
  brush.fillRect(x, y, side, side)
  brush.strokeStyle = css(ink)
  brush.lineWidth = Math.max(1, side / 14)
  brush.strokeRect(x + 1, y + 1, side - 2, side - 2)
}
