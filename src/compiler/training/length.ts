// How many steps a run takes: said in steps, or in epochs of a data set whose size is known when training begins.
import type { TrainSpec } from '../tasks/spec.ts'
import { stepsBeforeLast } from './schedule.ts'

/** Images that one step of the optimiser sees. */
export const imagesPerStep = ({ batch, accumulate = 1 }: Pick<TrainSpec, 'batch' | 'accumulate'>): number => batch * accumulate

/** Steps of one pass over `images` images; the last may reach into the next pass. */
export const stepsPerEpoch = (train: Pick<TrainSpec, 'batch' | 'accumulate'>, images: number): number => Math.max(1, Math.ceil(images / imagesPerStep(train)))

/** The specification with its number of steps, for a data set of `images` images; or why there is none that it fits. */
export function withSteps(train: TrainSpec, images: number): TrainSpec | { readonly problem: string } {
  if (train.epochs === undefined) return train
  const steps = Math.max(1, Math.ceil(train.epochs * images / imagesPerStep(train)))
  const before = stepsBeforeLast(train.schedule)
  return before < steps ? { ...train, steps } : { problem: `train.schedule: the schedules before the last take ${before} steps, and ${train.epochs} epochs of ${images} images are ${steps} steps` }
}
