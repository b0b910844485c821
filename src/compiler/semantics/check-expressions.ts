// Static check of expressions: every name is known, arguments fit the callee where it is known from the text alone.
import { diagnose } from '../diagnostics/catalogue.ts'
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts'
import { didYouMean, nearest } from '../diagnostics/suggest.ts'
import type { Arg, BlockDecl, Expr, Name } from '../syntax/ast.ts'
import { Names } from './check-scope.ts'
import type { BuiltinFunction } from './functions/function.ts'

/** What one declaration's check shares: where findings go, which functions exist, and which blocks were mentioned. */
export interface CheckContext {
  readonly report: (diagnostic: Diagnostic) => void
  readonly functions: ReadonlyMap<string, BuiltinFunction>
  readonly mention: (block: BlockDecl, span: Span) => void
}

/** Report every second name of a list that must have distinct ones. */
export function checkDistinct(names: readonly Name[], what: string, context: CheckContext): void {
  const first = new Map<string, Name>()
  for (const name of names) {
    const before = first.get(name.text)
    if (before === undefined) first.set(name.text, name)
    else context.report(diagnose('duplicate-name', name.span, { what, name: name.text }, { labels: [{ span: before.span, text: 'first here' }] }))
  }
}

export function checkExpr(expr: Expr, names: Names, context: CheckContext): void {
  const visit = (e: Expr): void => checkExpr(e, names, context)
  switch (expr.kind) {
    case 'int': case 'float': case 'string': case 'bool': case 'none': case 'size': return
    case 'name': return checkName(expr.name, expr.span, names, context)
    case 'list': return expr.items.forEach(visit)
    case 'record':
      checkDistinct(expr.fields.map(f => f.name), 'field', context)
      return expr.fields.forEach(f => visit(f.value))
    case 'comprehension': {
      visit(expr.iterable)
      const inner = new Names(names)
      for (const name of expr.names) inner.define('loop', name.text, name.span)
      if (expr.filter !== undefined) checkExpr(expr.filter, inner, context)
      return checkExpr(expr.value, inner, context)
    }
    case 'range': visit(expr.from); return visit(expr.to)
    case 'call': return checkCall(expr.callee, expr.args, false, expr.span, names, context)
    case 'pipe': visit(expr.value); return checkCall(expr.callee, expr.args, true, expr.span, names, context)
    case 'index':
      visit(expr.target)
      for (const item of expr.items) {
        if (item.kind === 'at') visit(item.value)
        else if (item.kind === 'slice') [item.start, item.stop, item.step].forEach(e => e && visit(e))
      }
      return
    case 'field':
      if (expr.target.kind === 'name' && expr.target.name === 'self') { names.use('self'); return checkSelf(expr.name, names, context) }
      return visit(expr.target)
    case 'unary': return visit(expr.operand)
    case 'binary': visit(expr.left); return visit(expr.right)
    case 'if-expr': visit(expr.cond); visit(expr.then); return visit(expr.else)
  }
}

function checkName(name: string, span: Span, names: Names, context: CheckContext): void {
  const entry = names.use(name)
  if (entry === undefined) {
    // One letter is no slip for another among everything in reach.
    const meant = nearest(name, [...new Set(names.visible())].filter(known => name.length > 1 || known.toLowerCase() === name.toLowerCase()))
    if (meant !== undefined) names.use(meant)
    context.report(diagnose('unknown-name', span, { name }, { hint: meant === undefined ? undefined : `did you mean \`${meant}\`?` }))
  } else if (entry.definition?.declaration.kind === 'block') context.mention(entry.definition.declaration, span)
}

/** `self.fc1` is a member of the block, whatever a local of that name may hide. */
function checkSelf(name: Name, names: Names, context: CheckContext): void {
  const members: string[] = []
  for (let scope: Names | undefined = names; scope !== undefined; scope = scope.parent) {
    for (const entry of scope.own()) {
      if (entry.kind === 'loop' || entry.kind === 'file' || entry.kind === 'builtin') continue
      if (entry.name === name.text) { entry.used = true; return }
      if (entry.kind === 'member' || entry.kind === 'state') members.push(entry.name)
    }
  }
  context.report(diagnose('unknown-member', name.span, { name: name.text }, { hint: didYouMean(name.text, members) }))
}

function checkCall(callee: Expr, args: readonly Arg[], piped: boolean, span: Span, names: Names, context: CheckContext): void {
  checkExpr(callee, names, context)
  for (const arg of args) checkExpr(arg.value, names, context)
  checkDistinct(args.flatMap(a => (a.name === undefined ? [] : [a.name])), 'argument', context)
  if (callee.kind !== 'name') return
  const entry = names.find(callee.name)
  if (entry === undefined) return
  const declaration = entry.definition?.declaration
  const builtin = entry.kind === 'builtin' ? context.functions.get(callee.name) : undefined
  if (declaration?.kind === 'block') { if (declaration.params.length > 0) checkBlockArguments(declaration, args, piped ? { ...callee.span, end: span.end } : span, context) }
  else if (builtin !== undefined) {
    const known = builtin.params.map(p => p.name)
    for (const arg of args) if (arg.name !== undefined && !known.includes(arg.name.text)) unknownArgument(arg.name, callee.name, known, context)
    const positional = args.filter(a => a.name === undefined)
    const room = builtin.params.some(p => p.rest === true) ? Infinity : builtin.params.length - (piped ? 1 : 0)
    if (positional.length > room) context.report(diagnose('too-many-arguments', positional[room].span, { callee: `\`${callee.name}\``, most: builtin.params.length, found: positional.length + (piped ? 1 : 0) }))
  }
}

const unknownArgument = (name: Name, callee: string, known: readonly string[], context: CheckContext): void =>
  context.report(diagnose('unknown-argument', name.span, { name: name.text, callee: `\`${callee}\`` }, { hint: didYouMean(name.text, known) }))

function checkBlockArguments(block: BlockDecl, args: readonly Arg[], span: Span, context: CheckContext): void {
  const known = block.params.map(p => p.name.text)
  const positional = args.filter(a => a.name === undefined)
  const declared = [{ span: block.name.span, text: 'declared here' }]
  if (positional.length > known.length) context.report(diagnose('too-many-arguments', positional[known.length].span, { callee: `\`${block.name.text}\``, most: known.length, found: positional.length }, { labels: declared }))
  for (const arg of args) if (arg.name !== undefined && !known.includes(arg.name.text)) unknownArgument(arg.name, block.name.text, known, context)
  const given = new Set([...known.slice(0, positional.length), ...args.flatMap(a => (a.name === undefined ? [] : [a.name.text]))])
  const missing = block.params.find(p => p.default === undefined && !given.has(p.name.text))
  if (missing !== undefined) context.report(diagnose('missing-argument', span, { callee: `\`${block.name.text}\``, name: missing.name.text }, { labels: [{ span: missing.span, text: 'declared here' }] }))
}

/** Names that stand in the holes of a message count as used. */
export function useInText(text: string, names: Names): void {
  for (const hole of text.matchAll(/\{([^{}]*)\}/g)) for (const word of hole[1].matchAll(/[A-Za-z_][A-Za-z0-9_]*/g)) names.use(word[0])
}

/** Warn of lets that nothing reads; a name that begins with `_` says so itself. */
export function checkUnused(names: Names, context: CheckContext): void {
  for (const entry of names.own()) {
    if (entry.kind === 'let' && !entry.used && !entry.name.startsWith('_') && entry.span !== undefined) context.report(diagnose('unused-let', entry.span, { name: entry.name }))
  }
}
