// The training step: forward and losses, gradients, clipping and optimiser in one program.
import { Builder } from '../ir/builder.ts'
import type { Origin, Program, ValueId } from '../ir/program.ts'
import { optimise } from '../passes/index.ts'
import { Emitter } from '../rules/gradient-language.ts'
import type { ElaboratedModel } from '../semantics/model.ts'
import { frozenParameters, settingsOf } from '../tasks/groups.ts'
import { logVariances } from '../tasks/weighting-names.ts'
import { clipFactor, globalNorm } from './clip.ts'
import { separateCounts } from './counts.ts'
import { COST_SHARE, deferGradients } from './deferred.ts'
import { guardStep } from './guard.ts'
import { applyOptimiser, moment, scalarInput, type Update } from './optimiser.ts'
import { differentiate, expandForGradients, unreachedBy } from './reverse.ts'
import { weighGradients, type WeighedGradients } from './weighting.ts'

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

/** `tasks`: where a strategy works on the gradients of tasks. */
type StepModel = Pick<ElaboratedModel, 'mode' | 'program' | 'train'> & Partial<Pick<ElaboratedModel, 'tasks'>>

/** The program to be differentiated, and its total loss. */
function forwardOf(model: StepModel, options: StepOptions): { program: Program; loss: ValueId } {
  const whole = expandForGradients(model.program)
  const expanded = model.train.accumulate === undefined ? whole : separateCounts(whole).program
  const program = options.optimise === false ? expanded : optimise(expanded)
  const loss = program.outputs.find(o => o.role === 'loss' && o.name === 'loss')
  if (model.mode !== 'train' || loss === undefined) throw new Error(`internal: ${program.name} was not elaborated for training: it has no output \`loss\``)
  return { program, loss: loss.value }
}

/** What the losses divide by, from the targets of one pass, where a step has several: the means over its passes are fed to each (counts.ts). */
export const countsOfStep = ({ program, train }: StepModel): Program | undefined => train.accumulate === undefined ? undefined : separateCounts(expandForGradients(program)).counts

/** The parameters that are to be trained. */
const parametersOf = (model: StepModel, program: Program): Program['inputs'] => {
  const frozen = frozenParameters(model.train, program.inputs)
  return program.inputs.filter(i => i.role === 'parameter' && !frozen.has(i.name))
}

/** The parameters that are to be trained and that the loss does not depend on, by name: training leaves them as they are. */
export function unreachedParameters(model: StepModel): string[] {
  const { program, loss } = forwardOf(model, {})
  const parameters = parametersOf(model, program)
  const unreached = new Set(unreachedBy(program.nodes, loss, parameters.map(p => p.id)))
  return parameters.filter(p => unreached.has(p.id)).map(p => p.name)
}

interface Reached { readonly name: string; readonly value: ValueId; readonly gradient: ValueId; readonly origin: Origin }

/** The gradients of the parameters that the loss depends on: of the total, or as a strategy makes them of those of the tasks. */
function gradientsOf(builder: Builder, { train: { weighting }, tasks = [] }: StepModel, program: Program, loss: ValueId, parameters: Program['inputs'], origin: Origin): WeighedGradients {
  if (weighting?.kind === 'gradnorm' || weighting?.kind === 'pcgrad') {
    const losses = program.outputs.flatMap(o => {
      const task = o.role === 'metric' && o.name.startsWith('weighted/') ? o.name.slice('weighted/'.length) : undefined
      return task === undefined ? [] : [{ task, weight: tasks.find(t => t.name === task)?.weight ?? 1, loss: o.value }]
    })
    return weighGradients(builder, weighting, losses, loss, parameters, origin)
  }
  const { gradients, unreached } = differentiate(builder, loss, parameters.map(p => p.id), { ...origin, phase: 'backward' })
  return { gradients: new Map([...gradients].filter(([p]) => !unreached.includes(p))), moments: [], weights: [] }
}

/**
 * The gradients with those of earlier passes added, in the order in which the backward pass makes them. The sums are state (`accumulated/<parameter>`), not the sums times zero after an update: so an
 * engine can add in the buffer of the state, and the sum takes no memory beside it.
 */
function accumulate(builder: Builder, reached: readonly Reached[], origin: Origin): { readonly reached: readonly Reached[]; readonly moments: Update['moments'] } {
  const keep = scalarInput(new Emitter(builder, { ...origin, phase: 'update' }), 'keep')
  const sums = new Map<ValueId, ValueId>()
  for (const p of [...reached].sort((a, b) => a.gradient - b.gradient)) {
    const g = new Emitter(builder, { ...p.origin, phase: 'backward' })
    sums.set(p.gradient, g.add(g.mul(moment(builder, `accumulated/${p.name}`, p), keep), p.gradient))
  }
  return { reached: reached.map(p => ({ ...p, gradient: sums.get(p.gradient)! })), moments: reached.map(p => [`accumulated/${p.name}`, sums.get(p.gradient)!] as const) }
}

