// PyTorch checkpoints (.pth, .pt), zip and legacy: tensors by name. Nothing in the file is executed.
import { FileWindow, readRange } from '../file-window.ts'
import { byteLength, bytesOf, LazyTensor, WeightsError, type StoredTensor, type StoredTensors } from '../tensors.ts'
import { construct } from './construct.ts'
import { PickleEnd, readPickle, type Pickled, type PickledDict, type PickleHooks } from './pickle.ts'
import { storageId, type Storage, type StorageId } from './storage.ts'
import { entryStart, zipEntries } from './zip.ts'

/** A pickle holds names and shapes, a few hundred bytes per tensor; values lie outside of it. */
const pickleLimit = 256 << 20

function readZip(file: FileWindow): Pickled {
  const entries = zipEntries(file)
  const main = [...entries.keys()].find(name => /^[^/]+\/data\.pkl$/.test(name))
  if (main === undefined) throw new WeightsError(`${file.path}: a zip file, but no PyTorch checkpoint: it has no */data.pkl`)
  const root = main.slice(0, -'data.pkl'.length)
  const { path } = file
  const hooks: PickleHooks = {
    construct: construct(path),
    persistent(id): Storage {
      const { dtype, key, elements } = storageId(path, id)
      const entry = entries.get(`${root}data/${key}`)
      if (entry === undefined) throw new WeightsError(`${path}: storage ${key} is missing from the archive`)
      if (entry.size < elements * bytesOf[dtype]) throw new WeightsError(`${path}: storage ${key} has ${entry.size} bytes, ${elements * bytesOf[dtype]} are needed (truncated file?)`)
      const start = entryStart(file, entry)
      return { dtype, elements, read: (position, length) => readRange(path, start + position, length) }
    },
  }
  const entry = entries.get(main)!
  if (entry.size > pickleLimit) throw new WeightsError(`${path}: not a readable PyTorch checkpoint: its pickle has ${entry.size} bytes; ${pickleLimit} are the limit`)
  return readPickle(file.read(entryStart(file, entry), entry.size), 0, path, hooks).value
}

const legacyMagic = 0x1950a86a20f9469cfc6cn

/** Four pickles (magic, protocol, system, object), one with the storage keys, then for each key its length and data. Storages whose place is not known yet learn it before anything reads them. */
function readLegacy(file: FileWindow): Pickled {
  const { path } = file
  const storages = new Map<string, StorageId & { start: number }>()
  const hooks: PickleHooks = {
    construct: construct(path),
    persistent(id): Storage {
      const found = storageId(path, id)
      const storage = storages.get(found.key) ?? { ...found, start: -1 }
      if (storage.dtype !== found.dtype || storage.elements !== found.elements) throw new WeightsError(`${path}: storage ${found.key} is described twice, and differently`)
      storages.set(found.key, storage)
      return { dtype: storage.dtype, elements: storage.elements, read: (position, length) => readRange(path, storage.start + position, length) }
    },
  }
  const { object, keys, end } = readHead(file, bytes => {
    storages.clear()
    const magic = readPickle(bytes, 0, path, hooks)
    if (magic.value !== legacyMagic) throw new WeightsError(`${path}: not a PyTorch checkpoint: neither a zip file nor the legacy magic number`)
    const protocol = readPickle(bytes, magic.end, path, hooks)
    const system = readPickle(bytes, protocol.end, path, hooks)
    const object = readPickle(bytes, system.end, path, hooks)
    const keys = readPickle(bytes, object.end, path, hooks)
    return { object: object.value, keys: keys.value, end: keys.end }
  })
  let at = end
  for (const key of Array.isArray(keys) ? keys : []) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined
    if (storage === undefined) throw new WeightsError(`${path}: damaged: its list of storages names one that no tensor has`)
    if (at + 8 > file.size) throw new WeightsError(`${path}: truncated: storage ${storage.key} is missing`)
    const elements = Number(file.read(at, 8).readBigInt64LE(0))
    storage.start = at + 8
    at = storage.start + elements * bytesOf[storage.dtype]
    if (elements !== storage.elements || at > file.size) throw new WeightsError(`${path}: truncated or damaged at storage ${storage.key}`)
  }
  for (const [key, { start }] of storages) if (start < 0) throw new WeightsError(`${path}: truncated: storage ${key} is missing`)
  return object
}

/** Parses from the start of the file, of which more and more is read until the pickles are whole. */
function readHead<T>(file: FileWindow, parse: (bytes: Uint8Array) => T): T {
  for (let length = 4 << 20; ; length *= 8) {
    const given = Math.min(length, pickleLimit, file.size)
    try { return parse(file.read(0, given)) } catch (e) {
      if (!(e instanceof PickleEnd) || given === file.size || given === pickleLimit) throw e
    }
  }
}

/** Dicts that wrap the state_dict in checkpoints of training scripts. */
const wrappers = ['model', 'state_dict', 'module']
const mostWrappers = 8

function stateDict(path: string, top: Pickled): PickledDict {
  let value = top
  for (let depth = 0; depth < mostWrappers; depth++) {
    if (!(value instanceof Map)) throw new WeightsError(`${path}: no state_dict: a dict of tensors is expected at the top or under ${wrappers.join(', ')}`)
    const dict: PickledDict = value
    const wrapper = wrappers.find(w => dict.get(w) instanceof Map)
    if (wrapper === undefined) return dict
    value = dict.get(wrapper)!
  }
  throw new WeightsError(`${path}: no state_dict: dicts under ${wrappers.join(', ')} that do not end`)
}

/** Tensors by name; wrappers (`model`, `state_dict`) are opened. Throws WeightsError, with the reason, for anything else than a checkpoint of tensors. */
export function readPytorch(path: string): StoredTensors {
  const file = new FileWindow(path)
  try {
    if (file.size < 4) throw new WeightsError(`${path}: not a PyTorch checkpoint: ${file.size} bytes`)
    const top = file.read(0, 2).toString('latin1') === 'PK' ? readZip(file) : readLegacy(file)
    const out = new Map<string, StoredTensor>()
    for (const [name, tensor] of stateDict(path, top)) if (typeof name === 'string' && tensor instanceof LazyTensor) out.set(name, tensor)
    if (out.size === 0) throw new WeightsError(`${path}: the checkpoint has no tensors at its top`)
    // Shared and broadcast storages may hold more elements than bytes are there, but not without bound.
    const bytes = [...out.values()].reduce((n, t) => n + byteLength(t), 0)
    if (bytes > 4 * file.size + (1 << 20)) throw new WeightsError(`${path}: refused: its tensors are said to have ${bytes} bytes, and the whole file has ${file.size}`)
    return out
  } finally { file.close() }
}
