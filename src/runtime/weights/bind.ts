// Tensors of a file -> parameters and states of a model, by name, with a report of what did not fit.
import type { ElaboratedModel } from '../../compiler/semantics/model.ts'
import type { ProgramInput } from '../../compiler/ir/program.ts'
import { sameShape, type TensorData } from '../../compiler/ir/types.ts'
import { toFloat32, toInt32, WeightsError, type StoredTensors } from './tensors.ts'

export interface Misshapen { readonly name: string; readonly found: readonly number[]; readonly expected: readonly number[] }
export interface BindReport { readonly matched: readonly string[]; readonly missing: readonly string[]; readonly unexpected: readonly string[]; readonly misshapen: readonly Misshapen[] }

/** Inputs that a weights file may hold. */
export const storedInputs = (model: ElaboratedModel): ProgramInput[] => model.program.inputs.filter(i => i.role === 'parameter' || i.role === 'state')

/** Values by input name for everything that matches. Tensors computed at compile time (`relative_position_index`) are neither needed nor unexpected. */
export function bindWeights(model: ElaboratedModel, tensors: StoredTensors): { readonly values: Record<string, TensorData>; readonly report: BindReport } {
  const inputs = storedInputs(model)
  const known = new Set([...inputs.map(i => i.name), ...model.constants.map(c => c.name)])
  const values: Record<string, TensorData> = {}
  const missing: string[] = []
  const misshapen: Misshapen[] = []
  for (const { name, type } of inputs) {
    const stored = tensors.get(name)
    if (stored === undefined) { missing.push(name); continue }
    if (!sameShape(stored.shape, type.shape)) { misshapen.push({ name, found: stored.shape, expected: type.shape }); continue }
    values[name] = { dtype: type.dtype, shape: type.shape, data: type.dtype === 'int32' ? toInt32(stored) : toFloat32(stored) }
  }
  return { values, report: { matched: Object.keys(values), missing, unexpected: [...tensors.keys()].filter(n => !known.has(n)), misshapen } }
}

/** Names grouped by their first three path parts, with counts, at most `most` lines. */
export function groupNames(names: readonly string[], most = 12): string[] {
  const groups = new Map<string, number>()
  for (const name of names) { const key = name.split('.').slice(0, 3).join('.'); groups.set(key, (groups.get(key) ?? 0) + 1) }
  const lines = [...groups].map(([key, n]) => `  ${key}${n > 1 ? `.* (${n} tensors)` : ''}`)
  return lines.length > most ? [...lines.slice(0, most), `  ... and ${lines.length - most} more groups`] : lines
}

/** The report in words. `complete`: every parameter is needed (evaluation, export); otherwise missing ones keep their first values. Throws WeightsError for what cannot be used. */
export function checkBinding(path: string, model: ElaboratedModel, report: BindReport, complete: boolean): string[] {
  const problems: string[] = []
  if (report.misshapen.length > 0) {
    problems.push(`${report.misshapen.length} tensors have another shape than the model:`, ...report.misshapen.slice(0, 12).map(m => `  ${m.name}: found [${m.found.join(', ')}], expected [${m.expected.join(', ')}]`))
    if (report.misshapen.length > 12) problems.push(`  ... and ${report.misshapen.length - 12} more`)
  }
  // Running counters are bookkeeping: files of other trainers may lack them.
  const missing = report.missing.filter(n => !n.endsWith('num_batches_tracked'))
  if (complete && missing.length > 0) problems.push(`${missing.length} tensors of the model are missing from the file:`, ...groupNames(missing))
  if (report.matched.length === 0) problems.push(`no tensor of the file fits model ${model.name}: is it the checkpoint of another model?`)
  if (problems.length > 0) {
    if (report.unexpected.length > 0) problems.push(`${report.unexpected.length} tensors of the file are not in the model:`, ...groupNames(report.unexpected))
    throw new WeightsError([`${path}: does not fit model ${model.name}`, ...problems, 'hint: `mtlc weights inspect` lists the file, `mtlc summary` the model'].join('\n'))
  }
  const notes: string[] = []
  if (missing.length > 0) notes.push(`${missing.length} tensors are not in the file and keep their first values:`, ...groupNames(missing))
  if (report.unexpected.length > 0) notes.push(`${report.unexpected.length} tensors of the file are not in the model and are left out:`, ...groupNames(report.unexpected))
  return notes
}
