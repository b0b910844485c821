// The losses of the tasks as one: with fixed weights, or with weights that a strategy sets from step to step.
import type { Span } from '../diagnostics/diagnostic.ts'
import type { Builder } from '../ir/builder.ts'
import type { Origin, ValueId } from '../ir/program.ts'
import { Emitter } from '../rules/gradient-language.ts'
import { gradnormWeight, logVariances, weightScalar } from '../tasks/weighting-names.ts'
import type { WeightingSpec } from '../tasks/spec.ts'

/** `weighted`: the loss times the fixed weight. */
export interface TaskLoss { readonly name: string; readonly weight: number; readonly weighted: ValueId; readonly span: Span }

const scalar = { dtype: 'float32', shape: [] } as const

/**
 * The total. Strategies add outputs of role 'metric': `weight/TASK`, what a task's loss is multiplied with, and for those that work on gradients (training/weighting.ts) `weighted/TASK`.
 *
 * uncertainty: exp(-s) w L + s / 2 with a learned logarithm of the variance s per task, 0 at the start (Kendall, Gal and Cipolla 2018, equations 7 and 10, with w in place of the constants that depend
 * on the kind of likelihood). dwa: w times a scalar from the host (Liu, Johns and Davison 2019). gradnorm: w times a state (Chen et al. 2018). pcgrad: w; gradients are changed later (Yu et al. 2020).
 */
export function weighLosses(builder: Builder, losses: readonly TaskLoss[], weighting: WeightingSpec | undefined, span: Span): ValueId {
  const terms = losses.map(loss => weighted(builder, loss, weighting))
  return terms.reduce((a, b) => builder.emit('add', [a, b], {}, { path: '', span, phase: 'loss' }))
}

function weighted(builder: Builder, { name, weight, weighted: loss, span }: TaskLoss, weighting: WeightingSpec | undefined): ValueId {
  if (weighting === undefined) return loss
  const origin: Origin = { path: `losses.${name}`, span, phase: 'loss' }
  const g = new Emitter(builder, origin)
  const times = (factor: ValueId): ValueId => {
    builder.output(`weight/${name}`, 'metric', g.scale(factor, weight))
    return g.mul(loss, factor)
  }
  switch (weighting.kind) {
    case 'uncertainty': {
      const logVariance = builder.input(`${logVariances}.${name}`, 'parameter', scalar, { path: logVariances, span, phase: 'loss' }, { kind: 'constant', value: 0 })
      return g.add(times(g.exp(g.neg(logVariance))), g.scale(logVariance, 0.5))
    }
    case 'dwa': return times(builder.input(weightScalar(name), 'scalar', scalar, origin))
    case 'gradnorm': case 'pcgrad': builder.output(`weighted/${name}`, 'metric', loss)
  }
  return weighting.kind === 'gradnorm' ? times(builder.input(gradnormWeight(name), 'moment', scalar, origin, { kind: 'constant', value: 1 })) : loss
}
