// Values as text, in the syntax of the language: for messages, and for the resolved model.
import type { Initialiser } from '../ir/program.ts'
import { describe, type Value } from './values.ts'

const isName = (text: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(text)
const quote = (text: string): string => `"${text.replace(/[\\"]/g, c => `\\${c}`).replace(/\n/g, '\\n').replace(/\t/g, '\\t')}"`
/** A name, quoted if it is no identifier. */
export const showName = (text: string): string => (isName(text) ? text : quote(text))
const showFloat = (v: number): string => (Number.isInteger(v) && Math.abs(v) < 1e15 ? `${v}.0` : `${v}`)

function showInit(init: Initialiser): string {
  if (init.kind === 'constant') return init.value === 0 ? 'zeros' : init.value === 1 ? 'ones' : `fill(${init.value})`
  const { kind, ...rest } = init
  return `${kind}(${Object.entries(rest).filter(([, v]) => v !== undefined).map(([k, v]) => `${k} = ${v}`).join(', ')})`
}

/** On one line. A block shows every argument, given or defaulted. */
export function printValue(value: Value): string {
  switch (value.t) {
    case 'int': case 'bool': return `${value.v}`
    case 'float': return showFloat(value.v)
    case 'string': return quote(value.v)
    case 'none': return 'none'
    case 'list': return `[${value.items.map(printValue).join(', ')}]`
    case 'record': return `{${[...value.fields].map(([k, v]) => `${showName(k)}: ${printValue(v)}`).join(', ')}}`
    case 'kind': return `${value.name}(${showArguments(value.fields)})`
    case 'block': return value.bare === true ? value.decl.name.text : `${value.decl.name.text}(${showArguments(value.args)})`
    case 'instance': return value.path
    case 'function': return value.name
    case 'init': return showInit(value.init)
    case 'tensor': case 'error': return describe(value)
  }
}

const showArguments = (args: ReadonlyMap<string, Value>): string => [...args].map(([k, v]) => `${k} = ${printValue(v)}`).join(', ')

/** One item per line where a line would be longer than `width`; `indent` is what stands before every line but the first. */
export function layoutValue(value: Value, indent = '', width = 100): string {
  const flat = printValue(value)
  if (indent.length + flat.length <= width) return flat
  const inner = `${indent}  `
  const block = (open: string, items: readonly string[], close: string): string => (items.length === 0 ? open + close : `${open}\n${items.map(i => `${inner}${i},\n`).join('')}${indent}${close}`)
  const fields = (entries: ReadonlyMap<string, Value>, sign: string): readonly string[] => [...entries].map(([k, v]) => `${showName(k)}${sign}${layoutValue(v, inner, width)}`)
  switch (value.t) {
    case 'list': return block('[', value.items.map(v => layoutValue(v, inner, width)), ']')
    case 'record': return block('{', fields(value.fields, ': '), '}')
    case 'kind': return block(`${value.name}(`, fields(value.fields, ' = '), ')')
    case 'block': return value.bare === true ? flat : block(`${value.decl.name.text}(`, fields(value.args, ' = '), ')')
    default: return flat
  }
}
