// The values of the interpreter, and the type of its rules.
import type { OpAttrs, OpName } from './ops.ts'
import type { DType, Shape, TensorType } from './types.ts'

/** float32 values are held in double precision, bool as 0/1. */
export type Elements = Float64Array | Int32Array | Uint8Array

/** A computed tensor; `shape` is row-major. */
export interface Value extends TensorType { readonly data: Elements }

/** Computes the elements of the result from checked operands. */
export type Kernel<K extends OpName> = (inputs: readonly Value[], attrs: OpAttrs[K], type: TensorType) => Elements

/** The program asks for something that has no value: an index outside its axis. */
export class EvaluationError extends Error {}

export const allocate = (dtype: DType, length: number): Elements =>
  dtype === 'float32' ? new Float64Array(length) : dtype === 'int32' ? new Int32Array(length) : new Uint8Array(length)

/** The elements of a float32 value; the shape rules have made sure of its type. */
export const floats = (v: { readonly data: Elements; readonly shape: Shape }): Float64Array => {
  if (!(v.data instanceof Float64Array)) throw new Error('internal: an operand is not held in double precision')
  return v.data
}
