// Weights files: both PyTorch containers and safetensors, whole, broken and hostile.
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { readWeights } from '../../src/runtime/weights/read.ts'
import { readSafetensors, writeSafetensors } from '../../src/runtime/weights/safetensors.ts'
import { bytesView, toFloat32, toInt32, WeightsError, type StoredTensor } from '../../src/runtime/weights/tensors.ts'
import { legacyCheckpoint, Pickler, zip, zipCheckpoint } from '../support/pytorch.ts'

const dir = mkdtempSync(join(tmpdir(), 'mtlc-weights-'))
afterAll(() => rmSync(dir, { recursive: true }))

let files = 0
const file = (bytes: Uint8Array, end = 'pth'): string => { const path = join(dir, `${files++}.${end}`); writeFileSync(path, bytes); return path }
/** The message without the folder of this run. */
const failure = (read: () => unknown): string => {
  try { read() } catch (e) { if (!(e instanceof WeightsError)) throw e; return e.message.replaceAll(/\S*\/\d+\.(\w+)/g, 'FILE.$1') }
  throw new Error('nothing failed')
}

const tensors = { 'fc.weight': { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }, 'fc.bias': { shape: [2], data: Float32Array.of(-1, 0.5) }, scale: { shape: [], data: Float32Array.of(7) } }

describe.each([['zip', zipCheckpoint], ['legacy', legacyCheckpoint]] as const)('PyTorch %s container', (_name, write) => {
  it.each([undefined, 'model', 'state_dict'])('holds a state_dict under %s', wrap => {
    const read = readWeights(file(write(tensors, wrap)))
    expect([...read].map(([name, t]) => [name, t.shape, [...toFloat32(t)]])).toEqual(Object.entries(tensors).map(([name, t]) => [name, t.shape, [...t.data]]))
  })

  it('strips `module.` of data-parallel training', () => {
    expect([...readWeights(file(write({ 'module.a': tensors.scale, 'module.b': tensors.scale }))).keys()]).toEqual(['a', 'b'])
  })

  it('reads views: transposed, offset', () => {
    const read = readWeights(file(write({ t: { shape: [3, 2], strides: [1, 3], data: tensors['fc.weight'].data }, o: { shape: [2], offset: 4, data: tensors['fc.weight'].data } })))
    expect([...toFloat32(read.get('t')!)]).toEqual([1, 4, 2, 5, 3, 6])
    expect([...toFloat32(read.get('o')!)]).toEqual([5, 6])
  })

  it('refuses a tensor that reaches outside its storage', () => {
    expect(failure(() => readWeights(file(write({ t: { shape: [100], data: Float32Array.of(1) } }))))).toMatchInlineSnapshot(`"FILE.pth: a tensor of shape [100] reaches outside its storage of 1 elements"`)
  })

  it('explains every truncation', () => {
    const whole = write(tensors)
    for (let n = 0; n < whole.length; n += 7) expect(failure(() => readWeights(file(whole.subarray(0, n))))).toMatch(/FILE\.pth/)
  })

  it('survives any damage of single bytes', () => {
    const whole = write(tensors)
    fc.assert(fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
      const bytes = Buffer.from(whole)
      bytes[at] = value
      try { readWeights(file(bytes)) } catch (e) { expect(e).toBeInstanceOf(WeightsError) }
    }), { numRuns: 300, seed: 1 })
  })
})

