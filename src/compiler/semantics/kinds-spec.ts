// From checked fields of data sets and tasks to the typed specifications that the runtime reads.
import type { AugmentSpec, DataSpec, TaskConfig } from '../tasks/spec.ts'
import type { Value } from './values.ts'

export type Fields = ReadonlyMap<string, Value>

export const broken = (name: string): never => { throw new Error(`internal: field ${name} was not checked`) }
export const numberAt = (f: Fields, name: string): number => { const v = f.get(name); return v?.t === 'int' || v?.t === 'float' ? v.v : broken(name) }
export const textAt = <T extends string>(f: Fields, name: string): T => { const v = f.get(name); return v?.t === 'string' ? v.v as T : broken(name) }
export const itemsAt = (f: Fields, name: string): readonly Value[] => { const v = f.get(name); return v?.t === 'list' ? v.items : broken(name) }
export const toNumber = (v: Value): number => (v.t === 'int' || v.t === 'float' ? v.v : broken('item'))
const pair = (items: readonly Value[]): readonly [number, number] => [toNumber(items[0]), toNumber(items[1])]
const triple = (items: readonly Value[]): readonly [number, number, number] => [toNumber(items[0]), toNumber(items[1]), toNumber(items[2])]
const namesAt = (f: Fields, name: string): readonly string[] => itemsAt(f, name).map(v => (v.t === 'string' ? v.v : broken(name)))

function toAugmentSpec(v: Value): AugmentSpec {
  if (v.t !== 'kind') return broken('augment')
  const f = v.fields
  switch (v.name) {
    case 'flip': return { kind: 'flip', chance: numberAt(f, 'chance') }
    case 'scale_crop': return { kind: 'scale_crop', from: numberAt(f, 'from'), to: numberAt(f, 'to') }
    case 'color_jitter': return { kind: 'color_jitter', brightness: numberAt(f, 'brightness'), contrast: numberAt(f, 'contrast'), saturation: numberAt(f, 'saturation') }
    default: return broken(v.name)
  }
}

export const toDataSpec = (f: Fields): DataSpec => ({ kind: 'cityscapes3d', image: pair(itemsAt(f, 'image')), mean: triple(itemsAt(f, 'mean')), std: triple(itemsAt(f, 'std')), boxes: textAt(f, 'boxes'), labels: textAt(f, 'labels') === 'partial' ? 'partial' : undefined, augment: f.get('augment')?.t === 'none' ? undefined : itemsAt(f, 'augment').map(toAugmentSpec) })

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
