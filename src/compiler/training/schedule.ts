// The learning rate of each step.
import type { ScheduleSpec, TrainSpec } from '../tasks/spec.ts'

/**
 * The rate `step` steps after the beginning of a schedule that takes `steps`. poly: lr (1 - step/steps)^power; step: lr * factor^(milestones passed); cosine: from lr down to the rate `final`
 * (Loshchilov and Hutter 2017, without restarts); warmup: lr (from + (1 - from) (step + 1) / steps), so that no step is lost and the first one behind it has the whole rate. Past the end poly,
 * cosine and warmup stay at their final value. Parts of a sequence count from their own beginnings.
 */
function rate(schedule: ScheduleSpec, lr: number, step: number, steps: number): number {
  const progress = Math.min(1, step / steps)
  switch (schedule.kind) {
    case 'constant': return lr
    case 'poly': return lr * (1 - progress) ** schedule.power
    case 'step': return lr * schedule.factor ** schedule.at.filter(milestone => step >= milestone).length
    case 'cosine': return schedule.final + (lr - schedule.final) * 0.5 * (1 + Math.cos(Math.PI * progress))
    case 'warmup': return lr * (schedule.from + (1 - schedule.from) * Math.min(1, (step + 1) / steps))
    case 'sequence': {
      let begin = 0
      for (const [i, part] of schedule.parts.entries()) {
        const own = part.steps ?? Math.max(1, steps - begin)
        if (i === schedule.parts.length - 1 || step < begin + own) return rate(part.schedule, lr, step - begin, own)
        begin += own
      }
      throw new Error('internal: a sequence of no schedules')
    }
  }
}

/** The learning rate of step `step` (from 0), before the factors of groups, in double precision. */
export const learningRate = ({ optimizer, schedule, steps }: Pick<TrainSpec, 'optimizer' | 'schedule' | 'steps'>, step: number): number => rate(schedule, optimizer.lr, step, steps)

/** Steps of the parts of a sequence that say how long they take and have others behind them; 0 for other schedules. */
export const stepsBeforeLast = (schedule: ScheduleSpec): number => schedule.kind === 'sequence' ? schedule.parts.slice(0, -1).reduce((n, p) => n + (p.steps ?? 0), 0) : 0
