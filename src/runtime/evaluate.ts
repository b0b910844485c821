// Evaluation over a split: segmentation by mean IoU, depth by RMSE, each beside the best constant prediction.
import type { ElaboratedModel } from '../compiler/semantics/model.ts'
import type { TaskSpec } from '../compiler/tasks/spec.ts'
import type { TensorData } from '../compiler/ir/types.ts'
import type { Dataset } from './data/dataset.ts'
import type { HostTensors, Session } from './engines/engine.ts'
import { DepthMeter, type DepthScores } from './tasks/depth.ts'
import { encodeSample } from './tasks/encode.ts'
import { argmaxClasses, Confusion } from './tasks/segmentation.ts'

export interface SegmentationResult { readonly kind: 'segmentation'; readonly mIoU: number; readonly accuracy: number; readonly constantMIoU: number; readonly iou: Readonly<Record<string, number | null>> }
export interface DepthResult extends DepthScores { readonly kind: 'depth'; readonly unit: 'metres' | 'pixels of disparity'; readonly max: number; readonly constantRmse: number }
export type TaskResult = SegmentationResult | DepthResult

interface Meter { add(sample: Record<string, TensorData>, predictions: HostTensors, index: number): void; result(): TaskResult }

/** A prediction at another size than its target cannot be compared: sizes agree by construction (the compiler checks them). */
function meterFor(task: TaskSpec): Meter | undefined {
  const { config, name } = task
  const image = (t: TensorData, index: number): Float32Array => { const n = t.data.length / t.shape[0]; return t.data.subarray(index * n, (index + 1) * n) as Float32Array }
  switch (config.kind) {
    case 'segmentation': {
      const confusion = new Confusion(config.classes.length)
      return {
        add: (sample, predictions, index) => confusion.add(sample[`target/${name}/labels`].data, argmaxClasses(image(predictions[name], index), config.classes.length)),
        result: () => ({ kind: 'segmentation', mIoU: confusion.meanIou(), accuracy: confusion.accuracy(), constantMIoU: confusion.constantMeanIou(), iou: Object.fromEntries(confusion.iou().map((v, c) => [config.classes[c], Number.isNaN(v) ? null : v])) }),
      }
    }
    case 'depth': {
      const meter = new DepthMeter(config.max)
      return {
        add: (sample, predictions, index) => meter.add(sample[`target/${name}/depth`].data, image(predictions[name], index)),
        result: () => ({ kind: 'depth', unit: config.quantity === 'depth' ? 'metres' : 'pixels of disparity', max: config.max, constantRmse: meter.constantRmse(), ...meter.scores() }),
      }
    }
    case 'detection3d': return undefined
  }
}

/** Runs the inference program over all samples in batches of the program's size; the last batch is filled up by repeating its last image. */
export async function evaluate(model: ElaboratedModel, session: Session, dataset: Dataset, onProgress: (done: number) => void = () => {}): Promise<Record<string, TaskResult>> {
  const meters = new Map(model.tasks.flatMap(t => { const m = meterFor(t); return m === undefined ? [] : [[t.name, m] as const] }))
  const tasks = model.tasks.filter(t => meters.has(t.name))
  const shape = model.program.inputs.find(i => i.name === 'image')!.type.shape
  const batch = shape[0]
  for (let at = 0; at < dataset.ids.length; at += batch) {
    const count = Math.min(batch, dataset.ids.length - at)
    const samples = await Promise.all(Array.from({ length: count }, async (_, i) => encodeSample(await dataset.load(at + i), model.data, tasks)))
    const image = new Float32Array(shape.reduce((n, d) => n * d, 1))
    for (let i = 0; i < batch; i++) image.set(samples[Math.min(i, count - 1)].image.data, (i * image.length) / batch)
    const predictions = await session.run({ image: { dtype: 'float32', shape, data: image } })
    samples.forEach((sample, i) => { for (const meter of meters.values()) meter.add(sample, predictions, i) })
    onProgress(at + count)
  }
  return Object.fromEntries([...meters].map(([name, meter]) => [name, meter.result()]))
}
