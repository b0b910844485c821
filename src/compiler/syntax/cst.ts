// Reading the concrete syntax tree: what is missing in it has been reported already, and breaks off the item it is missing in.
import type { CstNode, IToken } from 'chevrotain'
import * as t from '../../../grammar/tokens.ts'
import { diagnose } from '../diagnostics/catalogue.ts'
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts'
import type { Name } from './ast.ts'
import { unescape } from './text.ts'

/** Thrown where the tree has a hole; attempt() turns it into undefined. */
const hole = Symbol('hole')

export interface Context {
  readonly file: string
  readonly diagnostics: Diagnostic[]
  /** doc comment by the offset of the token it stands before */
  readonly docs: ReadonlyMap<number, string>
  /** operations nested in a node, for the limit that keeps every later walk off the end of the stack */
  readonly depths: WeakMap<object, number>
}

export function attempt<T>(build: () => T): T | undefined {
  try { return build() } catch (e) { if (e === hole) return undefined; throw e }
}
export const fail = (): never => { throw hole }

export const tokens = (node: CstNode, name: string): IToken[] => (node.children[name] ?? []) as IToken[]
/** Child nodes without those that were broken off. */
export const nodes = (node: CstNode, name: string): CstNode[] => (node.children[name] ?? []) as CstNode[]
export const has = (node: CstNode, name: string): boolean => (node.children[name]?.length ?? 0) > 0
export const token = (node: CstNode, name: string, i = 0): IToken => tokens(node, name)[i] ?? fail()
export function node(parent: CstNode, name: string, i = 0): CstNode {
  const child = nodes(parent, name)[i]
  return child === undefined || child.recoveredNode ? fail() : child
}
/** The child even if part of it was skipped: lists of members and parameters keep their good entries. */
export const partial = (parent: CstNode, name: string, i = 0): CstNode => nodes(parent, name)[i] ?? fail()
/** The one node below a rule that is a choice. */
export function only(parent: CstNode): { name: string; node: CstNode } {
  for (const [name, [child]] of Object.entries(parent.children)) if (child !== undefined && 'children' in child) return { name, node: child }
  return fail()
}

export const tokenSpan = (c: Context, x: IToken): Span => ({ file: c.file, start: x.startOffset, end: x.startOffset + x.image.length })
export function span(c: Context, n: CstNode): Span {
  const { startOffset, endOffset } = n.location ?? fail()
  if (Number.isNaN(startOffset) || endOffset === undefined || Number.isNaN(endOffset)) return fail()
  return { file: c.file, start: startOffset, end: Math.max(startOffset, endOffset + 1) }
}
export const join = (a: Span, b: Span): Span => ({ file: a.file, start: a.start, end: b.end })
export const docOf = (c: Context, n: CstNode): string => c.docs.get(n.location?.startOffset ?? -1) ?? ''

const isText = (x: IToken): boolean => x.tokenType === t.Text || x.tokenType === t.OpenText

/** A name where it is declared; `what` forbids strings and says what would be named by one. */
export function declared(c: Context, x: IToken, what?: string): Name {
  const name = field(c, x)
  if (t.keywords.has(x.tokenType)) {
    const hint = what === undefined ? `as a string it is allowed: "${x.image}"` : `choose another name: \`${x.image}_\``
    c.diagnostics.push(diagnose('reserved-word', name.span, { word: x.image }, { hint }))
  }
  if (name.quoted && what !== undefined) c.diagnostics.push(diagnose('quoted-name', name.span, { what }))
  return name
}
/** A name after a dot, before `=` in a call, or before `:` in a record. */
export const field = (c: Context, x: IToken): Name => ({ text: isText(x) ? unescape(x.image) : x.image, span: tokenSpan(c, x), quoted: isText(x) })

/** Report `==` where `=` was meant. */
export function assign(c: Context, n: CstNode): void {
  for (const x of tokens(n, 'Assign')) if (x.tokenType === t.EqualEqual) c.diagnostics.push(diagnose('double-equals', tokenSpan(c, x), {}))
}
