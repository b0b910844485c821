// Free names of expressions: which members of a model must be known before one can be evaluated.
import type { Arg, Expr, IndexItem } from '../syntax/ast.ts'

const none: ReadonlySet<string> = new Set()

/** Every name that `expr` reads from outside itself. */
export function freeNames(expr: Expr, bound: ReadonlySet<string> = none): readonly string[] {
  const inside = (e: Expr): readonly string[] => freeNames(e, bound)
  const args = (list: readonly Arg[]): readonly string[] => list.flatMap(a => inside(a.value))
  const item = (i: IndexItem): readonly string[] => (i.kind === 'at' ? inside(i.value) : i.kind === 'slice' ? [i.start, i.stop, i.step].flatMap(e => (e === undefined ? [] : inside(e))) : [])
  switch (expr.kind) {
    case 'int': case 'float': case 'string': case 'bool': case 'none': case 'size': return []
    case 'name': return bound.has(expr.name) ? [] : [expr.name]
    case 'list': return expr.items.flatMap(inside)
    case 'record': return expr.fields.flatMap(f => inside(f.value))
    case 'comprehension': {
      const inner = new Set([...bound, ...expr.names.map(n => n.text)])
      return [...inside(expr.iterable), ...(expr.filter === undefined ? [] : freeNames(expr.filter, inner)), ...freeNames(expr.value, inner)]
    }
    case 'range': return [...inside(expr.from), ...inside(expr.to)]
    case 'call': return [...inside(expr.callee), ...args(expr.args)]
    case 'pipe': return [...inside(expr.value), ...inside(expr.callee), ...args(expr.args)]
    case 'index': return [...inside(expr.target), ...expr.items.flatMap(item)]
    case 'field': return inside(expr.target)
    case 'unary': return inside(expr.operand)
    case 'binary': return [...inside(expr.left), ...inside(expr.right)]
    case 'if-expr': return [...inside(expr.cond), ...inside(expr.then), ...inside(expr.else)]
  }
}
