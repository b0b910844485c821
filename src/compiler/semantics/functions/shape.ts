// Functions that move elements: reshape, transpose, concatenation, slices, gather and scatter.
import { sizeOf } from '../../ir/types.ts'
import { int, list } from '../values.ts'
import { type Call, define, type Tensor } from './call.ts'
import type { BuiltinFunction } from './function.ts'

function reshape(c: Call): Tensor {
  const x = c.tensor('x'), dims = c.ints('dims')
  const open = dims.indexOf(-1)
  if (dims.some((d, i) => d < 0 && i !== open)) return c.fail(`\`dims\` [${dims.join(', ')}] may hold one -1 and no other negative size`, 'dims')
  const known = sizeOf(dims.filter(d => d !== -1)), size = sizeOf(x.type.shape)
  if (open < 0 && known !== size) return c.fail(`[${x.type.shape.join(', ')}] has ${size} elements and [${dims.join(', ')}] has ${known}`, 'dims')
  if (open >= 0 && (known === 0 || size % known !== 0)) return c.fail(`${size} elements of [${x.type.shape.join(', ')}] do not divide into [${dims.join(', ')}]`, 'dims')
  return c.reshape(x, dims.map(d => d === -1 ? size / known : d))
}

function transpose(c: Call): Tensor {
  const x = c.tensor('x'), rank = x.type.shape.length
  const perm = c.axes('perm', rank)
  if (perm.length !== rank) return c.fail(`\`perm\` names ${perm.length} axes, and the tensor has ${rank}`, 'perm')
  return permuted(c, x, perm)
}

const permuted = (c: Call, x: Tensor, perm: readonly number[]): Tensor => perm.every((a, i) => a === i) ? x : c.emit('transpose', [x], { perm })

function swap(c: Call): Tensor {
  const x = c.tensor('x'), rank = x.type.shape.length, a = c.axis('a', rank), b = c.axis('b', rank)
  return permuted(c, x, x.type.shape.map((_, i) => i === a ? b : i === b ? a : i))
}

function flatten(c: Call): Tensor {
  const x = c.tensor('x'), dims = x.type.shape, from = c.axis('from', dims.length), to = c.axis('to', dims.length)
  if (from > to) return c.fail(`axis ${from} comes after axis ${to}`, 'from')
  return c.reshape(x, [...dims.slice(0, from), sizeOf(dims.slice(from, to + 1)), ...dims.slice(to + 1)])
}

const concatenated = (c: Call, items: readonly Tensor[], axis: number): Tensor => items.length === 1 ? items[0] : c.emit('concat', items, { axis })

function stack(c: Call): Tensor {
  const items = c.tensors('items')
  const dims = items[0].type.shape, axis = c.axis('axis', dims.length + 1)
  return concatenated(c, items.map(x => c.reshape(x, [...x.type.shape.slice(0, axis), 1, ...x.type.shape.slice(axis)])), axis)
}

function split(c: Call): readonly Tensor[] {
  const x = c.tensor('x'), axis = c.axis('axis', x.type.shape.length), size = x.type.shape[axis]
  const what = c.value('sizes')
  let sizes: number[]
  if (what.t === 'int') {
    if (what.v < 1 || size % what.v !== 0) return c.fail(`axis ${axis} of size ${size} does not divide into ${what.v} equal parts`, 'sizes')
    sizes = Array.from({ length: what.v }, () => size / what.v)
  } else sizes = c.shape('sizes')
  const total = sizes.reduce((n, s) => n + s, 0)
  if (total !== size) return c.fail(`the sizes [${sizes.join(', ')}] add up to ${total}, and axis ${axis} has ${size}`, 'sizes')
  let start = 0
  return sizes.map(s => { start += s; return sizes.length === 1 ? x : c.slice(x, axis, start - s, start) })
}

function pad(c: Call): Tensor {
  const x = c.tensor('x'), before = c.shape('before'), after = c.shape('after'), rank = x.type.shape.length
  for (const [name, v] of [['before', before], ['after', after]] as const) if (v.length !== rank) return c.fail(`\`${name}\` needs one size per axis (${rank}), but it has ${v.length}`, name)
  return before.every(p => p === 0) && after.every(p => p === 0) ? x : c.emit('pad', [x], { before, after, value: c.number('value') })
}

function roll(c: Call): Tensor {
  const x = c.tensor('x'), shifts = c.intOrInts('shifts'), axes = c.axes('axes', x.type.shape.length)
  if (shifts.length !== axes.length) return c.fail(`${shifts.length} shifts for ${axes.length} axes`, 'shifts')
  return shifts.every(s => s === 0) ? x : c.emit('roll', [x], { shifts, axes })
}

export const shapes: readonly BuiltinFunction[] = [
  define('reshape', ['x', 'dims'], reshape),
  define('transpose', ['x', 'perm'], transpose),
  define('swap', ['x', 'a', 'b'], swap),
  define('flatten', ['x', ['from', 0], ['to', -1]], flatten),
  define('broadcast', ['x', 'dims'], c => c.emit('broadcast', [c.tensor('x')], { shape: c.shape('dims') })),
  define('concat', ['items', 'axis'], c => { const items = c.tensors('items'); return concatenated(c, items, c.axis('axis', items[0].type.shape.length)) }),
  define('stack', ['items', ['axis', 0]], stack),
  define('split', ['x', 'sizes', ['axis', -1]], c => list(split(c))),
  define('pad', ['x', 'before', 'after', ['value', 0]], pad),
  define('roll', ['x', 'shifts', 'axes'], roll),
  define('flip', ['x', 'axis'], c => { const x = c.tensor('x'), axis = c.axis('axis', x.type.shape.length); return c.slice(x, axis, x.type.shape[axis] - 1, -1, -1) }),
  define('repeat', ['x', 'times', 'axis'], c => {
    const x = c.tensor('x')
    return concatenated(c, Array.from({ length: c.count('times') }, () => x), c.axis('axis', x.type.shape.length))
  }),
  define('gather', ['x', 'indices', ['axis', int(0)]], c => { const x = c.tensor('x'); return c.emit('gather', [x, c.tensor('indices', 'int32')], { axis: c.axis('axis', x.type.shape.length) }) }),
  define('scatter_add', ['indices', 'updates', 'size', ['axis', 0]], c => {
    const indices = c.tensor('indices', 'int32'), updates = c.tensor('updates', 'float32')
    return c.emit('scatterAdd', [indices, updates], { size: c.count('size'), axis: c.axis('axis', updates.type.shape.length - indices.type.shape.length + 1) })
  }),
]
