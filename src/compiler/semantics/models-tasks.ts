// The result of a model's forward against its tasks: one prediction each, of the shape its kind asks for; then targets and losses.
import { diagnose } from '../diagnostics/catalogue.ts'
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts'
import type { Builder } from '../ir/builder.ts'
import type { Origin } from '../ir/program.ts'
import { Emitter } from '../rules/gradient-language.ts'
import type { DataSpec, TaskSpec, TrainSpec } from '../tasks/spec.ts'
import type { Evaluator } from './evaluate.ts'
import { toTaskConfig } from './kinds-spec.ts'
import { leaves, taskTensors } from './kinds-tensors.ts'
import type { TaskValues } from './models-values.ts'
import { weighLosses, type TaskLoss } from './models-weighting.ts'
import { describe, record, type Value } from './values.ts'

export type Report = (d: Diagnostic) => void

/** A task whose prediction was found and fits. */
export interface Predicted { readonly task: TaskValues; readonly spec: TaskSpec; readonly prediction: Value }

const quoted = (names: Iterable<string>): string => [...names].map(n => `\`${n}\``).join(', ')

/** Check the result of forward and add the outputs of role 'prediction'. Undefined after a report. */
export function collectPredictions(result: Value, span: Span, tasks: readonly TaskValues[], data: DataSpec, batch: number, builder: Builder, report: Report): readonly Predicted[] | undefined {
  if (result.t !== 'record') {
    report(diagnose('model-result', span, { found: describe(result) }, { hint: 'for example `return {for t in tasks: t.head(features)}`' }))
    return undefined
  }
  let complete = true
  const fail = (d: Diagnostic): void => { report(d); complete = false }
  for (const name of result.fields.keys()) if (!tasks.some(t => t.name === name)) fail(diagnose('extra-output', span, { name }, { hint: `the tasks are ${quoted(tasks.map(t => t.name))}` }))
  const predicted: Predicted[] = []
  for (const task of tasks) {
    const prediction = result.fields.get(task.name)
    if (prediction === undefined) { fail(diagnose('unused-task', task.span, { name: task.name, found: quoted(result.fields.keys()) || 'no field' }, { labels: [{ span, text: 'returned here' }] })); continue }
    if (prediction.t === 'error') { complete = false; continue }
    const config = toTaskConfig(task.kind.name, task.fields)
    const tensors = taskTensors(config, batch, prediction)
    const found = leaves(prediction)
    if ('problem' in tensors) { fail(diagnose('wrong-prediction', task.span, { name: task.name, kind: task.kind.name, reason: tensors.problem.message }, { labels: [{ span, text: 'returned here' }], hint: tensors.problem.message.includes(tensors.problem.expected) ? undefined : `expected ${tensors.problem.expected}` })); continue }
    if (found === undefined) throw new Error('internal: a prediction that fits has something that is no tensor')
    const predictions = Object.fromEntries(found.map(leaf => [leaf.field, leaf.tensor.type]))
    for (const leaf of found) builder.output(leaf.field === '' ? task.name : `${task.name}/${leaf.field}`, 'prediction', leaf.tensor.id)
    const spec: TaskSpec = { name: task.name, config, weight: task.weight, predictions, targets: tensors.targets }
    checkGrids(task, spec, data, report)
    predicted.push({ task, spec, prediction })
  }
  return complete ? predicted : undefined
}

/** Points of a level lie a stride apart: a grid that does not cover the image means that strides and features disagree. */
function checkGrids(task: TaskValues, { config, predictions }: TaskSpec, data: DataSpec, report: Report): void {
  if (config.kind !== 'detection3d') return
  for (const [level, nominal] of config.strides.entries()) {
    const [, , rows, columns] = predictions[`cls/${level}`].shape
    const stride = nominal / config.resize
    const expected = data.image.map(side => Math.ceil(side / stride - 1e-6))
    if (Math.abs(rows - expected[0]) <= 1 && Math.abs(columns - expected[1]) <= 1) continue
    report(diagnose('level-grid', task.span, { name: task.name, level, grid: `${rows} x ${columns}`, stride: Number(stride.toFixed(3)), image: data.image.join(' x '), expected: expected.join(' x ') }))
    return
  }
}