/** Next values of the averages `ema/<parameter>` of the parameters that change. */
function averages(builder: Builder, reached: readonly Reached[], parameters: Update['parameters'], origin: Origin): Update['moments'] {
  const scalars = new Emitter(builder, { ...origin, phase: 'update' })
  const [kept, share] = [scalarInput(scalars, 'average'), scalarInput(scalars, 'average_share')]
  const origins = new Map(reached.map(p => [p.name, p]))
  return parameters.map(([name, next]) => {
    const p = origins.get(name)!
    const g = new Emitter(builder, { ...p.origin, phase: 'update' })
    return [`ema/${name}`, g.add(g.mul(moment(builder, `ema/${name}`, p), kept), g.mul(next, share))] as const
  })
}

/**
 * The training step of a model elaborated with mode 'train'. Inputs: those of the model, then the optimiser's scalars and moments. Outputs: the losses, the metric `grad_norm` (before clipping),
 * and the next parameters, moments and states under the names of the inputs they replace. A parameter that the loss does not depend on (unreachedParameters) has a zero gradient and no
 * next value and no moments: as in PyTorch it stays as it is, weight decay included. Of a frozen parameter no gradient is computed at all.
 *
 * With accumulation the program is one pass: its gradient is divided by the number of passes and added to those of the passes before, and scalars (scalars.ts) say whether the optimiser moves.
 */
export function buildTrainingStep(model: StepModel, options: StepOptions = {}): Program {
  const { program, loss } = forwardOf(model, options)
  const { train } = model
  const parameters = parametersOf(model, program)
  const origin: Origin = { path: '', span: undefined, phase: 'update' }
  const builder = Builder.from({ ...program, outputs: [] })
  const share = train.accumulate === undefined ? loss : new Emitter(builder, { ...origin, phase: 'loss' }).scale(loss, 1 / train.accumulate)
  const { gradients, moments: strategy, weights } = gradientsOf(builder, model, program, share, parameters, origin)
  const own: readonly Reached[] = parameters.filter(p => gradients.has(p.id)).map(p => ({ name: p.name, value: p.id, gradient: gradients.get(p.id)!, origin: p.origin }))
  const { reached, moments: sums } = train.accumulate === undefined ? { reached: own, moments: [] } : accumulate(builder, own, origin)
  const { deferred, obsolete } = deferGradients(builder, reached.map(p => p.gradient), options.defer ?? (options.gradients ? 0 : COST_SHARE))
  // What weighs the losses is no part of the network: it neither counts for clipping nor is clipped.
  const isWeight = (p: Reached): boolean => p.origin.path === logVariances
  const norm = globalNorm(builder, reached.filter(p => !isWeight(p)).map(p => ({ value: p.gradient, origin: p.origin, squares: deferred.get(p.gradient)?.squares })), origin)
  const factor = train.clipNorm === undefined ? undefined : clipFactor(builder, norm, train.clipNorm, origin)
  const settings = new Map(parameters.map(p => [p.name, settingsOf(train, p)]))
  // Gradients that wait come last, when those that were there are gone.
  const inOrder = [...reached.filter(p => !deferred.has(p.gradient)), ...reached.filter(p => deferred.has(p.gradient))]
  const updated = inOrder.map(p => ({ ...p, unclipped: isWeight(p), settings: settings.get(p.name)!, gradient: (g: Emitter) => deferred.get(p.gradient)?.gradient(g, norm) ?? p.gradient }))
  const update = applyOptimiser(builder, train.optimizer, updated, { factor, bound: train.clipValue }, train.accumulate !== undefined, origin)
  const averaged = train.ema === undefined ? [] : averages(builder, reached, update.parameters, origin)

  for (const o of program.outputs) if (o.role === 'loss' || o.role === 'state' || (options.predictions && (o.role === 'prediction' || o.role === 'tap'))) builder.output(o.name, o.role, o.value)
  for (const o of program.outputs) if (o.role === 'metric' && o.name.startsWith('weight/')) builder.output(o.name, o.role, o.value)
  for (const [name, value] of weights) builder.output(name, 'metric', value)
  builder.output('grad_norm', 'metric', norm)
  if (options.gradients) for (const p of parameters) builder.output(`grad/${p.name}`, 'gradient', gradients.get(p.id) ?? new Emitter(builder, { ...origin, phase: 'backward' }).fill(0, p.type.shape))
  for (const [name, value] of update.parameters) builder.output(name, 'parameter', value)
  for (const [name, value] of [...update.moments, ...strategy, ...sums, ...averaged]) builder.output(name, 'moment', value)
  const whole = builder.finish(program.name)
  const step = options.gradients ? whole : { ...whole, nodes: whole.nodes.filter(n => !obsolete.has(n.id)) }
  return train.onNonfinite === 'skip' ? guardStep(step) : step
}
