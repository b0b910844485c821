// Storages and the tensors that view them: checked when they are described, read when they are used.
import { bytesOf, elementsOf, LazyTensor, WeightsError, type StoredDType } from '../tensors.ts'
import { Global, type Pickled } from './pickle.ts'

const storageTypes: Readonly<Record<string, StoredDType>> = {
  DoubleStorage: 'F64', FloatStorage: 'F32', HalfStorage: 'F16', BFloat16Storage: 'BF16', LongStorage: 'I64', IntStorage: 'I32', ShortStorage: 'I16', CharStorage: 'I8', ByteStorage: 'U8', BoolStorage: 'BOOL',
}

/** A run of elements somewhere in the file. */
export interface Storage { readonly dtype: StoredDType; readonly elements: number; /** bytes from `position`, counted from the start of the storage */ read(position: number, length: number): Uint8Array }

/** What a persistent id says: ('storage', type, key, location, elements), and in the legacy container also a view of another storage, or None. */
export interface StorageId { readonly dtype: StoredDType; readonly key: string; readonly elements: number }

/** Throws WeightsError unless `id` describes a storage. */
export function storageId(path: string, id: Pickled): StorageId {
  const [kind, type, key, , elements, view = null] = Array.isArray(id) ? id : []
  if (kind !== 'storage' || typeof key !== 'string' || !isSize(elements) || view !== null) throw new WeightsError(`${path}: a storage of this checkpoint is described wrongly`)
  const name = type instanceof Global ? type.name : 'none'
  const dtype = name.startsWith('torch.') && Object.hasOwn(storageTypes, name.slice(6)) ? storageTypes[name.slice(6)] : undefined
  if (dtype === undefined) throw new WeightsError(`${path}: storage type \`${name}\` is not known; known are ${Object.keys(storageTypes).join(', ')}`)
  return { dtype, key, elements }
}

const isSize = (v: unknown): v is number => Number.isSafeInteger(v) && (v as number) >= 0
const isSizes = (v: Pickled): v is number[] => Array.isArray(v) && v.length <= 64 && v.every(isSize)
const isStorage = (v: Pickled): v is Storage => typeof v === 'object' && v !== null && 'read' in v

/** A tensor as `torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, ...)` describes it. Throws WeightsError if it is none, or reaches outside its storage. */
export function tensorView(path: string, [storage, offset, shape, strides]: readonly Pickled[]): LazyTensor {
  if (!isStorage(storage) || !isSize(offset) || !isSizes(shape) || !isSizes(strides) || shape.length !== strides.length) throw new WeightsError(`${path}: a tensor of this checkpoint is described wrongly`)
  const elements = elementsOf(shape)
  const last = elements === 0 ? -1 : offset + shape.reduce((n, d, i) => n + (d - 1) * strides[i], 0)
  if (last >= storage.elements) throw new WeightsError(`${path}: a tensor of shape [${shape.join(', ')}] reaches outside its storage of ${storage.elements} elements`)
  if (!isSize(elements)) throw new WeightsError(`${path}: a tensor of shape [${shape.join(', ')}] is too large`)
  const size = bytesOf[storage.dtype]
  let expected = 1
  const contiguous = shape.every((_, k) => { const i = shape.length - 1 - k; const ok = shape[i] === 1 || strides[i] === expected; expected *= shape[i]; return ok })
  return new LazyTensor(storage.dtype, shape, contiguous || elements === 0
    ? () => storage.read(elements === 0 ? 0 : offset * size, elements * size)
    : () => rowMajor(storage.read(offset * size, (last + 1 - offset) * size), shape, strides, elements, size))
}

function rowMajor(raw: Uint8Array, shape: readonly number[], strides: readonly number[], elements: number, size: number): Uint8Array {
  const bytes = new Uint8Array(elements * size)
  const index = shape.map(() => 0)
  for (let i = 0, from = 0; i < elements; i++) {
    for (let b = 0; b < size; b++) bytes[i * size + b] = raw[from * size + b]
    for (let axis = index.length - 1; axis >= 0; axis--) {
      from += strides[axis]
      if (++index[axis] < shape[axis]) break
      from -= index[axis] * strides[axis]
      index[axis] = 0
    }
  }
  return bytes
}
