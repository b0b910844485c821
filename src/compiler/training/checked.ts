// The training step in a checked mode: beside its losses it says of every result whether all its elements are finite, so that the first one that is not can be named.
import { Builder } from '../ir/builder.ts'
import type { OpName } from '../ir/ops.ts'
import type { Origin, Phase, Program, ValueId } from '../ir/program.ts'
import { sizeOf } from '../ir/types.ts'
import type { Span } from '../diagnostics/diagnostic.ts'
import { Emitter } from '../rules/gradient-language.ts'

/** Where a value comes from: an input by its name, or a node. Plain data. */
export interface CheckedValue {
  /** of an input, else '' */
  readonly input: string
  readonly op: OpName | undefined
  readonly path: string
  readonly phase: Phase
  readonly span: Span | undefined
  /** places of the operands in the list of values */
  readonly operands: readonly number[]
  /** place in the output `check`; undefined for inputs, for values that are no floats, and where finite operands give a finite result */
  readonly check: number | undefined
}

export interface CheckedStep { readonly program: Program; readonly values: readonly CheckedValue[]; /** losses and the norm of the gradients: their places in the list of values */ readonly results: readonly number[] }

/** They make no number that is not among their operands'. */
const moving: ReadonlySet<OpName> = new Set<OpName>(['reshape', 'transpose', 'broadcast', 'slice', 'pad', 'concat', 'roll', 'after', 'gather', 'stopGradient', 'neg', 'abs'])

/** The output `check`: one number per checked value, 0 if all elements of the value are finite, else NaN. The state is not updated. */
export function checkedStep(step: Program): CheckedStep {
  const builder = new Builder()
  const places = new Map<ValueId, number>()
  const values: CheckedValue[] = []
  const renamed = new Map<ValueId, ValueId>()
  const marks: ValueId[] = []
  const origin: Origin = { path: '', span: undefined, phase: 'update' }
  const g = new Emitter(builder, origin)
  const zero = g.fill(0)
  for (const { id, name, role, type, origin: own, init } of step.inputs) {
    renamed.set(id, builder.input(name, role, type, own, init))
    places.set(id, values.length)
    values.push({ input: name, op: undefined, path: own.path, phase: own.phase, span: own.span, operands: [], check: undefined })
  }
  for (const node of step.nodes) {
    const own = builder.emit(node.op, node.inputs.map(i => renamed.get(i)!), node.attrs as never, node.origin)
    renamed.set(node.id, own)
    const checked = node.type.dtype === 'float32' && !moving.has(node.op)
    // Infinity times zero is NaN as well.
    if (checked) {
      const size = sizeOf(node.type.shape), flat = g.reshape(g.mul(own, zero), [size])
      marks.push(size === 1 ? flat : g.reshape(g.sum(flat, [0]), [1]))
    }
    places.set(node.id, values.length)
    values.push({ input: '', op: node.op, path: node.origin.path, phase: node.origin.phase, span: node.origin.span, operands: node.inputs.map(i => places.get(i)!), check: checked ? marks.length - 1 : undefined })
  }
  const results = step.outputs.filter(o => o.role === 'loss' || o.name === 'grad_norm')
  for (const { name, role, value } of results) builder.output(name, role, renamed.get(value)!)
  builder.output('check', 'tap', marks.length === 1 ? marks[0] : g.op('concat', marks, { axis: 0 }))
  return { program: builder.finish(step.name), values, results: results.map(r => places.get(r.value)!) }
}

/**
 * The value that was the first to be not finite, of those that have made a result so: itself not finite, its operands finite. `check`: the output of that name; `bad`: whether an input holds a number that is not finite.
 * Undefined if all results are finite.
 */
export function firstNonFinite<T extends Omit<CheckedValue, 'span'>>({ values, results }: { readonly values: readonly T[]; readonly results: readonly number[] }, check: ArrayLike<number>, bad: (input: string) => boolean): T | undefined {
  const spoilt = new Map<number, boolean>()
  values.forEach((v, i) => spoilt.set(i, v.op === undefined ? bad(v.input) : v.check === undefined ? v.operands.some(o => spoilt.get(o)) : !Number.isFinite(check[v.check])))
  const seen = new Set<number>()
  const waiting = results.filter(r => spoilt.get(r))
  let first: number | undefined
  for (let i; (i = waiting.pop()) !== undefined;) {
    if (seen.has(i)) continue
    seen.add(i)
    const causes = values[i].operands.filter(o => spoilt.get(o))
    if (causes.length === 0) first = Math.min(first ?? i, i)
    waiting.push(...causes)
  }
  return first === undefined ? undefined : values[first]
}