describe('hostile checkpoints', () => {
  const archive = (p: Pickler): string => file(zip([['archive/data.pkl', p.finish()]]))
  it('never calls what a pickle asks for', () => {
    expect(failure(() => readWeights(archive(new Pickler().global('posix', 'system').op('(').text('touch /tmp/owned').op('tR'))))).toMatchInlineSnapshot(`"FILE.pth: refused: the file asks to call \`posix.system\`, which a checkpoint of tensors does not need; only tensors, parameters and ordered dicts are constructed. If you trust the file, load it in Python and save its state_dict"`)
    expect(failure(() => readWeights(archive(new Pickler().global('builtins', 'eval').op('(').text('1').op('tR'))))).toMatch(/refused.*builtins\.eval/)
  })
  it.each([
    ['a global without a call', new Pickler().dict([['a', p => { p.global('os', 'system') }]]), /no tensors at its top/],
    ['a call inside of the state', new Pickler().dict([['model', p => { p.dict([['w', q => { q.global('subprocess', 'Popen').op('(').text('true').op('tR') }]]) }]]), /refused.*`subprocess\.Popen`/],
    ['a name of the prototype', new Pickler().global('constructor', '').op(')R'), /refused.*`constructor\.`/],
    ['a name from the stack that is a list', new Pickler().op(']]').op('\x93'), /a global whose name is no text/],
    ['a dict that is its own model', new Pickler().op('}q\x00').text('model').op('h\x00s'), /dicts under model, state_dict, module that do not end/],
    ['dicts in dicts', new Pickler().op('}').op(Array.from({ length: 20 }, () => 'X\x05\0\0\0model}').join('')).op('s'.repeat(20)), /that do not end/],
    ['a list that holds itself', new Pickler().op(']q\x00h\x00a'), /no state_dict/],
    ['lists in lists, a hundred thousand deep', new Pickler().op(']'.repeat(100_000)).op('a'.repeat(99_999)), /no state_dict/],
    // Each list holds the one before ten times: 10^60 texts, if it were written out.
    ['lists that multiply', new Pickler().op(']q\x00').op(Array.from({ length: 60 }, (_, i) => `](${`h${String.fromCharCode(i)}`.repeat(10)}eq${String.fromCharCode(i + 1)}`).join('')).op('Q'), /a storage of this checkpoint is described wrongly/],
    ['an integer of a megabyte', new Pickler().op('\x8b\x00\x00\x10\x00').op('\x01'.repeat(1 << 20)), /an integer of 1048576 bytes/],
    ['millions of empty dicts', new Pickler().op('}0'.repeat(2_100_000)), /more than 4,000,000 steps/],
  ] as const)('%s', (_, pickle, message) => {
    expect(failure(() => readWeights(archive(pickle)))).toMatch(message)
  })
  const one = { data: Float32Array.of(1) }
  it.each([
    ['a broadcast of one element to a terabyte', { shape: [1 << 20, 1 << 18], strides: [0, 0], ...one }, /refused: its tensors are said to have 1099511627776 bytes, and the whole file has \d+/],
    ['a shape beyond any number', { shape: [2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1], strides: [0, 0, 0], ...one }, /is too large/],
    ['more axes than a tensor has', { shape: Array.from({ length: 100 }, () => 1), ...one }, /is described wrongly/],
    ['a negative offset', { shape: [1], offset: -1, ...one }, /is described wrongly/],
  ] as const)('%s', (_, tensor, message) => {
    for (const write of [zipCheckpoint, legacyCheckpoint]) expect(failure(() => readWeights(file(write({ t: tensor }))))).toMatch(message)
  })
  it('a storage whose number of elements is no number', () => {
    const p = new Pickler().dict([['t', q => { q.global('torch._utils', '_rebuild_tensor_v2').op('((').text('storage').global('torch', 'FloatStorage').text('0').text('cpu').op('G\x7f\xf8\0\0\0\0\0\0tQ').int(0).ints([4]).ints([1]).op('tR') }]])
    expect(failure(() => readWeights(file(zip([['archive/data.pkl', p.finish()], ['archive/data/0', Buffer.alloc(4)]]))))).toMatch(/a storage of this checkpoint is described wrongly/)
  })
  it('skips settings and schedules beside the weights', () => {
    const p = new Pickler().dict([
      ['model', q => { q.dict([['t', r => { r.tensor('0', { shape: [1], data: Float32Array.of(5) }, false) }]]) }],
      ['config', q => { q.global('yacs.config', 'CfgNode').op(')\x81}').text('seed').int(1).op('sb') }],
      ['args', q => { q.global('argparse', 'Namespace').op(')\x81}').text('lr').int(1).op('sb') }],
      ['optimizer', q => { q.value({ state: { 0: { step: 3 } }, param_groups: [{ lr: 2e-5, betas: [0.9, 0.999] }] }) }],
    ])
    const read = readWeights(file(zip([['archive/data.pkl', p.finish()], ['archive/data/0', Buffer.from(Float32Array.of(5).buffer)]])))
    expect([...read].map(([name, t]) => [name, [...toFloat32(t)]])).toEqual([['t', [5]]])
  })
  it('knows no other opcodes', () => {
    expect(failure(() => readWeights(archive(new Pickler().op('i'))))).toMatchInlineSnapshot(`"FILE.pth: not a readable PyTorch checkpoint: opcode "i" is not used by checkpoints (at byte 3 of its pickle)"`)
  })
  it('does not believe lengths', () => {
    expect(failure(() => readWeights(archive(new Pickler().op('X\xff\xff\xff\x7f'))))).toMatchInlineSnapshot(`"FILE.pth: not a readable PyTorch checkpoint: the pickle ends too early (at byte 7 of its pickle)"`)
  })
  it('says when the dict holds no tensors', () => {
    expect(failure(() => readWeights(archive(new Pickler().dict([['a', p => { p.int(1) }]]))))).toMatchInlineSnapshot(`"FILE.pth: the checkpoint has no tensors at its top"`)
    expect(failure(() => readWeights(archive(new Pickler().int(1))))).toMatchInlineSnapshot(`"FILE.pth: no state_dict: a dict of tensors is expected at the top or under model, state_dict, module"`)
  })
})

