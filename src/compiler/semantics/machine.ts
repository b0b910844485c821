// The state of one elaboration, and what the parts of the evaluator ask of each other.
import { diagnose, type Code, type Holes } from '../diagnostics/catalogue.ts'
import type { Diagnostic, Label, Span } from '../diagnostics/diagnostic.ts'
import { ShapeError, type Builder } from '../ir/builder.ts'
import type { OpAttrs, OpName } from '../ir/ops.ts'
import type { Origin, Phase, ValueId } from '../ir/program.ts'
import { showType } from '../ir/types.ts'
import type { BlockDecl, Expr } from '../syntax/ast.ts'
import type { BuiltinFunction } from './functions/function.ts'
import type { ConstantTensor, ModuleCall } from './model.ts'
import { defaultLimits, type CallArg, type EvaluatorOptions, type Limits, type Scope } from './scope.ts'
import { describe, type BlockValue, type Instance, type Value } from './values.ts'

export type Tensor = Extract<Value, { t: 'tensor' }>

/** A limit was exceeded, or a hundred findings reported: nothing more is evaluated. Caught where the evaluator is entered. */
export class Stop extends Error {}

/** Thrown by FunctionContext.fail. */
export class CallFailure extends Error {
  readonly hint: string | undefined
  readonly argument: string | undefined

  constructor(message: string, hint?: string, argument?: string) {
    super(message)
    this.hint = hint
    this.argument = argument
  }
}

/** A call in progress: module path of the instance and place of the call. */
export interface Frame { readonly path: string; readonly name: string; readonly span: Span | undefined }

const maxReports = 100

export abstract class Machine {
  readonly options: EvaluatorOptions
  readonly builder: Builder
  readonly mode: 'infer' | 'train'
  readonly limits: Limits
  readonly functions: ReadonlyMap<string, BuiltinFunction>
  /** In order of completion: the calls inside a call come before it. */
  readonly calls: ModuleCall[] = []
  readonly constants: ConstantTensor[] = []
  /** Paths of lists that are children. */
  readonly sequencePaths = new WeakMap<Value, string>()
  readonly frames: Frame[] = []
  /** Final name of a parameter, state or constant -> where it was declared. */
  readonly names = new Map<string, Span>()
  /** The phase given to nodes from now on. */
  phase: Phase = 'forward'
  randoms = 0
  #depth = 0
  #steps = 0
  #inside = false
  #stopped = false
  #constantsUpTo = 0
  readonly #constantIds = new Set<ValueId>()
  readonly #reported = new Set<string>()

  constructor(options: EvaluatorOptions, functions: ReadonlyMap<string, BuiltinFunction>) {
    this.options = options
    this.builder = options.builder
    this.mode = options.mode
    this.limits = { ...defaultLimits, ...options.limits }
    this.functions = functions
  }

  abstract evaluate(expr: Expr, scope: Scope): Value
  abstract call(callee: Value, args: readonly CallArg[], span: Span): Value
  abstract bindBlock(decl: BlockDecl, args: readonly CallArg[], span: Span): BlockValue | { readonly t: 'error' }
  abstract callInstance(instance: Instance, args: readonly CallArg[], span: Span): Value

