// Prediction files as the official 3D evaluation of Cityscapes reads them.
import type { Detection } from './detection.ts'

/** File of image `id` (`<city>_<seq>_<frame>`) in a folder of predictions: the evaluation takes the name up to its last underscore for the image. */
export const predictionFileName = (id: string): string => `${id}_leftImg8bit.json`

/** Text of the file: boxes in frame V, 2D boxes as x, y, w, h in pixels; an empty list where nothing was detected. */
export const predictionJson = (detections: readonly Detection[]): string =>
  `${JSON.stringify({ objects: detections.map(({ label, score, center, dimensions, rotation, modal, amodal }) => ({ '2d': { amodal, modal }, '3d': { center, dimensions, rotation }, label, score })) })}\n`
