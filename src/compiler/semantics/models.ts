// Elaboration of a model: from files and options to a program, and the specification of data, tasks and training.
import { diagnose } from '../diagnostics/catalogue.ts'
import { syntaxMessages } from '../diagnostics/catalogue-syntax.ts'
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts'
import { didYouMean } from '../diagnostics/suggest.ts'
import { Builder } from '../ir/builder.ts'
import type { BlockDecl, ModelDecl, Override, Stmt, VariantDecl } from '../syntax/ast.ts'
import { parseOverride } from '../syntax/parse.ts'
import { metricsOf } from '../tasks/metrics.ts'
import type { TaskSpec } from '../tasks/spec.ts'
import { checkTraining } from './check-training.ts'
import { allFunctions, checkModules } from './check.ts'
import { requirement } from './evaluate-statements.ts'
import { Evaluator } from './evaluate.ts'
import { toDataSpec } from './kinds-spec.ts'
import { toTrainSpec } from './kinds-train-spec.ts'
import { completeFields } from './kinds.ts'
import { trainSchema } from './kinds-train.ts'
import type { ElaboratedModel } from './model.ts'
import { addLosses, collectPredictions } from './models-tasks.ts'
import { ModelValues, placeOf } from './models-values.ts'
import { loadModules, type LoadedModules, type Module, type SourceHost } from './modules.ts'
import { printResolved } from './resolved.ts'
import { Scope } from './scope.ts'
import { bool, error, float, int, type BlockValue, type Value } from './values.ts'
import { resolveModel, type ResolvedModel } from './variants.ts'

export interface ElaborateOptions {
  /** undefined: the only model that the entry file declares */
  readonly model?: string
  /** `PATH=EXPR`, applied in order on top of the model */
  readonly set?: readonly string[]
  readonly mode: 'infer' | 'train'
  /** undefined: `train.batch` */
  readonly batch?: number
  /** add every tensor that a block returns as an output of role 'tap', named `tap/PATH` or `tap/PATH/FIELD` */
  readonly taps?: boolean
}

export interface Elaboration {
  /** undefined if a diagnostic is an error */
  readonly model: ElaboratedModel | undefined
  readonly diagnostics: readonly Diagnostic[]
}

/** Files read and checked, once for any number of elaborations. */
export interface Prepared { readonly loaded: LoadedModules; readonly diagnostics: readonly Diagnostic[]; /** nothing can be elaborated */ readonly blocked: boolean }

/** Source name of the texts of `--set`; they stand in it one per line. */
export const setSource = '--set'
/** Mistakes after which the text is not what its author sees. */
const structural: readonly string[] = ['unclosed-bracket', 'stray-bracket', 'unterminated-string', 'unterminated-comment', 'file-too-large', 'nested-too-deep', 'expression-too-deep', 'too-many-mistakes']
const blocking: readonly string[] = ['recursive-block', 'variant-cycle', 'unknown-model', 'not-a-model']
const hasErrors = (diagnostics: readonly Diagnostic[]): boolean => diagnostics.some(d => d.severity === 'error')

/**
 * What can be checked of a file: all of it, or, where syntax errors stand in it, the declarations that have none. Nothing where brackets do not match: what
 * belongs to which declaration is then a guess.
 */
function readable(module: Module, found: readonly Diagnostic[]): Module[] {
  if (!module.broken) return [module]
  const mistakes = found.filter(d => d.span.file === module.path && d.severity === 'error' && Object.hasOwn(syntaxMessages, d.code))
  if (mistakes.some(d => structural.includes(d.code))) return []
  const declarations = module.file.declarations.filter(({ span }) => !mistakes.some(d => d.span.start <= span.end && span.start <= d.span.end))
  return [{ ...module, file: { ...module.file, declarations } }]
}

/** Load and check the files of an entry. */
export function prepare(entry: string, host: SourceHost): Prepared {
  const loaded = loadModules(entry, host)
  const checked = checkModules([...loaded.modules.values()].flatMap(m => readable(m, loaded.diagnostics)), path => !path.startsWith('mtlc:'))
  return { loaded, diagnostics: [...loaded.diagnostics, ...checked], blocked: hasErrors(loaded.diagnostics) || checked.some(d => blocking.includes(d.code)) }
}

