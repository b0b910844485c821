// Named host tensors as files hold them: any dtype of the container, bytes not yet read.
import type { TensorData } from '../../compiler/ir/types.ts'

export type StoredDType = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL'
export const bytesOf: Readonly<Record<StoredDType, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 }

/**
 * One tensor of a file; `bytes` is little-endian and row-major, of exactly `byteLength(tensor)`. Tensors that come from files read them at every access and keep none, so that a file larger than
 * memory can be listed and copied: ask once; it throws WeightsError if the file has become shorter.
 */
export interface StoredTensor { readonly dtype: StoredDType; readonly shape: readonly number[]; readonly bytes: Uint8Array }
export type StoredTensors = ReadonlyMap<string, StoredTensor>

export const elementsOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1)
/** Without reading the tensor. */
export const byteLength = ({ dtype, shape }: Pick<StoredTensor, 'dtype' | 'shape'>): number => elementsOf(shape) * bytesOf[dtype]
export const isFloating = (dtype: StoredDType): boolean => dtype === 'F64' || dtype === 'F32' || dtype === 'F16' || dtype === 'BF16'

/** A tensor whose bytes `read` fetches when they are asked for. */
export class LazyTensor implements StoredTensor {
  readonly dtype: StoredDType
  readonly shape: readonly number[]
  readonly #read: () => Uint8Array

  constructor(dtype: StoredDType, shape: readonly number[], read: () => Uint8Array) {
    this.dtype = dtype
    this.shape = shape
    this.#read = read
  }

  get bytes(): Uint8Array { return this.#read() }
}

/** A weights file that cannot be used: the message names the path, what was found and what was expected. */
export class WeightsError extends Error {}

const half = (h: number): number => {
  const sign = h & 0x8000 ? -1 : 1
  const exponent = (h >> 10) & 31
  const fraction = h & 1023
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

const aligned = (bytes: Uint8Array, to: number): Uint8Array => (bytes.byteOffset % to === 0 ? bytes : new Uint8Array(bytes))

/** Values as float32 (a view where dtype and alignment allow it). 64-bit integers above 2^53 and wide floats are rounded. */
export function toFloat32(tensor: StoredTensor): Float32Array {
  const b = aligned(tensor.bytes, 8)
  const n = b.byteLength / bytesOf[tensor.dtype]
  switch (tensor.dtype) {
    case 'F32': return new Float32Array(b.buffer, b.byteOffset, n)
    case 'F64': return Float32Array.from(new Float64Array(b.buffer, b.byteOffset, n))
    case 'F16': return Float32Array.from(new Uint16Array(b.buffer, b.byteOffset, n), half)
    case 'BF16': { const out = new Uint32Array(n); new Uint16Array(b.buffer, b.byteOffset, n).forEach((v, i) => { out[i] = v << 16 }); return new Float32Array(out.buffer) }
    default: return Float32Array.from(toInt32(tensor))
  }
}

/** Values as int32; throws WeightsError for floating point content. */
export function toInt32(tensor: StoredTensor): Int32Array {
  const b = aligned(tensor.bytes, 8)
  const n = b.byteLength / bytesOf[tensor.dtype]
  switch (tensor.dtype) {
    case 'I32': return new Int32Array(b.buffer, b.byteOffset, n)
    case 'I64': return Int32Array.from(new BigInt64Array(b.buffer, b.byteOffset, n), Number)
    case 'I16': return Int32Array.from(new Int16Array(b.buffer, b.byteOffset, n))
    case 'I8': return Int32Array.from(new Int8Array(b.buffer, b.byteOffset, n))
    case 'U8': case 'BOOL': return Int32Array.from(b)
    default: throw new WeightsError(`a ${tensor.dtype} tensor was found where integers are expected`)
  }
}

/** The bytes of a typed array, without a copy. */
export const bytesView = (data: Float32Array | Int32Array | Uint8Array | BigInt64Array): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

/** A tensor of the program as a file holds it, without a copy. */
export const storeTensor = ({ dtype, shape, data }: TensorData): StoredTensor => ({ dtype: dtype === 'float32' ? 'F32' : dtype === 'int32' ? 'I32' : 'BOOL', shape, bytes: bytesView(data) })
