// The members of a resolved model as values: each evaluated once, when first needed, overrides applied.
import { diagnose } from '../diagnostics/catalogue.ts'
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts'
import type { Expr } from '../syntax/ast.ts'
import type { Evaluator } from './evaluate.ts'
import type { KindSchema } from './kinds-fields.ts'
import { trainSchema } from './kinds-train.ts'
import { completeFields, modelConstants } from './kinds.ts'
import { freeNames } from './models-names.ts'
import { overrideInside, unchanged, type OverrideContext } from './models-overrides.ts'
import type { Module } from './modules.ts'
import { Scope } from './scope.ts'
import { printValue } from './show-values.ts'
import { describe, error, list, none, record, string, type Value } from './values.ts'
import type { ResolvedModel, Slot, SlotOverride, Source, TaskSlots } from './variants.ts'

type Kind = Extract<Value, { t: 'kind' }>

/** A task with its values: blocks are descriptions, `head` and `loss` of the instance are made by `instances`. */
export interface TaskValues { readonly name: string; readonly span: Span; readonly kind: Kind; readonly fields: ReadonlyMap<string, Value>; readonly weight: number; readonly head: Value; readonly headInstance: Value; readonly loss: Value; readonly lossSpan: Span }

export interface ModelScopes { readonly fileScope: (module: Module) => Scope; readonly report: (d: Diagnostic) => void; readonly muted: OverrideContext['muted'] }

/** The place to point at for the value of a slot. */
export const placeOf = (slot: Slot): Span => slot.overrides.at(-1)?.value.node.span ?? slot.initial?.node.span ?? slot.span

export class ModelValues {
  readonly #model: ResolvedModel
  readonly #evaluator: Evaluator
  readonly #scopes: ModelScopes
  readonly #defined: [string, Value, Span | undefined][] = []
  readonly #byModule = new Map<Module, Scope>()
  readonly #running: string[] = []
  readonly #done = new Set<string>()
  /** path of a slot -> its final value; children and heads as descriptions */
  readonly values = new Map<string, Value>()
  data: ReadonlyMap<string, Value> = new Map()
  train: ReadonlyMap<string, Value> | undefined
  tasks: readonly TaskValues[] = []

  constructor(model: ResolvedModel, evaluator: Evaluator, scopes: ModelScopes) {
    this.#model = model
    this.#evaluator = evaluator
    this.#scopes = scopes
    for (const [name, value] of modelConstants) this.#define(name, value, undefined)
  }

