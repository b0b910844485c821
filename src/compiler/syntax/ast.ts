// The abstract syntax of a .mtl file. Every node carries its span; the parser (grammar/) builds these and nothing else.
import type { Span } from '../diagnostics/diagnostic.ts'

export interface Name { readonly text: string; readonly span: Span; /** written as a string literal */ readonly quoted: boolean }

export interface File {
  readonly file: string
  readonly imports: readonly Import[]
  readonly declarations: readonly Declaration[]
}

export interface Import {
  readonly span: Span
  readonly path: string
  readonly pathSpan: Span
  readonly names: readonly { readonly name: Name; readonly alias: Name | undefined }[]
}

export type Declaration = BlockDecl | ModelDecl | VariantDecl

export interface BlockDecl {
  readonly kind: 'block'
  readonly span: Span
  readonly doc: string
  readonly name: Name
  readonly params: readonly ParamDecl[]
  readonly members: readonly Member[]
}

/** A static parameter of a block, with its declared type. */
export interface ParamDecl {
  readonly span: Span
  readonly doc: string
  readonly name: Name
  readonly type: TypeExpr | undefined
  readonly default: Expr | undefined
}

export type Member =
  | RequireStmt
  | LetStmt
  | { readonly kind: 'child'; readonly span: Span; readonly doc: string; readonly name: Name; readonly value: Expr }
  | { readonly kind: 'param'; readonly span: Span; readonly doc: string; readonly name: Name; readonly dims: readonly Expr[]; readonly dimsSpan: Span; readonly init: Expr }
  | { readonly kind: 'state'; readonly span: Span; readonly doc: string; readonly name: Name; readonly dims: readonly Expr[]; readonly dimsSpan: Span; readonly type: TypeExpr | undefined; readonly init: Expr }
  | { readonly kind: 'constant'; readonly span: Span; readonly doc: string; readonly name: Name; readonly dims: readonly Expr[]; readonly dimsSpan: Span; readonly value: Expr }
  | { readonly kind: 'if-members'; readonly span: Span; readonly cond: Expr; readonly then: readonly Member[]; readonly else: readonly Member[] }
  | ForwardDecl

export interface ForwardDecl {
  readonly kind: 'forward'
  readonly span: Span
  readonly args: readonly ForwardArg[]
  readonly result: TypeExpr | undefined
  /** `= E` is the one statement `return E`. */
  readonly body: readonly Stmt[]
}

export interface ForwardArg { readonly span: Span; readonly name: Name; readonly type: TypeExpr | undefined; readonly default: Expr | undefined }

/** Types as written: static (`int`, `[int]`, `block?`) and tensor (`[B, 2 * C, *]`). Which of the two a list of expressions is, the place decides. */
export type TypeExpr =
  | { readonly kind: 'named'; readonly span: Span; readonly name: string; readonly arg: TypeExpr | undefined }
  | { readonly kind: 'optional'; readonly span: Span; readonly inner: TypeExpr }
  | { readonly kind: 'dims'; readonly span: Span; readonly dims: readonly DimExpr[] }
  | { readonly kind: 'fields'; readonly span: Span; readonly fields: readonly { readonly name: Name; readonly type: TypeExpr }[] }

/** `*` any number of dimensions, `_` one; otherwise an expression (a name, a number, arithmetic). */
export type DimExpr =
  | { readonly kind: 'star'; readonly span: Span }
  | { readonly kind: 'any'; readonly span: Span }
  | { readonly kind: 'expr'; readonly span: Span; readonly value: Expr }

export interface RequireStmt { readonly kind: 'require'; readonly span: Span; readonly cond: Expr; readonly message: Expr | undefined }
export interface LetStmt { readonly kind: 'let'; readonly span: Span; readonly doc: string; readonly pattern: Pattern; readonly value: Expr }

export type Pattern =
  | { readonly kind: 'name'; readonly span: Span; readonly name: Name }
  | { readonly kind: 'list'; readonly span: Span; readonly names: readonly Name[] }
  | { readonly kind: 'record'; readonly span: Span; readonly names: readonly Name[] }

export type Stmt =
  | RequireStmt
  | LetStmt
  | { readonly kind: 'assign'; readonly span: Span; readonly name: Name; readonly value: Expr }
  | { readonly kind: 'update'; readonly span: Span; readonly name: Name; readonly value: Expr }
  | { readonly kind: 'return'; readonly span: Span; readonly value: Expr }
  | { readonly kind: 'for'; readonly span: Span; readonly names: readonly Name[]; readonly iterable: Expr; readonly body: readonly Stmt[] }
  | { readonly kind: 'if'; readonly span: Span; readonly cond: Expr; readonly then: readonly Stmt[]; readonly else: readonly Stmt[] }
  | { readonly kind: 'expression'; readonly span: Span; readonly value: Expr }

