// The scalars that the training loop feeds to a step, which change from step to step.
import type { TrainSpec } from '../tasks/spec.ts'
import { learningRate } from './schedule.ts'

type Settings = Pick<TrainSpec, 'optimizer' | 'schedule' | 'steps' | 'accumulate' | 'ema'>

const prefixed = (scalars: Readonly<Record<string, number>>): Record<string, number> => Object.fromEntries(Object.entries(scalars).map(([name, v]) => [`scalar/${name}`, v]))

/**
 * The scalar inputs of the training step in step `step` (from 0), by name, in double precision. With accumulation a step takes several passes, `pass` counts them from 0: those before the last only add
 * to the gradients, and their scalars keep parameters, moments and averages to the bit as they are.
 */
export function optimiserScalars({ accumulate = 1, ema, ...train }: Settings, step: number, pass = accumulate - 1): Record<string, number> {
  const spec = train.optimizer
  const waits = accumulate > 1, last = pass === accumulate - 1
  const lr = last ? learningRate(train, step) : 0
  const unless = (whileWaiting: number, value: number): number => last ? value : whileWaiting
  const optimiser = spec.kind === 'sgd'
    ? { lr, ...(waits && spec.momentum !== 0 ? { momentum: unless(1, spec.momentum), share: unless(0, 1) } : {}) }
    : {
        step_size: lr / (1 - spec.beta1 ** (step + 1)), bias2_scale: 1 / Math.sqrt(1 - spec.beta2 ** (step + 1)), ...(spec.kind === 'adamw' ? { lr } : {}),
        ...(waits ? { beta1: unless(1, spec.beta1), beta2: unless(1, spec.beta2), share1: unless(0, 1 - spec.beta1), share2: unless(0, 1 - spec.beta2) } : {}),
      }
  // The average begins with the parameters after the first step.
  const kept = ema === undefined ? 0 : unless(1, step === 0 ? 0 : ema.decay)
  return prefixed({ ...optimiser, ...(waits ? { keep: pass === 0 ? 0 : 1 } : {}), ...(ema === undefined ? {} : { average: kept, average_share: 1 - kept }) })
}
