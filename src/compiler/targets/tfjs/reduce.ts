// Lowering of sums, means and maxima along axes.
import type { OpName, ReduceAttrs } from '../../ir/ops.ts'
import type { TensorType } from '../../ir/types.ts'
import type { Emitter, Form, Tensor, Value } from './emitter.ts'
import type { Lowering } from './form.ts'
import { mergedAxes, storedShape } from './order.ts'

type Reduction = 'sum' | 'mean' | 'max'

/** Along axes of a tensor seen in `shape`; they are dropped, others merged. */
export function reduceTensor(e: Emitter, fn: Reduction, x: Tensor, shape: readonly number[], axes: readonly number[]): Tensor {
  const runs = mergedAxes(shape, axis => axes.includes(axis))
  const reduced = runs.flatMap((run, i) => run.kind ? [i] : [])
  if (reduced.length === 0) return x
  const kept = runs.filter(run => !run.kind).map(run => run.size)
  return e.call(fn, [e.view(x, runs.map(run => run.size)), reduced.length === 1 ? reduced[0] : reduced], kept, x.dtype)
}

const reduce = (fn: Reduction) => (e: Emitter, [x]: readonly Value[], { axes, keepDims }: ReduceAttrs, type: TensorType): Form | readonly Form[] => {
  if (axes.length === 0) return x.forms
  const [{ tensor, order }] = x.forms
  const stored = storedShape(x.type.shape, order)
  const result = reduceTensor(e, fn, tensor, stored, axes.map(axis => order.indexOf(axis)))
  const kept = keepDims ? order : order.filter(axis => !axes.includes(axis)).map(axis => axis - axes.filter(a => a < axis).length)
  if (kept.length !== type.shape.length) throw new Error('internal: a reduction has lost axes')
  return { tensor: result, order: kept }
}

export const reductions = {
  reduceSum: reduce('sum'),
  reduceMean: reduce('mean'),
  reduceMax: reduce('max'),
} satisfies { [K in OpName]?: Lowering<K> }
