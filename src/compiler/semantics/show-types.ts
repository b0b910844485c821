// Types and dimensions as text, for messages.
import type { DimExpr, Expr, TypeExpr } from '../syntax/ast.ts'
import { describe, type Value } from './values.ts'

const strength: Readonly<Record<string, number>> = { or: 1, and: 2, '==': 3, '!=': 3, '<': 3, '<=': 3, '>': 3, '>=': 3, '+': 4, '-': 4, '*': 5, '/': 5, div: 5, '%': 5, '**': 7 }

/** An expression of the kind that stands in dimensions; others are abbreviated to `...`. */
export function showExpr(e: Expr, around = 0): string {
  switch (e.kind) {
    case 'int': case 'float': case 'bool': return `${e.value}`
    case 'string': return JSON.stringify(e.value)
    case 'none': return 'none'
    case 'name': return e.name
    case 'field': return `${showExpr(e.target, 9)}.${e.name.text}`
    case 'unary': return `${e.op === 'not' ? 'not ' : '-'}${showExpr(e.operand, 6)}`
    case 'call': return `${showExpr(e.callee, 9)}(${e.args.map(a => `${a.name === undefined ? '' : `${a.name.text} = `}${showExpr(a.value)}`).join(', ')})`
    case 'index': return `${showExpr(e.target, 9)}[${e.items.map(i => (i.kind === 'at' ? showExpr(i.value) : '...')).join(', ')}]`
    case 'list': return `[${e.items.map(i => showExpr(i)).join(', ')}]`
    case 'binary': {
      const own = strength[e.op]
      const text = `${showExpr(e.left, own)} ${e.op} ${showExpr(e.right, own + 1)}`
      return own < around ? `(${text})` : text
    }
    default: return '...'
  }
}

const showDim = (d: DimExpr): string => (d.kind === 'star' ? '*' : d.kind === 'any' ? '_' : showExpr(d.value))

export const showDims = (dims: readonly DimExpr[]): string => `[${dims.map(showDim).join(', ')}]`

export function showTypeExpr(type: TypeExpr): string {
  switch (type.kind) {
    case 'named': return type.arg === undefined ? type.name : `${type.name}[${showTypeExpr(type.arg)}]`
    case 'optional': return `${showTypeExpr(type.inner)}?`
    case 'dims': return showDims(type.dims)
    case 'fields': return `{${type.fields.map(f => `${f.name.text}: ${showTypeExpr(f.type)}`).join(', ')}}`
  }
}

/** A value as it reads inside a message: `{expr}` of a requirement. */
export function showValue(value: Value): string {
  switch (value.t) {
    case 'string': return value.v
    case 'int': case 'float': case 'bool': return `${value.v}`
    case 'list': return `[${value.items.slice(0, 12).map(showValue).join(', ')}${value.items.length > 12 ? ', ...' : ''}]`
    default: return describe(value)
  }
}
