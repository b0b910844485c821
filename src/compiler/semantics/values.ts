// The values of elaboration: static ones, tensors of the program under construction, and blocks.
import type { Span } from '../diagnostics/diagnostic.ts'
import type { Initialiser, ValueId } from '../ir/program.ts'
import { showType, type TensorType } from '../ir/types.ts'
import type { BlockDecl } from '../syntax/ast.ts'

export type Value =
  | { readonly t: 'int'; readonly v: number }
  | { readonly t: 'float'; readonly v: number }
  | { readonly t: 'bool'; readonly v: boolean }
  | { readonly t: 'string'; readonly v: string }
  | { readonly t: 'none' }
  | { readonly t: 'list'; readonly items: readonly Value[] }
  | { readonly t: 'record'; readonly fields: ReadonlyMap<string, Value> }
  | { readonly t: 'tensor'; readonly id: ValueId; readonly type: TensorType }
  | { readonly t: 'init'; readonly init: Initialiser }
  /** `adam(...)`, `poly(...)`, `segmentation(...)`: a call of a built-in kind, its fields bound, checked and defaulted */
  | { readonly t: 'kind'; readonly group: KindGroup; readonly name: string; readonly fields: ReadonlyMap<string, Value> }
  | { readonly t: 'function'; readonly name: string }
  | BlockValue
  | Instance
  /** an error was reported where this came from: whatever uses it stays silent */
  | { readonly t: 'error' }

export type KindGroup = 'task' | 'augmentation' | 'optimizer' | 'schedule' | 'group' | 'average' | 'weighting'

/** The description `Linear(64)`: a declaration with its static arguments, checked and defaulted. `bare`: the name `Linear` alone, whose arguments are yet to be given (args is empty). */
export interface BlockValue { readonly t: 'block'; readonly decl: BlockDecl; readonly args: ReadonlyMap<string, Value>; readonly span: Span; readonly bare?: true }

/** A named block: it owns parameters and children under `path`. `state` belongs to the evaluator. */
export interface Instance { readonly t: 'instance'; readonly path: string; readonly block: BlockValue; readonly state: object }

export const int = (v: number): Value => ({ t: 'int', v })
export const float = (v: number): Value => ({ t: 'float', v })
export const bool = (v: boolean): Value => ({ t: 'bool', v })
export const string = (v: string): Value => ({ t: 'string', v })
export const none: Value = { t: 'none' }
export const error: Value = { t: 'error' }
export const list = (items: readonly Value[]): Value => ({ t: 'list', items })
export const record = (fields: ReadonlyMap<string, Value> | Readonly<Record<string, Value>>): Value => ({ t: 'record', fields: fields instanceof Map ? fields : new Map(Object.entries(fields)) })

/** What a value is, in a message: "int 3", "tensor f32[2, 64]", "list of 4". */
export function describe(value: Value): string {
  switch (value.t) {
    case 'int': case 'float': return `${value.t} ${value.v}`
    case 'bool': return `${value.v}`
    case 'string': return `string "${value.v.length > 40 ? `${value.v.slice(0, 37)}...` : value.v}"`
    case 'none': return 'none'
    case 'list': return `list of ${value.items.length}`
    case 'record': return `record {${[...value.fields.keys()].slice(0, 6).join(', ')}}`
    case 'tensor': return `tensor ${showType(value.type)}`
    case 'init': return `initialiser ${value.init.kind}`
    case 'kind': return `${value.group} ${value.name}`
    case 'function': return `function ${value.name}`
    case 'block': return `block ${value.decl.name.text}`
    case 'instance': return `block ${value.block.decl.name.text} (${value.path})`
    case 'error': return 'error'
  }
}

/** Structural equality of static values (tensors and instances by identity). */
export function sameValue(a: Value, b: Value): boolean {
  if (a === b) return true
  if (a.t !== b.t) return false
  switch (a.t) {
    case 'int': case 'float': case 'bool': case 'string': return a.v === (b as typeof a).v
    case 'none': case 'error': return true
    case 'list': { const o = b as typeof a; return a.items.length === o.items.length && a.items.every((x, i) => sameValue(x, o.items[i])) }
    case 'record': return sameFields(a.fields, (b as typeof a).fields)
    case 'tensor': return a.id === (b as typeof a).id
    case 'init': return JSON.stringify(a.init) === JSON.stringify((b as typeof a).init)
    case 'kind': { const o = b as typeof a; return a.name === o.name && sameFields(a.fields, o.fields) }
    case 'function': return a.name === (b as typeof a).name
    case 'block': { const o = b as typeof a; return a.decl === o.decl && sameFields(a.args, o.args) }
    case 'instance': return false
  }
}

function sameFields(a: ReadonlyMap<string, Value>, b: ReadonlyMap<string, Value>): boolean {
  if (a.size !== b.size) return false
  for (const [k, v] of a) { const w = b.get(k); if (w === undefined || !sameValue(v, w)) return false }
  return true
}
