// Collects calls of tfjs while a program is lowered, one node after the other.
import type { ValueId } from '../../ir/program.ts'
import { sameShape, sizeOf, type DType, type Shape, type TensorData, type TensorType } from '../../ir/types.ts'
import { broadcastShapes, collapsedParts, collapsedTranspose, mergedAxes, plain, sameOrder, storedShape, type Order } from './order.ts'

/** A tensor of the module. */
export interface Tensor {
  readonly kind: 'made' | 'input' | 'constant'
  /** The variable that holds it, or how it is looked up. */
  readonly text: string
  readonly dtype: DType
  readonly shape: Shape
}

/** What stands between the parentheses of a call. */
export type Argument = Tensor | number | boolean | string | undefined | readonly Argument[] | { readonly [name: string]: Argument }

/** Where the statements of a node come from, as shown in the comment over them. */
export interface Statement { readonly results: readonly Tensor[]; readonly fn: string; readonly args: readonly Argument[]; readonly comment: string }

/** A tensor that holds a value with its axes in `order`. Its shape may be any with these elements: a view in the stored shape is made where it is needed. */
export interface Form { readonly tensor: Tensor; readonly order: Order }

/** A value of the program and the tensors that hold it, the first one made first. */
export interface Value { readonly id: ValueId; readonly type: TensorType; readonly forms: Form[] }

/** The backends of tfjs. */
export type Backend = 'cpu' | 'wasm' | 'webgpu' | 'tensorflow'

const isTensor = (a: Argument): a is Tensor => typeof a === 'object' && !Array.isArray(a) && 'text' in a && 'kind' in a

export function tensorsOf(argument: Argument): Tensor[] {
  if (typeof argument !== 'object') return []
  if (isTensor(argument)) return [argument]
  return (Array.isArray(argument) ? argument as readonly Argument[] : Object.values(argument)).flatMap(tensorsOf)
}

/** Elements up to which a constant is written into the module. */
export const SMALL_CONSTANT = 16

export class Emitter {
  readonly statements: Statement[] = []
  readonly constants = new Map<string, TensorData>()
  /** The one that the module is for; undefined: any, so that only what is right and there on all of them may be used. */
  readonly backend: Backend | undefined
  readonly #constantTensors = new Map<string, Tensor>()
  readonly #constantNames = new Map<Tensor, string>()
  readonly #views = new Map<Tensor, Map<string, Tensor>>()
  /** Of a view: the tensor it is a view of. */
  readonly #roots = new Map<Tensor, Tensor>()
  readonly #derived = new Map<string, Tensor>()
  readonly #names = new Map<string, number>()
  #base = ''
  #comment = ''

  constructor(backend: Backend | undefined) { this.backend = backend }

  /** What follows belongs to one node: its results are named after `base`. */
  begin(base: string, comment: string): void {
    this.#base = base
    this.#comment = comment
  }

  #fresh(): string {
    const n = (this.#names.get(this.#base) ?? 0) + 1
    this.#names.set(this.#base, n)
    return `${this.#base}_${n}`
  }

  /** tf.<fn>(...args) with one result. */
  call(fn: string, args: readonly Argument[], shape: Shape, dtype: DType = 'float32'): Tensor {
    return this.calls(fn, args, [{ shape, dtype }])[0]
  }

