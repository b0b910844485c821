// Tensors made from static values, and random ones.
import type { DType } from '../../ir/types.ts'
import { describe, type Value } from '../values.ts'
import { type Call, define, type Tensor } from './call.ts'
import type { BuiltinFunction } from './function.ts'

const dtypes = ['float32', 'int32', 'bool'] as const satisfies readonly DType[]
const arrays = { float32: (v: readonly number[]) => Float32Array.from(v), int32: (v: readonly number[]) => Int32Array.from(v), bool: (v: readonly number[]) => Uint8Array.from(v) } as const

/** Shape and elements of a nested list; every item of one level must have the same shape. */
function collect(c: Call, value: Value, out: Value[]): number[] {
  if (value.t === 'int' || value.t === 'float' || value.t === 'bool') { out.push(value); return [] }
  if (value.t !== 'list') return c.fail(`\`list\` must hold numbers or booleans, but it holds ${describe(value)}`, 'list')
  const shapes = value.items.map(item => collect(c, item, out))
  const odd = shapes.find(s => s.join() !== shapes[0].join())
  if (odd !== undefined) return c.fail(`the items of \`list\` differ in shape: [${shapes[0].join(', ')}] and [${odd.join(', ')}]`, 'list')
  return [value.items.length, ...(shapes[0] ?? [])]
}

const dtypeOf = (c: Call, items: readonly Value[]): DType =>
  !c.isNone('dtype') ? c.string('dtype', dtypes) : items.some(v => v.t === 'float') || items.length === 0 ? 'float32' : items.every(v => v.t === 'bool') ? 'bool' : 'int32'

function element(c: Call, v: Value, dtype: DType, argument: string): number {
  if (v.t === 'bool') return v.v ? 1 : 0
  if (v.t !== 'int' && v.t !== 'float') return c.fail(`expected a number, found ${describe(v)}`, argument)
  if (dtype === 'int32' && !Number.isInteger(v.v)) return c.fail(`${v.v} is no int32`, argument)
  return dtype === 'bool' ? (v.v === 0 ? 0 : 1) : v.v
}

function tensor(c: Call): Tensor {
  const items: Value[] = []
  const shape = collect(c, c.value('list'), items)
  const dtype = dtypeOf(c, items)
  return c.emit('constant', [], { value: { dtype, shape, data: arrays[dtype](items.map(v => element(c, v, dtype, 'list'))) } })
}

export const constants: readonly BuiltinFunction[] = [
  define('iota', ['n'], c => c.emit('iota', [], { shape: [c.count('n')], axis: 0 })),
  define('tensor', ['list', ['dtype', null]], tensor),
  define('full', ['dims', 'value', ['dtype', null]], c => {
    const value = c.value('value'), dtype = dtypeOf(c, [value])
    return c.fill(element(c, value, dtype, 'value'), dtype, c.shape('dims'))
  }),
  define('one_hot', ['indices', 'classes'], c => {
    const indices = c.tensor('indices', 'int32'), classes = c.count('classes'), dims = indices.type.shape
    const classIndex = c.emit('iota', [], { shape: [...dims.map(() => 1), classes], axis: dims.length })
    return c.emit('cast', [c.emit('equal', [c.reshape(indices, [...dims, 1]), classIndex], {})], { to: 'float32' })
  }),
  define('random', ['dims'], c => c.context.mode === 'train'
    ? c.context.random(c.shape('dims'))
    : c.fail('random numbers exist only in training', undefined, 'guard the call with: if training')),
]
