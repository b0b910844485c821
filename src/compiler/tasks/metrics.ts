// The figures by which an evaluation judges each kind of task, and which way is better.
import type { TaskConfig, TaskSpec } from './spec.ts'

export type Direction = 'higher' | 'lower'

/** By kind of task; a metric is written `TASK/NAME`. Units are those of the task (docs/scores.md). */
export const metricsOfKind = {
  segmentation: { mIoU: 'higher', accuracy: 'higher' },
  depth: { rmse: 'lower', mae: 'lower', abs_rel: 'lower', sq_rel: 'lower', log_rmse: 'lower', delta1: 'higher', delta2: 'higher', delta3: 'higher' },
  detection3d: { mDS: 'higher', mDS_modal: 'higher', mAP: 'higher', mAP_modal: 'higher' },
} as const satisfies Record<TaskConfig['kind'], Record<string, Direction>>

/** Every metric of a model's tasks by its full name. */
export const metricsOf = (tasks: readonly Pick<TaskSpec, 'name' | 'config'>[]): ReadonlyMap<string, Direction> =>
  new Map(tasks.flatMap(({ name, config }) => Object.entries(metricsOfKind[config.kind]).map(([metric, direction]): [string, Direction] => [`${name}/${metric}`, direction])))
