// The calls that a step makes most, straight to the native operators of tfjs-node.
//
// Between `tf.sum` and TensorFlow the package (4.22) opens scopes, looks a kernel up, and makes tensors of axes, shapes and permutations that it disposes of again: more work than most operators of a
// small network are. Emitted modules know their types and shapes, so their commonest calls skip all that, and such tensors are made once.
import type { DataId, Tensor, TensorInfo } from '@tensorflow/tfjs-core'
import type { Tf } from './device.ts'

/** What is used of the package's backend. */
export interface NodeBackend {
  readonly binding: { readonly TF_ATTR_TYPE: number; readonly TF_ATTR_BOOL: number; readonly TF_Version?: string }
  getDTypeInteger(dtype: string): number
  /** A tensor that the engine does not count. */
  write(values: Int32Array, shape: number[], dtype: 'int32'): DataId
  executeSingleOutput(name: string, attributes: readonly object[], inputs: readonly TensorInfo[]): Tensor
}

/** Keeps what `make` gives, by key. */
function keeping<T>(make: (key: string) => T): (key: string) => T {
  const kept = new Map<string, T>()
  return key => {
    let value = kept.get(key)
    if (value === undefined) kept.set(key, value = make(key))
    return value
  }
}

/** The namespace with direct calls in place of those that modules make most; all of them take tensors of one type, with shapes that fit, as emitted modules do. */
export function directCalls(tf: Tf): Tf {
  const backend = tf.backend() as unknown as NodeBackend, { TF_ATTR_TYPE, TF_ATTR_BOOL } = backend.binding
  const type = (name: string, dtype: string): object => ({ name, type: TF_ATTR_TYPE, value: backend.getDTypeInteger(dtype) })
  const flag = (name: string, value: boolean): object => ({ name, type: TF_ATTR_BOOL, value })
  const ints = keeping((key): TensorInfo => {
    const values = Int32Array.from(key === '' ? [] : key.split(','), Number)
    return { dataId: backend.write(values, [values.length], 'int32'), shape: [values.length], dtype: 'int32' }
  })
  const list = (values: number | readonly number[]): TensorInfo => ints(String(values))
  const typed = keeping(dtype => [type('T', dtype)])
  /** Attributes of operators that take `list`s, whose type attribute has this name. */
  const moving = (index: string): ((dtype: string) => readonly object[]) => keeping(dtype => [type('T', dtype), type(index, 'int32')])
  const [shaping, permuting, cutting] = [moving('Tshape'), moving('Tperm'), moving('Index')]
  const reducing = keeping(key => { const [dtype, keep] = key.split(' '); return [flag('keep_dims', keep === 'true'), type('T', dtype), type('Tidx', 'int32')] })
  const casting = keeping(key => { const [from, to] = key.split(' '); return [type('SrcT', from), type('DstT', to), flag('Truncate', false)] })
  const [products, batches] = [['transpose_a', 'transpose_b'], ['adj_x', 'adj_y']].map(names => keeping(key => { const [dtype, ...sides] = key.split(' '); return [type('T', dtype), ...names.map((name, i) => flag(name, sides[i] === 'true'))] }))

  const unary = (name: string) => (x: Tensor): Tensor => backend.executeSingleOutput(name, typed(x.dtype), [x])
  const binary = (name: string) => (a: Tensor, b: Tensor): Tensor => backend.executeSingleOutput(name, typed(a.dtype), [a, b])
  const reduction = (name: string) => (x: Tensor, axes: number | readonly number[], keep = false): Tensor => backend.executeSingleOutput(name, reducing(`${x.dtype} ${keep}`), [x, list(axes)])
  const calls = {
    add: binary('AddV2'), sub: binary('Sub'), mul: binary('Mul'), square: unary('Square'), sqrt: unary('Sqrt'), sum: reduction('Sum'), mean: reduction('Mean'),
    reshape: (x: Tensor, shape: readonly number[]): Tensor => backend.executeSingleOutput('Reshape', shaping(x.dtype), [x, list(shape)]),
    transpose: (x: Tensor, axes: readonly number[]): Tensor => backend.executeSingleOutput('Transpose', permuting(x.dtype), [x, list(axes)]),
    slice: (x: Tensor, begin: readonly number[], size: readonly number[]): Tensor => backend.executeSingleOutput('Slice', cutting(x.dtype), [x, list(begin), list(size)]),
    cast: (x: Tensor, dtype: string): Tensor => backend.executeSingleOutput('Cast', casting(`${x.dtype} ${dtype}`), [x]),
    matMul: (a: Tensor, b: Tensor, transposeA = false, transposeB = false): Tensor => {
      const flat = a.rank === 2 && b.rank === 2
      return backend.executeSingleOutput(flat ? 'MatMul' : 'BatchMatMulV2', (flat ? products : batches)(`${a.dtype} ${transposeA} ${transposeB}`), [a, b])
    },
  }
  return { ...tf, ...calls } as unknown as Tf
}
