// Target tensors of the 3D detection task for one sample.
import type { TensorData } from '../../../compiler/ir/types.ts'
import type { Detection3dConfig, TaskSpec } from '../../../compiler/tasks/spec.ts'
import type { Sample } from '../../data/dataset.ts'
import { assign, codeSize, levelsOf } from './assign.ts'
import { parseBoxes } from './parse.ts'

/** `label` [P], `box` [P, 13], `direction` [P, 3], `centerness` [P], `has_boxes` []: P points of all levels, whose grids are those of the predictions `cls/<level>`. */
export function encodeDetection3d(sample: Sample, config: Detection3dConfig, predictions: TaskSpec['predictions']): Record<string, TensorData> {
  const shapes = config.strides.map((_, level) => {
    const [, , height, width] = predictions[`cls/${level}`].shape
    return [height, width] as const
  })
  const boxes = parseBoxes(sample, config.classes, config.rotation)
  const targets = assign(boxes, levelsOf(config, shapes), config)
  const points = targets.label.length
  return {
    label: { dtype: 'int32', shape: [points], data: targets.label },
    box: { dtype: 'float32', shape: [points, codeSize], data: targets.box },
    direction: { dtype: 'int32', shape: [points, 3], data: targets.direction },
    centerness: { dtype: 'float32', shape: [points], data: targets.centerness },
    has_boxes: { dtype: 'float32', shape: [], data: new Float32Array([boxes.length > 0 ? 1 : 0]) },
  }
}
