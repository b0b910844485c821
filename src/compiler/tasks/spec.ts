// The typed values behind `data`, `task` and `train`: what the text may say, and what the runtime reads.
import type { TensorType } from '../ir/types.ts'

/** What is done to a training sample at random, in the order of the text (runtime/data/augment). */
export type AugmentSpec =
  | { readonly kind: 'flip'; readonly chance: number }
  /** a window of 1 / scale of the image enlarged to its size, scale uniform in [from, to], place uniform */
  | { readonly kind: 'scale_crop'; readonly from: number; readonly to: number }
  /** factors uniform in [1 - range, 1 + range] */
  | { readonly kind: 'color_jitter'; readonly brightness: number; readonly contrast: number; readonly saturation: number }

export interface DataSpec {
  readonly kind: 'cityscapes3d'
  /** rows, columns of the images on disk */
  readonly image: readonly [number, number]
  readonly mean: readonly [number, number, number]
  readonly std: readonly [number, number, number]
  readonly boxes: 'required' | 'optional'
  /** 'partial': training images may lack the labels of some tasks, whose losses do not see them; undefined: each has all */
  readonly labels?: 'partial' | undefined
  /** in training only; undefined: none */
  readonly augment?: readonly AugmentSpec[] | undefined
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
  | { readonly kind: 'adam' | 'adamw'; readonly lr: number; readonly beta1: number; readonly beta2: number; readonly eps: number; readonly weightDecay: number }
  | { readonly kind: 'sgd'; readonly lr: number; readonly momentum: number; readonly nesterov?: boolean | undefined; readonly weightDecay: number }
export type ScheduleSpec =
  | { readonly kind: 'constant' }
  | { readonly kind: 'poly'; readonly power: number }
  | { readonly kind: 'step'; readonly at: readonly number[]; readonly factor: number }
  | { readonly kind: 'cosine'; readonly final: number }
  | { readonly kind: 'warmup'; readonly from: number }
  /** One after the other; a part without `steps` takes what is left of the run. */
  | { readonly kind: 'sequence'; readonly parts: readonly { readonly schedule: ScheduleSpec; readonly steps: number | undefined }[] }

/** What is different for the parameters whose paths fit one of the patterns (groups.ts); undefined leaves it to later groups. */
export interface GroupSpec {
  readonly paths: readonly string[]
  /** factor of the learning rate */
  readonly lr: number | undefined
  readonly weightDecay: number | undefined
  /** no gradient is computed and no moments are kept */
  readonly frozen: boolean | undefined
}

/** Exponential moving average of the parameters; `evaluate`: it is what the end of a run evaluates and exports. */
export interface AverageSpec { readonly decay: number; readonly evaluate: boolean }

/** How the losses of the tasks become one, beside their fixed weights (training/weighting.ts). A weight beyond `bounds` times the fixed one is warned of. */
export type WeightingSpec = { readonly bounds: readonly [number, number] } & (
  | { readonly kind: 'uncertainty' }
  /** `every`: steps of a window; undefined: those of an epoch */
  | { readonly kind: 'dwa'; readonly temperature: number; readonly every: number | undefined }
  /** `at`: patterns of the shared parameters whose gradients are compared; undefined: all shared ones */
  | { readonly kind: 'gradnorm'; readonly alpha: number; readonly lr: number; readonly at: readonly string[] | undefined }
  | { readonly kind: 'pcgrad' })

/** What the text does not mention is undefined. */
export interface TrainSpec {
  readonly optimizer: OptimiserSpec
  readonly schedule: ScheduleSpec
  /** In order: of each setting the first group that fits and states it counts. */
  readonly groups?: readonly GroupSpec[] | undefined
  /** undefined: the weights of the tasks alone */
  readonly weighting?: WeightingSpec | undefined
  readonly clipNorm: number | undefined
  /** Largest magnitude of an element of a gradient, after clipping by norm. */
  readonly clipValue?: number | undefined
  readonly ema?: AverageSpec | undefined
  /** images of one pass */
  readonly batch: number
  /** Passes of one step of the optimiser, each over a batch; undefined: one. */
  readonly accumulate?: number | undefined
  /** 0 where the text says `epochs`, until the size of the data set is known (training/length.ts) */
  readonly steps: number
  readonly epochs?: number | undefined
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
