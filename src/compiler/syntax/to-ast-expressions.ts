// Concrete to abstract syntax: expressions, types and dimensions. The strength of operators is decided here.
/* oxlint-disable unicorn/no-thenable -- the branch of a condition is called so in the syntax tree */
import type { CstNode, IToken } from 'chevrotain'
import * as t from '../../../grammar/tokens.ts'
import { diagnose } from '../diagnostics/catalogue.ts'
import type { Arg, BinaryOperator, DimExpr, Expr, IndexItem, Name, TypeExpr } from './ast.ts'
import { assign, type Context, declared, fail, field, has, join, node, nodes, span, token, tokens, tokenSpan } from './cst.ts'
import { number, size, unescape } from './text.ts'

/** Most operations between the top of an expression and its innermost operand. */
export const maxDepth = 1000

/** Strength of the operators between operands, from weak to strong; `not` and unary `-` stand between them. */
const strength: Readonly<Record<BinaryOperator | '|>', number>> = {
  '|>': 1, or: 2, and: 3, '==': 5, '!=': 5, '<': 5, '<=': 5, '>': 5, '>=': 5, '+': 6, '-': 6, '*': 7, '/': 7, div: 7, '%': 7, '**': 9,
}
const prefixStrength = { not: 4, '-': 8 } as const
const comparison = 5
const operatorOf = (x: IToken): BinaryOperator | '|>' => x.image as BinaryOperator | '|>'

function nest<T extends object & { span: Expr['span'] }>(c: Context, made: T, ...inside: readonly (object | undefined)[]): T {
  let depth = 0
  for (const x of inside) if (x !== undefined) depth = Math.max(depth, c.depths.get(x) ?? 0)
  if (depth >= maxDepth) { c.diagnostics.push(diagnose('expression-too-deep', made.span, { limit: maxDepth })); return fail() }
  c.depths.set(made, depth + 1)
  return made
}

export function expression(c: Context, n: CstNode): Expr {
  const chains = nodes(n, 'chain').map(x => (x.recoveredNode ? fail() : chain(c, x)))
  if (chains.length === 0) return fail()
  let result = chains.length === 1 ? chains[0] : nest(c, { kind: 'range', span: join(chains[0].span, chains[1].span), from: chains[0], to: chains[1] } as const, chains[0], chains[1])
  const ifs = tokens(n, 'if')
  const parts = nodes(n, 'expression')
  if (parts.length !== 2 * ifs.length) return fail()
  for (let i = ifs.length - 1; i >= 0; i--) {
    const [cond, then] = [expression(c, parts[2 * i]), expression(c, parts[2 * i + 1])]
    result = nest(c, { kind: 'if-expr', span: join(tokenSpan(c, ifs[i]), result.span), cond, then, else: result } as const, cond, then, result)
  }
  return result
}

/** `parenthesised` tells `x |> (f(a))`, which calls the result, from `x |> f(a)`. */
interface Operand { readonly expr: Expr; readonly parenthesised: boolean }

export function chain(c: Context, n: CstNode): Expr {
  const operands = nodes(n, 'operand')
  const operators = tokens(n, 'BinaryOperator')
  const prefixes = operands.map(x => tokens(x, 'prefix').toSorted((a, b) => a.startOffset - b.startOffset))
  if (operands.length !== operators.length + 1) return fail()
  if (operands.length + prefixes.reduce((sum, p) => sum + p.length, 0) > maxDepth) { c.diagnostics.push(diagnose('expression-too-deep', span(c, n), { limit: maxDepth })); return fail() }
  let at = 0
  let prefix = 0

  const climb = (least: number): Operand => {
    let left = unary()
    while (at < operators.length) {
      const x = operators[at]
      const op = operatorOf(x)
      if (strength[op] < least) break
      at++
      prefix = 0
      const right = climb(op === '**' ? strength[op] : strength[op] + 1)
      if (op === '|>') { left = { expr: pipe(c, left.expr, right), parenthesised: false }; continue }
      const made = { kind: 'binary', span: join(left.expr.span, right.expr.span), op, opSpan: tokenSpan(c, x), left: left.expr, right: right.expr } as const
      left = { expr: nest(c, made, left.expr, right.expr), parenthesised: false }
      const next = operators[at]
      if (strength[op] === comparison && next !== undefined && strength[operatorOf(next)] === comparison) c.diagnostics.push(diagnose('chained-comparison', tokenSpan(c, next), {}))
    }
    return left
  }
  const unary = (): Operand => {
    const x = prefixes[at][prefix++]
    if (x === undefined) return postfix(c, operands[at])
    const op = x.image as 'not' | '-'
    const { expr } = climb(prefixStrength[op])
    return { expr: nest(c, { kind: 'unary', span: join(tokenSpan(c, x), expr.span), op, operand: expr } as const, expr), parenthesised: false }
  }
  return climb(0).expr
}

