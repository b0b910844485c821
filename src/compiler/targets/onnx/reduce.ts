// Lowering of sums, means and maxima along axes.
import type { OpName, ReduceAttrs } from '../../ir/ops.ts'
import { sameShape, sizeOf, type Shape } from '../../ir/types.ts'
import type { Lowering } from './elementwise.ts'
import type { Emitter, Operand } from './emitter.ts'

/** onnxruntime adds long columns one after the other in float32; from this many terms on a sum is made in two levels, which is also faster. */
const LONG_SUM = 512
/** Terms per partial sum aimed at. */
const PARTIAL_SUM = 128

/** The operator itself; axes became an input of ReduceSum with opset 13, of the others with 18. */
export const direct = (e: Emitter, op: string, x: string, { axes, keepDims }: ReduceAttrs): string => {
  const keepdims = keepDims ? 1 : 0
  if (axes.length === 0) return e.node('Identity', [x])
  return op === 'ReduceSum' || e.opset >= 18 ? e.node(op, [x, e.ints(axes)], { keepdims }) : e.node(op, [x], { axes, keepdims })
}

/** The divisor of n in [16, 1024] nearest to PARTIAL_SUM (as a ratio); undefined where there is none. */
export const partialSumSize = (n: number): number | undefined => {
  let best: number | undefined
  const distance = (d: number): number => Math.abs(Math.log(d / PARTIAL_SUM))
  for (let d = 16; d <= Math.min(1024, n / 2); d++) if (n % d === 0 && (best === undefined || distance(d) < distance(best))) best = d
  return best
}

/** Neighbouring axes of one kind as one; axes of size 1 are left out. */
const mergedAxes = (shape: Shape, axes: readonly number[]): { size: number; reduced: boolean }[] => {
  const merged: { size: number; reduced: boolean }[] = []
  shape.forEach((size, i) => {
    const reduced = axes.includes(i)
    if (size === 1) return
    const last = merged.at(-1)
    if (last?.reduced === reduced) last.size *= size
    else merged.push({ size, reduced })
  })
  return merged
}

type Sum = 'ReduceSum' | 'ReduceSumSquare'

/** Sum over `axes`, one group of axes after the other from the last, long ones in levels. Returns the result and its shape, in which neighbouring axes are merged. */
const sumInLevels = (e: Emitter, op: Sum, x: string, shape: Shape, axes: readonly number[]): { name: string; shape: Shape } => {
  const groups = mergedAxes(shape, axes)
  let current = { name: x, shape }, next = op
  const view = (dims: Shape): string => sameShape(dims, current.shape) ? current.name : e.reshape(current.name, dims)
  for (let g = groups.length - 1; g >= 0; g--) {
    if (!groups[g].reduced) continue
    const before = groups.slice(0, g).map(a => a.size), after = groups.slice(g + 1).filter(a => !a.reduced).map(a => a.size)
    let rest = groups[g].size
    while (rest > 1) {
      const part = rest >= LONG_SUM ? partialSumSize(rest) : undefined
      const kept = part === undefined ? before : [...before, rest / part]
      const name = direct(e, next, view([...kept, part ?? rest, ...after]), { axes: [kept.length], keepDims: false })
      next = 'ReduceSum'
      current = { name, shape: [...kept, ...after] }
      rest = part === undefined ? 1 : rest / part
    }
  }
  return current
}

/** Sum of `x`, or of its squares, over `axes` (sorted), the reduced axes dropped or kept with size 1. */
export const sum = (e: Emitter, x: string, shape: Shape, attrs: ReduceAttrs, op: Sum = 'ReduceSum'): string => {
  const terms = sizeOf(attrs.axes.map(i => shape[i]))
  if (!e.fast || terms < LONG_SUM || e.isSymbolic(shape)) return direct(e, op, x, attrs)
  const result = shape.flatMap((d, i) => attrs.axes.includes(i) ? attrs.keepDims ? [1] : [] : [d])
  const summed = sumInLevels(e, op, x, shape, attrs.axes)
  return sameShape(summed.shape, result) ? summed.name : e.reshape(summed.name, result)
}

const mean = (e: Emitter, [x]: readonly Operand[], attrs: ReduceAttrs): string => {
  const terms = sizeOf(attrs.axes.map(i => x.type.shape[i]))
  if (!e.fast || terms < LONG_SUM || e.isSymbolic(x.type.shape)) return direct(e, 'ReduceMean', x.name, attrs)
  return e.node('Mul', [sum(e, x.name, x.type.shape, attrs), e.scalar(1 / terms)])
}

export const reductions = {
  reduceSum: (e, [x], attrs) => sum(e, x.name, x.type.shape, attrs),
  reduceMean: mean,
  reduceMax: (e, [x], attrs) => direct(e, 'ReduceMax', x.name, attrs),
} satisfies { [K in OpName]?: Lowering<K> }
