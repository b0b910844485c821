// Every message of the compiler, once: code -> severity, message with named holes, and where it is always the same, label and hint.
import { evaluationMessages } from './catalogue-evaluation.ts'
import { semanticsMessages } from './catalogue-semantics.ts'
import { syntaxMessages } from './catalogue-syntax.ts'
import type { Diagnostic, Label, Severity, Span } from './diagnostic.ts'

/** `{hole}` in message, label and hint is filled from the arguments of diagnose(). */
export interface Message { readonly severity: Severity; readonly message: string; readonly label?: string; readonly hint?: string }

export const catalogue = { ...syntaxMessages, ...semanticsMessages, ...evaluationMessages } as const satisfies Record<string, Message>

export type Code = keyof typeof catalogue
type HolesIn<S> = S extends `${string}{${infer H}}${infer Rest}` ? H | HolesIn<Rest> : never
type AllHoles<M> = M extends { message: infer A } ? HolesIn<A> | (M extends { label: infer B } ? HolesIn<B> : never) | (M extends { hint: infer C } ? HolesIn<C> : never) : never
export type Holes<C extends Code> = Readonly<Record<AllHoles<(typeof catalogue)[C]>, string | number>>

const fill = (template: string, holes: Readonly<Record<string, string | number>>): string =>
  template.replace(/\{([a-zA-Z]+)\}/g, (whole, name: string) => (name in holes ? String(holes[name]) : whole))

/** Make a diagnostic; a wrong code or a missing hole does not compile. `extra.hint` and `extra.label` replace the catalogue's. */
export function diagnose<C extends Code>(code: C, span: Span, holes: Holes<C>, extra: { readonly label?: string; readonly labels?: readonly Label[]; readonly hint?: string | undefined } = {}): Diagnostic {
  const entry: Message = catalogue[code]
  const hint = extra.hint ?? (entry.hint === undefined ? undefined : fill(entry.hint, holes))
  return { code, severity: entry.severity, message: fill(entry.message, holes), span, label: extra.label ?? fill(entry.label ?? '', holes), labels: extra.labels ?? [], hint }
}