const callable = new Set<Expr['kind']>(['name', 'field', 'index', 'call', 'list'])

function pipe(c: Context, value: Expr, { expr, parenthesised }: Operand): Expr {
  if (!parenthesised && !callable.has(expr.kind)) { c.diagnostics.push(diagnose('pipe-target', expr.span, {})); return fail() }
  const whole = join(value.span, expr.span)
  if (expr.kind === 'call' && !parenthesised) return nest(c, { kind: 'pipe', span: whole, value, callee: expr.callee, args: expr.args } as const, value, expr)
  return nest(c, { kind: 'pipe', span: whole, value, callee: expr, args: [] } as const, value, expr)
}

function postfix(c: Context, n: CstNode): Operand {
  const first = tokens(n, 'literal')[0]
  const primary = first === undefined ? node(n, 'primary') : undefined
  let expr = first === undefined ? composite(c, primary!) : literal(c, first)
  const steps = nodes(n, 'postfix')
  for (const x of steps) {
    if (x.recoveredNode) return fail()
    const whole = join(expr.span, span(c, x))
    if (x.name === 'args') {
      const args = callArgs(c, x)
      expr = nest(c, { kind: 'call', span: whole, callee: expr, args } as const, expr, ...args.map(a => a.value))
    } else if (x.name === 'index') {
      const items = nodes(x, 'indexItem').map(i => indexItem(c, i))
      expr = nest(c, { kind: 'index', span: whole, target: expr, items } as const, expr, ...items)
    } else expr = nest(c, { kind: 'field', span: whole, target: expr, name: field(c, token(x, 'FieldName')) } as const, expr)
  }
  return { expr, parenthesised: steps.length === 0 && primary?.name === 'parenthesis' }
}

function literal(c: Context, x: IToken): Expr {
  const at = tokenSpan(c, x)
  switch (x.tokenType) {
    case t.Int: return { kind: 'int', span: at, value: number(x.image) }
    case t.BadNumber: return { kind: 'int', span: at, value: 0 }
    case t.Float: return { kind: 'float', span: at, value: number(x.image) }
    case t.Size: { const [rows, columns] = size(x.image); return { kind: 'size', span: at, rows, columns } }
    case t.Text: case t.OpenText: return { kind: 'string', span: at, value: unescape(x.image) }
    case t.True: case t.False: return { kind: 'bool', span: at, value: x.tokenType === t.True }
    case t.None: return { kind: 'none', span: at }
    default: return { kind: 'name', span: at, name: x.image }
  }
}

function composite(c: Context, n: CstNode): Expr {
  const at = span(c, n)
  if (n.name === 'parenthesis') return reSpan(c, expression(c, node(n, 'expression')), at)
  if (has(n, 'comprehension')) return comprehension(c, node(n, 'comprehension'), n.name === 'list' ? 'list' : 'record', at)
  if (n.name === 'list') {
    const items = nodes(n, 'expression').map(x => expression(c, x))
    return nest(c, { kind: 'list', span: at, items } as const, ...items)
  }
  const fields = nodes(n, 'recordField').map(x => ({ name: field(c, token(x, 'FieldName')), value: expression(c, node(x, 'expression')) }))
  return nest(c, { kind: 'record', span: at, fields } as const, ...fields.map(f => f.value))
}

const reSpan = (c: Context, expr: Expr, at: Expr['span']): Expr => {
  const made = { ...expr, span: at }
  c.depths.set(made, c.depths.get(expr) ?? 0)
  return made
}

