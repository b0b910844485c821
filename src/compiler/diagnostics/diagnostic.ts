// A diagnostic is a value: the compiler never throws for a user's mistake.

/** Half-open range of UTF-16 offsets in one source file; `file` is the name that was given to the compiler. */
export interface Span {
  readonly file: string
  readonly start: number
  readonly end: number
}

export type Severity = 'error' | 'warning'

/** A second place that takes part in the mistake ("bound to 64 here"). */
export interface Label {
  readonly span: Span
  readonly text: string
}

/** One finding. `code` is a key of the catalogue (catalogue.ts), `hint` says the likely fix. */
export interface Diagnostic {
  readonly code: string
  readonly severity: Severity
  readonly message: string
  readonly span: Span
  /** What is said under the main span; empty for none. */
  readonly label: string
  readonly labels: readonly Label[]
  readonly hint: string | undefined
}
