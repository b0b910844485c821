// The learning rate of each step.
import type { TrainSpec } from '../tasks/spec.ts'

/**
 * The learning rate of step `step` (from 0) in double precision. poly: lr (1 - step/steps)^power; step: lr * factor^(milestones passed); cosine: from lr down to the rate `final`
 * (Loshchilov and Hutter 2017, without restarts). Past the last step poly and cosine stay at their final value.
 */
export function learningRate(train: Pick<TrainSpec, 'optimizer' | 'schedule' | 'steps'>, step: number): number {
  const { optimizer: { lr }, schedule, steps } = train
  const progress = Math.min(1, step / steps)
  switch (schedule.kind) {
    case 'constant': return lr
    case 'poly': return lr * (1 - progress) ** schedule.power
    case 'step': return lr * schedule.factor ** schedule.at.filter(milestone => step >= milestone).length
    case 'cosine': return schedule.final + (lr - schedule.final) * 0.5 * (1 + Math.cos(Math.PI * progress))
  }
}
