// What the shape rules share: how a rule fails, and the checks that most operators need.
import { sameShape, showType, type DType, type Shape, type TensorType } from '../ir/types.ts'

/** Thrown inside the rules and caught by inferShape, whose result carries the message. */
export class RuleFailure extends Error {}

export const fail = (message: string): never => { throw new RuleFailure(message) }

/** `[2, 3]` */
export const showShape = (shape: Shape): string => `[${shape.join(', ')}]`

const plural = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`

export const checkArity = (inputs: readonly TensorType[], count: number): void => {
  if (inputs.length !== count) fail(`takes ${plural(count, 'operand')}, got ${inputs.length}`)
}

export const checkDType = (t: TensorType, role: string, ...allowed: readonly DType[]): void => {
  if (!allowed.includes(t.dtype)) fail(`${role} must be ${allowed.join(' or ')}, but is ${showType(t)}`)
}

export const checkRank = (t: TensorType, role: string, rank: number, layout: string): void => {
  if (t.shape.length !== rank) fail(`${role} must have rank ${rank} (${layout}), but has rank ${t.shape.length}: ${showShape(t.shape)}`)
}

export const checkMinRank = (t: TensorType, role: string, rank: number): void => {
  if (t.shape.length < rank) fail(`${role} must have at least ${plural(rank, 'axis').replace('axiss', 'axes')}, but has rank ${t.shape.length}: ${showShape(t.shape)}`)
}

export const checkAxis = (axis: number, rank: number, shape: Shape): void => {
  if (!Number.isInteger(axis) || axis < 0 || axis >= rank) fail(`axis ${axis} does not exist: ${showShape(shape)} has rank ${rank}`)
}

export const checkShape = (t: TensorType, role: string, expected: Shape, why: string): void => {
  if (!sameShape(t.shape, expected)) fail(`${role} must be ${showShape(expected)} (${why}), but is ${showShape(t.shape)}`)
}

export const checkSameDType = (a: TensorType, b: TensorType): void => {
  if (a.dtype !== b.dtype) fail(`the operands differ in type: ${showType(a)} and ${showType(b)}`)
}

/** Sizes of a shape given as an attribute. */
export const checkSizes = (shape: Shape): void => {
  for (const d of shape) if (!Number.isInteger(d) || d < 0) fail(`${showShape(shape)} is not a shape: its sizes must be non-negative integers`)
}

export const checkPositive = (value: number, role: string): void => {
  if (!Number.isInteger(value) || value < 1) fail(`${role} must be a positive integer, but is ${value}`)
}

/** Attribute lists with one entry per axis. */
export const checkPerAxis = (list: readonly number[], role: string, shape: Shape): void => {
  if (list.length !== shape.length) fail(`${role} has ${plural(list.length, 'entry').replace('entrys', 'entries')}, but ${showShape(shape)} has rank ${shape.length}`)
}

/** Axes that must exist and differ from each other. */
export const checkDistinctAxes = (axes: readonly number[], shape: Shape): void => {
  axes.forEach((axis, i) => {
    checkAxis(axis, shape.length, shape)
    if (axes.indexOf(axis) !== i) fail(`axis ${axis} is given twice`)
  })
}

/** The common shape of operands as in NumPy: aligned at the last axis, sizes equal or 1. Throws RuleFailure with the axis (of the result) and the sizes. */
export const broadcastShapes = (...shapes: readonly Shape[]): number[] => {
  const rank = Math.max(0, ...shapes.map(s => s.length))
  const result = Array.from({ length: rank }, () => 1)
  for (let axis = 0; axis < rank; axis++) {
    for (const shape of shapes) {
      const d = shape[axis - rank + shape.length] ?? 1
      if (d === 1 || d === result[axis]) continue
      if (result[axis] !== 1) fail(`cannot broadcast ${shapes.map(showShape).join(' with ')}: axis ${axis} has ${result[axis]} and ${d}`)
      result[axis] = d
    }
  }
  return result
}
