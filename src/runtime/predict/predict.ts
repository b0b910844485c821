// A model's outputs for one image -> predictions at the image's own size.
import type { TaskConfig } from '../../compiler/tasks/spec.ts'
import type { HostTensors } from '../engines/engine.ts'
import { EngineError } from '../engines/engine.ts'
import type { ModelFacts } from '../model-facts.ts'
import { amodalBox } from '../projection.ts'
import type { Camera } from '../data/dataset.ts'
import { decodeDetections } from '../tasks/detection3d/decode.ts'
import type { Detection } from '../tasks/detection3d/detection.ts'
import { fitCamera, mapBack, rectangleBack, type Fit } from './fit.ts'

type Config<K extends TaskConfig['kind']> = Extract<TaskConfig, { readonly kind: K }>

/** Of one task; maps are row-major at the size of the image. */
export type Prediction =
  | { readonly kind: 'segmentation'; readonly task: string; readonly config: Config<'segmentation'>; /** class indices */ readonly classes: ArrayLike<number> }
  | { readonly kind: 'depth'; readonly task: string; readonly config: Config<'depth'>; /** metres or pixels of disparity, as the model gave them */ readonly values: ArrayLike<number> }
  | { readonly kind: 'detection3d'; readonly task: string; readonly config: Config<'detection3d'>; readonly detections: readonly Detection[] }

/** The output of a dense task: [1, channels, h, w]. Throws EngineError for another shape: an ONNX file may have been changed. */
function dense(outputs: HostTensors, name: string, channels: number): { readonly data: Float32Array; readonly size: readonly [number, number] } {
  const tensor = outputs[name]
  if (tensor === undefined || tensor.shape.length !== 4 || tensor.shape[0] !== 1 || tensor.shape[1] !== channels) {
    throw new EngineError(`the model's output ${name} is ${tensor === undefined ? 'missing' : `of shape [${tensor.shape.join(', ')}]`}, expected [1, ${channels}, rows, columns]`)
  }
  return { data: tensor.data as Float32Array, size: [tensor.shape[2], tensor.shape[3]] }
}

/** The class of the largest of the logits, which are scaled before they are compared. */
function segment(outputs: HostTensors, name: string, classes: number, fit: Fit): Uint8Array {
  const { data, size } = dense(outputs, name, classes)
  const { width, height } = fit.image
  const out = new Uint8Array(height * width)
  mapBack(data, classes, size, fit, (y, values) => {
    for (let x = 0; x < width; x++) {
      let best = 0
      for (let c = 1; c < classes; c++) if (values[c * width + x] > values[best * width + x]) best = c
      out[y * width + x] = best
    }
  })
  return out
}

/** A negative disparity is as far as can be. */
function measure(outputs: HostTensors, name: string, { quantity }: Config<'depth'>, fit: Fit): Float32Array {
  const { data, size } = dense(outputs, name, 1)
  const { width, height } = fit.image
  const out = new Float32Array(height * width)
  const least = quantity === 'disparity' ? 1e-6 : -Infinity
  mapBack(data, 1, size, fit, (y, values) => {
    for (let x = 0; x < width; x++) out[y * width + x] = Math.max(least, values[x])
  })
  return out
}

/** Boxes are decoded in the model's pixels, where its strides count; 3D boxes are the same in both, 2D ones go back. */
function detect(outputs: HostTensors, name: string, config: Config<'detection3d'>, camera: Camera, fit: Fit): Detection[] {
  const { width, height } = fit.image
  return decodeDetections(outputs, 0, config, fitCamera(camera, fit), name, fit.model).map(d => {
    const [x0, y0, x1, y1] = amodalBox(d.center, d.dimensions, d.rotation, camera, width, height)
    return { ...d, modal: rectangleBack(d.modal, fit), amodal: [x0, y0, x1 - x0, y1 - y0] as const }
  })
}

/** Predictions of all tasks. Throws EngineError if an output is missing. */
export function predictions(facts: ModelFacts, outputs: HostTensors, fit: Fit, camera: Camera | undefined): Prediction[] {
  return facts.tasks.map(({ name, config }): Prediction => {
    switch (config.kind) {
      case 'segmentation': return { kind: 'segmentation', task: name, config, classes: segment(outputs, name, config.classes.length, fit) }
      case 'depth': return { kind: 'depth', task: name, config, values: measure(outputs, name, config, fit) }
      case 'detection3d': {
        if (camera === undefined) throw new Error('internal: detections without a camera')
        const missing = config.strides.flatMap((_, level) => ['cls', 'bbox', 'dir', 'ctr'].map(part => `${name}/${part}/${level}`)).find(n => outputs[n] === undefined)
        if (missing !== undefined) throw new EngineError(`the model's output ${missing} is missing`)
        return { kind: 'detection3d', task: name, config, detections: detect(outputs, name, config, camera, fit) }
      }
    }
  })
}
