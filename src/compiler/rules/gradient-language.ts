// The small language in which gradients and expansions are written: one method per operator, all nodes with one origin.
import type { Builder } from '../ir/builder.ts'
import type { OpAttrs, OpName } from '../ir/ops.ts'
import type { Origin, ValueId } from '../ir/program.ts'
import { sameShape, sizeOf, type DType, type Shape, type TensorData } from '../ir/types.ts'

type Slice = OpAttrs['slice']
type MatmulOptions = Partial<OpAttrs['matmul']>

const sorted = (axes: readonly number[]): number[] => [...axes].sort((a, b) => a - b)

/** Appends nodes to `builder`. Operands broadcast as in NumPy; numbers given as plain numbers become scalars of type float32. */
export class Emitter {
  readonly builder: Builder
  readonly origin: Origin

  constructor(builder: Builder, origin: Origin) {
    this.builder = builder
    this.origin = origin
  }

  op<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K]): ValueId { return this.builder.emit(op, inputs, attrs, this.origin) }
  shape(x: ValueId): Shape { return this.builder.type(x).shape }

  fill(value: number, shape: Shape = [], dtype: DType = 'float32'): ValueId { return this.op('fill', [], { dtype, shape, value }) }
  constant(value: TensorData): ValueId { return this.op('constant', [], { value }) }
  neg(x: ValueId): ValueId { return this.op('neg', [x], {}) }
  exp(x: ValueId): ValueId { return this.op('exp', [x], {}) }
  log(x: ValueId): ValueId { return this.op('log', [x], {}) }
  sqrt(x: ValueId): ValueId { return this.op('sqrt', [x], {}) }
  abs(x: ValueId): ValueId { return this.op('abs', [x], {}) }
  sign(x: ValueId): ValueId { return this.op('sign', [x], {}) }
  floor(x: ValueId): ValueId { return this.op('floor', [x], {}) }
  erf(x: ValueId): ValueId { return this.op('erf', [x], {}) }
  sigmoid(x: ValueId): ValueId { return this.op('sigmoid', [x], {}) }
  sin(x: ValueId): ValueId { return this.op('sin', [x], {}) }
  cos(x: ValueId): ValueId { return this.op('cos', [x], {}) }
  reciprocal(x: ValueId): ValueId { return this.op('reciprocal', [x], {}) }
  square(x: ValueId): ValueId { return this.mul(x, x) }
  add(a: ValueId, b: ValueId): ValueId { return this.op('add', [a, b], {}) }
  sub(a: ValueId, b: ValueId): ValueId { return this.op('sub', [a, b], {}) }
  mul(a: ValueId, b: ValueId): ValueId { return this.op('mul', [a, b], {}) }
  div(a: ValueId, b: ValueId): ValueId { return this.op('div', [a, b], {}) }
  max(a: ValueId, b: ValueId): ValueId { return this.op('max', [a, b], {}) }
  min(a: ValueId, b: ValueId): ValueId { return this.op('min', [a, b], {}) }
  pow(a: ValueId, b: ValueId): ValueId { return this.op('pow', [a, b], {}) }
  where(condition: ValueId, a: ValueId, b: ValueId): ValueId { return this.op('where', [condition, a, b], {}) }
  /** x * factor */
  scale(x: ValueId, factor: number): ValueId { return factor === 1 ? x : this.mul(x, this.fill(factor)) }
  /** x + term */
  shift(x: ValueId, term: number): ValueId { return term === 0 ? x : this.add(x, this.fill(term)) }
  /** term - x */
  from(term: number, x: ValueId): ValueId { return this.sub(this.fill(term), x) }
  float(x: ValueId): ValueId { return this.op('cast', [x], { to: 'float32' }) }
  int(x: ValueId): ValueId { return this.op('cast', [x], { to: 'int32' }) }
  /** 1 where a > b, else 0 */
  greater(a: ValueId, b: ValueId): ValueId { return this.float(this.op('greater', [a, b], {})) }
  /** 1 where a = b, else 0 */
  equal(a: ValueId, b: ValueId): ValueId { return this.float(this.op('equal', [a, b], {})) }

  sum(x: ValueId, axes: readonly number[], keepDims = false): ValueId { return axes.length === 0 ? x : this.op('reduceSum', [x], { axes: sorted(axes), keepDims }) }
  mean(x: ValueId, axes: readonly number[], keepDims = false): ValueId { return axes.length === 0 ? x : this.op('reduceMean', [x], { axes: sorted(axes), keepDims }) }

  reshape(x: ValueId, shape: Shape): ValueId { return sameShape(this.shape(x), shape) ? x : this.op('reshape', [x], { shape }) }
  broadcast(x: ValueId, shape: Shape): ValueId { return sameShape(this.shape(x), shape) ? x : this.op('broadcast', [x], { shape }) }
  transpose(x: ValueId, perm: readonly number[]): ValueId { return perm.every((axis, i) => axis === i) ? x : this.op('transpose', [x], { perm }) }
  slice(x: ValueId, start: Slice['start'], stop: Slice['stop'], step: Slice['step'] = start.map(() => 1)): ValueId {
    const shape = this.shape(x)
    const whole = shape.every((size, i) => start[i] === 0 && stop[i] === size && step[i] === 1)
    return whole ? x : this.op('slice', [x], { start, stop, step })
  }
  /** Zeros around x. */
  pad(x: ValueId, before: readonly number[], after: readonly number[]): ValueId {
    return [...before, ...after].every(n => n === 0) ? x : this.op('pad', [x], { before, after, value: 0 })
  }
  gather(x: ValueId, indices: ValueId, axis: number): ValueId { return this.op('gather', [x, indices], { axis }) }
  matmul(a: ValueId, b: ValueId, { transA = false, transB = false, alpha = 1 }: MatmulOptions = {}): ValueId { return this.op('matmul', [a, b], { transA, transB, alpha }) }

  /** [C] -> [1, C, 1, ...]: a value per channel (axis 1) beside a tensor of `rank` axes. */
  perChannel(x: ValueId, rank: number): ValueId { return this.reshape(x, Array.from({ length: rank }, (_, i) => i === 1 ? sizeOf(this.shape(x)) : 1)) }

  /** The result of a reduction of a tensor of shape `shape`, with its reduced axes put back as axes of size 1. */
  keepDims(x: ValueId, shape: Shape, axes: readonly number[]): ValueId { return this.reshape(x, shape.map((size, i) => axes.includes(i) ? 1 : size)) }

  /**
   * The adjoint of broadcasting a tensor of shape `shape` to shape `whole`: the sum over the axes that were added or stretched. x broadcasts to `whole`; where it has one element for such an axis,
   * that stands for all and is multiplied by their number. The result broadcasts to `shape`.
   */
  unbroadcast(x: ValueId, whole: Shape, shape: Shape): ValueId {
    const added = whole.length - shape.length
    const missing = whole.length - this.shape(x).length
    const full = this.reshape(x, [...whole.slice(0, missing).map(() => 1), ...this.shape(x)])
    const stretched = whole.map((_, i) => i).filter(i => whole[i] !== 1 && (i < added || shape[i - added] === 1))
    const sizes = this.shape(full)
    const times = stretched.reduce((n, i) => sizes[i] === 1 ? n * whole[i] : n, 1)
    const summed = this.scale(this.sum(full, stretched.filter(i => sizes[i] !== 1), true), times)
    return this.reshape(summed, this.shape(summed).slice(added))
  }
}

/** A value computed at the first call and shared by the later ones. */
export const once = (make: () => ValueId): (() => ValueId) => {
  let value: ValueId | undefined
  return () => (value ??= make())
}
