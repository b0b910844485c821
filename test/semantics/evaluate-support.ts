// Elaborates the block `Main` of a source text on inputs of given types, for tests of the evaluator.
import type { Diagnostic } from '../../src/compiler/diagnostics/diagnostic.ts'
import { renderDiagnostic } from '../../src/compiler/diagnostics/render.ts'
import { Builder } from '../../src/compiler/ir/builder.ts'
import type { Node } from '../../src/compiler/ir/program.ts'
import { showType, type DType, type Shape } from '../../src/compiler/ir/types.ts'
import { Evaluator } from '../../src/compiler/semantics/evaluate.ts'
import { Scope, type EvaluatorOptions } from '../../src/compiler/semantics/scope.ts'
import { describe as show, type BlockValue, type Value } from '../../src/compiler/semantics/values.ts'
import { parseFile } from '../../src/compiler/syntax/parse.ts'

export type Given = Shape | { readonly dtype: DType; readonly shape: Shape } | { readonly value: Value }

export interface Setup extends Partial<Pick<EvaluatorOptions, 'mode' | 'limits' | 'nameOf'>> {
  /** arguments of Main's forward, in order */
  readonly inputs?: readonly Given[]
  /** names of blocks -> names of those that stand for them */
  readonly replace?: Readonly<Record<string, string>>
}

export interface Elaborated {
  readonly value: Value
  readonly builder: Builder
  readonly evaluator: Evaluator
  readonly diagnostics: readonly Diagnostic[]
  /** every finding as the user reads it */
  readonly report: string
}

export function elaborate(source: string, setup: Setup = {}): Elaborated {
  const parsed = parseFile('test.mtl', source)
  const diagnostics: Diagnostic[] = [...parsed.diagnostics]
  const builder = new Builder()
  const scope = new Scope()
  const bare = new Map<string, BlockValue>()
  for (const d of parsed.ast?.declarations ?? []) {
    if (d.kind !== 'block') continue
    const value: BlockValue = { t: 'block', decl: d, args: new Map(), span: d.name.span, bare: true }
    bare.set(d.name.text, value)
    scope.define(d.name.text, value, d.name.span, 'declaration')
  }
  const substitutions = new Map(Object.entries(setup.replace ?? {}).map(([from, to]) => [from, bare.get(to)!]))
  const evaluator = new Evaluator({ builder, mode: setup.mode ?? 'infer', report: d => diagnostics.push(d), scopeOf: () => scope, substitutions, nameOf: setup.nameOf, limits: setup.limits })
  const main = bare.get('Main')
  if (main === undefined) return { value: { t: 'error' }, builder, evaluator, diagnostics, report: render(diagnostics, source) }
  const span = main.decl.name.span
  const args = (setup.inputs ?? []).map((given, i) => {
    if ('value' in given) return { value: given.value, span }
    const type = 'dtype' in given ? given : { dtype: 'float32' as const, shape: given }
    return { value: evaluator.tensor(builder.input(`input${i}`, 'input', type, { path: '', span: undefined, phase: 'forward' })), span }
  })
  const instance = evaluator.instantiate(evaluator.bindBlock(main.decl, [], span), '', span)
  const value = evaluator.call(instance, args, span)
  return { value, builder, evaluator, diagnostics, report: render(diagnostics, source) }
}

/** Main as a block whose forward takes x and returns the expression. */
export const expression = (text: string, setup: Setup = {}): Elaborated => elaborate(`block Main() { forward(x: any = none, y: any = none) = ${text} }`, setup)

/** The static value of an expression, as text. */
export const valueOf = (text: string): string => {
  const { value, report } = expression(text)
  return report || showDeep(value)
}

/** A value as text, lists and records in full. */
export function showDeep(value: Value): string {
  switch (value.t) {
    case 'list': return `[${value.items.map(showDeep).join(', ')}]`
    case 'record': return `{${[...value.fields].map(([k, v]) => `${k}: ${showDeep(v)}`).join(', ')}}`
    case 'string': return JSON.stringify(value.v)
    case 'float': return Number.isInteger(value.v) ? value.v.toFixed(1) : `${value.v}`
    case 'int': return `${value.v}`
    default: return show(value)
  }
}

/** One line per node: `name = op(operands) attributes: type`. */
export function listing(builder: Builder): string {
  const names = new Map(builder.inputs.map(i => [i.id, i.name]))
  const line = (n: Node): string => {
    names.set(n.id, `%${n.id}`)
    const attrs = Object.keys(n.attrs).length === 0 || n.op === 'constant' ? '' : ` ${JSON.stringify(n.attrs)}`
    return `%${n.id} = ${n.op}(${n.inputs.map(v => names.get(v)).join(', ')})${attrs}: ${showType(n.type)}`
  }
  return builder.nodes.map(line).join('\n')
}

const render = (diagnostics: readonly Diagnostic[], source: string): string => diagnostics.map(d => renderDiagnostic(d, () => source)).join('\n')
