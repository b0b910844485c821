// A picture as a model's input. Without files and libraries: the exported page computes the same numbers.
import type { TensorData } from '../../compiler/ir/types.ts'
import { pasted, plain, type Picture } from '../draw/picture.ts'
import type { ModelFacts } from '../model-facts.ts'
import { encodeImage } from '../tasks/encode.ts'
import type { Fit } from './fit.ts'
import { resized } from './resize.ts'

/** `image` [1, 3, H, W], normalised; the margin has the mean colour, which is zero after that. An image of the model's size goes in as it is. */
export function modelInput(picture: Picture, { content, model, top, left }: Fit, spec: ModelFacts['data']): TensorData {
  const inner = resized(picture, content.height, content.width)
  const [r, g, b] = spec.mean.map(m => Math.round(255 * m))
  const filled = content.height === model.height && content.width === model.width ? inner : pasted(plain(model.height, model.width, [r, g, b]), inner, top, left)
  const { data } = encodeImage(filled.data, model.height, model.width, spec)
  return { dtype: 'float32', shape: [1, 3, model.height, model.width], data }
}
