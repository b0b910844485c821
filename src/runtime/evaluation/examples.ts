// Single images of a split with predictions beside ground truth, as pictures for a page.
import sharp from 'sharp'
import type { ElaboratedModel } from '../../compiler/semantics/model.ts'
import type { TaskSpec } from '../../compiler/tasks/spec.ts'
import type { Dataset, Sample } from '../data/dataset.ts'
import { birdsEye } from '../draw/birds-eye.ts'
import { boxes3d } from '../draw/boxes.ts'
import { scaled } from '../draw/canvas.ts'
import { depthMap } from '../draw/depth.ts'
import type { Picture } from '../draw/picture.ts'
import { segmentationOverlay } from '../draw/segmentation.ts'
import { contactSheet, type Panel } from '../draw/sheet.ts'
import type { HostTensors, Session } from '../engines/engine.ts'
import { scaledCamera } from '../projection.ts'
import { encodeDepth } from '../tasks/depth.ts'
import { decodeDetections } from '../tasks/detection3d/decode.ts'
import { groundTruthDetections } from '../tasks/detection3d/ground-truth.ts'
import { argmaxClasses, encodeSegmentation } from '../tasks/segmentation.ts'
import { nearestIndex } from '../tasks/resample.ts'
import { loadBatch } from './evaluate.ts'
import { ofImage } from './meters.ts'
import { leastDrawn } from './results.ts'

/** Score from which boxes are drawn, unless `confidence` says one for the class. */
const drawnFrom = 0.3
const pageWidth = 640
/** Pictures of fewer columns are enlarged before anything is drawn on them, so that lines and text come out sharp. */
const leastWidth = 1024

export interface ExampleOptions { /** class -> score from which its boxes are drawn */ readonly confidence?: ReadonlyMap<string, number>; /** default: jpeg */ readonly form?: 'jpeg' | 'png'; /** pixels of each panel's width */ readonly panelWidth?: number }

/** A map at the size of a picture, nearest. */
function fitted(data: ArrayLike<number>, from: readonly [number, number], { height, width }: Picture): Float32Array {
  const [rows, columns] = [nearestIndex(from[0], height), nearestIndex(from[1], width)]
  const out = new Float32Array(height * width)
  for (let y = 0, o = 0; y < height; y++) for (let x = 0; x < width; x++, o++) out[o] = data[rows[y] * from[1] + columns[x]]
  return out
}

/** Ground truth on the left, prediction on the right; the view from above has both. */
function panelsOf(task: TaskSpec, sample: Sample, predictions: HostTensors, { confidence }: ExampleOptions): { readonly pair?: readonly [Panel, Panel]; readonly side?: (height: number) => Panel } {
  const { config, name } = task
  const times = Math.ceil(leastWidth / sample.width)
  const image = scaled({ height: sample.height, width: sample.width, data: sample.image }, sample.height * times, sample.width * times)
  switch (config.kind) {
    case 'segmentation': {
      const { classes } = config
      const shown = (ids: ArrayLike<number>): Picture => segmentationOverlay(image, fitted(ids, config.size, image), { classes })
      return { pair: [{ caption: `${name}: ground truth`, picture: shown(encodeSegmentation(sample, config).labels.data) }, { caption: `${name}: prediction`, picture: shown(argmaxClasses(ofImage(predictions, name, 0), classes.length)) }] }
    }
    case 'depth': {
      const unit = config.quantity === 'depth' ? 'metres' : 'pixels of disparity'
      const shown = (data: ArrayLike<number>): Picture => depthMap({ height: image.height, width: image.width, data: fitted(data, config.size, image) }, { unit, max: config.max })
      return { pair: [{ caption: `${name}: ground truth`, picture: shown(encodeDepth(sample, config).depth.data) }, { caption: `${name}: prediction`, picture: shown(ofImage(predictions, name, 0)) }] }
    }
    case 'detection3d': {
      const truth = groundTruthDetections(sample, config.classes).map(({ label, center, dimensions, rotation }) => ({ label, center, dimensions, rotation }))
      const camera = scaledCamera(sample.camera!, times, times)
      // A working confidence of zero means that the class is never found.
      const found = decodeDetections(predictions, 0, config, sample.camera!, name, sample).filter(d => d.score >= Math.max(confidence?.get(d.label) || drawnFrom, leastDrawn))
      return {
        pair: [{ caption: `${name}: ground truth`, picture: boxes3d(image, truth, camera) }, { caption: `${name}: prediction`, picture: boxes3d(image, found, camera) }],
        side: height => ({ caption: `${name} from above, ground truth dashed`, picture: birdsEye(found, truth, { height, width: Math.round(height / 2) }) }),
      }
    }
  }
}

/** One picture of image `index` of the split: a row of ground truth and prediction for every task, and the view from above beside them. Runs the model on it. */
export async function exampleSheet(model: ElaboratedModel, session: Session, split: Dataset, index: number, title: string, options: ExampleOptions = {}): Promise<Uint8Array> {
  const { images: [sample], feeds } = await loadBatch(model, split, [index])
  const predictions = await session.run(feeds)
  const panels = model.tasks.map(task => panelsOf(task, sample, predictions, options))
  const sheet = contactSheet(panels.flatMap(p => [...(p.pair ?? [])]), { title, columns: 2, panelWidth: options.panelWidth ?? pageWidth, side: panels.find(p => p.side !== undefined)?.side })
  const picture = sharp(sheet.data, { raw: { width: sheet.width, height: sheet.height, channels: 3 } })
  return (options.form === 'png' ? picture.png() : picture.jpeg({ quality: 82 })).toBuffer()
}
