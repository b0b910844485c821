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

/** Rows are added to zeros with ScatterND along the first axis; another axis is moved there and back. */
const scatterAdd = (e: Emitter, indices: Operand, updates: Operand, axis: number, result: readonly number[]): string => {
  const count = sizeOf(indices.type.shape), rank = result.length
  const before = result.slice(0, axis), after = result.slice(axis + 1), size = result[axis]
  const flat = e.reshape(updates.name, [...before, count, ...after])
  const toFront = [axis, ...Array.from({ length: rank }, (_, i) => i).filter(i => i !== axis)]
  const rows = e.transpose(flat, toFront)
  const places = e.reshape(e.node('Cast', [indices.name], { to: 7 }), [count, 1])
  const sum = e.node('ScatterND', [e.fill(0, 'float32', [size, ...before, ...after]), places, rows], { reduction: 'add' })
  return e.transpose(sum, toFront.map((_, i) => toFront.indexOf(i)))
}

export const movement = {
  reshape: (e, [x], { shape }) => e.reshape(x.name, shape),
  transpose: (e, [x], { perm }) => e.transpose(x.name, perm),
  broadcast: (e, [x], { shape }) => e.node('Expand', [x.name, e.shape(shape)]),
  slice: (e, [x], { start, stop, step }) => e.slice(x.name, x.type.shape, start, stop, step),
  pad: (e, [x], { before, after, value }) => e.node('Pad', [x.name, e.ints([...before, ...after]), e.scalar(value, x.type.dtype)], { mode: 'constant' }),
  concat: (e, inputs, { axis }) => inputs.length === 1 ? inputs[0].name : e.node('Concat', inputs.map(x => x.name), { axis }),
  roll: (e, [x], { shifts, axes }) => axes.reduce((y, axis, i) => rollAxis(e, y, x.type.shape, shifts[i], axis), x.name),
  gather: (e, [x, indices], { axis }) => e.node('Gather', [x.name, indices.name], { axis }),
  scatterAdd: (e, [indices, updates], { axis }, type) => scatterAdd(e, indices, updates, axis, type.shape),
} satisfies { [K in OpName]?: Lowering<K> }
