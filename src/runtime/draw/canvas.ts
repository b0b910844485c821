// Lines, areas and text on a picture: the canvas library and the one font, loaded when the first picture is drawn.
import { createRequire } from 'node:module'
import type * as CanvasModule from '@napi-rs/canvas'
import type { SKRSContext2D } from '@napi-rs/canvas'
import type { Font } from './brush.ts'
import type { Picture } from './picture.ts'

/** The font that comes with the package: text does not depend on what is installed. */
const family = 'mtlc DejaVu Sans'

let loaded: typeof CanvasModule | undefined

/** Commands that draw nothing do not pay for loading it. */
function library(): typeof CanvasModule {
  if (loaded !== undefined) return loaded
  const require = createRequire(import.meta.url)
  const canvas = require('@napi-rs/canvas') as typeof CanvasModule
  for (const [file, weight] of [['DejaVuSans.ttf', ''], ['DejaVuSans-Bold.ttf', ' Bold']]) {
    if (canvas.GlobalFonts.registerFromPath(require.resolve(`dejavu-fonts-ttf/ttf/${file}`), family + weight) === null) throw new Error(`internal: the font ${file} cannot be loaded`)
  }
  loaded = canvas
  return canvas
}

/** Value of a context's `font`. `size` in pixels. */
export const font: Font = (size, weight = 'normal') => `${size}px "${family}${weight === 'bold' ? ' Bold' : ''}"`

const opaque = ({ height, width, data }: Picture): CanvasModule.ImageData => {
  const rgba = new Uint8ClampedArray(4 * height * width)
  for (let i = 0, o = 0; i < data.length; i += 3, o += 4) { rgba[o] = data[i]; rgba[o + 1] = data[i + 1]; rgba[o + 2] = data[i + 2]; rgba[o + 3] = 255 }
  return new (library().ImageData)(rgba, width, height)
}

/** A copy of a picture with something drawn on it. Pixels that `draw` does not touch keep their exact values. */
export function painted(picture: Picture, draw: (brush: SKRSContext2D) => void): Picture {
  const { height, width } = picture
  const brush = library().createCanvas(width, height).getContext('2d')
  brush.putImageData(opaque(picture), 0, 0)
  draw(brush)
  const rgba = brush.getImageData(0, 0, width, height).data
  const data = new Uint8Array(3 * height * width)
  for (let i = 0, o = 0; i < data.length; i += 3, o += 4) { data[i] = rgba[o]; data[i + 1] = rgba[o + 1]; data[i + 2] = rgba[o + 2] }
  return { height, width, data }
}

/** A picture at another size, smoothed. */
export function scaled(picture: Picture, height: number, width: number): Picture {
  if (picture.height === height && picture.width === width) return picture
  const source = library().createCanvas(picture.width, picture.height)
  source.getContext('2d').putImageData(opaque(picture), 0, 0)
  return painted({ height, width, data: new Uint8Array(3 * height * width) }, brush => {
    brush.imageSmoothingEnabled = true
    brush.imageSmoothingQuality = 'high'
    brush.drawImage(source, 0, 0, width, height)
  })
}