/**
 * Of images without a valid depth the target stands for the prediction: a loss has no error and no gradient there. The targets of other tasks say themselves what does not count.
 */
function withoutMissing(builder: Builder, { config }: TaskSpec, prediction: Value, targets: ReadonlyMap<string, Value>, origin: Origin): Value {
  const target = targets.get('depth')
  if (config.kind !== 'depth' || prediction.t !== 'tensor' || target?.t !== 'tensor') return prediction
  const g = new Emitter(builder, origin)
  const missing = g.equal(target.id, g.fill(config.invalid))
  const valid = g.op('reduceMax', [g.sub(g.fill(1), missing)], { axes: [1, 2, 3], keepDims: true })
  return { ...prediction, id: g.where(g.op('greater', [valid, g.fill(0)], {}), prediction.id, target.id) }
}

/** Declare targets, call the losses, add the outputs of role 'loss' and their weighted total. False after a report. */
export function addLosses(predicted: readonly Predicted[], model: { readonly name: string; readonly span: Span }, { train: { weighting }, data: { labels } }: { readonly train: Pick<TrainSpec, 'weighting'>; readonly data: Pick<DataSpec, 'labels'> }, evaluator: Evaluator, report: Report): boolean {
  const trained = predicted.filter(p => p.task.loss.t !== 'none')
  if (trained.length === 0) { report(diagnose('nothing-to-train', model.span, { name: model.name })); return false }
  const { builder } = evaluator
  evaluator.setPhase('loss')
  const losses: TaskLoss[] = [], partial = labels === 'partial'
  let complete = true
  for (const { task, spec, prediction } of trained) {
    const origin = { path: `losses.${task.name}`, span: task.lossSpan, phase: 'loss' } as const
    const targets = new Map<string, Value>(Object.entries(spec.targets).map(([name, type]) => [name, { t: 'tensor', type, id: builder.input(`target/${task.name}/${name}`, 'target', type, origin) }]))
    const instance = evaluator.instantiate(task.loss, `losses.${task.name}`, task.lossSpan)
    const seen = partial ? withoutMissing(builder, spec, prediction, targets, origin) : prediction
    const result = evaluator.call(instance, [{ value: seen, span: task.lossSpan }, { value: record(targets), span: task.lossSpan }], task.lossSpan)
    if (result.t === 'error') { complete = false; continue }
    const components: readonly (readonly [string, Value])[] = result.t === 'record' ? [...result.fields] : [['', result]]
    const scalars = components.map(([name, value]) => (value.t === 'tensor' && value.type.dtype === 'float32' && value.type.shape.length === 0 ? { name, id: value.id } : undefined))
    const wrong = components.find((_, i) => scalars[i] === undefined)
    if (wrong !== undefined || scalars.length === 0) {
      if (components.some(([, v]) => v.t === 'error')) { complete = false; continue }
      report(diagnose('loss-result', task.lossSpan, { name: task.name, found: wrong === undefined || wrong[0] === '' ? describe(result) : `\`${wrong[0]}\`: ${describe(wrong[1])}` }))
      complete = false
      continue
    }
    const parts = scalars.flatMap(s => s ?? [])
    if (result.t === 'record') for (const { name, id } of parts) builder.output(`loss/${task.name}/${name}`, 'loss', id)
    const total = parts.map(p => p.id).reduce((a, b) => builder.emit('add', [a, b], {}, origin))
    builder.output(`loss/${task.name}`, 'loss', total)
    const weighted = task.weight === 1 ? total : builder.emit('mul', [total, builder.emit('fill', [], { dtype: 'float32', shape: [], value: task.weight }, origin)], {}, origin)
    losses.push({ name: task.name, weight: task.weight, weighted, span: task.lossSpan })
  }
  if (!complete) return false
  builder.output('loss', 'loss', weighLosses(builder, losses, weighting, model.span))
  return true
}
