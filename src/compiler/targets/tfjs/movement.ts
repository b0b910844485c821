// Lowering of the operators that move elements without computing.
import type { OpName } from '../../ir/ops.ts'
import { sizeOf, type Shape } from '../../ir/types.ts'
import type { Emitter, Form, Tensor } from './emitter.ts'
import { inPlainOrder, type Lowering } from './form.ts'
import { plain, reshapedOrder, sameOrder, storedShape, transposedOrder, type Order } from './order.ts'

const reshape: Lowering<'reshape'> = (e, [x], { shape }) => {
  const kept = x.forms.flatMap(({ tensor, order }) => { const next = reshapedOrder(order, x.type.shape, shape); return next === undefined ? [] : [{ tensor, order: next }] })
  return kept.length > 0 ? kept : inPlainOrder(e.ordered(x, plain(x.type.shape.length)), { shape })
}

/** As an int32 tensor where the operator has no bool kernel. */
const asNumbers = (e: Emitter, x: Tensor, compute: (x: Tensor) => Tensor): Tensor =>
  x.dtype === 'bool' ? e.unary('cast', compute(e.unary('cast', x, 'int32', ['int32'])), 'bool', ['bool']) : compute(x)

/** The elements start, start + step, ... of each axis; negative steps count down. */
function stepped(e: Emitter, given: Tensor, shape: Shape, start: readonly number[], step: readonly number[], size: readonly number[]): Tensor {
  let [x, first] = [given, start]
  const turned = step.flatMap((s, axis) => s < 0 ? [axis] : [])
  if (turned.length > 0) {
    x = e.call('reverse', [e.view(x, shape), turned], shape, x.dtype)
    first = start.map((s, axis) => step[axis] < 0 ? shape[axis] - 1 - s : s)
  }
  const steps = step.map(Math.abs)
  if (steps.every(s => s === 1)) return e.slice(x, shape, first, size)
  return e.call('stridedSlice', [e.view(x, shape), first, first.map((f, axis) => f + (size[axis] - 1) * steps[axis] + 1), steps], size, x.dtype)
}

const slice: Lowering<'slice'> = (e, [x], { start, stop, step }, type) => {
  if (sizeOf(type.shape) === 0) return inPlainOrder(e.zeros(type.shape, type.dtype), type)
  const [{ tensor, order }] = x.forms
  const stored = storedShape(x.type.shape, order), size = storedShape(type.shape, order)
  const [first, by] = [start, step].map(list => order.map(axis => list[axis]))
  if (step.every(s => s === 1)) return { tensor: e.slice(tensor, stored, first, size), order }
  void stop
  return { tensor: asNumbers(e, tensor, t => stepped(e, t, stored, first, by, size)), order }
}

/** Values around a tensor seen in `shape`. Axes that get none are merged with those before them; kernels for GPUs take four. */
export function padded(e: Emitter, x: Tensor, shape: Shape, before: readonly number[], after: readonly number[], value: number): Tensor {
  if ([...before, ...after].every(n => n === 0)) return x
  const result = shape.map((d, axis) => d + before[axis] + after[axis])
  if (shape.length <= 4) return e.call('pad', [e.view(x, shape), before.map((n, axis) => [n, after[axis]]), value], result, x.dtype)
  const runs: { axes: number[]; before: number; after: number }[] = []
  shape.forEach((_, axis) => {
    const last = runs.at(-1)
    if (last !== undefined && before[axis] === 0 && after[axis] === 0) last.axes.push(axis)
    else runs.push({ axes: [axis], before: before[axis], after: after[axis] })
  })
  if (runs.length > 4) {
    const last = shape.findLastIndex((_, axis) => before[axis] + after[axis] > 0)
    const zeros = shape.map(() => 0), inner = padded(e, x, shape, zeros.with(last, before[last]), zeros.with(last, after[last]), value)
    return padded(e, inner, shape.with(last, result[last]), before.with(last, 0), after.with(last, 0), value)
  }
  const inner = (axes: readonly number[]): number => sizeOf(axes.slice(1).map(a => shape[a]))
  return e.call('pad', [e.view(x, runs.map(r => sizeOf(r.axes.map(a => shape[a])))), runs.map(r => [r.before * inner(r.axes), r.after * inner(r.axes)]), value], runs.map(r => sizeOf(r.axes.map(a => result[a]))), x.dtype)
}

const pad: Lowering<'pad'> = (e, [x], { before, after, value }) => {
  const [{ tensor, order }] = x.forms
  const at = (list: readonly number[]): number[] => order.map(axis => list[axis])
  return { tensor: asNumbers(e, tensor, t => padded(e, t, storedShape(x.type.shape, order), at(before), at(after), value)), order }
}

