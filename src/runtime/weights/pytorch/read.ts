// PyTorch checkpoints (.pth, .pt), zip and legacy: tensors by name. Nothing in the file is executed.
import { bytesOf, WeightsError, type StoredDType, type StoredTensor, type StoredTensors } from '../tensors.ts'
import { Global, readPickle, type Pickled, type PickleHooks } from './pickle.ts'
import { FileWindow, readEntry, zipEntries } from './zip.ts'

const storageTypes: Readonly<Record<string, StoredDType>> = {
  DoubleStorage: 'F64', FloatStorage: 'F32', HalfStorage: 'F16', BFloat16Storage: 'BF16', LongStorage: 'I64', IntStorage: 'I32', ShortStorage: 'I16', CharStorage: 'I8', ByteStorage: 'U8', BoolStorage: 'BOOL',
}

interface Storage { readonly dtype: StoredDType; readonly elements: number; load(): Uint8Array }
class LazyTensor {
  readonly storage: Storage
  readonly offset: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  constructor(storage: Storage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage
    this.offset = offset
    this.shape = shape
    this.strides = strides
  }
}

const isStorage = (v: Pickled): v is Storage => typeof v === 'object' && v !== null && 'load' in v
const isSizes = (v: Pickled): v is number[] => Array.isArray(v) && v.every(d => typeof d === 'number' && Number.isSafeInteger(d) && d >= 0)

/** What a checkpoint may construct: tensors, parameters, ordered dicts, sizes. Everything else is refused by name. */
const construct = (path: string) => (callable: Global, args: readonly Pickled[]): Pickled => {
  switch (callable.name) {
    case 'torch._utils._rebuild_tensor_v2': {
      const [storage, offset, shape, strides] = args
      if (!isStorage(storage) || typeof offset !== 'number' || !isSizes(shape) || !isSizes(strides) || shape.length !== strides.length) throw new WeightsError(`${path}: a tensor of this checkpoint is described wrongly`)
      const last = shape.some(d => d === 0) ? -1 : offset + shape.reduce((n, d, i) => n + (d - 1) * strides[i], 0)
      if (offset < 0 || last >= storage.elements) throw new WeightsError(`${path}: a tensor of shape [${shape.join(', ')}] reaches outside its storage of ${storage.elements} elements`)
      return new LazyTensor(storage, offset, shape, strides)
    }
    case 'torch._utils._rebuild_parameter': return args[0]
    case 'collections.OrderedDict': return new Map()
    case 'torch.Size': return args[0]
  }
  throw new WeightsError(`${path}: refused: the file asks to call \`${callable.name}\`, which a checkpoint of tensors does not need; only tensors, parameters and ordered dicts are constructed. If you trust the file, load it in Python and save its state_dict`)
}

function storageType(path: string, type: Pickled): StoredDType {
  const name = type instanceof Global ? type.name : String(type)
  const dtype = name.startsWith('torch.') ? storageTypes[name.slice(6)] : undefined
  if (dtype === undefined) throw new WeightsError(`${path}: storage type \`${name}\` is not known; known are ${Object.keys(storageTypes).join(', ')}`)
  return dtype
}

function readZip(file: FileWindow): Pickled {
  const entries = zipEntries(file)
  const main = [...entries.keys()].find(name => /^[^/]+\/data\.pkl$/.test(name))
  if (main === undefined) throw new WeightsError(`${file.path}: a zip file, but no PyTorch checkpoint: it has no */data.pkl`)
  const root = main.slice(0, -'data.pkl'.length)
  const hooks: PickleHooks = {
    construct: construct(file.path),
    persistent(id) {
      const [, type, key, , elements] = Array.isArray(id) ? id : []
      const dtype = storageType(file.path, type)
      const entry = entries.get(`${root}data/${String(key)}`)
      if (entry === undefined || typeof elements !== 'number') throw new WeightsError(`${file.path}: storage ${String(key)} is missing from the archive`)
      if (entry.size < elements * bytesOf[dtype]) throw new WeightsError(`${file.path}: storage ${String(key)} has ${entry.size} bytes, ${elements * bytesOf[dtype]} are needed (truncated file?)`)
      return { dtype, elements, load: () => readEntry(file, entry) }
    },
  }
  return readPickle(readEntry(file, entries.get(main)!), 0, file.path, hooks).value
}

const legacyMagic = 0x1950a86a20f9469cfc6cn

