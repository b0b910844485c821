// Writes PyTorch checkpoints for tests, in both containers, byte by byte as torch.save does (protocol 2).

export interface TorchTensor { readonly shape: readonly number[]; readonly data: Float32Array | BigInt64Array; readonly strides?: readonly number[]; readonly offset?: number }

/** Hand-assembled pickle: opcodes in, bytes out. */
export class Pickler {
  readonly #parts: Buffer[] = [Buffer.from([0x80, 2])]

  op(code: string): this { this.#parts.push(Buffer.from(code, 'latin1')); return this }
  text(s: string): this { const b = Buffer.from(s); const n = Buffer.alloc(4); n.writeUInt32LE(b.length); this.#parts.push(Buffer.from('X'), n, b); return this }
  int(v: number): this { const b = Buffer.alloc(5); b[0] = 'J'.charCodeAt(0); b.writeInt32LE(v, 1); this.#parts.push(b); return this }
  long(bytes: readonly number[]): this { this.#parts.push(Buffer.from([0x8a, bytes.length, ...bytes])); return this }
  global(module: string, name: string): this { return this.op(`c${module}\n${name}\n`) }
  ints(values: readonly number[]): this { this.op('('); for (const v of values) this.int(v); return this.op('t') }

  /** torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks) */
  tensor(key: string, t: TorchTensor, legacy: boolean): this {
    let stride = 1
    const strides = t.strides ?? t.shape.map((_, i) => { const k = t.shape.length - 1 - i; stride *= t.shape[k + 1] ?? 1; return [k, stride] as const }).toReversed().map(([, s]) => s)
    this.global('torch._utils', '_rebuild_tensor_v2').op('((').text('storage').global('torch', t.data instanceof BigInt64Array ? 'LongStorage' : 'FloatStorage').text(key).text('cpu').int(t.data.length)
    if (legacy) this.op('N')
    this.op('tQ').int(t.offset ?? 0).ints(t.shape).ints(strides).op('\x89').global('collections', 'OrderedDict').op(')R').op('tR')
    return this
  }

  /** Plain data: numbers, texts, lists, dicts with text or number keys. */
  value(v: unknown): this {
    if (v === null) return this.op('N')
    if (typeof v === 'string') return this.text(v)
    if (typeof v === 'number' && Number.isInteger(v)) return this.int(v)
    if (typeof v === 'number') { const b = Buffer.alloc(9); b.write('G'); b.writeDoubleBE(v, 1); this.#parts.push(b); return this }
    if (Array.isArray(v)) { this.op(']('); for (const e of v) this.value(e); return this.op('e') }
    this.op('}(')
    for (const [key, e] of Object.entries(v as object)) this.value(/^\d+$/.test(key) ? Number(key) : key).value(e)
    return this.op('u')
  }

  dict(entries: readonly (readonly [string, (p: Pickler) => void])[]): this {
    this.op('}(')
    for (const [k, write] of entries) { this.text(k); write(this) }
    return this.op('u')
  }

  finish(): Buffer { this.op('.'); return Buffer.concat(this.#parts) }
}

const bytesOf = (data: Float32Array | BigInt64Array): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength)

/** A zip archive of stored entries. */
export function zip(entries: readonly (readonly [string, Buffer])[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, data] of entries) {
    const fields = (signature: string, extra: number): Buffer => {
      const h = Buffer.alloc(extra)
      h.write(signature, 0, 'latin1')
      return h
    }
    const local = fields('PK\x03\x04', 30)
    local.writeUInt32LE(data.length, 18); local.writeUInt32LE(data.length, 22); local.writeUInt16LE(Buffer.byteLength(name), 26)
    const central = fields('PK\x01\x02', 46)
    central.writeUInt32LE(data.length, 20); central.writeUInt32LE(data.length, 24); central.writeUInt16LE(Buffer.byteLength(name), 28); central.writeUInt32LE(offset, 42)
    parts.push(local, Buffer.from(name), data)
    directory.push(central, Buffer.from(name))
    offset += 30 + Buffer.byteLength(name) + data.length
  }
  const table = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 0, 'latin1')
  end.writeUInt16LE(entries.length, 8); end.writeUInt16LE(entries.length, 10); end.writeUInt32LE(table.length, 12); end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, table, end])
}

type Tensors = Readonly<Record<string, TorchTensor>>
const stateDict = (p: Pickler, tensors: Tensors, wrap: string | undefined, legacy: boolean, beside: Readonly<Record<string, unknown>>): void => {
  const entries = Object.entries(tensors).map(([name, t], i) => [name, (q: Pickler) => { q.tensor(String(i), t, legacy) }] as const)
  if (wrap === undefined) p.dict(entries)
  else p.dict([[wrap, q => { q.dict(entries) }], ...Object.entries(beside).map(([key, v]) => [key, (q: Pickler) => { q.value(v) }] as const)])
}

/** torch.save(..., _use_new_zipfile_serialization=True) */
export function zipCheckpoint(tensors: Tensors, wrap?: string, beside: Readonly<Record<string, unknown>> = { epoch: 3 }): Buffer {
  const p = new Pickler()
  stateDict(p, tensors, wrap, false, beside)
  return zip([['archive/data.pkl', p.finish()], ...Object.values(tensors).map((t, i) => [`archive/data/${i}`, bytesOf(t.data)] as const), ['archive/version', Buffer.from('3\n')]])
}

/** torch.save(..., _use_new_zipfile_serialization=False) */
export function legacyCheckpoint(tensors: Tensors, wrap?: string, beside: Readonly<Record<string, unknown>> = { epoch: 3 }): Buffer {
  const object = new Pickler()
  stateDict(object, tensors, wrap, true, beside)
  const keys = new Pickler().op('](')
  Object.keys(tensors).forEach((_, i) => keys.text(String(i)))
  const storages = Object.values(tensors).flatMap(t => { const n = Buffer.alloc(8); n.writeBigInt64LE(BigInt(t.data.length)); return [n, bytesOf(t.data)] })
  const magic = new Pickler().long([0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19])
  return Buffer.concat([magic.finish(), new Pickler().int(1001).finish(), new Pickler().dict([['little_endian', q => { q.op('\x88') }]]).finish(), object.finish(), keys.op('e').finish(), ...storages])
}
