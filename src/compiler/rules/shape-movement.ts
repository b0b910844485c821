// Shape rules of the operators that move elements without computing.
import type { OpName } from '../ir/ops.ts'
import { sameShape, sizeOf, type TensorType } from '../ir/types.ts'
import { broadcastShapes, checkArity, checkAxis, checkDistinctAxes, checkDType, checkPerAxis, checkPositive, checkSizes, fail, showShape } from './shape-checks.ts'
import type { ShapeRule } from './shape-elementwise.ts'

/** Number of elements that start, start + step, ... takes before stop. */
export const sliceLength = (start: number, stop: number, step: number): number => Math.max(0, Math.ceil((stop - start) / step))

const checkSliceAxis = (axis: number, size: number, start: number, stop: number, step: number): void => {
  if (![start, stop, step].every(Number.isInteger)) fail(`axis ${axis}: start, stop and step must be integers, but are ${start}, ${stop} and ${step}`)
  if (step === 0) fail(`axis ${axis}: the step must not be 0`)
  const inside = step > 0 ? start >= 0 && start <= stop && stop <= size : stop >= -1 && stop <= start && start < size
  if (!inside) fail(`axis ${axis}: the slice ${start}:${stop}${step === 1 ? '' : `:${step}`} does not lie in the ${size} elements`)
}

const one = (inputs: readonly TensorType[]): TensorType => {
  checkArity(inputs, 1)
  return inputs[0]
}

export const movementShapes = {
  reshape: (inputs, { shape }) => {
    const x = one(inputs)
    checkSizes(shape)
    if (sizeOf(x.shape) !== sizeOf(shape)) fail(`cannot reshape ${showShape(x.shape)} with ${sizeOf(x.shape)} elements to ${showShape(shape)} with ${sizeOf(shape)}`)
    return { dtype: x.dtype, shape }
  },
  transpose: (inputs, { perm }) => {
    const x = one(inputs)
    checkPerAxis(perm, `the permutation ${showShape(perm)}`, x.shape)
    checkDistinctAxes(perm, x.shape)
    return { dtype: x.dtype, shape: perm.map(axis => x.shape[axis]) }
  },
  broadcast: (inputs, { shape }) => {
    const x = one(inputs)
    checkSizes(shape)
    if (!sameShape(broadcastShapes(x.shape, shape), shape)) fail(`cannot broadcast ${showShape(x.shape)} to ${showShape(shape)}`)
    return { dtype: x.dtype, shape }
  },
  slice: (inputs, { start, stop, step }) => {
    const x = one(inputs)
    checkPerAxis(start, 'start', x.shape)
    checkPerAxis(stop, 'stop', x.shape)
    checkPerAxis(step, 'step', x.shape)
    x.shape.forEach((size, i) => checkSliceAxis(i, size, start[i], stop[i], step[i]))
    return { dtype: x.dtype, shape: x.shape.map((_, i) => sliceLength(start[i], stop[i], step[i])) }
  },
  pad: (inputs, { before, after }) => {
    const x = one(inputs)
    checkPerAxis(before, 'the padding before', x.shape)
    checkPerAxis(after, 'the padding after', x.shape)
    for (const n of [...before, ...after]) if (!Number.isInteger(n) || n < 0) fail(`the padding must be non-negative integers, but has ${n}`)
    return { dtype: x.dtype, shape: x.shape.map((size, i) => before[i] + size + after[i]) }
  },
  concat: (inputs, { axis }) => {
    if (inputs.length === 0) fail('takes at least 1 operand, got 0')
    const [first] = inputs
    checkAxis(axis, first.shape.length, first.shape)
    inputs.forEach((x, i) => {
      if (x.dtype !== first.dtype) fail(`the operands differ in type: operand 0 is ${first.dtype}, operand ${i} is ${x.dtype}`)
      if (x.shape.length !== first.shape.length) fail(`the operands differ in rank: operand 0 is ${showShape(first.shape)}, operand ${i} is ${showShape(x.shape)}`)
      const other = x.shape.findIndex((size, j) => j !== axis && size !== first.shape[j])
      if (other >= 0) {
        fail(`the operands differ on axis ${other}: operand 0 ${showShape(first.shape)} has ${first.shape[other]}, operand ${i} ${showShape(x.shape)} has ${x.shape[other]}; only axis ${axis} may differ`)
      }
    })
    return { dtype: first.dtype, shape: first.shape.map((size, j) => j === axis ? inputs.reduce((n, x) => n + x.shape[axis], 0) : size) }
  },
  roll: (inputs, { shifts, axes }) => {
    const x = one(inputs)
    if (shifts.length !== axes.length) fail(`${shifts.length} shifts for ${axes.length} axes`)
    checkDistinctAxes(axes, x.shape)
    for (const n of shifts) if (!Number.isInteger(n)) fail(`the shifts must be integers, but have ${n}`)
    return x
  },
  after: inputs => {
    checkArity(inputs, 2)
    return inputs[0]
  },
  gather: (inputs, { axis }) => {
    checkArity(inputs, 2)
    const [x, indices] = inputs
    checkDType(indices, 'the indices', 'int32')
    checkAxis(axis, x.shape.length, x.shape)
    return { dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] }
  },
  scatterAdd: (inputs, { axis, size }) => {
    checkArity(inputs, 2)
    const [indices, updates] = inputs
    checkDType(indices, 'the indices', 'int32')
    checkDType(updates, 'the updates', 'float32')
    checkPositive(size, 'the size')
    if (!Number.isInteger(axis) || axis < 0 || axis + indices.shape.length > updates.shape.length) {
      fail(`the updates ${showShape(updates.shape)} have no ${indices.shape.length} axes from axis ${axis} on for the indices ${showShape(indices.shape)}`)
    }
    const end = axis + indices.shape.length
    if (!sameShape(updates.shape.slice(axis, end), indices.shape)) {
      fail(`the updates ${showShape(updates.shape)} must have the axes of the indices ${showShape(indices.shape)} from axis ${axis} on, but have ${showShape(updates.shape.slice(axis, end))}`)
    }
    return { dtype: updates.dtype, shape: [...updates.shape.slice(0, axis), size, ...updates.shape.slice(end)] }
  },
} satisfies { [K in OpName]?: ShapeRule<K> }
