// Names and their values while a model is elaborated, and what the evaluator is given from outside.
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts'
import type { Builder } from '../ir/builder.ts'
import type { BlockDecl } from '../syntax/ast.ts'
import type { BuiltinFunction } from './functions/function.ts'
import type { BlockValue, Value } from './values.ts'

/** What made a name; only `local` and `argument` can be assigned. */
export type BindingKind = 'declaration' | 'static' | 'dimension' | 'argument' | 'member' | 'local'

/** `span` is the place a message points at ("C is 64 here"). */
export interface Binding { readonly kind: BindingKind; readonly value: Value; readonly span: Span | undefined }

/** A chain of name tables, innermost first. A name may hide one of an outer scope. */
export class Scope {
  readonly parent: Scope | undefined
  readonly #own = new Map<string, Binding>()

  constructor(parent?: Scope) { this.parent = parent }

  binding(name: string): Binding | undefined {
    return this.#own.get(name) ?? this.parent?.binding(name)
  }

  lookup(name: string): Value | undefined {
    return this.binding(name)?.value
  }

  /** Every visible name, innermost first; a hidden name comes twice. */
  * names(): Iterable<string> {
    yield* this.#own.keys()
    if (this.parent !== undefined) yield* this.parent.names()
  }

  own(): ReadonlyMap<string, Binding> { return this.#own }

  child(): Scope { return new Scope(this) }

  define(name: string, value: Value, span?: Span, kind: BindingKind = 'local'): void {
    this.#own.set(name, { kind, value, span })
  }

  /** Give an existing name another value, where it was defined. False if there is no such name. */
  assign(name: string, value: Value, span?: Span): boolean {
    const here = this.#own.get(name)
    if (here === undefined) return this.parent?.assign(name, value, span) ?? false
    this.#own.set(name, { kind: here.kind, value, span })
    return true
  }
}

/** An argument of a call: its value and the place of its expression. */
export interface CallArg { readonly name?: string; readonly nameSpan?: Span; readonly value: Value; readonly span: Span }

/** Bounds of one elaboration (docs/language.md, section 9). */
export interface Limits {
  /** calls in calls */
  readonly depth: number
  /** items of one range */
  readonly range: number
  /** nodes of the program */
  readonly nodes: number
  /** expressions and statements evaluated */
  readonly steps: number
}

export const defaultLimits: Limits = { depth: 64, range: 100_000, nodes: 200_000, steps: 20_000_000 }

export interface EvaluatorOptions {
  readonly builder: Builder
  readonly mode: 'infer' | 'train'
  /** Called once per finding: repeated ones (same code, same place) and those past the hundredth are dropped before. */
  readonly report: (diagnostic: Diagnostic) => void
  /** The scope of the file in which a block stands: declared and imported blocks, as bare block values (`{ t: 'block', decl, args: new Map(), span, bare: true }`). */
  readonly scopeOf: (decl: BlockDecl) => Scope
  /** `block Mlp = X` of a variant: name of a declaration -> what stands for it. */
  readonly substitutions?: ReadonlyMap<string, BlockValue>
  /** Built-in functions; without it the table of functions/. Kinds (`adam`, `segmentation`) may be added to it. */
  readonly functions?: ReadonlyMap<string, BuiltinFunction>
  /** Path of a parameter or state -> its final name (the rename table). Without it the path itself. */
  readonly nameOf?: (path: string) => string
  readonly limits?: Partial<Limits>
}
