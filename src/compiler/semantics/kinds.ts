// Built-in kinds: the fields of data sets, tasks, optimisers, schedules and `train`, as one table; and the functions that make values of them.
import { didYouMean } from '../diagnostics/suggest.ts'
import type { BuiltinFunction } from './functions/function.ts'
import { integer, interval, kindOf, listOf, memorySize, mismatch, names, number, oneOf, optional, size, text, type KindField } from './kinds-fields.ts'
import { float, int, list, none, record, string, type KindGroup, type Value } from './values.ts'

export interface KindSchema {
  readonly fields: Readonly<Record<string, KindField>>
  /** a mistake that no field alone shows: the field to point at, and the message */
  readonly check?: (fields: ReadonlyMap<string, Value>) => { readonly field: string; readonly message: string } | undefined
}

const floats = (...values: readonly number[]): Value => list(values.map(float))
const lengthOf = (v: Value | undefined): number => (v?.t === 'list' ? v.items.length : 0)
const everything = 1e8

/** The published ranges of FCOS3D at 1024 x 2048: pixels of the original image, one interval per level. */
const defaultRanges = list([[-1, 96], [96, 192], [192, 384], [384, 768], [768, everything]].map(([a, b]) => floats(a, b)))

export const dataKinds: Readonly<Record<string, KindSchema>> = {
  cityscapes3d: {
    fields: {
      image: { type: size, default: list([int(1024), int(2048)]) },
      mean: { type: listOf('numbers', number(), 3), default: floats(0.485, 0.456, 0.406) },
      std: { type: listOf('numbers > 0', number({ above: 0 }), 3), default: floats(0.229, 0.224, 0.225) },
      boxes: { type: oneOf('required', 'optional'), default: string('required') },
    },
  },
}

export const taskKinds: Readonly<Record<string, KindSchema>> = {
  segmentation: {
    fields: { classes: { type: names }, ignore: { type: integer({ from: 0, to: 255 }), default: int(255) }, size: { type: optional(size), default: none } },
    check: f => {
      const ignore = f.get('ignore')
      return ignore?.t === 'int' && ignore.v < lengthOf(f.get('classes')) ? { field: 'ignore', message: `ignore = ${ignore.v} is the number of a class: there are ${lengthOf(f.get('classes'))}` } : undefined
    },
  },
  depth: {
    fields: {
      quantity: { type: oneOf('depth', 'disparity'), default: string('depth') },
      invalid: { type: number(), default: float(0) },
      max: { type: number({ above: 0 }), default: float(80) },
      size: { type: optional(size), default: none },
    },
  },
  detection3d: {
    fields: {
      classes: { type: names },
      strides: { type: listOf('numbers > 0', number({ above: 0 })), default: floats(8, 16, 32, 32, 64) },
      resize: { type: number({ above: 0 }), default: float(0.75) },
      ranges: { type: listOf('[low, high]', interval), default: defaultRanges },
      radius: { type: number({ above: 0 }), default: float(1.5) },
      centerness_alpha: { type: number({ above: 0 }), default: float(2.5) },
      rotation: { type: oneOf('corrected', 'published'), default: string('corrected') },
      score: { type: number({ from: 0, to: 1 }), default: float(0.05) },
      nms: { type: number({ from: 0, to: 1 }), default: float(0.3) },
      pre_nms: { type: integer({ from: 1 }), default: int(1000) },
      max_per_image: { type: integer({ from: 1 }), default: int(200) },
    },
    check: f => {
      const [strides, ranges] = [lengthOf(f.get('strides')), lengthOf(f.get('ranges'))]
      return strides === ranges ? undefined : { field: 'ranges', message: `one range per level: there are ${strides} strides and ${ranges} ranges` }
    },
  },
}

const beta = number({ from: 0, below: 1 })
const learningRate: KindField = { type: number({ above: 0 }) }
const weightDecay: KindField = { type: number({ from: 0 }), default: float(0) }

export const optimiserKinds: Readonly<Record<string, KindSchema>> = {
  adam: { fields: { lr: learningRate, beta1: { type: beta, default: float(0.9) }, beta2: { type: beta, default: float(0.999) }, eps: { type: number({ above: 0 }), default: float(1e-8) }, weight_decay: weightDecay } },
  sgd: { fields: { lr: learningRate, momentum: { type: beta, default: float(0) }, weight_decay: weightDecay } },
}

