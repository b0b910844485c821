// From checked fields of kinds to the typed specifications that the runtime reads.
import { parseMemorySize } from '../tasks/memory-size.ts'
import type { DataSpec, OptimiserSpec, ScheduleSpec, TaskConfig, TrainSpec } from '../tasks/spec.ts'
import type { Value } from './values.ts'

type Fields = ReadonlyMap<string, Value>

const broken = (name: string): never => { throw new Error(`internal: field ${name} was not checked`) }
const numberAt = (f: Fields, name: string): number => { const v = f.get(name); return v?.t === 'int' || v?.t === 'float' ? v.v : broken(name) }
const textAt = <T extends string>(f: Fields, name: string): T => { const v = f.get(name); return v?.t === 'string' ? v.v as T : broken(name) }
const optionalAt = <T>(f: Fields, name: string, read: (f: Fields, name: string) => T): T | undefined => (f.get(name)?.t === 'none' ? undefined : read(f, name))
const itemsAt = (f: Fields, name: string): readonly Value[] => { const v = f.get(name); return v?.t === 'list' ? v.items : broken(name) }
const toNumber = (v: Value): number => (v.t === 'int' || v.t === 'float' ? v.v : broken('item'))
const pair = (items: readonly Value[]): readonly [number, number] => [toNumber(items[0]), toNumber(items[1])]
const triple = (items: readonly Value[]): readonly [number, number, number] => [toNumber(items[0]), toNumber(items[1]), toNumber(items[2])]
const namesAt = (f: Fields, name: string): readonly string[] => itemsAt(f, name).map(v => (v.t === 'string' ? v.v : broken(name)))

export const toDataSpec = (f: Fields): DataSpec => ({ kind: 'cityscapes3d', image: pair(itemsAt(f, 'image')), mean: triple(itemsAt(f, 'mean')), std: triple(itemsAt(f, 'std')), boxes: textAt(f, 'boxes') })

/** `size` has been filled in from the data set. */
export function toTaskConfig(kind: string, f: Fields): TaskConfig {
  switch (kind) {
    case 'segmentation': return { kind, classes: namesAt(f, 'classes'), ignore: numberAt(f, 'ignore'), size: pair(itemsAt(f, 'size')) }
    case 'depth': return { kind, quantity: textAt(f, 'quantity'), invalid: numberAt(f, 'invalid'), max: numberAt(f, 'max'), size: pair(itemsAt(f, 'size')) }
    case 'detection3d': return {
      kind, classes: namesAt(f, 'classes'), strides: itemsAt(f, 'strides').map(toNumber), resize: numberAt(f, 'resize'),
      ranges: itemsAt(f, 'ranges').map(r => (r.t === 'list' ? pair(r.items) : broken('ranges'))),
      radius: numberAt(f, 'radius'), centernessAlpha: numberAt(f, 'centerness_alpha'), rotation: textAt(f, 'rotation'),
      score: numberAt(f, 'score'), nms: numberAt(f, 'nms'), preNms: numberAt(f, 'pre_nms'), maxPerImage: numberAt(f, 'max_per_image'),
    }
    default: return broken(kind)
  }
}

function toOptimiser(value: Value | undefined): OptimiserSpec {
  if (value?.t !== 'kind') return broken('optimizer')
  const f = value.fields
  const [lr, weightDecay] = [numberAt(f, 'lr'), numberAt(f, 'weight_decay')]
  if (value.name === 'adam') return { kind: 'adam', lr, beta1: numberAt(f, 'beta1'), beta2: numberAt(f, 'beta2'), eps: numberAt(f, 'eps'), weightDecay }
  return { kind: 'sgd', lr, momentum: numberAt(f, 'momentum'), weightDecay }
}

function toSchedule(value: Value | undefined): ScheduleSpec {
  if (value?.t !== 'kind') return broken('schedule')
  const f = value.fields
  switch (value.name) {
    case 'constant': return { kind: 'constant' }
    case 'poly': return { kind: 'poly', power: numberAt(f, 'power') }
    case 'step': return { kind: 'step', at: itemsAt(f, 'at').map(toNumber), factor: numberAt(f, 'factor') }
    case 'cosine': return { kind: 'cosine', final: numberAt(f, 'final') }
    default: return broken(value.name)
  }
}

const toMemory = (value: Value | undefined): number | undefined => (value?.t === 'string' ? parseMemorySize(value.v) : undefined)

export const toTrainSpec = (f: Fields): TrainSpec => ({
  optimizer: toOptimiser(f.get('optimizer')), schedule: toSchedule(f.get('schedule')), clipNorm: optionalAt(f, 'clip_norm', numberAt),
  batch: numberAt(f, 'batch'), steps: numberAt(f, 'steps'), seed: numberAt(f, 'seed'), logEvery: numberAt(f, 'log_every'), checkpointEvery: numberAt(f, 'checkpoint_every'),
  keep: numberAt(f, 'keep'), evalEvery: optionalAt(f, 'eval_every', numberAt), evalImages: numberAt(f, 'eval_images'), best: optionalAt(f, 'best', textAt), earlyStop: optionalAt(f, 'early_stop', numberAt),
  onNonfinite: textAt(f, 'on_nonfinite'), onError: textAt(f, 'on_error'), memory: toMemory(f.get('memory')),
})
