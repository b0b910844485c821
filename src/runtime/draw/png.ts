// A picture as a PNG file.
import { encodePng } from '../data/cityscapes3d/png.ts'
import type { Picture } from './picture.ts'

/** An 8-bit RGB PNG; the same bytes everywhere. */
export const encodePicture = ({ height, width, data }: Picture): Uint8Array => encodePng('rgb8', height, width, data)
