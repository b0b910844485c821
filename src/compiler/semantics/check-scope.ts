// Names as the static check sees them: what each name stands for, without its value, and whether it was used.
import type { Span } from '../diagnostics/diagnostic.ts'
import type { Definition } from './modules.ts'

export type EntryKind = 'static' | 'dimension' | 'argument' | 'member' | 'state' | 'let' | 'loop' | 'file' | 'builtin'

export interface Entry { readonly kind: EntryKind; readonly name: string; readonly span: Span | undefined; readonly definition: Definition | undefined; used: boolean }

/** A chain of tables, innermost first. */
export class Names {
  readonly parent: Names | undefined
  readonly #own = new Map<string, Entry>()

  constructor(parent?: Names) { this.parent = parent }

  find(name: string): Entry | undefined { return this.#own.get(name) ?? this.parent?.find(name) }

  /** Look up and mark as used. */
  use(name: string): Entry | undefined {
    const entry = this.find(name)
    if (entry !== undefined) entry.used = true
    return entry
  }

  define(kind: EntryKind, name: string, span?: Span, definition?: Definition): void {
    this.#own.set(name, { kind, name, span, definition, used: false })
  }

  own(): Iterable<Entry> { return this.#own.values() }

  * visible(): Iterable<string> {
    yield* this.#own.keys()
    if (this.parent !== undefined) yield* this.parent.visible()
  }
}