  /** True after a limit was exceeded: what was elaborated is not complete. */
  get stopped(): boolean { return this.#stopped }

  /** Module path of the innermost instance. */
  get path(): string { return this.frames.at(-1)?.path ?? '' }

  origin(span: Span | undefined): Origin { return { path: this.path, span, phase: this.phase } }

  /** Run `body`; at the outermost entry an exceeded limit ends here, with the value 'error'. */
  protected guard<T extends Value>(body: () => T): T | { readonly t: 'error' } {
    if (this.#inside) return body()
    if (this.#stopped) return { t: 'error' }
    this.#inside = true
    const frames = this.frames.length
    const depth = this.#depth
    try {
      return body()
    } catch (e) {
      if (!(e instanceof Stop)) throw e
      this.#stopped = true
      this.frames.length = frames
      this.#depth = depth
      return { t: 'error' }
    } finally {
      this.#inside = false
    }
  }

  step(span: Span): void {
    if (++this.#steps > this.limits.steps) this.exceed('elaboration steps', this.limits.steps, span)
  }

  exceed(what: string, limit: number, span: Span, hint?: string): never {
    this.report('limit-exceeded', span, { what, limit: limit.toLocaleString('en-US') }, { hint })
    throw new Stop()
  }

  /** Run `body` one call deeper. */
  nested<T>(span: Span, body: () => T, frame?: Frame): T {
    if (this.#depth >= this.limits.depth) this.exceed('nested calls', this.limits.depth, span, 'a block cannot contain itself, directly or through others')
    this.#depth++
    if (frame !== undefined) this.frames.push(frame)
    const result = body()
    if (frame !== undefined) this.frames.pop()
    this.#depth--
    return result
  }

  /** Report a mistake; the places of the calls it happened in are added as labels. Gives the value 'error'. */
  report<C extends Code>(code: C, span: Span, holes: Holes<C>, extra: { readonly label?: string; readonly labels?: readonly Label[]; readonly hint?: string | undefined } = {}): { readonly t: 'error' } {
    const labels = extra.labels ?? []
    const named = (place: Span): boolean => labels.some(l => l.span === place)
    this.reportDiagnostic(diagnose(code, span, holes, { ...extra, labels: [...labels, ...this.#callers(span).filter(l => !named(l.span))] }))
    return { t: 'error' }
  }

  reportDiagnostic(diagnostic: Diagnostic): void {
    const { code, span } = diagnostic
    const key = `${code} ${span.file} ${span.start} ${span.end}`
    if (this.#reported.has(key)) return
    this.#reported.add(key)
    this.options.report(diagnostic)
    if (this.#reported.size >= maxReports && this.#inside) throw new Stop()
  }

  #callers(span: Span): Label[] {
    const within = (f: Frame): boolean => f.span !== undefined && f.path !== '' && !(f.span.file === span.file && f.span.start <= span.start && span.end <= f.span.end)
    const frames = this.frames.filter(within)
    const chosen = [...new Set([frames.at(-1), frames[0]])]
    return chosen.flatMap(f => (f?.span === undefined ? [] : [{ span: f.span, text: `in this call of ${f.name} (${shortPath(f.path)})` }]))
  }

  /** Append an operator. Throws ShapeError if the operands do not fit. */
  emit<K extends OpName>(op: K, inputs: readonly Tensor[], attrs: OpAttrs[K], span: Span): Tensor {
    const id = this.builder.emit(op, inputs.map(v => v.id), attrs, this.origin(span))
    this.checkNodes(span)
    return this.tensor(id)
  }

  /** Append an operator for the part of the language called `name` in a message, should the operands not fit. */
  append<K extends OpName>(op: K, inputs: readonly Tensor[], attrs: OpAttrs[K], span: Span, name: string): Tensor | { readonly t: 'error' } {
    try {
      return this.emit(op, inputs, attrs, span)
    } catch (e) {
      if (!(e instanceof ShapeError)) throw e
      return this.report('call-failed', span, { name, reason: ruleOf(e) })
    }
  }

  checkNodes(span: Span): void {
    if (this.builder.nodes.length > this.limits.nodes) this.exceed('nodes of the program', this.limits.nodes, span)
  }

  tensor(id: ValueId): Tensor { return { t: 'tensor', id, type: this.builder.type(id) } }

  /** Whether a tensor depends on no input of the program. */
  isConstant(id: ValueId): boolean {
    const nodes = this.builder.nodes
    for (; this.#constantsUpTo < nodes.length; this.#constantsUpTo++) {
      const node = nodes[this.#constantsUpTo]
      if (node.inputs.every(v => this.#constantIds.has(v))) this.#constantIds.add(node.id)
    }
    return this.#constantIds.has(id)
  }

  /** A static condition; undefined after a report. */
  condition(value: Value, span: Span): boolean | undefined {
    if (value.t === 'bool') return value.v
    if (value.t === 'tensor') this.report('condition-is-tensor', span, { found: showType(value.type) })
    else if (value.t !== 'error') this.report('condition-type', span, { found: describe(value) }, value.t === 'none' ? { hint: 'compare it: `x != none`' } : {})
    return undefined
  }

  /** The initialiser that `value` stands for (`zeros`, `normal(0.02)`, a number), if it is one. */
  initialiser(value: Value, span: Span): Value | undefined {
    if (value.t === 'init') return value
    if (value.t === 'int' || value.t === 'float') return { t: 'init', init: { kind: 'constant', value: value.v } }
    if (value.t !== 'function' || this.functions.get(value.name)?.params.some(p => p.default === undefined && p.rest !== true)) return undefined
    const made = this.call(value, [], span)
    return made.t === 'init' || made.t === 'error' ? made : undefined
  }
}

/** What the rule says, without the name and operands of the operator. */
export const ruleOf = (e: ShapeError): string => e.message.replace(/^\w+\([^)]*\): /, '')

/** The end of a long path. */
const shortPath = (path: string): string => (path.length <= 60 ? path : `...${path.slice(-57)}`)

export const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)
