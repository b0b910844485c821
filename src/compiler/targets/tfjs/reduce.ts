// Lowering of sums, means and maxima along axes.
import type { OpName, ReduceAttrs } from '../../ir/ops.ts'
import { sizeOf, type Shape } from '../../ir/types.ts'
import { MAX_RANK, type Backend, type Emitter, type Form, type Tensor, type Value } from './emitter.ts'
import type { Lowering } from './form.ts'
import { axesOf, mergedAxes, storedShape } from './order.ts'

type Reduction = 'sum' | 'mean' | 'max'

/** Backends whose sums of many terms lose digits, as they add one term after the other in float32. */
const LOSES_DIGITS: readonly (Backend | undefined)[] = [undefined, 'wasm']
/** From this many terms on their sums are made in levels. */
const LONG = 1024
/** Terms of a partial sum aimed at. */
const PARTIAL = 128

/** The divisor of n in [16, 1024] nearest to PARTIAL (as a ratio); undefined where there is none. */
function partialSize(n: number): number | undefined {
  let best: number | undefined
  const distance = (d: number): number => Math.abs(Math.log(d / PARTIAL))
  for (let d = 16; d <= Math.min(1024, n / 2); d++) if (n % d === 0 && (best === undefined || distance(d) < distance(best))) best = d
  return best
}

/** Along the middle one of three axes. */
function alongMiddle(e: Emitter, fn: Reduction, x: Tensor, [before, size, after]: Shape): Tensor {
  const part = fn !== 'max' && size >= LONG && LOSES_DIGITS.includes(e.backend) ? partialSize(size) : undefined
  if (part !== undefined) return alongMiddle(e, fn, alongMiddle(e, fn, x, [before * size / part, part, after]), [before, size / part, after])
  if (after === 1) return e.call(fn, [e.view(x, [before, size]), 1], [before], x.dtype)
  return e.call(fn, before === 1 ? [e.view(x, [size, after]), 0] : [e.view(x, [before, size, after]), 1], before === 1 ? [after] : [before, after], x.dtype)
}

/** One group of neighbouring axes after the other, the last first: all backends but one bring the axes of a reduction together before, and the one for GPUs fails at that with many axes. */
function inTurn(e: Emitter, fn: Reduction, given: Tensor, groups: readonly { readonly size: number; readonly kind: boolean }[]): Tensor {
  let x = given, sizes = groups.map(g => g.size)
  for (let i = groups.length - 1; i >= 0; i--) {
    if (!groups[i].kind) continue
    x = alongMiddle(e, fn, x, [sizeOf(sizes.slice(0, i)), sizes[i], sizeOf(sizes.slice(i + 1))])
    sizes = sizes.toSpliced(i, 1)
  }
  return x
}

/** Along axes of a tensor seen in `shape`; they are dropped or, where that is as easy and `keepDims` asks for it, kept with size 1. */
export function reduceTensor(e: Emitter, fn: Reduction, given: Tensor, shape: Shape, axes: readonly number[], keepDims = false): Tensor {
  const wanted = new Set(axes)
  if (sizeOf(shape) === 0) return e.zeros(shape.flatMap((d, axis) => wanted.has(axis) ? keepDims ? [1] : [] : [d]), given.dtype)
  const groups = mergedAxes(shape, axis => wanted.has(axis))
  const long = fn !== 'max' && LOSES_DIGITS.includes(e.backend) && groups.some(g => g.kind && g.size >= LONG)
  if (e.backend !== 'tensorflow' && groups.filter(g => g.kind).length > 1 || long) return inTurn(e, fn, given, groups)
  const inPlace = given.shape.length <= MAX_RANK ? axesOf(given.shape, shape, axis => wanted.has(axis)) : undefined
  const x = inPlace === undefined ? e.view(given, groups.map(g => g.size)) : given
  const reduced = inPlace ?? groups.flatMap((g, i) => g.kind ? [i] : [])
  if (reduced.length === 0) return given
  const result = x.shape.flatMap((d, axis) => !reduced.includes(axis) ? [d] : keepDims ? [1] : [])
  return e.call(fn, [x, reduced.length === 1 ? reduced[0] : reduced, ...keepDims ? [true] : []], result, x.dtype)
}

const reduce = (fn: Reduction) => (e: Emitter, [x]: readonly Value[], { axes, keepDims }: ReduceAttrs): Form | readonly Form[] => {
  if (axes.length === 0) return x.forms
  const [{ tensor, order }] = x.forms
  const result = reduceTensor(e, fn, tensor, storedShape(x.type.shape, order), axes.map(axis => order.indexOf(axis)), keepDims)
  return { tensor: result, order: keepDims ? order : order.filter(axis => !axes.includes(axis)).map(axis => axis - axes.filter(a => a < axis).length) }
}

export const reductions = {
  reduceSum: reduce('sum'),
  reduceMean: reduce('mean'),
  reduceMax: reduce('max'),
} satisfies { [K in OpName]?: Lowering<K> }