/** Four pickles (magic, protocol, system, object), one with the storage keys, then for each key its length and data. */
function readLegacy(file: FileWindow): Pickled {
  const bytes = file.read(0, file.size)
  const storages = new Map<string, { dtype: StoredDType; elements: number; data: Uint8Array | undefined }>()
  const hooks: PickleHooks = {
    construct: construct(file.path),
    persistent(id) {
      const [, type, key, , elements] = Array.isArray(id) ? id : []
      if (typeof elements !== 'number') throw new WeightsError(`${file.path}: a storage is described wrongly`)
      const storage = storages.get(String(key)) ?? { dtype: storageType(file.path, type), elements, data: undefined }
      storages.set(String(key), storage)
      return { dtype: storage.dtype, elements: storage.elements, load: () => storage.data! }
    },
  }
  const magic = readPickle(bytes, 0, file.path, hooks)
  if (magic.value !== legacyMagic) throw new WeightsError(`${file.path}: not a PyTorch checkpoint: neither a zip file nor the legacy magic number`)
  const protocol = readPickle(bytes, magic.end, file.path, hooks)
  const system = readPickle(bytes, protocol.end, file.path, hooks)
  const object = readPickle(bytes, system.end, file.path, hooks)
  const keys = readPickle(bytes, object.end, file.path, hooks)
  let at = keys.end
  for (const key of Array.isArray(keys.value) ? keys.value : []) {
    const storage = storages.get(String(key))
    if (at + 8 > bytes.length) throw new WeightsError(`${file.path}: truncated: storage ${String(key)} is missing`)
    const elements = Number(bytes.readBigInt64LE(at))
    const length = elements * (storage === undefined ? 0 : bytesOf[storage.dtype])
    at += 8
    if (storage === undefined || elements !== storage.elements || at + length > bytes.length) throw new WeightsError(`${file.path}: truncated or damaged at storage ${String(key)}`)
    storage.data = bytes.subarray(at, at + length)
    at += length
  }
  for (const [key, storage] of storages) if (storage.data === undefined) throw new WeightsError(`${file.path}: truncated: storage ${key} is missing`)
  return object.value
}

/** Row-major copy (a plain range where the tensor is contiguous). */
function materialise(t: LazyTensor): StoredTensor {
  const size = bytesOf[t.storage.dtype]
  const raw = t.storage.load()
  const elements = t.shape.reduce((n, d) => n * d, 1)
  let expected = 1
  const contiguous = t.shape.every((_, k) => { const i = t.shape.length - 1 - k; const ok = t.shape[i] === 1 || t.strides[i] === expected; expected *= t.shape[i]; return ok })
  if (contiguous || elements === 0) return { dtype: t.storage.dtype, shape: t.shape, bytes: raw.subarray(t.offset * size, (t.offset + elements) * size) }
  const bytes = new Uint8Array(elements * size)
  const index = t.shape.map(() => 0)
  for (let i = 0, from = t.offset; i < elements; i++) {
    bytes.set(raw.subarray(from * size, (from + 1) * size), i * size)
    for (let axis = index.length - 1; axis >= 0; axis--) {
      from += t.strides[axis]
      if (++index[axis] < t.shape[axis]) break
      from -= index[axis] * t.strides[axis]
      index[axis] = 0
    }
  }
  return { dtype: t.storage.dtype, shape: t.shape, bytes }
}

/** Dicts that wrap the state_dict in checkpoints of training scripts. */
const wrappers = ['model', 'state_dict', 'module']

/** Tensors by name; wrappers (`model`, `state_dict`) are opened. Throws WeightsError, with the reason, for anything else than a checkpoint of tensors. */
export function readPytorch(path: string): StoredTensors {
  const file = new FileWindow(path)
  try {
    if (file.size < 4) throw new WeightsError(`${path}: not a PyTorch checkpoint: ${file.size} bytes`)
    let value = file.read(0, 2).toString('latin1') === 'PK' ? readZip(file) : readLegacy(file)
    for (;;) {
      if (!(value instanceof Map)) throw new WeightsError(`${path}: no state_dict: a dict of tensors is expected at the top or under ${wrappers.join(', ')}`)
      const dict = value as Map<Pickled, Pickled>
      const wrapper = wrappers.find(w => dict.get(w) instanceof Map)
      if (wrapper === undefined) break
      value = dict.get(wrapper)!
    }
    const out = new Map<string, StoredTensor>()
    for (const [name, tensor] of value as Map<Pickled, Pickled>) if (typeof name === 'string' && tensor instanceof LazyTensor) out.set(name, materialise(tensor))
    if (out.size === 0) throw new WeightsError(`${path}: the checkpoint has no tensors at its top`)
    return out
  } finally { file.close() }
}
