// The kinds of training: optimisers, schedules, groups of parameters, the average of weights, and the fields of `train`.
import { integer, kindOf, listOf, memorySize, number, oneOf, optional, oneOrMore, text, truth, type FieldType, type KindField, type KindSchema } from './kinds-fields.ts'
import { bool, float, int, none, string, type KindGroup, type Value } from './values.ts'

const numberOf = (v: Value | undefined): number | undefined => (v?.t === 'int' || v?.t === 'float' ? v.v : undefined)

type Fields = ReadonlyMap<string, Value>
type Kinds = Readonly<Record<string, KindSchema>>

const decayShare = number({ from: 0, below: 1 })
const learningRate: KindField = { type: number({ above: 0 }) }
const weightDecay = (standard: number): KindField => ({ type: number({ from: 0 }), default: float(standard) })
const adam = (decay: number): KindSchema => ({ fields: { lr: learningRate, beta1: { type: decayShare, default: float(0.9) }, beta2: { type: decayShare, default: float(0.999) }, eps: { type: number({ above: 0 }), default: float(1e-8) }, weight_decay: weightDecay(decay) } })

export const optimiserKinds: Kinds = {
  adam: adam(0),
  adamw: adam(0.01),
  sgd: {
    fields: { lr: learningRate, momentum: { type: decayShare, default: float(0) }, nesterov: { type: truth, default: bool(false) }, weight_decay: weightDecay(0) },
    check: f => {
      const [nesterov, momentum] = [f.get('nesterov'), f.get('momentum')]
      return nesterov?.t === 'bool' && nesterov.v && momentum?.t === 'float' && momentum.v === 0 ? { field: 'nesterov', message: '`nesterov` looks ahead along the momentum, and `momentum` is 0', hint: 'sgd(lr = ..., momentum = 0.9, nesterov = true)' } : undefined
    },
  },
}

/** How long a schedule takes: the rest of the run if it does not say. */
const length: KindField = { type: optional(integer({ from: 1 })), default: none }

export const scheduleKinds: Kinds = {
  constant: { fields: { steps: length } },
  poly: { fields: { power: { type: number({ above: 0 }), default: float(0.9) }, steps: length } },
  step: {
    fields: { at: { type: listOf('ints >= 1', integer({ from: 1 })) }, factor: { type: number({ above: 0 }), default: float(0.1) }, steps: length },
    check: f => {
      const at = f.get('at')
      const steps = at?.t === 'list' ? at.items.map(i => (i.t === 'int' ? i.v : 0)) : []
      return steps.every((s, i) => i === 0 || s > steps[i - 1]) ? undefined : { field: 'at', message: `the steps must rise, found [${steps.join(', ')}]` }
    },
  },
  cosine: { fields: { final: { type: number({ from: 0, to: 1 }), default: float(0) }, steps: length } },
  warmup: { fields: { steps: { type: integer({ from: 1 }) }, from: { type: number({ from: 0, below: 1 }), default: float(0) } } },
}

const setting = (type: FieldType): KindField => ({ type: optional(type), default: none })

export const groupKinds: Kinds = {
  group: {
    fields: { paths: { type: oneOrMore('a pattern of paths such as "**.norm.bias"', pattern()) }, lr: setting(number({ above: 0 })), weight_decay: setting(number({ from: 0 })), frozen: setting(truth) },
    check: f => (['lr', 'weight_decay', 'frozen'].every(name => f.get(name)?.t === 'none') ? { field: 'paths', message: 'the group says nothing about its parameters', hint: 'give it `lr` (a factor), `weight_decay` or `frozen`' } : undefined),
  },
}

export const averageKinds: Kinds = { ema: { fields: { decay: { type: decayShare }, evaluate: { type: truth, default: bool(true) } } } }

const bounds = { low: { type: number({ above: 0 }), default: float(0.01) }, high: { type: number({ above: 0 }), default: float(100) } }
const weighting = (fields: KindSchema['fields'], high = bounds.high): KindSchema => ({
  fields: { ...fields, low: bounds.low, high },
  check: f => {
    const [low, high] = [numberOf(f.get('low')), numberOf(f.get('high'))]
    return low !== undefined && high !== undefined && low >= high ? { field: 'low', message: `\`low\` must lie below \`high\`, found ${low} and ${high}` } : undefined
  },
})

export const weightingKinds: Kinds = {
  fixed: { fields: {} },
  uncertainty: weighting({}),
  dwa: weighting({ temperature: { type: number({ above: 0 }), default: float(2) }, every: { type: optional(integer({ from: 1 })), default: none } }),
  gradnorm: weighting({ alpha: { type: number({ from: 0 }), default: float(1.5) }, lr: { type: number({ above: 0 }), default: float(0.025) }, at: { type: optional(oneOrMore('a pattern of paths such as "layers.3"', pattern())), default: none } }),
  // Where one gradient is much longer, coefficients of the other are large without harm.
  pcgrad: weighting({}, { ...bounds.high, default: float(10_000) }),
}

/** Parts of a path between points; `*` within a part, `**` for any number of parts. */
function pattern(): FieldType {
  const expects = 'a pattern of paths such as "**.norm.bias"'
  return { expects, accept: v => (v.t === 'string' && /^[^.\s]+(\.[^.\s]+)*$/.test(v.v) ? v : undefined) }
}

