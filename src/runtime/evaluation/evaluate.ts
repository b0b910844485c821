// Evaluation over a split: batches are read ahead while the engine works, and every task's meter sees every image.
import type { ElaboratedModel } from '../../compiler/semantics/model.ts'
import { needOf } from '../data/batch.ts'
import { openCityscapes3d } from '../data/cityscapes3d/reader.ts'
import type { SplitList } from '../data/cityscapes3d/split-file.ts'
import type { Dataset, Sample } from '../data/dataset.ts'
import type { HostTensors, Session } from '../engines/engine.ts'
import type { Scores } from '../score/detections.ts'
import type { Detection } from '../tasks/detection3d/detection.ts'
import { encodeSample } from '../tasks/encode.ts'
import { meterFor, type Meter } from './meters.ts'
import type { ImageScore, TaskResult } from './results.ts'

export interface Evaluation {
  readonly tasks: Readonly<Record<string, TaskResult>>
  readonly images: readonly ImageScore[]
  /** of the detector */
  readonly detectionScores: { readonly amodal: Scores; readonly modal: Scores } | undefined
}

export interface EvaluationOptions {
  /** rows, columns at which segmentation and depth are compared; left out: the original resolution */
  readonly size?: readonly [number, number]
  readonly onProgress?: (done: number) => void
  /** what the detector found in an image */
  readonly onDetections?: (id: string, detections: readonly Detection[]) => void
}

/** Opens what the model's tasks need of a split, or of the images of it that are listed. Throws DataError. */
export function openSplit(model: ElaboratedModel, root: string, name: string, only?: SplitList): Promise<Dataset> {
  return openCityscapes3d(root, name, { image: model.data.image, need: needOf(model.tasks), boxes: 'optional' }, only)
}

interface Loaded { readonly images: readonly Sample[]; readonly feeds: HostTensors }

/** The samples from `at` on as one batch of the program's size; a short one is filled up by repeating its last image. */
export async function loadBatch(model: ElaboratedModel, split: Dataset, indices: readonly number[]): Promise<Loaded> {
  const { shape } = model.program.inputs.find(i => i.name === 'image')!.type
  const images = await Promise.all(indices.map(i => split.load(i)))
  const data = new Float32Array(shape.reduce((n, d) => n * d, 1))
  const inputs = images.map(sample => encodeSample(sample, model.data, []).image.data)
  for (let i = 0; i < shape[0]; i++) data.set(inputs[Math.min(i, inputs.length - 1)], (i * data.length) / shape[0])
  return { images, feeds: { image: { dtype: 'float32', shape, data } } }
}

/** Runs the inference program over the whole split and judges it. Throws DataError and EngineError. */
export async function evaluate(model: ElaboratedModel, session: Session, split: Dataset, options: EvaluationOptions = {}): Promise<Evaluation> {
  const meters = new Map<string, Meter>(model.tasks.map(t => [t.name, meterFor(t, options.size)]))
  const batch = model.program.inputs.find(i => i.name === 'image')!.type.shape[0]
  const { ids } = split
  const own: Record<string, number>[] = []
  const load = (at: number): Promise<Loaded> => {
    const loading = loadBatch(model, split, Array.from({ length: Math.min(batch, ids.length - at) }, (_, i) => at + i))
    // A failure is told when its batch is asked for, not before.
    loading.catch(() => undefined)
    return loading
  }
  let next = load(0)
  for (let at = 0; at < ids.length; at += batch) {
    const { images, feeds } = await next
    if (at + batch < ids.length) next = load(at + batch)
    const predictions = await session.run(feeds)
    images.forEach((image, i) => {
      own.push(Object.fromEntries([...meters].map(([name, meter]) => [name, meter.add(image, predictions, i)])))
      for (const meter of meters.values()) if (meter.detections !== undefined) options.onDetections?.(image.id, meter.detections())
    })
    options.onProgress?.(at + images.length)
  }
  const detector = [...meters.values()].find(m => m.scores !== undefined)
  return {
    tasks: Object.fromEntries([...meters].map(([name, meter]) => [name, meter.result()])),
    images: ids.map((id, index) => ({ id, index, scores: Object.fromEntries([...meters].map(([name, meter]) => [name, meter.imageScore?.(index) ?? own[index][name]])) })),
    detectionScores: detector?.scores?.(),
  }
}
