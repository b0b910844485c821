// Random small programs, and feeds for them: every pass must leave their results alone.
import fc from 'fast-check'
import { Builder, ShapeError } from '../../src/compiler/ir/builder.ts'
import type { OpAttrs, OpName } from '../../src/compiler/ir/ops.ts'
import type { Origin, Program, ValueId } from '../../src/compiler/ir/program.ts'
import { sizeOf, type TensorData } from '../../src/compiler/ir/types.ts'

export const origin: Origin = { path: 'model', span: undefined, phase: 'forward' }

/** Draws from a list of numbers, and zeros behind its end. */
class Choices {
  readonly #numbers: readonly number[]
  #next = 0
  constructor(numbers: readonly number[]) { this.#numbers = numbers }
  get done(): boolean { return this.#next >= this.#numbers.length }
  below(n: number): number { return (this.#numbers[this.#next++] ?? 0) % n }
  of<T>(list: readonly T[]): T { return list[this.below(list.length)] }
}

/**
 * Elements are small multiples of 1/2 until an inexact operator touches them, and products stay below degree 6: sums and products are exact in every order,
 * so that comparisons cannot tip. `inexact` marks values for which that no longer holds.
 */
interface Known { readonly degree: number; readonly inexact: boolean }

const unary = ['neg', 'abs', 'relu', 'stopGradient', 'neg'] as const
const inexactUnary = ['tanh', 'sigmoid', 'gelu', 'softplus', 'sin', 'erf'] as const
const binary = ['add', 'sub', 'max', 'min'] as const
const compare = ['less', 'greater', 'equal'] as const

const dims = [1, 2, 3, 1, 4]
const halves = (c: Choices): number => c.of([0, 1, -1, 2, 0.5, -0.5, 1])

const build = (numbers: readonly number[]): Program => {
  const c = new Choices(numbers)
  const b = new Builder()
  const values: ValueId[] = []
  const facts = new Map<ValueId, Known>()
  const known = (v: ValueId): Known => facts.get(v) ?? { degree: 0, inexact: false }
  const add = (id: ValueId, fact: Known): void => { values.push(id); facts.set(id, fact) }
  const emit = <K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K], inexact = false, degree = Math.max(0, ...inputs.map(v => known(v).degree))): void => {
    try {
      add(b.emit(op, inputs, attrs, origin), { degree, inexact: inexact || inputs.some(v => known(v).inexact) })
    } catch (e) {
      if (!(e instanceof ShapeError)) throw e
    }
  }
  const size = c.of(dims)
  for (let i = 0; i < 3; i++) add(b.input(`x${i}`, 'input', { dtype: 'float32', shape: [[size, 3], [3, size], [2, 1, size, 3]][i] }, origin), { degree: 1, inexact: false })
  const pick = (dtype = 'float32'): ValueId | undefined => {
    const fitting = values.filter(v => b.type(v).dtype === dtype)
    return fitting.length ? fitting[fitting.length - 1 - c.below(fitting.length)] : undefined
  }
  const any = (): ValueId => values[values.length - 1 - c.below(values.length)]
  const product = (op: 'mul' | 'matmul', x: ValueId, y: ValueId): void => {
    const degree = known(x).degree + known(y).degree
    if (degree > 6) return
    if (op === 'mul') emit('mul', [x, y], {}, false, degree)
    else emit('matmul', [x, y], { transA: c.below(2) === 1, transB: c.below(2) === 1, alpha: c.of([1, 2, -0.5]) }, false, degree)
  }
  const axesOf = (rank: number): number[] => Array.from({ length: rank }, (_, i) => i).filter(() => c.below(2) === 0)
  const steps: readonly (() => void)[] = [
    () => emit(c.of(unary), [pick()!], {}),
    () => emit(c.of(inexactUnary), [pick()!], {}, true),
    () => emit(c.of(binary), [pick()!, pick()!], {}),
    () => product('mul', pick()!, pick()!),
    () => product('matmul', pick()!, pick()!),
    () => emit('fill', [], { dtype: 'float32', shape: c.of([[], [1], [size, 3], [1, 3]]), value: halves(c) }),
    () => emit('constant', [], { value: { dtype: 'float32', shape: [3], data: Float32Array.from([halves(c), halves(c), halves(c)]) } }),
    () => { const x = pick()!; product('mul', x, scalar(halves(c))) },
    () => { const x = pick()!; emit('div', [x, scalar(c.of([1, 2, -2, 0.5]))], {}) },
    () => { const x = pick()!; emit('add', [x, scalar(0)], {}) },
    () => { const x = pick()!; const s = b.type(x).shape; emit('reshape', [x], { shape: c.of([[sizeOf(s)], [1, ...s], [...s, 1], [...s].toReversed(), s]) }) },
    () => { const x = any(); const n = b.type(x).shape.length; const k = c.below(Math.max(1, n)); emit('transpose', [x], { perm: Array.from({ length: n }, (_, i) => (i + k) % n) }) },
    () => { const x = any(); const n = b.type(x).shape.length; if (n > 1) emit('transpose', [x], { perm: Array.from({ length: n }, (_, i) => i < n - 2 ? i : 2 * n - 3 - i) }) },
    () => { const x = any(); const s = b.type(x).shape; emit('broadcast', [x], { shape: [...c.of([[], [2]]), ...s.map(d => d === 1 ? c.of(dims) : d)] }) },
    () => { const x = any(); const s = b.type(x).shape; const start = s.map(d => c.below(d)); emit('slice', [x], { start, stop: s.map((d, i) => start[i] + 1 + c.below(d - start[i])), step: s.map(() => c.of([1, 1, 2])) }) },
    () => { const x = any(); const s = b.type(x).shape; emit('slice', [x], { start: s.map(d => d - 1), stop: s.map(() => -1), step: s.map(() => -1) }) },
    () => { const x = pick()!; const s = b.type(x).shape; emit('pad', [x], { before: s.map(() => c.below(2)), after: s.map(() => c.below(2)), value: halves(c) }) },
    () => { const x = pick()!; emit('concat', c.below(3) === 0 ? [x] : [x, pick()!], { axis: c.below(Math.max(1, b.type(x).shape.length)) }) },
    () => { const x = any(); const s = b.type(x).shape; emit('roll', [x], { axes: s.map((_, i) => i), shifts: s.map(() => c.of([0, 1, -1, 3])) }) },
    () => { const x = pick()!; emit(c.of(['reduceSum', 'reduceMax'] as const), [x], { axes: axesOf(b.type(x).shape.length), keepDims: c.below(2) === 0 }) },
    () => { const x = pick()!; emit('reduceMean', [x], { axes: axesOf(b.type(x).shape.length), keepDims: c.below(2) === 0 }, true) },
    () => { const x = pick()!; if (b.type(x).shape.length) emit('softmax', [x], { axis: b.type(x).shape.length - 1 }, true) },
    () => { const [x, y] = [pick()!, pick()!]; if (!known(x).inexact && !known(y).inexact) emit(c.of(compare), [x, y], {}) },
    () => { const m = pick('bool'); if (m !== undefined) emit('where', [m, pick()!, pick()!], {}) },
    () => { const m = pick('bool'); if (m !== undefined) emit(c.of(['not', 'not'] as const), [m], {}) },
    () => { const m = pick('bool'); if (m !== undefined) emit(c.of(['and', 'or'] as const), [m, pick('bool')!], {}) },
    () => { const m = pick('bool'); if (m !== undefined) emit('cast', [m], { to: c.of(['float32', 'int32', 'bool'] as const) }) },
    () => { const i = pick('int32'); if (i !== undefined) emit('cast', [i], { to: c.of(['float32', 'int32'] as const) }) },
    () => emit('iota', [], { shape: [size, 3], axis: c.below(2) }),
    () => { const x = pick()!; emit('gather', [x, b.emit('constant', [], { value: { dtype: 'int32', shape: [2], data: Int32Array.from([0, 0]) } }, origin)], { axis: 0 }) },
  ]
  const scalar = (value: number): ValueId => b.emit('fill', [], { dtype: 'float32', shape: [], value }, origin)
  while (!c.done) c.of(steps)()
  const outputs = [...values.slice(-3), values[c.below(values.length)]]
  outputs.forEach((v, i) => b.output(`y${i}`, 'tap', v))
  return b.finish('random')
}

/** Programs of up to about forty nodes with outputs y0 to y3. */
export const randomProgram: fc.Arbitrary<Program> = fc.array(fc.nat({ max: 10_000 }), { minLength: 10, maxLength: 160 }).map(build)

/** Multiples of 1/2 in [-1.5, 1.5] for each input. */
export const feedsFor = (program: Program, seed = 1): Record<string, TensorData> => {
  let state = seed
  const draw = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return ((state >> 16) % 7 - 3) / 2
  }
  return Object.fromEntries(program.inputs.map(i => [i.name, { dtype: i.type.dtype, shape: i.type.shape, data: Float32Array.from({ length: sizeOf(i.type.shape) }, draw) }]))
}
