// Collects ONNX nodes and initialisers while a program is lowered, one IR node after the other.
import type { ValueId } from '../../ir/program.ts'
import type { DType, Shape, TensorData, TensorType } from '../../ir/types.ts'
import { sizeOf } from '../../ir/types.ts'
import { OnnxTargetError, type OnnxAttributes, type OnnxNode, type OnnxTensor } from './graph.ts'

/**
 * inference: portable standard operators, for files that others read.
 * training: what is fast and accurate in onnxruntime's CPU kernels (sums in two levels, transposing products, convolution gradients as matrix products).
 */
export type Profile = 'inference' | 'training'

/** An operand of the IR node being lowered. */
export interface Operand { readonly name: string; readonly type: TensorType; readonly id: ValueId }

/**
 * A program for a dynamic batch is elaborated with this batch size, a prime above the factors of ordinary sizes: dimensions that are multiples of it follow the batch.
 */
export const SYMBOLIC_BATCH = 1009

const INT64_MAX = 2n ** 63n - 1n
/** Fills up to this many elements are stored, larger ones are made by a node. */
const SMALL_FILL = 64

export interface EmitterOptions { readonly opset: number; readonly profile: Profile; readonly contrib: boolean; readonly dynamicBatch: boolean }

export class Emitter {
  readonly nodes: OnnxNode[] = []
  /** Results of all nodes. */
  readonly made = new Set<string>()
  readonly initialisers = new Map<string, OnnxTensor>()
  readonly opset: number
  readonly fast: boolean
  /** com.microsoft operators may be used */
  readonly contrib: boolean
  readonly #dynamic: boolean
  readonly #derived = new Map<string, string>()
  /** Result of a Reshape -> its operand. */
  readonly #viewed = new Map<string, string>()
  #prefix = ''
  #suffix = ''
  #doc = ''
  #count = 0
  #batchSource: string | undefined
  #batch: string | undefined

  constructor(options: EmitterOptions) {
    this.opset = options.opset
    this.fast = options.profile === 'training'
    this.contrib = options.contrib
    this.#dynamic = options.dynamicBatch
  }

  /** What follows belongs to one IR node: nodes are named `<path>/<Op>.<id>`. */
  begin(path: string, id: number | string, doc: string): void {
    this.#prefix = path === '' ? '' : `${path}/`
    this.#suffix = `${id}`
    this.#doc = doc
    this.#count = 0
  }