function comprehension(c: Context, n: CstNode, form: 'list' | 'record', at: Expr['span']): Expr {
  const parts = nodes(n, 'expression').map(x => expression(c, x))
  const filter = has(n, 'if') ? parts[1] : undefined
  const value = parts[has(n, 'if') ? 2 : 1] ?? fail()
  return nest(c, { kind: 'comprehension', span: at, form, names: loopNames(c, node(n, 'names')), iterable: parts[0], filter, value } as const, ...parts)
}

/** `v` or `i, v` of a loop. */
export function loopNames(c: Context, n: CstNode): Name[] {
  const all = tokens(n, 'Name').map(x => declared(c, x, 'a loop variable'))
  if (all.length > 2) { c.diagnostics.push(diagnose('expected', all[2].span, { expected: 'one name, or two (index and item)', found: `${all.length} names` })); return fail() }
  return all
}

function callArgs(c: Context, n: CstNode): Arg[] {
  let named = false
  return nodes(n, 'arg').map(x => {
    const name = has(x, 'FieldName') ? field(c, token(x, 'FieldName')) : undefined
    const value = expression(c, node(x, 'expression'))
    if (name === undefined && named) c.diagnostics.push(diagnose('positional-after-named', value.span, {}))
    named ||= name !== undefined
    return { span: span(c, x), name, value }
  })
}

function indexItem(c: Context, n: CstNode): IndexItem {
  const at = span(c, n)
  if (has(n, 'Ellipsis')) return { kind: 'ellipsis', span: at }
  const start = has(n, 'chain') ? chain(c, node(n, 'chain')) : undefined
  if (!has(n, 'slice')) {
    const value = start ?? expression(c, node(n, 'expression'))
    return nest(c, { kind: 'at', span: at, value } as const, value)
  }
  const slice = node(n, 'slice')
  const end = (label: string): Expr | undefined => (has(slice, label) ? chain(c, node(slice, label)) : undefined)
  const [stop, step] = [end('stop'), end('step')]
  return nest(c, { kind: 'slice', span: at, start, stop, step } as const, start, stop, step)
}

export function type(c: Context, n: CstNode): TypeExpr {
  const at = span(c, n)
  const question = tokens(n, 'Question')[0]
  const inner = question === undefined ? at : { ...at, end: question.startOffset }
  const made = typeAtom(c, n, inner)
  return question === undefined ? made : { kind: 'optional', span: at, inner: made }
}

function typeAtom(c: Context, n: CstNode, at: Expr['span']): TypeExpr {
  if (has(n, 'dims')) return { kind: 'dims', span: at, dims: dims(c, node(n, 'dims')) }
  if (has(n, 'fieldTypes')) {
    const fields = node(n, 'fieldTypes')
    return { kind: 'fields', span: at, fields: tokens(fields, 'FieldName').map((x, i) => ({ name: field(c, x), type: type(c, node(fields, 'type', i)) })) }
  }
  const name = tokens(n, 'Identifier')[0] ?? token(n, 'block')
  return { kind: 'named', span: at, name: name.image, arg: has(n, 'type') ? type(c, node(n, 'type')) : undefined }
}

export function dims(c: Context, n: CstNode): DimExpr[] {
  return nodes(n, 'dim').map((x): DimExpr => {
    const at = span(c, x)
    if (has(x, 'Star')) return { kind: 'star', span: at }
    if (has(x, 'block')) return { kind: 'expr', span: at, value: { kind: 'name', span: at, name: 'block' } }
    const value = expression(c, node(x, 'expression'))
    return value.kind === 'name' && value.name === '_' ? { kind: 'any', span: at } : { kind: 'expr', span: at, value }
  })
}

/** Dimensions of a parameter: `*` and `_` mean nothing there. */
export function exactDims(c: Context, n: CstNode, what: string): Expr[] {
  return dims(c, n).map(d => {
    if (d.kind === 'expr') return d.value
    c.diagnostics.push(diagnose('dims-exact', d.span, { text: d.kind === 'star' ? '*' : '_', what }))
    return fail()
  })
}

/** The value after the `=` of a rule. */
export function assigned(c: Context, n: CstNode): Expr { assign(c, n); return expression(c, node(n, 'expression')) }
