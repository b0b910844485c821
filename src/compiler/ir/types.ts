// Types and values of the IR: static shapes, three dtypes, host tensors.

export type DType = 'float32' | 'int32' | 'bool'
export type Shape = readonly number[]

/** The type of an SSA value; `shape` is row-major, empty for a scalar. */
export interface TensorType { readonly dtype: DType; readonly shape: Shape }

/** A host tensor. bool is stored as 0/1 in Uint8Array. */
export interface TensorData { readonly dtype: DType; readonly shape: Shape; readonly data: Float32Array | Int32Array | Uint8Array }

export const sizeOf = (shape: Shape): number => shape.reduce((n, d) => n * d, 1)
export const showType = (t: TensorType): string => `${({ float32: 'f32', int32: 'i32', bool: 'bool' } as const)[t.dtype]}[${t.shape.join(', ')}]`
export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i])
