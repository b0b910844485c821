// The front of the compiler: texts in, diagnostics, models and printed forms out. Pure: files come through a SourceHost.
import type { Diagnostic } from './diagnostics/diagnostic.ts'
import type { ElaboratedModel } from './semantics/model.ts'
import { elaboratePrepared, prepare } from './semantics/models.ts'
import type { SourceHost } from './semantics/modules.ts'

export type { Diagnostic, Label, Severity, Span } from './diagnostics/diagnostic.ts'
export { lineColumn, renderDiagnostic, toJson } from './diagnostics/render.ts'
export type { ElaboratedModel } from './semantics/model.ts'
export { elaborate, setSource, type ElaborateOptions, type Elaboration } from './semantics/models.ts'
export type { SourceHost } from './semantics/modules.ts'
export { diffModels } from './semantics/resolved.ts'
export { formatFile } from './syntax/format.ts'
export { parseFile } from './syntax/parse.ts'

/** Everything that is wrong with a file and what it imports: syntax, names, and every shape of every model the file declares, for inference and for training. Each finding once. */
export function checkFile(entry: string, host: SourceHost): { readonly diagnostics: readonly Diagnostic[] } {
  const prepared = prepare(entry, host)
  const { entry: file } = prepared.loaded
  const found = new Map<string, Diagnostic>()
  const add = (diagnostics: readonly Diagnostic[]): void => {
    for (const d of diagnostics) {
      const key = `${d.code} ${d.span.file} ${d.span.start} ${d.span.end} ${d.message}`
      if (!found.has(key)) found.set(key, d)
    }
  }
  add(prepared.diagnostics)
  for (const declaration of file?.file.declarations ?? []) {
    if (declaration.kind === 'block') continue
    const trains = elaboratePrepared(prepared, { model: declaration.name.text, mode: 'train' })
    const onlyServes = trains.diagnostics.filter(d => ['no-train', 'nothing-to-train'].includes(d.code))
    add(trains.diagnostics.filter(d => !onlyServes.includes(d)))
    add(elaboratePrepared(prepared, { model: declaration.name.text, mode: 'infer' }).diagnostics)
  }
  return { diagnostics: [...found.values()] }
}

/** The model with every variant and override applied, as text. */
export const resolvedText = (model: ElaboratedModel): string => model.resolved
