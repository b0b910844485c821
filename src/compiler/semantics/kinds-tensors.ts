// What a task's prediction must look like, and which target tensors it trains against (docs/language.md section 7).
import { showType, type DType, type Shape, type TensorType } from '../ir/types.ts'
import type { TaskConfig } from '../tasks/spec.ts'
import { describe, type Value } from './values.ts'

type Tensor = Extract<Value, { t: 'tensor' }>

/** A flattened prediction: '' for a single tensor, `cls/0` for the first level of a record of lists. */
export interface Leaf { readonly field: string; readonly tensor: Tensor }

/** Tensors of a value with their field paths; undefined if something in it is no tensor. */
export function leaves(value: Value, field = ''): readonly Leaf[] | undefined {
  const inside = (parts: Iterable<readonly [string, Value]>): readonly Leaf[] | undefined => {
    const all: Leaf[] = []
    for (const [key, item] of parts) {
      const found = leaves(item, field === '' ? key : `${field}/${key}`)
      if (found === undefined) return undefined
      all.push(...found)
    }
    return all
  }
  switch (value.t) {
    case 'tensor': return [{ field, tensor: value }]
    case 'list': return inside(value.items.map((item, i) => [String(i), item] as const))
    case 'record': return inside(value.fields)
    default: return undefined
  }
}

const f32 = (...shape: Shape): TensorType => ({ dtype: 'float32', shape })
const i32 = (...shape: Shape): TensorType => ({ dtype: 'int32', shape })
const channels = { bbox: 13, dir: 6, ctr: 1 } as const

export interface PredictionProblem { readonly message: string; readonly expected: string }
export type TaskTensors = { readonly targets: Readonly<Record<string, TensorType>> } | { readonly problem: PredictionProblem }

const problem = (message: string, expected: string): TaskTensors => ({ problem: { message, expected } })

function checkTensor(value: Value | undefined, what: string, dtype: DType, shape: readonly (number | string)[]): PredictionProblem | undefined {
  const expected = `${dtype === 'float32' ? 'f32' : 'i32'}[${shape.join(', ')}]`
  if (value?.t !== 'tensor') return { message: `${what} must be a tensor, found ${value === undefined ? 'nothing' : describe(value)}`, expected }
  const fits = value.type.dtype === dtype && value.type.shape.length === shape.length && shape.every((d, i) => typeof d === 'string' || d === value.type.shape[i])
  return fits ? undefined : { message: `${what} must be ${expected}, found ${showType(value.type)}`, expected }
}

/** Check the prediction of a task for a batch of `batch` images and give the types of its targets. */
export function taskTensors(config: TaskConfig, batch: number, prediction: Value): TaskTensors {
  switch (config.kind) {
    case 'segmentation': case 'depth': {
      const planes = config.kind === 'depth' ? 1 : config.classes.length
      const wrong = checkTensor(prediction, 'the prediction', 'float32', [batch, planes, ...config.size])
      if (wrong !== undefined) return { problem: wrong }
      return { targets: config.kind === 'depth' ? { depth: f32(batch, 1, ...config.size) } : { labels: i32(batch, ...config.size) } }
    }
    case 'detection3d': return detectionTensors(config.classes.length, config.strides.length, batch, prediction)
  }
}

function detectionTensors(classes: number, levels: number, batch: number, prediction: Value): TaskTensors {
  const expected = `{cls, bbox, dir, ctr}, each a list of ${levels} tensors`
  if (prediction.t !== 'record') return problem(`the prediction must be ${expected}, found ${describe(prediction)}`, expected)
  const fields = { cls: classes, ...channels }
  for (const name of prediction.fields.keys()) if (!Object.hasOwn(fields, name)) return problem(`the prediction has a field \`${name}\` that detection3d does not know`, expected)
  const grids: (readonly [number, number])[] = []
  for (const [name, count] of Object.entries(fields)) {
    const value = prediction.fields.get(name)
    if (value?.t !== 'list') return problem(`\`${name}\` of the prediction must be a list of tensors, found ${value === undefined ? 'nothing' : describe(value)}`, expected)
    if (value.items.length !== levels) return problem(`\`${name}\` of the prediction has ${value.items.length} levels, \`strides\` has ${levels}`, expected)
    for (const [level, item] of value.items.entries()) {
      const grid: readonly (number | string)[] = grids[level] ?? ['h', 'w']
      const wrong = checkTensor(item, `\`${name}\` of level ${level}`, 'float32', [batch, count, ...grid])
      if (wrong !== undefined) return { problem: wrong }
      if (grids[level] === undefined && item.t === 'tensor') grids[level] = [item.type.shape[2], item.type.shape[3]]
    }
  }
  const points = grids.reduce((sum, [h, w]) => sum + h * w, 0)
  return { targets: { label: i32(batch, points), box: f32(batch, points, 13), direction: i32(batch, points, 3), centerness: f32(batch, points), has_boxes: f32(batch) } }
}