export const scheduleKinds: Readonly<Record<string, KindSchema>> = {
  constant: { fields: {} },
  poly: { fields: { power: { type: number({ above: 0 }), default: float(0.9) } } },
  step: {
    fields: { at: { type: listOf('ints >= 1', integer({ from: 1 })) }, factor: { type: number({ above: 0 }), default: float(0.1) } },
    check: f => {
      const at = f.get('at')
      const steps = at?.t === 'list' ? at.items.map(i => (i.t === 'int' ? i.v : 0)) : []
      return steps.every((s, i) => i === 0 || s > steps[i - 1]) ? undefined : { field: 'at', message: `the steps must rise, found [${steps.join(', ')}]` }
    },
  },
  cosine: { fields: { final: { type: number({ from: 0, to: 1 }), default: float(0) } } },
}

export const trainSchema: KindSchema = {
  fields: {
    optimizer: { type: kindOf('optimizer', 'adam(lr = 1e-4)') },
    schedule: { type: kindOf('schedule', 'poly(power = 0.9)'), default: { t: 'kind', group: 'schedule', name: 'constant', fields: new Map() } },
    clip_norm: { type: optional(number({ above: 0 })), default: none },
    batch: { type: integer({ from: 1 }) },
    steps: { type: integer({ from: 1 }) },
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
  check: f => {
    const given = (name: string): boolean => f.get(name)?.t !== 'none'
    if (given('best') && !given('eval_every')) return { field: 'best', message: '`best` is judged by evaluations: say how often with `eval_every`' }
    if (given('early_stop') && !given('best')) return { field: 'early_stop', message: '`early_stop` waits for a better value of `best`: name a metric there' }
    return undefined
  },
}

const groups: readonly (readonly [KindGroup, Readonly<Record<string, KindSchema>>])[] = [['task', taskKinds], ['optimizer', optimiserKinds], ['schedule', scheduleKinds]]

/** The schema of a kind value. */
export function schemaOf(kind: Extract<Value, { t: 'kind' }>): KindSchema {
  const schema = groups.find(([group]) => group === kind.group)?.[1][kind.name]
  if (schema === undefined) throw new Error(`internal: there is no ${kind.group} ${kind.name}`)
  return schema
}

/** A mistake in the fields of a kind: the field at fault, what is wrong, and the likely fix. */
export interface FieldProblem { readonly field: string | undefined; readonly message: string; readonly hint?: string | undefined }

/** Check given fields against a schema and add the defaults, in the order of the schema. */
export function completeFields(schema: KindSchema, given: ReadonlyMap<string, Value>): { readonly fields: ReadonlyMap<string, Value>; readonly problems: readonly FieldProblem[] } {
  const problems: FieldProblem[] = []
  const fields = new Map<string, Value>()
  for (const name of given.keys()) if (!Object.hasOwn(schema.fields, name)) problems.push({ field: name, message: `there is no field \`${name}\``, hint: didYouMean(name, Object.keys(schema.fields)) })
  for (const [name, field] of Object.entries(schema.fields)) {
    const value = given.get(name) ?? field.default
    if (value === undefined) { problems.push({ field: undefined, message: `\`${name}\` is missing`, hint: `${name} = ..., ${field.type.expects}` }); continue }
    const accepted = value.t === 'error' ? value : field.type.accept(value)
    if (accepted === undefined) problems.push({ field: name, message: `\`${name}\`: ${mismatch(field.type, value)}` })
    fields.set(name, accepted ?? { t: 'error' })
  }
  const problem = problems.length === 0 && [...fields.values()].every(v => v.t !== 'error') ? schema.check?.(fields) : undefined
  if (problem !== undefined) problems.push(problem)
  return { fields, problems }
}

/** `adam`, `poly`, `segmentation`, ... as functions of expressions: they return values of type 'kind'. */
export const kindFunctions: readonly BuiltinFunction[] = groups.flatMap(([group, kinds]) => Object.entries(kinds).map(([name, schema]): BuiltinFunction => ({
  name,
  params: Object.entries(schema.fields).map(([field, { default: value }]) => (value === undefined ? { name: field } : { name: field, default: value })),
  call: (args, context) => {
    const { fields, problems } = completeFields(schema, args)
    const first = problems[0]
    if (first !== undefined) context.fail(first.message, { ...(first.hint === undefined ? {} : { hint: first.hint }), ...(first.field === undefined ? {} : { argument: first.field }) })
    return { t: 'kind', group, name, fields }
  },
})))

/** Names of the data set, in the order of train ids. */
const cityscapesClasses = ['road', 'sidewalk', 'building', 'wall', 'fence', 'pole', 'traffic light', 'traffic sign', 'vegetation', 'terrain', 'sky', 'person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle']
const cityscapesVehicles = ['car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle']

/** Names that every model sees besides its members: `cityscapes.classes`, `cityscapes.vehicles`. */
export const modelConstants: ReadonlyMap<string, Value> = new Map([['cityscapes', record({ classes: list(cityscapesClasses.map(string)), vehicles: list(cityscapesVehicles.map(string)) })]])
