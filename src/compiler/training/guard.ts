// A step whose losses or gradients are not finite changes nothing: asked for by `on_nonfinite = "skip"`, and costs a selection per element of the state.
import { Builder } from '../ir/builder.ts'
import type { Origin, Program, ValueId } from '../ir/program.ts'
import { Emitter } from '../rules/gradient-language.ts'

/** Below the largest float32. */
const LARGEST = 3.4e38
const origin: Origin = { path: '', span: undefined, phase: 'update' }

/** 1 if all of the scalars are finite, else 0: no comparison holds for a NaN. */
const finite = (g: Emitter, scalars: readonly ValueId[]): ValueId =>
  scalars.map(x => g.op('less', [g.abs(x), g.fill(LARGEST)], {})).reduce((a, b) => g.op('and', [a, b], {}))

/**
 * The training step with every next parameter, moment and state as it was, if the total loss or the norm of the gradients is not finite. With accumulation one such pass holds back the whole step: the moment
 * `finite` remembers it until the first pass of the next step, and the sum of gradients goes on without that pass, so that it stays finite itself.
 */
export function guardStep(step: Program): Program {
  const builder = Builder.from({ ...step, outputs: [] })
  const g = new Emitter(builder, origin)
  const outputs = new Map(step.outputs.map(o => [o.name, o.value]))
  const inputs = new Map(step.inputs.map(i => [i.name, i.id]))
  const sound = finite(g, ['loss', 'grad_norm'].map(name => outputs.get(name)!))
  const keep = inputs.get('scalar/keep')
  let whole = sound
  let remembered: ValueId | undefined
  if (keep !== undefined) {
    const before = builder.input('finite', 'moment', { dtype: 'float32', shape: [] }, origin, { kind: 'constant', value: 1 })
    remembered = g.mul(g.float(sound), g.max(before, g.from(1, keep)))
    whole = g.op('greater', [remembered, g.fill(0.5)], {})
  }
  for (const { name, role, value } of step.outputs) {
    const before = role === 'parameter' || role === 'moment' || role === 'state' ? inputs.get(name) : undefined
    if (before === undefined) builder.output(name, role, value)
    else if (keep !== undefined && name.startsWith('accumulated/')) builder.output(name, role, g.where(sound, value, g.mul(before, keep)))
    else builder.output(name, role, g.where(whole, value, before))
  }
  if (remembered !== undefined) builder.output('finite', 'moment', remembered)
  return builder.finish(step.name)
}