  /** tf.<fn>(...args) with a list of results. */
  calls(fn: string, args: readonly Argument[], types: readonly TensorType[]): readonly Tensor[] {
    const results = types.map(({ shape, dtype }) => ({ kind: 'made', text: this.#fresh(), dtype, shape }) as const)
    this.statements.push({ results, fn, args, comment: this.#comment })
    return results
  }

  /** A constant, made once by the caller of the module. `name` tells it from others: the first one given under it wins. */
  constant(name: string, make: () => TensorData): Tensor {
    const known = this.#constantTensors.get(name)
    if (known !== undefined) return known
    const value = make()
    const tensor: Tensor = { kind: 'constant', text: `constants['${name}']`, dtype: value.dtype, shape: value.shape }
    this.constants.set(name, value)
    this.#constantTensors.set(name, tensor)
    this.#constantNames.set(tensor, name)
    return tensor
  }

  /** The others go. */
  keepConstants(isRead: (tensor: Tensor) => boolean): void {
    for (const [name, tensor] of this.#constantTensors) if (!isRead(tensor)) this.constants.delete(name)
  }

  /** A constant's name and value; undefined for other tensors. */
  #valueOf(x: Tensor): { readonly name: string; readonly value: TensorData } | undefined {
    const name = x.kind === 'constant' ? this.#constantNames.get(x) : undefined
    return name === undefined ? undefined : { name, value: this.constants.get(name)! }
  }

  /** A constant under a name made of its place: `<base>_<n>`. */
  tensor(value: TensorData): Tensor {
    if (value.data.length === 1) return this.view(this.scalar(value.data[0], value.dtype), value.shape)
    const text = value.data.length <= SMALL_CONSTANT ? `${value.dtype === 'float32' ? '' : value.dtype}[${[...value.data].map(showNumber).join(',')}]:${value.shape.join('x')}` : `${this.#fresh()}`
    return this.constant(text, () => value)
  }

  scalar(value: number, dtype: DType = 'float32'): Tensor {
    const data = dtype === 'float32' ? Float32Array.of(value) : dtype === 'int32' ? Int32Array.of(value) : Uint8Array.of(value)
    return this.constant(dtype === 'float32' ? showNumber(value) : dtype === 'int32' ? `int ${value}` : value === 0 ? 'false' : 'true', () => ({ dtype, shape: [], data }))
  }

  fill(value: number, dtype: DType, shape: Shape): Tensor {
    if (sizeOf(shape) === 1) return this.view(this.scalar(value, dtype), shape)
    if (dtype === 'bool') return this.call('cast', [this.fill(value, 'int32', shape), 'bool'], shape, 'bool')
    return this.call('fill', [shape, value, dtype], shape, dtype)
  }

  /** The result of `make`, made once for all nodes that ask with the same key. */
  once(key: string, make: () => Tensor): Tensor {
    const made = this.#derived.get(key) ?? make()
    this.#derived.set(key, made)
    return made
  }

  /** The tensor in another shape; the data is shared. */
  view(x: Tensor, shape: Shape): Tensor {
    if (sameShape(x.shape, shape)) return x
    const constant = this.#valueOf(x)
    if (constant !== undefined) return this.constant(`${constant.name} as ${shape.join('x')}`, () => ({ ...constant.value, shape }))
    const root = this.#roots.get(x) ?? x
    if (sameShape(root.shape, shape)) return root
    const key = shape.join()
    const views = this.#views.get(root) ?? new Map<string, Tensor>()
    this.#views.set(root, views)
    const known = views.get(key)
    if (known !== undefined) return known
    const made = this.call('reshape', [root, shape], shape, x.dtype)
    views.set(key, made)
    this.#roots.set(made, root)
    return made
  }

  /** Whether a view costs nothing. */
  hasView(x: Tensor, shape: Shape): boolean {
    const root = this.#roots.get(x) ?? x
    return sameShape(root.shape, shape) || this.#views.get(root)?.has(shape.join()) === true
  }

  /** The tensor, seen in `shape`, with its axes moved; backends take few axes, so what can be merged is. */
  transpose(x: Tensor, shape: Shape, perm: readonly number[]): Tensor {
    const result = perm.map(axis => shape[axis])
    const small = collapsedTranspose(shape, perm)
    if (small.perm.every((p, i) => p === i)) return this.view(x, result)
    const constant = this.#valueOf(x)
    if (constant !== undefined) return this.constant(`${constant.name} as ${shape.join('x')} moved ${perm.join('')}`, () => movedData({ ...constant.value, shape }, perm))
    // The kernel for GPUs moves floats only (4.22), and its cast of integers to floats is but a name for the same bits until something is computed. Indices are small enough to be exact.
    if (x.dtype === 'int32' && (this.backend ?? 'webgpu') === 'webgpu') return this.unary('cast', this.transpose(this.binary('mul', this.unary('cast', x, 'float32', ['float32']), this.scalar(1)), shape, perm), 'int32', ['int32'])
    if (small.shape.length > TRANSPOSED_RANK[this.backend ?? 'webgpu']) return this.#transposeInSteps(x, shape, perm)
    if (shape.length <= 4) return this.call('transpose', [this.view(x, shape), perm], result, x.dtype)
    return this.call('transpose', [this.view(x, small.shape), small.perm], small.perm.map(axis => small.shape[axis]), x.dtype)
  }

  /** One axis after the other is brought to its place. */
  #transposeInSteps(x: Tensor, shape: Shape, perm: readonly number[]): Tensor {
    let current = x
    const order = [...plain(shape.length)]
    perm.forEach((axis, place) => {
      const at = order.indexOf(axis)
      if (at === place) return
      const sizes = order.map(a => shape[a])
      const blocks = [sizeOf(sizes.slice(0, place)), sizeOf(sizes.slice(place, at)), sizes[at], sizeOf(sizes.slice(at + 1))]
      current = this.transpose(current, blocks, [0, 2, 1, 3])
      order.splice(at, 1)
      order.splice(place, 0, axis)
    })
    return current
  }

  /** A tensor with the elements of the value in `order`, of any shape. */
  ordered(value: Value, order: Order): Tensor {
    const { shape } = value.type
    const known = value.forms.find(f => sameOrder(shape, f.order, order))
    if (known !== undefined) return known.tensor
    const [{ tensor, order: from }] = value.forms
    const made = this.transpose(tensor, storedShape(shape, from), order.map(axis => from.indexOf(axis)))
    value.forms.push({ tensor: made, order })
    return made
  }

  /** The value with its axes in `order` (by default as they are), each an axis of the tensor. */
  stored(value: Value, order: Order = plain(value.type.shape.length)): Tensor {
    return this.view(this.ordered(value, order), storedShape(value.type.shape, order))
  }

  /** tf.<fn> of two tensors that broadcast. */
  binary(fn: string, a: Tensor, b: Tensor, dtype: DType = a.dtype): Tensor {
    return this.call(fn, [a, b], broadcastShapes([a.shape, b.shape]), dtype)
  }

  /** tf.<fn> of one tensor, element by element, with what follows it between the parentheses. */
  unary(fn: string, x: Tensor, dtype: DType = x.dtype, rest: readonly Argument[] = []): Tensor { return this.call(fn, [x, ...rest], x.shape, dtype) }

  /** Repeated along axes of size 1. */
  broadcast(x: Tensor, shape: Shape): Tensor {
    const lying = [...plain(shape.length - x.shape.length).map(() => 1), ...x.shape]
    if (x.dtype === 'bool') return this.unary('cast', this.broadcast(this.unary('cast', x, 'int32', ['int32']), shape), 'bool', ['bool'])
    if (shape.length <= 4) return this.call('broadcastTo', [x, shape], shape, x.dtype)
    const runs = mergedAxes(shape, axis => lying[axis] === 1)
    const small = runs.map(run => run.kind ? 1 : run.size), large = runs.map(run => run.size)
    return this.call('broadcastTo', [this.view(x, small), large], large, x.dtype)
  }

  /** The part [start, stop) along each axis. */
  slice(x: Tensor, shape: Shape, start: readonly number[], size: readonly number[]): Tensor {
    if (size.every((d, i) => d === shape[i])) return x
    if (sizeOf(size) === 0) return this.zeros(size, x.dtype)
    if (shape.length <= 4) return this.call('slice', [this.view(x, shape), start, size], size, x.dtype)
    const parts = collapsedParts(shape, axis => size[axis] === shape[axis])
    if (parts.length > 4) {
      const last = shape.findLastIndex((d, axis) => size[axis] !== d)
      const cut = this.slice(x, shape, shape.map((_, axis) => axis === last ? start[axis] : 0), shape.with(last, size[last]))
      return this.slice(cut, shape.with(last, size[last]), start.with(last, 0), size)
    }
    const first = parts.map(axes => sizeOf(axes.slice(1).map(a => shape[a])) * (axes.length > 0 ? start[axes[0]] : 0))
    const sizes = parts.map(axes => sizeOf(axes.map(a => size[a])))
    return this.call('slice', [this.view(x, parts.map(axes => sizeOf(axes.map(a => shape[a])))), first, sizes], sizes, x.dtype)
  }

  zeros(shape: Shape, dtype: DType): Tensor { return this.call('zeros', [shape, dtype], shape, dtype) }
}

/** Axes that elementwise operators and reductions of every backend take. */
export const MAX_RANK = 5
/** Axes that transposes take; the kernel for GPUs writes a wrong shader for more (4.22). */
const TRANSPOSED_RANK: Readonly<Record<Backend, number>> = { cpu: 6, wasm: 5, webgpu: 4, tensorflow: 6 }

/** The elements of a tensor whose axes are moved. */
function movedData({ dtype, shape, data }: TensorData, perm: readonly number[]): TensorData {
  const result = perm.map(axis => shape[axis]), steps = perm.map(axis => sizeOf(shape.slice(axis + 1)))
  const moved = data.slice()
  for (let i = 0; i < moved.length; i++) {
    let [rest, from] = [i, 0]
    for (let axis = result.length - 1; axis >= 0; axis--) { from += rest % result[axis] * steps[axis]; rest = Math.floor(rest / result[axis]) }
    moved[i] = data[from]
  }
  return { dtype, shape: result, data: moved }
}

/** The shortest text of a float32 number. */
export function showNumber(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const short = value.toPrecision(digits)
    if (Math.fround(Number(short)) === Math.fround(value)) return `${Object.is(value, -0) ? '-0' : Number(short)}`
  }
  return `${value}`
}