/** One schedule, or a list of them to follow one after the other. */
const schedules: FieldType = (() => {
  const one = kindOf('schedule', 'poly(power = 0.9)')
  const several = listOf('schedules', one)
  return { expects: `${one.expects}, or a list of schedules such as [warmup(500), cosine()]`, accept: v => (v.t === 'list' ? several.accept(v) : one.accept(v)) }
})()

/** A decay alone stands for the kind with its defaults. */
const average: FieldType = {
  expects: 'a number >= 0 and < 1 such as 0.999, ema(decay = 0.999), or none',
  accept: v => {
    if (v.t === 'none' || (v.t === 'kind' && v.group === 'average')) return v
    const decay = decayShare.accept(v)
    return decay === undefined ? undefined : { t: 'kind', group: 'average', name: 'ema', fields: new Map<string, Value>([['decay', decay], ['evaluate', bool(true)]]) }
  },
}

function checkLength(f: Fields): ReturnType<NonNullable<KindSchema['check']>> {
  const [steps, epochs] = [numberOf(f.get('steps')), numberOf(f.get('epochs'))]
  if (steps === undefined && epochs === undefined) return { field: 'steps', message: '`steps` is missing', hint: 'steps = ..., an int >= 1; or epochs = ..., a number > 0' }
  if (steps !== undefined && epochs !== undefined) return { field: 'epochs', message: `a run has either \`steps\` or \`epochs\`, and here are ${steps} steps and ${epochs} epochs`, hint: 'set the other one to none' }
  const schedule = f.get('schedule')
  if (schedule?.t !== 'list') return undefined
  let before = 0
  for (const [i, part] of schedule.items.slice(0, -1).entries()) {
    const own = part.t === 'kind' ? numberOf(part.fields.get('steps')) : undefined
    if (own === undefined) return { field: 'schedule', message: `each schedule of a list but the last says how long it takes, and number ${i + 1} (${part.t === 'kind' ? part.name : ''}) does not`, hint: 'give it `steps = ...`' }
    before += own
  }
  return steps !== undefined && before >= steps ? { field: 'schedule', message: `the schedules before the last take ${before} steps, and the run has ${steps}` } : undefined
}

/** The gradients of single tasks exist within one pass. */
function checkPasses(f: Fields): ReturnType<NonNullable<KindSchema['check']>> {
  const strategy = f.get('weighting')
  const passes = numberOf(f.get('accumulate')) ?? 1
  return passes > 1 && strategy?.t === 'kind' && (strategy.name === 'gradnorm' || strategy.name === 'pcgrad')
    ? { field: 'weighting', message: `${strategy.name} compares the gradients of the tasks, and with \`accumulate = ${passes}\` those of a step are never there together`, hint: 'set `accumulate = 1`, or use uncertainty() or dwa()' } : undefined
}

function checkEvaluation(f: Fields): ReturnType<NonNullable<KindSchema['check']>> {
  const given = (name: string): boolean => f.get(name)?.t !== 'none'
  if (given('best') && !given('eval_every')) return { field: 'best', message: '`best` is judged by evaluations: say how often with `eval_every`' }
  if (given('early_stop') && !given('best')) return { field: 'early_stop', message: '`early_stop` waits for a better value of `best`: name a metric there' }
  return undefined
}

export const trainSchema: KindSchema = {
  fields: {
    optimizer: { type: kindOf('optimizer', 'adam(lr = 1e-4)') },
    schedule: { type: schedules, default: { t: 'kind', group: 'schedule', name: 'constant', fields: new Map([['steps', none]]) } },
    weighting: { type: kindOf('weighting', 'uncertainty()'), default: { t: 'kind', group: 'weighting', name: 'fixed', fields: new Map() } },
    groups: { type: optional(listOf('groups', kindOf('group', 'group("**.bias", weight_decay = 0)'))), default: none },
    clip_norm: { type: optional(number({ above: 0 })), default: none },
    clip_value: { type: optional(number({ above: 0 })), default: none },
    ema: { type: average, default: none },
    batch: { type: integer({ from: 1 }) },
    accumulate: { type: integer({ from: 1 }), default: int(1) },
    steps: { type: optional(integer({ from: 1 })), default: none },
    epochs: { type: optional(number({ above: 0 })), default: none },
    seed: { type: integer({ from: 0 }), default: int(0) },
    log_every: { type: integer({ from: 1 }), default: int(20) },
    checkpoint_every: { type: integer({ from: 1 }), default: int(1000) },
    keep: { type: integer({ from: 1 }), default: int(2) },
    eval_every: { type: optional(integer({ from: 1 })), default: none },
    eval_images: { type: integer({ from: 0 }), default: int(100) },
    best: { type: optional(text), default: none },
    early_stop: { type: optional(integer({ from: 1 })), default: none },
    on_nonfinite: { type: oneOf('stop', 'skip'), default: string('stop') },
    on_error: { type: oneOf('stop', 'skip'), default: string('stop') },
    memory: { type: optional(memorySize), default: none },
  },
  check: f => checkLength(f) ?? checkPasses(f) ?? checkEvaluation(f),
}

export const trainingKinds: readonly (readonly [KindGroup, Kinds])[] = [['optimizer', optimiserKinds], ['schedule', scheduleKinds], ['weighting', weightingKinds], ['group', groupKinds], ['average', averageKinds]]