  /** Append a node with one result and return the name of that result. */
  node(op: string, inputs: readonly string[], attributes: OnnxAttributes = {}, domain = ''): string {
    const name = `${this.#prefix}${op}.${this.#suffix}${this.#count === 0 ? '' : `.${this.#count}`}`
    this.#count++
    this.made.add(name)
    this.nodes.push({ op, domain, name, doc: this.#doc, inputs: [...inputs], outputs: [name], attributes })
    return name
  }

  /** An int64 list, shared between all nodes that use the same one. */
  ints(values: readonly (number | bigint)[]): string {
    const name = `int64[${values.join(',')}]`
    if (!this.initialisers.has(name)) this.initialisers.set(name, { name, dtype: 'int64', dims: [values.length], data: BigInt64Array.from(values, v => BigInt(v)) })
    return name
  }

  scalar(value: number, dtype: DType = 'float32'): string {
    return this.filled(value, dtype, [])
  }

  /** A small constant with equal elements. */
  filled(value: number, dtype: DType, shape: Shape): string {
    const name = `${dtype}[${shape.join(',')}](${Object.is(value, -0) ? '-0' : value})`
    if (!this.initialisers.has(name)) this.initialisers.set(name, { name, dtype, dims: shape, data: arrayOf(dtype, sizeOf(shape)).fill(value) })
    return name
  }

  /** A constant of the node being lowered. One that counts up along the batch is counted at run time when the batch is dynamic. */
  tensor(value: TensorData): string {
    if (this.isSymbolic(value.shape) && value.dtype === 'int32' && sizeOf(value.shape) === value.shape[0]) {
      const [first, second] = value.data, step = second - first
      if (value.data.every((v, i) => v === first + i * step)) return this.#countBatch(value.shape, first, step)
    }
    const name = `${this.#prefix}const.${this.#suffix}${this.initialisers.has(`${this.#prefix}const.${this.#suffix}`) ? `.${this.#count}` : ''}`
    return this.shared(name, value)
  }

  /** A constant under a name of its own: the first one given wins. */
  shared(name: string, value: TensorData): string {
    if (this.isSymbolic(value.shape)) throw new OnnxTargetError(`a constant of shape [${value.shape.join(', ')}] depends on the batch size: it cannot be exported with a dynamic batch`)
    if (!this.initialisers.has(name)) this.initialisers.set(name, { name, dtype: value.dtype, dims: value.shape, data: value.data })
    return name
  }

  /** Equal elements, by a node where it would be large. */
  fill(value: number, dtype: DType, shape: Shape): string {
    if (sizeOf(shape) <= SMALL_FILL && !this.isSymbolic(shape)) return this.filled(value, dtype, shape)
    return this.node('ConstantOfShape', [this.shape(shape)], { value: { tensor: { name: '', dtype, dims: [1], data: arrayOf(dtype, 1).fill(value) } } })
  }

  /** The result of `make`, made once for all nodes that ask with the same key: for what several nodes derive from one value (a transposed weight, a padded map). */
  once(key: string, make: () => string): string {
    const known = this.#derived.get(key)
    if (known !== undefined) return known
    const made = make()
    this.#derived.set(key, made)
    return made
  }

  has(name: string): boolean { return this.initialisers.has(name) }

  reshape(x: string, shape: Shape): string {
    const symbolic = shape.filter(d => this.#isSymbolicSize(d)).length
    const target = symbolic === 1 ? this.ints(shape.map(d => this.#isSymbolicSize(d) ? -1 : d)) : this.shape(shape)
    // A view of a view is a view of what lies below; the one between goes if nothing else reads it.
    const name = this.node('Reshape', [this.#viewed.get(x) ?? x, target], shape.includes(0) ? { allowzero: 1 } : {})
    this.#viewed.set(name, this.#viewed.get(x) ?? x)
    return name
  }

  /** What `x` is a view of, where `reshape` made it. */
  below(x: string): string { return this.#viewed.get(x) ?? x }

  /** x, as a view, with a shape that is known to the engine only when `cue` is: a zero made from the shape of `cue` is added to the sizes. */
  reshapeAfter(x: string, shape: Shape, cue: string): string {
    const target = this.once(`${this.ints(shape)} after ${cue}`, () => this.node('Add', [this.shape(shape), this.once(`zero after ${cue}`, () => {
      const none = this.node('Slice', [this.node('Shape', [cue]), this.ints([0]), this.ints([0])])
      return this.node('ConstantOfShape', [none], { value: { tensor: { name: '', dtype: 'int64', dims: [1], data: BigInt64Array.of(0n) } } })
    })]))
    return this.node('Reshape', [x, target], shape.includes(0) ? { allowzero: 1 } : {})
  }

  transpose(x: string, perm: readonly number[]): string {
    return perm.every((p, i) => p === i) ? x : this.node('Transpose', [x], { perm })
  }

  /** Slice with one entry per axis of `shape`, in the manner of the IR; whole axes are left alone. */
  slice(x: string, shape: Shape, start: readonly number[], stop: readonly number[], step: readonly number[]): string {
    const axes = shape.flatMap((size, i) => start[i] === 0 && stop[i] === size && step[i] === 1 ? [] : [i])
    if (axes.length === 0) return x
    for (const i of axes) if (this.#isSymbolicSize(shape[i])) throw new OnnxTargetError('a slice along the batch cannot be exported with a dynamic batch')
    // A stop of -1 means "before the first element" in the IR and "the last element" in ONNX.
    const ends = axes.map(i => step[i] < 0 && stop[i] === -1 ? -INT64_MAX : stop[i])
    return this.node('Slice', [x, this.ints(axes.map(i => start[i])), this.ints(ends), this.ints(axes), this.ints(axes.map(i => step[i]))])
  }

  /** The int64 shape itself, computed from the batch where it follows the batch. */
  shape(shape: Shape): string {
    if (!this.isSymbolic(shape)) return this.ints(shape)
    const parts: string[] = []
    let run: number[] = []
    const flush = (): void => { if (run.length > 0) parts.push(this.ints(run)); run = [] }
    for (const d of shape) {
      if (!this.#isSymbolicSize(d)) { run.push(d); continue }
      flush()
      parts.push(d === SYMBOLIC_BATCH ? this.#batchSize() : this.node('Mul', [this.#batchSize(), this.ints([d / SYMBOLIC_BATCH])]))
    }
    flush()
    return parts.length === 1 ? parts[0] : this.node('Concat', parts, { axis: 0 })
  }

  isSymbolic(shape: Shape): boolean { return shape.some(d => this.#isSymbolicSize(d)) }

  /** Dimensions of a graph input or output. */
  dims(shape: Shape): (number | string)[] {
    return shape.map(d => !this.#isSymbolicSize(d) ? d : d === SYMBOLIC_BATCH ? 'N' : `${d / SYMBOLIC_BATCH}*N`)
  }

  /** The input whose first axis is the batch. */
  batchFrom(input: string): void { this.#batchSource ??= input }

  /** int32: first, first + step, ... along axis 0, the only one of `shape` that is not 1. */
  #countBatch(shape: Shape, first: number, step: number): string {
    const int64 = (value: number): string => this.node('Squeeze', [this.ints([value])])
    const line = this.node('Cast', [this.node('Range', [int64(0), this.node('Squeeze', [this.shape([shape[0]])]), int64(1)])], { to: 6 })
    const counted = this.node('Add', [this.node('Mul', [line, this.scalar(step, 'int32')]), this.scalar(first, 'int32')])
    return this.reshape(counted, shape)
  }

  #isSymbolicSize(d: number): boolean { return this.#dynamic && d > 0 && d % SYMBOLIC_BATCH === 0 }

  #batchSize(): string {
    if (this.#batchSource === undefined) throw new OnnxTargetError('no input has the batch as its first axis: the batch cannot be dynamic')
    this.#batch ??= this.node('Slice', [this.node('Shape', [this.#batchSource]), this.ints([0]), this.ints([1])])
    return this.#batch
  }
}

export const arrayOf = (dtype: DType, length: number): Float32Array | Int32Array | Uint8Array =>
  dtype === 'float32' ? new Float32Array(length) : dtype === 'int32' ? new Int32Array(length) : new Uint8Array(length)