/** Tensors seen in `shapes` one after the other along an axis. */
export function concatenated(e: Emitter, tensors: readonly Tensor[], shapes: readonly Shape[], axis: number): Tensor {
  if (tensors.length === 1) return tensors[0]
  const [first] = shapes, size = shapes.reduce((n, s) => n + s[axis], 0)
  if (first.length <= 4) return e.call('concat', [tensors.map((t, i) => e.view(t, shapes[i])), axis], first.with(axis, size), tensors[0].dtype)
  const before = sizeOf(first.slice(0, axis)), inner = sizeOf(first.slice(axis + 1))
  return e.call('concat', [tensors.map((t, i) => e.view(t, [before, shapes[i][axis] * inner])), 1], [before, size * inner], tensors[0].dtype)
}

/** In the order that most of the elements have. */
const concat: Lowering<'concat'> = (e, inputs, { axis }, type) => {
  if (inputs.length === 1) return inputs[0].forms
  const cost = (order: Order): number => inputs.reduce((n, v) => n + (v.forms.some(f => sameOrder(v.type.shape, f.order, order)) ? 0 : sizeOf(v.type.shape)), 0)
  const order = inputs.flatMap(v => v.forms.map(f => f.order)).map(o => ({ o, cost: cost(o) })).reduce((a, b) => b.cost < a.cost ? b : a).o
  const used = inputs.filter(v => sizeOf(v.type.shape) > 0)
  if (used.length === 0) return inPlainOrder(e.zeros(type.shape, type.dtype), type)
  return { tensor: concatenated(e, used.map(v => e.ordered(v, order)), used.map(v => storedShape(v.type.shape, order)), order.indexOf(axis)), order }
}

/** y[i] = x[(i - shift) mod n]: the last `shift` elements come first. */
function rolled(e: Emitter, x: Tensor, shape: Shape, shift: number, axis: number): Tensor {
  const n = shape[axis], first = n === 0 ? 0 : ((shift % n) + n) % n
  if (first === 0) return x
  const blocks = [sizeOf(shape.slice(0, axis)), n, sizeOf(shape.slice(axis + 1))]
  const part = (from: number, size: number): Tensor => e.slice(x, blocks, [0, from, 0], blocks.with(1, size))
  return concatenated(e, [part(n - first, first), part(0, n - first)], [blocks.with(1, first), blocks.with(1, n - first)], 1)
}

const roll: Lowering<'roll'> = (e, [x], { shifts, axes }) => {
  const [{ tensor, order }] = x.forms
  return { tensor: axes.reduce((t, axis, i) => rolled(e, t, storedShape(x.type.shape, order), shifts[i], order.indexOf(axis)), tensor), order }
}

const gather: Lowering<'gather'> = (e, [x, indices], { axis }, type) => {
  const { shape } = x.type, count = sizeOf(indices.type.shape)
  const before = sizeOf(shape.slice(0, axis)), inner = sizeOf(shape.slice(axis + 1))
  const lines = e.view(e.ordered(x, plain(shape.length)), before === 1 ? [shape[axis], inner] : [before, shape[axis], inner])
  const places = e.view(e.ordered(indices, plain(indices.type.shape.length)), [count])
  const taken = asNumbers(e, lines, t => e.call('gather', [t, places, lines.shape.length - 2], lines.shape.with(lines.shape.length - 2, count), t.dtype))
  return inPlainOrder(taken, type)
}

/** Rows are added at their places by ScatterNd; those of an inner axis, as rows of a longer first axis. */
const scatterAdd: Lowering<'scatterAdd'> = (e, [indices, updates], { axis, size }, type) => {
  const { shape } = updates.type, count = sizeOf(indices.type.shape)
  const before = sizeOf(shape.slice(0, axis)), inner = sizeOf(type.shape.slice(axis + 1))
  let places = e.view(e.ordered(indices, plain(indices.type.shape.length)), [count, 1])
  if (before > 1) {
    const firsts = e.constant(`int 0, ${size} .. ${before}`, () => ({ dtype: 'int32', shape: [before, 1], data: Int32Array.from({ length: before }, (_, i) => i * size) }))
    places = e.view(e.binary('add', firsts, e.view(places, [count])), [before * count, 1])
  }
  const rows = e.view(e.ordered(updates, plain(shape.length)), [before * count, inner])
  return inPlainOrder(e.call('scatterND', [places, rows, [before * size, inner]], [before * size, inner]), type)
}

/** Operands that come first, whatever they are: the statements of a module run as they stand. */
const after: Lowering<'after'> = (_, [x]) => x.forms

const broadcast: Lowering<'broadcast'> = (e, [x], { shape }, type): Form =>
  inPlainOrder(sizeOf(x.type.shape) === sizeOf(shape) ? e.view(e.ordered(x, plain(x.type.shape.length)), shape) : e.broadcast(e.stored(x), shape), type)

export const movement = {
  reshape,
  transpose: (_, [x], { perm }) => x.forms.map(f => ({ tensor: f.tensor, order: transposedOrder(f.order, perm) })),
  broadcast, slice, pad, concat, roll, after, gather, scatterAdd,
} satisfies { [K in OpName]?: Lowering<K> }

