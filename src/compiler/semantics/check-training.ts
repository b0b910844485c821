// What `train` says against the model: every pattern of paths fits a parameter, something is left to train, and there are tasks to weigh.
import { diagnose } from '../diagnostics/catalogue.ts'
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts'
import { didYouMean } from '../diagnostics/suggest.ts'
import type { ProgramInput } from '../ir/program.ts'
import type { Expr } from '../syntax/ast.ts'
import type { TrainSpec } from '../tasks/spec.ts'
import { fits, frozenParameters, pathOf } from '../tasks/groups.ts'
import { placeOf } from './models-values.ts'
import type { Slot } from './variants.ts'

/** Where `text` stands as a string in an expression. */
function placeOfText(expr: Expr, text: string): Span | undefined {
  const first = (parts: readonly Expr[]): Span | undefined => { for (const p of parts) { const found = placeOfText(p, text); if (found !== undefined) return found } return undefined }
  switch (expr.kind) {
    case 'string': return expr.value === text ? expr.span : undefined
    case 'list': return first(expr.items)
    case 'call': return first(expr.args.map(a => a.value))
    case 'binary': return first([expr.left, expr.right])
    default: return undefined
  }
}

const spanOf = (slot: Slot, pattern: string): Span => {
  const sources = [...slot.overrides.map(o => o.value.node), ...(slot.initial === undefined || slot.initial.node.kind === 'let' ? [] : [slot.initial.node])].toReversed()
  for (const node of sources) { const found = placeOfText(node, pattern); if (found !== undefined) return found }
  return placeOf(slot)
}

/** What stands at the first part of a pattern that fits nothing. */
function suggestion(pattern: string, paths: readonly string[]): string | undefined {
  const parts = pattern.split('.')
  for (let n = parts.length - 1; n >= 0; n--) {
    const head = parts.slice(0, n).join('.')
    const below = n === 0 ? paths : paths.filter(p => fits(`${head}.*`, p))
    if (below.length === 0 || parts.slice(0, n).includes('**')) continue
    const names = [...new Set(below.map(p => p.split('.')[n]))]
    const hint = didYouMean(parts[n], names)
    return n === 0 || hint === undefined ? hint : `below \`${head}\`: ${hint}`
  }
  return didYouMean(parts.at(-1)!, new Set(paths.flatMap(p => p.split('.'))))
}

/** Report patterns that fit no parameter, groups that leave nothing to train, and a strategy for several tasks where `tasks` (with losses) is one. */
export function checkTraining(train: TrainSpec, inputs: readonly ProgramInput[], tasks: number, slots: ReadonlyMap<string, Slot>, report: (d: Diagnostic) => void): void {
  const parameters = inputs.filter(i => i.role === 'parameter')
  const paths = parameters.map(pathOf)
  const check = (slot: Slot, patterns: readonly string[]): boolean => {
    const unused = [...new Set(patterns)].filter(pattern => !paths.some(p => fits(pattern, p)))
    for (const pattern of unused) report(diagnose('unused-group', spanOf(slot, pattern), { pattern }, { hint: suggestion(pattern, paths) }))
    return unused.length === 0
  }
  const [groups, weighting] = [slots.get('groups')!, slots.get('weighting')!]
  if (train.groups !== undefined && check(groups, train.groups.flatMap(g => g.paths)) && frozenParameters(train, parameters).size === parameters.length) report(diagnose('all-frozen', placeOf(groups), { count: parameters.length }))
  if (train.weighting?.kind === 'gradnorm' && train.weighting.at !== undefined) check(weighting, train.weighting.at)
  if (train.weighting !== undefined && train.weighting.kind !== 'uncertainty' && tasks < 2) report(diagnose('nothing-to-weigh', placeOf(weighting), { kind: train.weighting.kind }))
}