export type BinaryOperator = 'or' | 'and' | '==' | '!=' | '<' | '<=' | '>' | '>=' | '+' | '-' | '*' | '/' | 'div' | '%' | '**'

export type Expr =
  | { readonly kind: 'int'; readonly span: Span; readonly value: number }
  | { readonly kind: 'float'; readonly span: Span; readonly value: number }
  | { readonly kind: 'string'; readonly span: Span; /** unescaped */ readonly value: string }
  | { readonly kind: 'bool'; readonly span: Span; readonly value: boolean }
  | { readonly kind: 'none'; readonly span: Span }
  | { readonly kind: 'size'; readonly span: Span; readonly rows: number; readonly columns: number }
  | { readonly kind: 'name'; readonly span: Span; readonly name: string }
  | { readonly kind: 'list'; readonly span: Span; readonly items: readonly Expr[] }
  | { readonly kind: 'record'; readonly span: Span; readonly fields: readonly { readonly name: Name; readonly value: Expr }[] }
  | { readonly kind: 'comprehension'; readonly span: Span; readonly form: 'list' | 'record'; readonly names: readonly Name[]; readonly iterable: Expr; readonly filter: Expr | undefined; readonly value: Expr }
  | { readonly kind: 'range'; readonly span: Span; readonly from: Expr; readonly to: Expr }
  | { readonly kind: 'call'; readonly span: Span; readonly callee: Expr; readonly args: readonly Arg[] }
  | { readonly kind: 'index'; readonly span: Span; readonly target: Expr; readonly items: readonly IndexItem[] }
  | { readonly kind: 'field'; readonly span: Span; readonly target: Expr; readonly name: Name }
  | { readonly kind: 'pipe'; readonly span: Span; readonly value: Expr; readonly callee: Expr; readonly args: readonly Arg[] }
  | { readonly kind: 'unary'; readonly span: Span; readonly op: '-' | 'not'; readonly operand: Expr }
  | { readonly kind: 'binary'; readonly span: Span; readonly op: BinaryOperator; readonly opSpan: Span; readonly left: Expr; readonly right: Expr }
  | { readonly kind: 'if-expr'; readonly span: Span; readonly cond: Expr; readonly then: Expr; readonly else: Expr }

export interface Arg { readonly span: Span; readonly name: Name | undefined; readonly value: Expr }

export type IndexItem =
  | { readonly kind: 'at'; readonly span: Span; readonly value: Expr }
  | { readonly kind: 'slice'; readonly span: Span; readonly start: Expr | undefined; readonly stop: Expr | undefined; readonly step: Expr | undefined }
  | { readonly kind: 'ellipsis'; readonly span: Span }

export interface ModelDecl {
  readonly kind: 'model'
  readonly span: Span
  readonly doc: string
  readonly name: Name
  readonly members: readonly ModelMember[]
}

export type ModelMember =
  | { readonly kind: 'data'; readonly span: Span; readonly type: Name | undefined; readonly fields: readonly Field[] }
  | { readonly kind: 'train'; readonly span: Span; readonly fields: readonly Field[] }
  | TaskDecl
  | { readonly kind: 'rename'; readonly span: Span; readonly rules: readonly { readonly span: Span; readonly from: string; readonly to: string }[] }
  | Extract<Member, { kind: 'child' }>
  | LetStmt
  | RequireStmt
  | ForwardDecl

export interface Field { readonly span: Span; readonly doc: string; readonly name: Name; readonly value: Expr }
export interface TaskDecl { readonly kind: 'task'; readonly span: Span; readonly doc: string; readonly name: Name; readonly value: Expr; readonly fields: readonly Field[] }

export interface VariantDecl {
  readonly kind: 'variant'
  readonly span: Span
  readonly doc: string
  readonly name: Name
  readonly base: Name
  readonly overrides: readonly Override[]
}

export type Override =
  | { readonly kind: 'set'; readonly span: Span; readonly path: readonly Name[]; readonly pathSpan: Span; readonly value: Expr }
  | { readonly kind: 'replace-block'; readonly span: Span; readonly name: Name; readonly value: Expr }
  | Extract<ModelMember, { kind: 'data' | 'train' | 'task' | 'rename' }>
