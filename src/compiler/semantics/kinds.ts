// Built-in kinds: the fields of data sets and tasks as tables, and the functions that make values of all kinds (those of training: kinds-train.ts).
import { didYouMean } from '../diagnostics/suggest.ts'
import type { BuiltinFunction } from './functions/function.ts'
import { integer, interval, kindOf, listOf, mismatch, names, number, oneOf, optional, size, type KindSchema } from './kinds-fields.ts'
import { trainingKinds } from './kinds-train.ts'
import { error, float, int, list, none, record, string, type KindGroup, type Value } from './values.ts'

const floats = (...values: readonly number[]): Value => list(values.map(float))
const lengthOf = (v: Value | undefined): number => (v?.t === 'list' ? v.items.length : 0)
const everything = 1e8

/** The published ranges of FCOS3D at 1024 x 2048: pixels of the original image, one interval per level. */
const defaultRanges = list([[-1, 96], [96, 192], [192, 384], [384, 768], [768, everything]].map(([a, b]) => floats(a, b)))

const share = (standard: number): KindSchema['fields'][string] => ({ type: number({ from: 0, to: 1 }), default: float(standard) })

export const augmentationKinds: Readonly<Record<string, KindSchema>> = {
  flip: { fields: { chance: share(0.5) } },
  scale_crop: {
    fields: { from: { type: number({ from: 1 }), default: float(1) }, to: { type: number({ from: 1 }) } },
    check: f => {
      const [from, to] = [f.get('from'), f.get('to')]
      return from?.t === 'float' && to?.t === 'float' && from.v > to.v ? { field: 'to', message: `the scale goes from ${from.v} to ${to.v}`, hint: '`to` is the larger one' } : undefined
    },
  },
  color_jitter: { fields: { brightness: share(0), contrast: share(0), saturation: share(0) } },
}

export const dataKinds: Readonly<Record<string, KindSchema>> = {
  cityscapes3d: {
    fields: {
      image: { type: size, default: list([int(1024), int(2048)]) },
      mean: { type: listOf('numbers', number(), 3), default: floats(0.485, 0.456, 0.406) },
      std: { type: listOf('numbers > 0', number({ above: 0 }), 3), default: floats(0.229, 0.224, 0.225) },
      boxes: { type: oneOf('required', 'optional'), default: string('required') },
      labels: { type: oneOf('complete', 'partial'), default: string('complete') },
      augment: { type: optional(listOf('augmentations such as flip()', kindOf('augmentation', 'flip()'))), default: none },
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

const groups: readonly (readonly [KindGroup, Readonly<Record<string, KindSchema>>])[] = [['task', taskKinds], ['augmentation', augmentationKinds], ...trainingKinds]

/** The schema of a kind value. */
export function schemaOf(kind: Extract<Value, { t: 'kind' }>): KindSchema {
  const schema = groups.find(([group]) => group === kind.group)?.[1][kind.name]
  if (schema === undefined) throw new Error(`internal: there is no ${kind.group} ${kind.name}`)
  return schema
}

/** A mistake in the fields of a kind: the field at fault, what is wrong, and the likely fix. */
export interface FieldProblem { readonly field: string | undefined; readonly message: string; readonly hint?: string | undefined }

/** Reported where it was made. */
const holdsError = (value: Value): boolean => value.t === 'error' || (value.t === 'list' && value.items.some(holdsError))

/** Check given fields against a schema and add the defaults, in the order of the schema. */
export function completeFields(schema: KindSchema, given: ReadonlyMap<string, Value>): { readonly fields: ReadonlyMap<string, Value>; readonly problems: readonly FieldProblem[] } {
  const problems: FieldProblem[] = []
  const fields = new Map<string, Value>()
  for (const name of given.keys()) if (!Object.hasOwn(schema.fields, name)) problems.push({ field: name, message: `there is no field \`${name}\``, hint: didYouMean(name, Object.keys(schema.fields)) })
  for (const [name, field] of Object.entries(schema.fields)) {
    const value = given.get(name) ?? field.default
    if (value === undefined) { problems.push({ field: undefined, message: `\`${name}\` is missing`, hint: `${name} = ..., ${field.type.expects}` }); continue }
    const accepted = holdsError(value) ? error : field.type.accept(value)
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
