// Class indices and depths as coloured canvases, made once per result.
import { colourMap } from '../runtime/draw/colour-map.ts'
import { noClass, segmentationColour, type Colour } from '../runtime/draw/colours.ts'
import { depthIndex, isValue, noValue, type DepthOptions } from '../runtime/draw/depth-scale.ts'
import type { Size } from '../runtime/predict/fit.ts'
import type { Prediction } from '../runtime/predict/predict.ts'
import { brushOf } from './dom.ts'

function coloured({ height, width }: Size, colour: (i: number) => Colour): OffscreenCanvas {
  const canvas = new OffscreenCanvas(width, height)
  const image = new ImageData(width, height)
  const { data } = image
  for (let i = 0, o = 0; o < data.length; i++, o += 4) {
    const [r, g, b] = colour(i)
    data[o] = r
    data[o + 1] = g
    data[o + 2] = b
    data[o + 3] = 255
  }
  brushOf(canvas).putImageData(image, 0, 0)
  return canvas
}

type Of<K extends Prediction['kind']> = Extract<Prediction, { readonly kind: K }>

export function segmentationMap({ classes, config }: Of<'segmentation'>, size: Size): OffscreenCanvas {
  const colours = config.classes.map(segmentationColour)
  return coloured(size, i => colours[classes[i]] ?? noClass)
}

/** Classes that occur, the most frequent first, with their share of the pixels. */
export function classShares({ classes, config }: Of<'segmentation'>): { readonly name: string; readonly share: number }[] {
  const counts = new Float64Array(config.classes.length)
  for (let i = 0; i < classes.length; i++) counts[classes[i]]++
  return config.classes.map((name, i) => ({ name, share: counts[i] / classes.length })).filter(c => c.share > 0).toSorted((a, b) => b.share - a.share)
}

export const scaleOf = ({ config }: Of<'depth'>): DepthOptions => ({ unit: config.quantity === 'depth' ? 'metres' : 'pixels of disparity', max: config.max })

export function depthColours(prediction: Of<'depth'>, size: Size): OffscreenCanvas {
  const { values } = prediction
  const scale = scaleOf(prediction)
  return coloured(size, i => (isValue(values[i], scale) ? colourMap[depthIndex(values[i], scale)] : noValue))
}
