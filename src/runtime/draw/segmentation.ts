// Segmentation in the Cityscapes palette over the image, with a legend.
import { noClass, segmentationColour, trainClasses } from './colours.ts'
import type { Picture } from './picture.ts'
import { swatch, withLegend } from './style.ts'

export interface OverlayOptions {
  /** names of the classes, by index; the 19 of Cityscapes where not given */
  readonly classes?: readonly string[]
  /** of the colours over the image, 0 to 1; 1 shows the palette alone */
  readonly opacity?: number
  /** a band below with the classes that occur (default) */
  readonly legend?: boolean
}

/** `trainIds`: a class index per pixel of the image; what is none (255) is black. The same size as the image, and a legend below it. */
export function segmentationOverlay(image: Picture, trainIds: ArrayLike<number>, { classes = trainClasses, opacity = 0.7, legend = true }: OverlayOptions = {}): Picture {
  const { height, width, data } = image
  if (trainIds.length !== height * width) throw new Error(`internal: ${trainIds.length} class indices for an image of ${width} x ${height}`)
  const colours = classes.map(segmentationColour)
  const seen = new Uint8Array(classes.length)
  const out = new Uint8Array(data.length)
  const through = 1 - opacity
  for (let i = 0, o = 0; o < out.length; i++, o += 3) {
    const id = trainIds[i]
    const known = id >= 0 && id < classes.length
    if (known) seen[id] = 1
    const [r, g, b] = known ? colours[id] : noClass
    out[o] = 0.5 + opacity * r + through * data[o]
    out[o + 1] = 0.5 + opacity * g + through * data[o + 1]
    out[o + 2] = 0.5 + opacity * b + through * data[o + 2]
  }
  const picture = { height, width, data: out }
  return legend ? withLegend(picture, classes.flatMap((name, id) => (seen[id] === 0 ? [] : [{ name, sign: swatch(colours[id]) }]))) : picture
}