/** Collects findings: each once, and nothing more about a place that the static check has already faulted. */
class Findings {
  readonly all: Diagnostic[] = []
  readonly #seen = new Set<string>()
  readonly #unsaid: Diagnostic[] = []
  #muted = 0

  constructor(before: readonly Diagnostic[]) {
    for (const d of before) this.report(d)
  }

  readonly report = (d: Diagnostic): void => {
    if (this.#muted > 0) { this.#unsaid.push(d); return }
    const place = `${d.span.file} ${d.span.start} ${d.span.end}`
    if (this.#seen.has(`${d.code} ${place}`) || (d.severity === 'error' && this.#seen.has(`error ${place}`))) return
    this.#seen.add(`${d.code} ${place}`)
    if (d.severity === 'error') this.#seen.add(`error ${place}`)
    this.all.push(d)
  }

  readonly muted = <T>(body: () => T): T => {
    this.#muted++
    try { return body() } finally { this.#muted-- }
  }

  /** The evaluator says each finding once: one that it made while muted is all there is if the same mistake counts later. */
  sayUnsaid(): void {
    for (const d of this.#unsaid) this.report(d)
  }
}

/** Elaborate one model of the entry file. Mistakes are diagnostics; warnings may come with a model. */
export const elaborate = (entry: string, host: SourceHost, options: ElaborateOptions): Elaboration => elaboratePrepared(prepare(entry, host), options)

export function elaboratePrepared(prepared: Prepared, options: ElaborateOptions): Elaboration {
  const { entry } = prepared.loaded
  const findings = new Findings(prepared.diagnostics)
  const nothing = (): Elaboration => ({ model: undefined, diagnostics: findings.all })
  if (prepared.blocked || entry === undefined) return nothing()
  const declaration = chooseModel(entry, options.model, findings.report)
  const set = parseSets(options.set ?? [], findings.report)
  if (declaration === undefined) return nothing()
  const { module } = declaration
  const model = resolveModel(declaration.declaration, module, set, entry, findings.report)
  if (model === undefined) return nothing()
  const elaborated = elaborateModel(model, prepared.loaded.modules, options, findings)
  if (elaborated === undefined && !hasErrors(findings.all)) findings.sayUnsaid()
  const failed = hasErrors(findings.all)
  if (!failed && elaborated === undefined) throw new Error('internal: elaboration failed without a message')
  return { model: failed ? undefined : elaborated, diagnostics: findings.all }
}

/** The models an entry file can elaborate: those it declares, and by name those it imports. */
function chooseModel(entry: Module, name: string | undefined, report: (d: Diagnostic) => void): { readonly declaration: ModelDecl | VariantDecl; readonly module: Module } | undefined {
  const start: Span = { file: entry.path, start: 0, end: 0 }
  const models = [...entry.names].flatMap(([known, d]) => (d.declaration.kind === 'block' ? [] : [{ known, declaration: d.declaration, module: d.module, imported: d.imported }]))
  if (name !== undefined) {
    const found = models.find(m => m.known === name)
    if (found === undefined) report(diagnose('unknown-model', start, { name }, { label: '', hint: didYouMean(name, models.map(m => m.known)) }))
    return found
  }
  const own = models.filter(m => !m.imported)
  if (own.length === 1) return own[0]
  if (own.length === 0) report(diagnose('no-models', start, { path: entry.path }))
  else report(diagnose('choose-model', start, { path: entry.path, names: own.map(m => m.known).join(', ') }))
  return undefined
}

/** Those that can be parsed; the mistakes of the others are reported. */
function parseSets(texts: readonly string[], report: (d: Diagnostic) => void): readonly Override[] {
  const overrides: Override[] = []
  let offset = 0
  for (const text of texts) {
    const parsed = parseOverride(setSource, ' '.repeat(offset) + text)
    parsed.diagnostics.forEach(report)
    if (parsed.override !== undefined) overrides.push(parsed.override)
    offset += text.length + 1
  }
  return overrides
}

/** A map that knows which of its names were asked for. */
class Replacements extends Map<string, BlockValue> {
  readonly used = new Set<string>()

  override get(name: string): BlockValue | undefined {
    if (this.has(name)) this.used.add(name)
    return super.get(name)
  }
}

/** Names of blocks in a file; models are no values. */
function scopeOfFile(module: Module): Scope {
  const scope = new Scope()
  for (const [name, { declaration, span }] of module.names) if (declaration.kind === 'block') scope.define(name, bare(declaration, span), span, 'declaration')
  for (const i of module.file.imports) for (const { name, alias } of i.names) if (!module.names.has((alias ?? name).text)) scope.define((alias ?? name).text, error, name.span, 'declaration')
  return scope
}

const bare = (decl: BlockDecl, span: Span): BlockValue => ({ t: 'block', decl, args: new Map(), span, bare: true })

const lastReturn = (body: readonly Stmt[]): Span | undefined => body.findLast(s => s.kind === 'return')?.span

function elaborateModel(model: ResolvedModel, modules: ReadonlyMap<string, Module>, options: ElaborateOptions, findings: Findings): ElaboratedModel | undefined {
  const { report } = findings
  const builder = new Builder()
  const scopes = new Map<Module, Scope>()
  const fileScope = (module: Module): Scope => {
    const scope = scopes.get(module) ?? scopeOfFile(module)
    scopes.set(module, scope)
    return scope
  }
  const moduleOf = (decl: BlockDecl): Module => {
    const module = modules.get(decl.span.file)
    if (module === undefined) throw new Error(`internal: the file of block ${decl.name.text} is not loaded`)
    return module
  }
  const renamed = new Set<number>()
  const nameOf = (path: string): string => {
    const i = model.renames.findIndex(r => path === r.from || path.startsWith(`${r.from}.`))
    if (i < 0) return path
    renamed.add(i)
    const { from, to } = model.renames[i]
    return to === '' && path.length > from.length ? path.slice(from.length + 1) : to + path.slice(from.length)
  }
  const substitutions = new Replacements()
  const evaluator = new Evaluator({ builder, mode: options.mode, report, scopeOf: decl => fileScope(moduleOf(decl)), substitutions, functions: allFunctions, nameOf })
  if (!replaceBlocks(model, modules, evaluator, substitutions, fileScope, report)) return undefined

  const values = new ModelValues(model, evaluator, { fileScope, report, muted: findings.muted })
  const complete = values.complete()
  if (values.train === undefined && model.train.span === undefined && options.mode === 'train') {
    report(diagnose('no-train', model.span, { name: model.name }, { hint: 'add `train { optimizer = adam(lr = 1e-4); batch = 1; steps = 1000 }`' }))
  }
  if (!complete) return undefined

  const data = toDataSpec(values.data)
  const train = toTrainSpec(values.train ?? inferenceOnly())
  const batch = options.batch ?? train.batch
  const scope = values.scope(model.forward.module)
  for (const { node, module } of model.requires) if (!requirement(evaluator, node, values.scope(module))) return undefined
  const forward = model.forward.node
  if (forward.args.filter(a => a.default === undefined).length !== 1) { report(diagnose('model-arguments', forward.span, { count: forward.args.length })); return undefined }
  const place = forward.args[0].span
  const type = { dtype: 'float32', shape: [batch, 3, ...data.image] } as const
  const image: Value = { t: 'tensor', type, id: builder.input('image', 'input', type, { path: '', span: place, phase: 'forward' }) }
  const result = evaluator.runForward(forward, scope, [{ value: image, span: place }], model.name, forward.span)
  if (result.t === 'error') return undefined

  const predicted = collectPredictions(result, lastReturn(forward.body) ?? forward.span, values.tasks, data, batch, builder, report)
  if (predicted === undefined) return undefined
  if (!checkBest(train.best, predicted.map(p => p.spec), model, report)) return undefined
  if (options.mode === 'train' && !addLosses(predicted, model, { train, data }, evaluator, report)) return undefined
  if (evaluator.stopped) return undefined
  if (options.mode === 'train') checkTraining(train, builder.inputs, predicted.filter(p => p.task.loss.t !== 'none').length, model.train.slots, report)
  reportUnused(model, values, evaluator, substitutions, renamed, options.mode, report)
  if (options.taps === true) addTaps(evaluator)
  return {
    name: model.name, mode: options.mode, program: builder.finish(model.name), constants: evaluator.constants, calls: evaluator.calls,
    data, tasks: predicted.map(p => p.spec), train, renames: model.renames.map(r => [r.from, r.to] as const), resolved: printResolved(model, values),
  }
}

/** `train.best` must be a metric of a task of the model. */
function checkBest(best: string | undefined, tasks: readonly TaskSpec[], model: ResolvedModel, report: (d: Diagnostic) => void): boolean {
  const known = [...metricsOf(tasks).keys()]
  const slot = model.train.slots.get('best')
  if (best === undefined || slot === undefined || known.includes(best)) return true
  report(diagnose('field-value', placeOf(slot), { where: 'train', reason: `\`best\`: there is no metric "${best}"` }, { hint: didYouMean(best, known) ?? `these exist: ${known.join(', ')}` }))
  return false
}

/** A text without `train` can be run, not trained: the values are never read. */
const inferenceOnly = (): ReadonlyMap<string, Value> =>
  completeFields(trainSchema, new Map([['optimizer', { t: 'kind', group: 'optimizer', name: 'sgd', fields: new Map<string, Value>([['lr', float(1)], ['momentum', float(0)], ['nesterov', bool(false)], ['weight_decay', float(0)]]) }], ['batch', int(1)], ['steps', int(1)]])).fields

function replaceBlocks(model: ResolvedModel, modules: ReadonlyMap<string, Module>, evaluator: Evaluator, substitutions: Replacements, fileScope: (m: Module) => Scope, report: (d: Diagnostic) => void): boolean {
  const blocks = new Set([...modules.values()].flatMap(m => m.file.declarations.flatMap(d => (d.kind === 'block' ? [d.name.text] : []))))
  const found: [string, BlockValue][] = []
  for (const [name, { node, module }] of model.replacements) {
    const value = evaluator.evaluate(node.value, fileScope(module))
    if (!blocks.has(name)) report(diagnose('unknown-path', node.name.span, { where: `model \`${model.name}\``, name: `block ${name}` }, { hint: didYouMean(name, blocks) }))
    else if (value.t === 'block' && value.bare === true && value.decl.name.text === name) report(diagnose('override-changes-nothing', node.span, { path: `block ${name}`, value: name }))
    else if (value.t === 'block') found.push([name, value])
    else if (value.t !== 'error') report(diagnose('not-a-child', node.value.span, { name, found: value.t }))
  }
  for (const [name, value] of found) substitutions.set(name, value)
  return found.length === model.replacements.size
}

function reportUnused(model: ResolvedModel, values: ModelValues, evaluator: Evaluator, substitutions: Replacements, renamed: ReadonlySet<number>, mode: 'infer' | 'train', report: (d: Diagnostic) => void): void {
  for (const [name, { node }] of model.replacements) if (!substitutions.used.has(name)) report(diagnose('unused-replacement', node.name.span, { name }))
  for (const [i, rule] of model.renames.entries()) if (!renamed.has(i) && !rule.inherited && mode === 'train') report(diagnose('unused-rename', rule.span, { name: rule.from }))
  for (const task of values.tasks) {
    const path = `heads.${task.name}`
    if (task.head.t === 'block' && !evaluator.calls.some(c => c.path === path || c.path.startsWith(`${path}.`))) report(diagnose('unused-head', task.span, { name: task.name }))
  }
}

/** Later calls of the same path are told apart by `#2`, `#3`. */
function addTaps(evaluator: Evaluator): void {
  const count = new Map<string, number>()
  for (const call of evaluator.calls) {
    const n = (count.get(call.path) ?? 0) + 1
    count.set(call.path, n)
    for (const { field, value } of call.outputs) evaluator.builder.output(`tap/${call.path}${n > 1 ? `#${n}` : ''}${field === '' ? '' : `/${field}`}`, 'tap', value)
  }
}
