// From the checked fields of `train` to the typed specification of training.
import { parseMemorySize } from '../tasks/memory-size.ts'
import type { AverageSpec, GroupSpec, OptimiserSpec, ScheduleSpec, TrainSpec, WeightingSpec } from '../tasks/spec.ts'
import { broken, itemsAt, numberAt, textAt, toNumber, type Fields } from './kinds-spec.ts'
import type { Value } from './values.ts'

type Kind = Extract<Value, { t: 'kind' }>

const kindAt = (f: Fields, name: string): Kind => { const v = f.get(name); return v?.t === 'kind' ? v : broken(name) }
const truthAt = (f: Fields, name: string): boolean => { const v = f.get(name); return v?.t === 'bool' ? v.v : broken(name) }
/** undefined where the field is none */
const optionalAt = <T>(f: Fields, name: string, read: (f: Fields, name: string) => T): T | undefined => (f.get(name)?.t === 'none' ? undefined : read(f, name))

function toOptimiser({ name, fields: f }: Kind): OptimiserSpec {
  const [lr, weightDecay] = [numberAt(f, 'lr'), numberAt(f, 'weight_decay')]
  if (name === 'sgd') return { kind: 'sgd', lr, momentum: numberAt(f, 'momentum'), nesterov: truthAt(f, 'nesterov') || undefined, weightDecay }
  return { kind: name === 'adamw' ? 'adamw' : 'adam', lr, beta1: numberAt(f, 'beta1'), beta2: numberAt(f, 'beta2'), eps: numberAt(f, 'eps'), weightDecay }
}

function toOneSchedule({ name, fields: f }: Kind): ScheduleSpec {
  switch (name) {
    case 'constant': return { kind: 'constant' }
    case 'poly': return { kind: 'poly', power: numberAt(f, 'power') }
    case 'step': return { kind: 'step', at: itemsAt(f, 'at').map(toNumber), factor: numberAt(f, 'factor') }
    case 'cosine': return { kind: 'cosine', final: numberAt(f, 'final') }
    case 'warmup': return { kind: 'warmup', from: numberAt(f, 'from') }
    default: return broken(name)
  }
}

function toSchedule(value: Value | undefined): ScheduleSpec {
  const kinds = value?.t === 'list' ? value.items : [value]
  const parts = kinds.map(v => (v?.t === 'kind' ? { schedule: toOneSchedule(v), steps: optionalAt(v.fields, 'steps', numberAt) } : broken('schedule')))
  return parts.length === 1 && parts[0].steps === undefined ? parts[0].schedule : { kind: 'sequence', parts }
}

const textsAt = (f: Fields, name: string): readonly string[] => itemsAt(f, name).map(v => (v.t === 'string' ? v.v : broken(name)))

function toWeighting({ name, fields: f }: Kind): WeightingSpec | undefined {
  if (name === 'fixed') return undefined
  const bounds = [numberAt(f, 'low'), numberAt(f, 'high')] as const
  switch (name) {
    case 'uncertainty': case 'pcgrad': return { kind: name, bounds }
    case 'dwa': return { kind: 'dwa', bounds, temperature: numberAt(f, 'temperature'), every: optionalAt(f, 'every', numberAt) }
    case 'gradnorm': return { kind: 'gradnorm', bounds, alpha: numberAt(f, 'alpha'), lr: numberAt(f, 'lr'), at: optionalAt(f, 'at', textsAt) }
    default: return broken(name)
  }
}

const toGroup = (value: Value): GroupSpec => {
  const f = value.t === 'kind' ? value.fields : broken('groups')
  return {
    paths: textsAt(f, 'paths'),
    lr: optionalAt(f, 'lr', numberAt), weightDecay: optionalAt(f, 'weight_decay', numberAt), frozen: optionalAt(f, 'frozen', truthAt),
  }
}

const toAverage = ({ fields: f }: Kind): AverageSpec => ({ decay: numberAt(f, 'decay'), evaluate: truthAt(f, 'evaluate') })
const toMemory = (value: Value | undefined): number | undefined => (value?.t === 'string' ? parseMemorySize(value.v) : undefined)

export const toTrainSpec = (f: Fields): TrainSpec => ({
  optimizer: toOptimiser(kindAt(f, 'optimizer')), schedule: toSchedule(f.get('schedule')), weighting: toWeighting(kindAt(f, 'weighting')), groups: optionalAt(f, 'groups', itemsAt)?.map(toGroup),
  clipNorm: optionalAt(f, 'clip_norm', numberAt), clipValue: optionalAt(f, 'clip_value', numberAt), ema: optionalAt(f, 'ema', (fields, name) => toAverage(kindAt(fields, name))),
  batch: numberAt(f, 'batch'), accumulate: numberAt(f, 'accumulate') > 1 ? numberAt(f, 'accumulate') : undefined, steps: optionalAt(f, 'steps', numberAt) ?? 0, epochs: optionalAt(f, 'epochs', numberAt),
  seed: numberAt(f, 'seed'), logEvery: numberAt(f, 'log_every'), checkpointEvery: numberAt(f, 'checkpoint_every'),
  keep: numberAt(f, 'keep'), evalEvery: optionalAt(f, 'eval_every', numberAt), evalImages: numberAt(f, 'eval_images'), best: optionalAt(f, 'best', textAt), earlyStop: optionalAt(f, 'early_stop', numberAt),
  onNonfinite: textAt(f, 'on_nonfinite'), onError: textAt(f, 'on_error'), memory: toMemory(f.get('memory')),
})
