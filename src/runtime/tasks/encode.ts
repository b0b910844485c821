// One sample -> the tensors that a program is fed with: the normalised image and the targets of every task.
import type { TensorData } from '../../compiler/ir/types.ts'
import type { DataSpec, TaskSpec } from '../../compiler/tasks/spec.ts'
import type { Camera, Sample } from '../data/dataset.ts'
import { encodeDepth } from './depth.ts'
import { encodeDetection3d } from './detection3d/encode.ts'
import { encodeSegmentation } from './segmentation.ts'

/** RGB bytes HWC -> float32 [3, H, W], (x / 255 - mean) / std per channel. */
export function encodeImage(image: Uint8Array, height: number, width: number, data: Pick<DataSpec, 'mean' | 'std'>): TensorData {
  const pixels = height * width
  const out = new Float32Array(3 * pixels)
  const [red, green, blue] = [0, 1, 2].map(c => Float32Array.from({ length: 256 }, (_, v) => (v / 255 - data.mean[c]) / data.std[c]))
  const [r, g, b] = [0, 1, 2].map(c => out.subarray(c * pixels, (c + 1) * pixels))
  for (let i = 0, s = 0; i < pixels; i++, s += 3) {
    r[i] = red[image[s]]
    g[i] = green[image[s + 1]]
    b[i] = blue[image[s + 2]]
  }
  return { dtype: 'float32', shape: [3, height, width], data: out }
}

/** Stands in where there are no boxes to project. */
const noCamera: Camera = { fx: 1, fy: 1, u0: 0, v0: 0, baseline: 1, sensorTIso8855: [] }

/** The sample with labels that do not count in place of those that it lacks; a raw disparity of 0 is no measurement. */
const withBlanks = (sample: Sample): Sample => ({
  ...sample, labelIds: sample.labelIds ?? new Uint8Array(sample.height * sample.width), disparity: sample.disparity ?? new Uint16Array(sample.height * sample.width), boxes: sample.boxes ?? [], camera: sample.camera ?? noCamera,
})

function encodeTask(sample: Sample, task: TaskSpec): Record<string, TensorData> {
  switch (task.config.kind) {
    case 'segmentation': return encodeSegmentation(sample, task.config)
    case 'depth': return encodeDepth(sample, task.config)
    case 'detection3d': return encodeDetection3d(sample, task.config, task.predictions)
  }
}

/** `image` and `target/<task>/<name>`, without a batch axis. Throws DataError when the sample lacks what a task needs, unless labels are partial. */
export function encodeSample(sample: Sample, data: DataSpec, tasks: readonly TaskSpec[]): Record<string, TensorData> {
  const feeds: Record<string, TensorData> = { image: encodeImage(sample.image, sample.height, sample.width, data) }
  const labelled = data.labels === 'partial' ? withBlanks(sample) : sample
  for (const task of tasks) for (const [name, tensor] of Object.entries(encodeTask(labelled, task))) feeds[`target/${task.name}/${name}`] = tensor
  return feeds
}