describe('safetensors', () => {
  const stored = (data: Float32Array | BigInt64Array, dtype: StoredTensor['dtype'], shape: number[]): StoredTensor => ({ dtype, shape, bytes: bytesView(data) })
  it('round trip', () => {
    const path = join(dir, 'a.safetensors')
    writeSafetensors(path, new Map([['w', stored(Float32Array.of(1, 2, 3, 4), 'F32', [2, 2])], ['n', stored(BigInt64Array.of(5n), 'I64', [])], ['empty', stored(new Float32Array(), 'F32', [0, 3])]]), { format: 'pt' })
    const { tensors: read, metadata } = readSafetensors(path)
    expect(metadata).toEqual({ format: 'pt' })
    expect([...read].map(([name, t]) => [name, t.dtype, t.shape])).toEqual([['w', 'F32', [2, 2]], ['n', 'I64', []], ['empty', 'F32', [0, 3]]])
    expect([...toFloat32(read.get('w')!)]).toEqual([1, 2, 3, 4])
    expect([...toInt32(read.get('n')!)]).toEqual([5])
    expect(readFileSync(path).readBigUInt64LE(0) % 8n).toBe(0n)
    expect(readdirSync(dir).filter(f => f.endsWith('.tmp'))).toEqual([])
  })

  it('half precision', () => {
    const bytes = new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x7c00).buffer)
    expect([...toFloat32({ dtype: 'F16', shape: [5], bytes })]).toEqual([1, -2, 65504, 2 ** -24, Infinity])
    expect([...toFloat32({ dtype: 'BF16', shape: [2], bytes: new Uint8Array(Uint16Array.of(0x3f80, 0xc000).buffer) })]).toEqual([1, -2])
  })

  const header = (json: unknown, data = 8): string => {
    const text = Buffer.from(typeof json === 'string' ? json : JSON.stringify(json))
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(text.length))
    return file(Buffer.concat([length, text, Buffer.alloc(data)]), 'safetensors')
  }
  it.each([
    ['too short', () => file(Buffer.from('abc'), 'safetensors'), 'FILE.safetensors: not a safetensors file: 3 bytes, at least 8 expected'],
    ['huge header', () => file(Buffer.from([255, 255, 255, 255, 255, 255, 255, 127, 1]), 'safetensors'), 'FILE.safetensors: not a safetensors file, or a truncated one: the header is said to have 9223372036854776000 bytes, the file has 9'],
    ['no object', () => header([1]), 'FILE.safetensors: the header is no JSON object'],
    ['unknown dtype', () => header({ a: { dtype: 'F4', shape: [1], data_offsets: [0, 4] } }), 'FILE.safetensors: tensor a: dtype "F4" is not one of F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL'],
    ['negative size', () => header({ a: { dtype: 'F32', shape: [-1], data_offsets: [0, 4] } }), 'FILE.safetensors: tensor a: shape [-1] is no list of sizes'],
    ['wrong length', () => header({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 8] } }), 'FILE.safetensors: tensor a: shape [1] of F32 needs 4 bytes, 8 given'],
    ['outside', () => header({ a: { dtype: 'F32', shape: [4], data_offsets: [0, 16] } }), 'FILE.safetensors: tensor a: bytes 0..16 lie outside the 8 bytes of data (truncated file?)'],
    ['overlap', () => header({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] }, b: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } }), 'FILE.safetensors: tensor b: begins at byte 4 of the data, but a ends at 8: tensors may neither overlap nor leave gaps'],
    ['gap', () => header({ a: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } }), 'FILE.safetensors: tensor a: begins at byte 4 of the data, but the header ends at 0: tensors may neither overlap nor leave gaps'],
    ['left over', () => header({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }), 'FILE.safetensors: the tensors end at byte 4 of the data, which has 8'],
    ['no entry', () => header({ a: null }), 'FILE.safetensors: tensor a: dtype undefined is not one of F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL'],
  ] as const)('%s', (_name, make, message) => {
    expect(failure(() => readWeights(make()))).toBe(message)
  })
  it('is told from a pickle whatever the length of its header', () => {
    const text = `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`.padEnd(0x80)
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(text.length))
    expect([...readWeights(file(Buffer.concat([length, Buffer.from(text), Buffer.alloc(4)]))).keys()]).toEqual(['a'])
  })
  it('a file that has become shorter after it was listed', () => {
    const path = join(dir, 'shrinking.safetensors')
    writeSafetensors(path, new Map([['w', stored(Float32Array.of(1, 2), 'F32', [2])]]))
    const listed = readWeights(path)
    truncateSync(path, 10)
    expect(failure(() => listed.get('w')!.bytes)).toMatch(/truncated: bytes \d+ to \d+ are needed, the file has 10/)
  })
  it('missing file', () => {
    expect(failure(() => readWeights(join(dir, '999.pth')))).toMatchInlineSnapshot(`"FILE.pth: cannot be read: no such file"`)
    expect(() => readWeights(dir)).toThrow(/cannot be read: it is a folder/)
  })
  it('a folder that is a file', () => {
    expect(() => writeSafetensors(join(file(Buffer.from('x')), 'x.safetensors'), new Map())).toThrow(/x\.safetensors: cannot be written: a part of the path is a file, not a folder/)
  })
})
