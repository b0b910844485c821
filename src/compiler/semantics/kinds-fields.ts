// The types of fields of built-in kinds: what each accepts, said in words and checked.
import { parseMemorySize } from '../tasks/memory-size.ts'
import { printValue } from './show-values.ts'
import { describe, float, list, type Value } from './values.ts'

/** `accept` gives the value in the form the field keeps (an int becomes a float where one is expected), or undefined if it does not fit. */
export interface FieldType { readonly expects: string; readonly accept: (value: Value) => Value | undefined }

/** A field without `default` is required. */
export interface KindField { readonly type: FieldType; readonly default?: Value }

export interface KindSchema {
  readonly fields: Readonly<Record<string, KindField>>
  /** a mistake that no field alone shows: the field to point at, the message, and the likely fix */
  readonly check?: (fields: ReadonlyMap<string, Value>) => { readonly field: string; readonly message: string; readonly hint?: string } | undefined
}

export interface NumberRange { readonly above?: number; readonly below?: number; readonly from?: number; readonly to?: number }

const words = ({ above, below, from, to }: NumberRange): string =>
  [above === undefined ? '' : ` > ${above}`, from === undefined ? '' : ` >= ${from}`, below === undefined ? '' : ` < ${below}`, to === undefined ? '' : ` <= ${to}`].filter(s => s !== '').join(' and')
const within = (v: number, { above = -Infinity, below = Infinity, from = -Infinity, to = Infinity }: NumberRange): boolean =>
  (v > above || above === -Infinity) && (v < below || below === Infinity) && v >= from && v <= to && Number.isFinite(v)

export const integer = (range: NumberRange = {}): FieldType => ({ expects: `an int${words(range)}`, accept: v => (v.t === 'int' && within(v.v, range) ? v : undefined) })
export const number = (range: NumberRange = {}): FieldType => ({ expects: `a number${words(range)}`, accept: v => ((v.t === 'int' || v.t === 'float') && within(v.v, range) ? float(v.v) : undefined) })
export const oneOf = (...texts: readonly string[]): FieldType => ({ expects: texts.map(t => `"${t}"`).join(' or '), accept: v => (v.t === 'string' && texts.includes(v.v) ? v : undefined) })
export const truth: FieldType = { expects: 'true or false', accept: v => (v.t === 'bool' ? v : undefined) }
export const text: FieldType = { expects: 'a text', accept: v => (v.t === 'string' ? v : undefined) }
export const optional = (inner: FieldType): FieldType => ({ expects: `${inner.expects}, or none`, accept: v => (v.t === 'none' ? v : inner.accept(v)) })

/** Text of a size of memory, "14GiB". */
export const memorySize: FieldType = { expects: 'a size such as "14GiB" or "900MiB"', accept: v => (v.t === 'string' && parseMemorySize(v.v) !== undefined ? v : undefined) }

/** A list whose items all fit; `length` fixes how many. */
export const listOf = (what: string, item: FieldType, length?: number): FieldType => ({
  expects: `a list of ${length === undefined ? '' : `${length} `}${what}`,
  accept: v => {
    if (v.t !== 'list' || (length === undefined ? v.items.length === 0 : v.items.length !== length)) return undefined
    const items = v.items.map(item.accept)
    return items.every(i => i !== undefined) ? list(items) : undefined
  },
})

/** One item, or a list of them; kept as a list. */
export const oneOrMore = (what: string, item: FieldType): FieldType => ({
  expects: `${what}, or a list of them`,
  accept: v => listOf(what, item).accept(v.t === 'list' ? v : list([v])),
})

/** Rows and columns, `256 x 512`. */
export const size: FieldType = { ...listOf('ints', integer({ from: 1 }), 2), expects: 'a size (rows x columns)' }

/** Distinct names, at least one. */
export const names: FieldType = {
  expects: 'a list of distinct names',
  accept: v => (v.t === 'list' && v.items.length > 0 && v.items.every(i => i.t === 'string') && new Set(v.items.map(i => (i.t === 'string' ? i.v : ''))).size === v.items.length ? v : undefined),
}

/** [low, high] with low < high. */
export const interval: FieldType = {
  expects: '[low, high]',
  accept: v => {
    const pair = listOf('numbers', number(), 2).accept(v)
    if (pair === undefined || pair.t !== 'list') return undefined
    const [low, high] = pair.items
    return low.t === 'float' && high.t === 'float' && low.v < high.v ? pair : undefined
  },
}

/** A value made by a kind function of one group, `adam(lr = 1e-4)`. */
export const kindOf = (group: string, example: string): FieldType => ({ expects: `an ${group} such as ${example}`.replace(/^an (?![aeiou])/, 'a '), accept: v => (v.t === 'kind' && v.group === group ? v : undefined) })

/** Why a value does not fit a field: "expected an int >= 1, found float 2.5". */
export function mismatch(type: FieldType, found: Value): string {
  const whole = found.t === 'list' ? printValue(found) : ''
  return `expected ${type.expects}, found ${whole === '' || whole.length > 60 ? describe(found) : whole}`
}