  /** Evaluate everything; false if a mistake was reported where a value is needed. */
  complete(): boolean {
    for (const name of ['data', ...this.#model.lets.keys(), 'train', 'tasks', ...this.#model.children.keys()]) this.#need(name)
    this.#define('self', record(new Map(this.#defined.map(([name, value]) => [name, value]))), undefined)
    return !this.#defined.some(([, value]) => value.t === 'error') && this.tasks.length === this.#model.tasks.size
  }

  /** What an expression of a file sees: its names, and the members of the model known so far. */
  scope(module: Module): Scope {
    const known = this.#byModule.get(module)
    if (known !== undefined) return known
    const scope = this.#scopes.fileScope(module).child()
    for (const [name, value, span] of this.#defined) scope.define(name, value, span, 'member')
    this.#byModule.set(module, scope)
    return scope
  }

  #define(name: string, value: Value, span: Span | undefined): void {
    this.#defined.push([name, value, span])
    for (const scope of this.#byModule.values()) scope.define(name, value, span, 'member')
  }

  /** Make sure that a member has its value; a member that needs itself is reported. */
  #need(name: string): void {
    if (this.#done.has(name)) return
    const slot = this.#model.lets.get(name) ?? this.#model.children.get(name)
    if (slot === undefined && !['data', 'train', 'tasks'].includes(name)) return
    if (this.#running.includes(name)) {
      const cycle = [...this.#running.slice(this.#running.indexOf(name)), name]
      this.#scopes.report(diagnose('member-cycle', slot?.span ?? this.#model.span, { name, path: cycle.join(' -> ') }))
      this.#define(name, error, slot?.span)
      this.#done.add(name)
      return
    }
    this.#running.push(name)
    const value = this.#member(name, slot)
    this.#running.pop()
    if (this.#done.has(name)) return
    this.#done.add(name)
    this.#define(name, value, slot?.span)
  }

  #member(name: string, slot: Slot | undefined): Value {
    if (slot !== undefined) {
      const value = this.#slot(slot, undefined)
      return this.#model.children.has(name) ? this.#evaluator.instantiate(value, name, placeOf(slot)) : value
    }
    if (name === 'data') return this.#section('data', this.#model.data.schema, this.#model.data.slots, this.#model.data.span, fields => { this.data = fields })
    if (name === 'train') {
      const { slots, span } = this.#model.train
      return span === undefined ? record({}) : this.#section('train', trainSchema, slots, span, fields => { this.train = fields })
    }
    this.tasks = [...this.#model.tasks.values()].flatMap(task => this.#task(task) ?? [])
    return this.tasks.length === this.#model.tasks.size ? list(this.tasks.map(taskRecord)) : error
  }

  #section(name: string, schema: KindSchema, slots: ReadonlyMap<string, Slot>, span: Span, keep: (fields: ReadonlyMap<string, Value>) => void): Value {
    const given = new Map<string, Value>()
    for (const [field, slot] of slots) if (slot.initial !== undefined || slot.overrides.length > 0) given.set(field, this.#slot(slot, schema.fields[field].default))
    const { fields, problems } = completeFields(schema, given)
    for (const p of problems) this.#scopes.report(diagnose('field-value', p.field === undefined ? span : placeOf(slots.get(p.field)!), { where: name, reason: p.message }, { hint: p.hint }))
    for (const [field, value] of fields) this.values.set(`${name}.${field}`, value)
    if (problems.length > 0 || [...fields.values()].some(v => v.t === 'error')) return error
    keep(fields)
    return record(fields)
  }

  #task(task: TaskSlots): TaskValues | undefined {
    this.#need('data')
    const name = task.name.text
    const kind = this.#slot(task.value, undefined, ['head', 'loss', 'weight'])
    if (kind.t === 'error') return undefined
    if (kind.t !== 'kind' || kind.group !== 'task') { this.#scopes.report(diagnose('not-a-kind', placeOf(task.value), { name, found: describe(kind) })); return undefined }
    const [headSlot, lossSlot, weightSlot] = [task.fields.get('head')!, task.fields.get('loss')!, task.fields.get('weight')!]
    const [head, loss] = [this.#slot(headSlot, none), this.#slot(lossSlot, none)]
    const weight = this.#slot(weightSlot, { t: 'int', v: 1 })
    for (const [what, value, slot] of [['the head', head, headSlot], ['the loss', loss, lossSlot]] as const) {
      if (!['block', 'function', 'list', 'record', 'none', 'error'].includes(value.t)) { this.#scopes.report(diagnose('not-a-block', placeOf(slot), { what, name, found: describe(value) })); return undefined }
    }
    if (weight.t !== 'error' && !((weight.t === 'int' || weight.t === 'float') && weight.v >= 0)) {
      this.#scopes.report(diagnose('field-value', placeOf(weightSlot), { where: `task ${name}`, reason: `\`weight\`: expected a number >= 0, found ${describe(weight)}` }))
      return undefined
    }
    const headInstance = this.#evaluator.instantiate(head, `heads.${name}`, placeOf(headSlot))
    if ([head, loss, weight, headInstance].some(v => v.t === 'error') || (weight.t !== 'int' && weight.t !== 'float')) return undefined
    const image = this.data.get('image')
    const fields = new Map(kind.fields)
    if (fields.get('size')?.t === 'none' && image !== undefined) fields.set('size', image)
    return { name, span: task.span, kind, fields, weight: weight.v, head, headInstance, loss, lossSpan: placeOf(lossSlot) }
  }

  #evaluate(source: Source<Expr>): Value {
    for (const name of freeNames(source.node)) this.#need(name)
    return this.#evaluator.evaluate(source.node, this.scope(source.module))
  }

  #initial(slot: Slot, standard: Value | undefined): Value | undefined {
    if (slot.initial === undefined) return standard
    const { node, module } = slot.initial
    if (node.kind !== 'let') return this.#evaluate({ node, module })
    const whole = this.#evaluate({ node: node.value, module })
    const names = node.pattern.kind === 'name' ? [] : node.pattern.names.map(n => n.text)
    const parts = whole.t === 'list' && node.pattern.kind === 'list' && whole.items.length === names.length ? whole.items[names.indexOf(slot.path)]
      : whole.t === 'record' && node.pattern.kind === 'record' ? whole.fields.get(slot.path) : undefined
    if (parts !== undefined || whole.t === 'error') return parts ?? error
    this.#scopes.report(diagnose('take-apart', node.value.span, { found: describe(whole), names: names.join(', ') }))
    return error
  }

  /** The value after all overrides. What a later override replaces as a whole is evaluated only to see whether that changes anything. */
  #slot(slot: Slot, standard: Value | undefined, also: readonly string[] = []): Value {
    const decisive = slot.overrides.findLastIndex(o => o.rest.length === 0)
    const quietly = <T>(index: number, body: () => T): T => (index < decisive ? this.#scopes.muted(body) : body())
    let value = quietly(-1, () => this.#initial(slot, standard))
    for (const [i, o] of slot.overrides.entries()) value = quietly(i, () => this.#apply(value, o, also, slot.overrides.slice(0, i).findLast(earlier => earlier.rest.length === 0)?.value ?? slot.initial))
    this.values.set(slot.path, value ?? error)
    return value ?? error
  }

  /** `given`: the text of the value before */
  #apply(before: Value | undefined, o: SlotOverride, also: readonly string[], given: Slot['initial']): Value {
    const value = this.#evaluate(o.value)
    if (value.t === 'error') return error
    const assignment = { value, span: o.value.node.span, path: o.path, pathSpan: o.pathSpan }
    const depth = o.path.split('.').length - o.rest.length
    const where = o.path.split('.').slice(0, depth).join('.')
    const after = o.rest.length === 0 ? value : overrideInside(before ?? error, o.rest, assignment, { evaluator: this.#evaluator, report: this.#scopes.report, muted: this.#scopes.muted }, where, also)
    // The command line may say what the text says: a script need not know the text.
    const mayRepeat = o.quiet === true || o.pathSpan.file.startsWith('--set')
    if (!mayRepeat && before !== undefined && before.t !== 'error' && after.t !== 'error' && unchanged(before, after)) {
      const labels = given === undefined ? [] : [{ span: given.node.kind === 'let' ? given.node.value.span : given.node.span, text: o.rest.length === 0 ? 'the value before' : 'in this value' }]
      this.#scopes.report(diagnose('override-changes-nothing', o.pathSpan, { path: o.path, value: printValue(value) }, { labels, hint: given === undefined ? 'it is the default; remove this override' : undefined }))
    }
    return after
  }
}

const taskRecord = (task: TaskValues): Value => record(new Map<string, Value>([['name', string(task.name)], ['kind', string(task.kind.name)], ['head', task.headInstance], ...task.fields]))
