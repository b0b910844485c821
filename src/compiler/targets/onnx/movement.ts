// Lowering of the operators that move elements without computing.
import type { OpName } from '../../ir/ops.ts'
import { sizeOf } from '../../ir/types.ts'
import type { Lowering } from './elementwise.ts'
import { type Emitter, type Operand } from './emitter.ts'
import { OnnxTargetError } from './graph.ts'

const along = (rank: number, axis: number, value: number, others: number): number[] => Array.from({ length: rank }, (_, i) => i === axis ? value : others)

/** y[i] = x[(i - shift) mod n]: the last `shift` elements come first. */
const rollAxis = (e: Emitter, x: string, shape: readonly number[], shift: number, axis: number): string => {
  const n = shape[axis]
  const first = n === 0 ? 0 : ((shift % n) + n) % n
  if (first === 0) return x
  if (e.isSymbolic([n])) throw new OnnxTargetError('a roll along the batch cannot be exported with a dynamic batch')
  const zeros = shape.map(() => 0), ones = shape.map(() => 1)
  const part = (from: number, to: number): string => e.slice(x, shape, along(shape.length, axis, from, 0), shape.map((d, i) => i === axis ? to : d + zeros[i]), ones)
  return e.node('Concat', [part(n - first, n), part(0, n - first)], { axis })
}

/** Elements that one ScatterElements takes: it reads an index per element and copies the indices, so rows are taken apart before that grows large. */
const SCATTER_ELEMENTS = 2 ** 22

/**
 * ScatterElements, with the indices repeated for every element of a row. ScatterND would take whole rows, but its CPU kernel adds from several threads at once and loses sums where indices
 * repeat (onnxruntime 1.30, issue 18048); ScatterElements runs in order, so that results are right and the same each time.
 */
const scatterAdd = (e: Emitter, indices: Operand, updates: Operand, axis: number, result: readonly number[]): string => {
  const before = sizeOf(result.slice(0, axis)), after = sizeOf(result.slice(axis + 1)), size = result[axis], count = sizeOf(indices.type.shape)
  const flat = e.reshape(updates.name, [before, count, after])
  const places = e.reshape(indices.name, [1, count, 1])
  const width = Math.min(after, Math.max(1, Math.floor(SCATTER_ELEMENTS / Math.max(1, before * count))))
  const repeated = new Map<number, { places: string; zeros: string }>()
  const sums: string[] = []
  for (let from = 0; from === 0 || from < after; from += width) {
    const columns = Math.min(width, after - from)
    const given = repeated.get(columns) ?? { places: e.node('Expand', [places, e.shape([before, count, columns])]), zeros: e.fill(0, 'float32', [before, size, columns]) }
    repeated.set(columns, given)
    const part = e.slice(flat, [before, count, after], [0, 0, from], [before, count, from + columns], [1, 1, 1])
    sums.push(e.node('ScatterElements', [given.zeros, given.places, part], { axis: 1, reduction: 'add' }))
  }
  return e.reshape(sums.length === 1 ? sums[0] : e.node('Concat', sums, { axis: 2 }), result)
}

export const movement = {
  reshape: (e, [x], { shape }) => e.reshape(x.name, shape),
  transpose: (e, [x], { perm }) => e.transpose(x.name, perm),
  broadcast: (e, [x], { shape }) => e.node('Expand', [x.name, e.shape(shape)]),
  slice: (e, [x], { start, stop, step }) => e.slice(x.name, x.type.shape, start, stop, step),
  pad: (e, [x], { before, after, value }) => e.node('Pad', [x.name, e.ints([...before, ...after]), e.scalar(value, x.type.dtype)], { mode: 'constant' }),
  concat: (e, inputs, { axis }) => inputs.length === 1 ? inputs[0].name : e.node('Concat', inputs.map(x => x.name), { axis }),
  roll: (e, [x], { shifts, axes }) => axes.reduce((y, axis, i) => rollAxis(e, y, x.type.shape, shifts[i], axis), x.name),
  after: (e, [x, cue], _, { shape }) => e.reshapeAfter(x.name, shape, cue.name),
  gather: (e, [x, indices], { axis }) => e.node('Gather', [x.name, indices.name], { axis }),
  scatterAdd: (e, [indices, updates], { axis }, type) => scatterAdd(e, indices, updates, axis, type.shape),
} satisfies { [K in OpName]?: Lowering<K> }
