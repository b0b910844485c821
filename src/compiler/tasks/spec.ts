// The typed values behind `data`, `task` and `train`: what the text may say, and what the runtime reads.
import type { TensorType } from '../ir/types.ts'

export interface DataSpec {
  readonly kind: 'cityscapes3d'
  /** rows, columns of the images on disk */
  readonly image: readonly [number, number]
  readonly mean: readonly [number, number, number]
  readonly std: readonly [number, number, number]
  readonly boxes: 'required' | 'optional'
}

export interface SegmentationConfig { readonly kind: 'segmentation'; readonly classes: readonly string[]; readonly ignore: number; readonly size: readonly [number, number] }
export interface DepthConfig { readonly kind: 'depth'; readonly quantity: 'depth' | 'disparity'; /** stands where there is no measurement */ readonly invalid: number; /** metres or pixels; evaluation only */ readonly max: number; readonly size: readonly [number, number] }
export interface Detection3dConfig {
  readonly kind: 'detection3d'
  readonly classes: readonly string[]
  /** nominal strides with respect to the resized image; divided by `resize` they are pixels of the original image */
  readonly strides: readonly number[]
  readonly resize: number
  readonly ranges: readonly (readonly [number, number])[]
  readonly radius: number
  readonly centernessAlpha: number
  readonly rotation: 'corrected' | 'published'
  readonly score: number
  readonly nms: number
  readonly preNms: number
  readonly maxPerImage: number
}
export type TaskConfig = SegmentationConfig | DepthConfig | Detection3dConfig

export interface TaskSpec {
  readonly name: string
  readonly config: TaskConfig
  readonly weight: number
  /** flattened predictions: '' or 'cls/0' ... -> type */
  readonly predictions: Readonly<Record<string, TensorType>>
  /** name -> type; program inputs are `target/<task>/<name>` */
  readonly targets: Readonly<Record<string, TensorType>>
}

export type OptimiserSpec =
  | { readonly kind: 'adam'; readonly lr: number; readonly beta1: number; readonly beta2: number; readonly eps: number; readonly weightDecay: number }
  | { readonly kind: 'sgd'; readonly lr: number; readonly momentum: number; readonly weightDecay: number }
export type ScheduleSpec =
  | { readonly kind: 'constant' }
  | { readonly kind: 'poly'; readonly power: number }
  | { readonly kind: 'step'; readonly at: readonly number[]; readonly factor: number }
  | { readonly kind: 'cosine'; readonly final: number }

export interface TrainSpec {
  readonly optimizer: OptimiserSpec
  readonly schedule: ScheduleSpec
  readonly clipNorm: number | undefined
  readonly batch: number
  readonly steps: number
  readonly seed: number
  readonly logEvery: number
  readonly checkpointEvery: number
  /** How many of the newest checkpoints stay; the best one stays beside them. */
  readonly keep: number
  /** Steps between two evaluations on the split `val`. */
  readonly evalEvery: number | undefined
  /** Images of an evaluation during training; 0 for all. */
  readonly evalImages: number
  /** The metric by which the best checkpoint is chosen, `TASK/NAME` of tasks/metrics.ts. */
  readonly best: string | undefined
  /** Evaluations without a better value of `best` after which the run ends. */
  readonly earlyStop: number | undefined
  /** What becomes of a step whose losses or gradients are not finite. */
  readonly onNonfinite: 'stop' | 'skip'
  /** What becomes of an image that cannot be read. */
  readonly onError: 'stop' | 'skip'
  /** Bytes that a training step is to fit into. */
  readonly memory?: number | undefined
}
