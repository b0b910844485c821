// The training step: forward and losses, gradients, clipping and optimiser in one program.
import { Builder } from '../ir/builder.ts'
import type { Origin, Program, ValueId } from '../ir/program.ts'
import { optimise } from '../passes/index.ts'
import type { Emitter } from '../rules/gradient-language.ts'
import type { ElaboratedModel } from '../semantics/model.ts'
import { clipFactor, globalNorm } from './clip.ts'
import { COST_SHARE, deferGradients } from './deferred.ts'
import { applyOptimiser } from './optimiser.ts'
import { differentiate, expandForGradients, unreachedBy } from './reverse.ts'

export interface StepOptions {
  /** Also give the gradient of every parameter, before clipping, as `grad/<parameter>`. */
  readonly gradients?: boolean
  /** Keep the predictions (and taps) among the outputs. */
  readonly predictions?: boolean
  /** Run the passes on the forward program first, so that what they merge is differentiated once. Default: yes. The passes over the whole step are left to the caller. */
  readonly optimise?: boolean
  /** Large weight gradients are computed right before their updates where that saves memory, for this share of multiply-adds more (deferred.ts). Default: 0.01; 0 where gradients are outputs, which keeps them alive. */
  readonly defer?: number
}

type StepModel = Pick<ElaboratedModel, 'mode' | 'program' | 'train'>

/** The program to be differentiated, and its total loss. */
function forwardOf(model: StepModel, options: StepOptions): { program: Program; loss: ValueId } {
  const expanded = expandForGradients(model.program)
  const program = options.optimise === false ? expanded : optimise(expanded)
  const loss = program.outputs.find(o => o.role === 'loss' && o.name === 'loss')
  if (model.mode !== 'train' || loss === undefined) throw new Error(`internal: ${program.name} was not elaborated for training: it has no output \`loss\``)
  return { program, loss: loss.value }
}

const parametersOf = (program: Program): Program['inputs'] => program.inputs.filter(i => i.role === 'parameter')

/** The parameters that the loss does not depend on, by name: training leaves them as they are. */
export function unreachedParameters(model: StepModel): string[] {
  const { program, loss } = forwardOf(model, {})
  const parameters = parametersOf(program)
  const unreached = new Set(unreachedBy(program.nodes, loss, parameters.map(p => p.id)))
  return parameters.filter(p => unreached.has(p.id)).map(p => p.name)
}

/**
 * The training step of a model elaborated with mode 'train'. Inputs: those of the model, then the optimiser's scalars and moments. Outputs: the losses, the metric `grad_norm` (before clipping),
 * and the next parameters, moments and states under the names of the inputs they replace. A parameter that the loss does not depend on (unreachedParameters) has a zero gradient and no
 * next value and no moments: as in PyTorch it stays as it is, weight decay included.
 */
export function buildTrainingStep(model: StepModel, options: StepOptions = {}): Program {
  const { program, loss } = forwardOf(model, options)
  const parameters = parametersOf(program)
  const origin: Origin = { path: '', span: undefined, phase: 'update' }
  const builder = Builder.from({ ...program, outputs: [] })
  const { gradients, unreached } = differentiate(builder, loss, parameters.map(p => p.id), { ...origin, phase: 'backward' })

  const skipped = new Set(unreached)
  const trained = parameters.filter(p => !skipped.has(p.id)).map(p => ({ name: p.name, value: p.id, gradient: gradients.get(p.id)!, origin: p.origin }))
  const { deferred, obsolete } = deferGradients(builder, trained.map(p => p.gradient), options.defer ?? (options.gradients ? 0 : COST_SHARE))
  const norm = globalNorm(builder, trained.map(p => ({ value: p.gradient, origin: p.origin, squares: deferred.get(p.gradient)?.squares })), origin)
  const factor = model.train.clipNorm === undefined ? undefined : clipFactor(builder, norm, model.train.clipNorm, origin)
  const updated = trained.map(p => ({ ...p, gradient: (g: Emitter) => deferred.get(p.gradient)?.gradient(g, norm) ?? p.gradient }))
  const update = applyOptimiser(builder, model.train.optimizer, updated, factor, origin)

  for (const o of program.outputs) if (o.role === 'loss' || o.role === 'state' || (options.predictions && (o.role === 'prediction' || o.role === 'tap'))) builder.output(o.name, o.role, o.value)
  builder.output('grad_norm', 'metric', norm)
  if (options.gradients) for (const p of parameters) builder.output(`grad/${p.name}`, 'gradient', gradients.get(p.id)!)
  for (const [name, value] of update.parameters) builder.output(name, 'parameter', value)
  for (const [name, value] of update.moments) builder.output(name, 'moment', value)
  const step = builder.finish(program.name)
  return options.gradients ? step : { ...step, nodes: step.nodes.filter(n => !obsolete.has(n.id)) }
}
