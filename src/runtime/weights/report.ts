// The report of a binding in words: refused as a whole, or notes on what was and was not used.
import type { ModelDescription } from '../../compiler/semantics/model.ts'
import type { BindReport, Misshapen } from './bind.ts'
import { WeightsError } from './tensors.ts'

/** Names grouped by the first parts of their paths, with counts: the longest common number of parts up to three with at most `most` lines. */
export function groupNames(names: readonly string[], most = 12): string[] {
  const grouped = (parts: number): string[] => {
    const groups = new Map<string, string[]>()
    for (const name of names) {
      const key = name.split('.').slice(0, parts).join('.')
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [name])
      else group.push(name)
    }
    return [...groups].map(([key, group]) => (group.length > 1 ? `  ${key}.* (${group.length} tensors)` : `  ${group[0]}`))
  }
  const lines = [3, 2, 1].map(grouped).find((l, i) => l.length <= most || i === 2)!
  return lines.length > most ? [...lines.slice(0, most), `  ... and ${lines.length - most} more groups`] : lines
}

const count = (n: number): string => (n === 1 ? '1 tensor' : `${n} tensors`)

/**
 * Notes for the user. `complete`: every parameter is needed (evaluation, export); otherwise missing ones keep their first values. `reason` may know why tensors have another shape.
 * Throws WeightsError for what cannot be used.
 */
export function checkBinding(path: string, model: ModelDescription, report: BindReport, complete: boolean, reason?: (misshapen: readonly Misshapen[]) => readonly string[]): string[] {
  const { matched, misshapen, mistyped, computed, unexpected, placed } = report
  const problems: string[] = []
  if (misshapen.length > 0) {
    problems.push(`${misshapen.length} tensors have another shape than the model:`, ...misshapen.slice(0, 12).map(m => `  ${m.name}: found [${m.found.join(', ')}], expected [${m.expected.join(', ')}]`))
    if (misshapen.length > 12) problems.push(`  ... and ${misshapen.length - 12} more`)
    problems.push(...reason?.(misshapen) ?? [])
  }
  if (mistyped.length > 0) {
    problems.push(`${count(mistyped.length)} of another kind of number than the model's:`, ...mistyped.slice(0, 12).map(m => `  ${m.name}: found ${m.found}, expected ${m.expected}`))
    if (mistyped.length > 12) problems.push(`  ... and ${mistyped.length - 12} more`)
  }
  // Running counters are bookkeeping: files of other trainers may lack them.
  const missing = report.missing.filter(n => !n.endsWith('num_batches_tracked'))
  if (complete && missing.length > 0) problems.push(`${count(missing.length)} of the model are missing from the file:`, ...groupNames(missing))
  // A file may well hold more than the model; only with other problems is it a sign.
  const ofFile = matched.length + misshapen.length + mistyped.length + unexpected.length
  if (matched.length === 0 || (problems.length > 0 && 2 * matched.length < ofFile)) problems.unshift(`${matched.length === 0 ? 'none' : `only ${matched.length}`} of its ${ofFile} tensors fit: is it the checkpoint of another model?`)
  const extra = unexpected.length > 0 ? [`${count(unexpected.length)} of the file are not in the model${problems.length > 0 ? '' : ' and are left out'}:`, ...groupNames(unexpected)] : []
  if (problems.length > 0) throw new WeightsError([`${path}: does not fit model ${model.name}`, ...(placed === undefined ? [] : [placed]), ...problems, ...extra, 'hint: `mtlc weights inspect` lists the file, `mtlc summary` the model'].join('\n'))
  const notes: string[] = []
  if (missing.length > 0) notes.push(`${count(missing.length)} are not in the file and keep their first values:`, ...groupNames(missing))
  notes.push(...extra)
  if (computed.length > 0) notes.push(`${count(computed.length)} of the file are computed by the model itself and are not read`)
  if (placed !== undefined) notes.unshift(placed)
  return notes.length > 0 ? [`${path}: ${matched.length} of the ${matched.length + missing.length} tensors of ${model.name} are in the file${missing.length > 0 ? ':' : ''}`, ...(missing.length > 0 ? groupNames(matched) : []), ...notes] : []
}
