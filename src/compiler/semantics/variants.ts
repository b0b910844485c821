// A variant is a delta: the chain from a model to its variants and to the command line, resolved to one set of slots with overrides.
import { diagnose } from '../diagnostics/catalogue.ts'
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts'
import { didYouMean } from '../diagnostics/suggest.ts'
import type { Expr, Field, ForwardDecl, LetStmt, ModelDecl, ModelMember, Name, Override, RequireStmt, TaskDecl, VariantDecl } from '../syntax/ast.ts'
import { declaredNames, taskFields, variantChain } from './check-models.ts'
import type { KindSchema } from './kinds-fields.ts'
import { trainSchema } from './kinds-train.ts'
import { dataKinds } from './kinds.ts'
import type { Module } from './modules.ts'

/** Syntax and the file whose names it sees. */
export interface Source<T> { readonly node: T; readonly module: Module }

/** A value given to a slot, or to a place inside it (`rest` not empty). `quiet`: may repeat what is there. */
export interface SlotOverride { readonly path: string; readonly rest: readonly Name[]; readonly value: Source<Expr>; readonly pathSpan: Span; readonly quiet?: true }

/** A place in a model that has a value: a let, a child, a field of data, train or a task. */
export interface Slot {
  readonly path: string
  readonly span: Span
  /** a let that takes a list or record apart has one slot per name; undefined: the field has its default */
  readonly initial: Source<Expr> | Source<LetStmt> | undefined
  readonly overrides: SlotOverride[]
}

export interface TaskSlots { readonly name: Name; readonly span: Span; /** the kind */ readonly value: Slot; readonly fields: Map<(typeof taskFields)[number], Slot> }

/** `inherited`: from a model below the one that is resolved, which may have dropped what the rule was for. */
export interface RenameRule { readonly from: string; readonly to: string; readonly span: Span; readonly inherited: boolean }

export interface ResolvedModel {
  readonly name: string
  readonly span: Span
  readonly data: { readonly kind: string; readonly schema: KindSchema; readonly span: Span; readonly slots: ReadonlyMap<string, Slot> }
  /** span undefined: the text has no train section */
  readonly train: { readonly span: Span | undefined; readonly slots: ReadonlyMap<string, Slot> }
  readonly tasks: ReadonlyMap<string, TaskSlots>
  readonly lets: ReadonlyMap<string, Slot>
  readonly children: ReadonlyMap<string, Slot>
  readonly requires: readonly Source<RequireStmt>[]
  readonly forward: Source<ForwardDecl>
  readonly renames: readonly RenameRule[]
  readonly replacements: ReadonlyMap<string, Source<Extract<Override, { kind: 'replace-block' }>>>
}

type SetOverride = Extract<Override, { kind: 'set' }>

/** Resolve `model` with the overrides of the command line on top. Undefined after a report that leaves no model. */
export function resolveModel(model: ModelDecl | VariantDecl, module: Module, set: readonly Override[], entry: Module, report: (d: Diagnostic) => void): ResolvedModel | undefined {
  const chain = model.kind === 'model' ? [{ declaration: model, module }] : variantChain(model, module)
  const root = chain[chain.length - 1]
  if (root.declaration.kind !== 'model') return undefined
  const resolution = new Resolution(root.declaration, root.module, report)
  for (const link of chain.slice(0, -1).toReversed()) if (link.declaration.kind === 'variant') resolution.variant(link.declaration, link.module)
  for (const o of set) resolution.override(o, entry)
  return resolution.finish(model)
}

class Resolution {
  readonly #report: (d: Diagnostic) => void
  readonly #root: Source<ModelDecl>
  #data: { kind: string; schema: KindSchema; span: Span; slots: Map<string, Slot> }
  #trainSpan: Span | undefined
  readonly #train = new Map<string, Slot>()
  readonly #tasks = new Map<string, TaskSlots>()
  readonly #lets = new Map<string, Slot>()
  readonly #children = new Map<string, Slot>()
  readonly #requires: Source<RequireStmt>[] = []
  #forward: Source<ForwardDecl> | undefined
  #renames: RenameRule[] = []
  readonly #replacements = new Map<string, Source<Extract<Override, { kind: 'replace-block' }>>>()

  constructor(model: ModelDecl, module: Module, report: (d: Diagnostic) => void) {
    this.#report = report
    this.#root = { node: model, module }
    this.#data = { kind: 'cityscapes3d', schema: dataKinds.cityscapes3d, span: model.name.span, slots: new Map() }
    for (const member of model.members) this.#member(member, module)
    this.#defaults('data', this.#data.schema, this.#data.slots, this.#data.span)
    this.#defaults('train', trainSchema, this.#train, this.#trainSpan ?? model.name.span)
  }

  #defaults(section: string, schema: KindSchema, slots: Map<string, Slot>, span: Span): void {
    for (const name of Object.keys(schema.fields)) if (!slots.has(name)) slots.set(name, { path: `${section}.${name}`, span, initial: undefined, overrides: [] })
  }

  #member(member: ModelMember, module: Module): void {
    switch (member.kind) {
      case 'data': {
        const kind = member.type?.text ?? this.#data.kind
        this.#data = { kind, schema: Object.hasOwn(dataKinds, kind) ? dataKinds[kind] : dataKinds.cityscapes3d, span: member.span, slots: new Map() }
        return this.#section('data', this.#data.schema, this.#data.slots, member.fields, module)
      }
      case 'train':
        this.#trainSpan ??= member.span
        return this.#section('train', trainSchema, this.#train, member.fields, module)
      case 'task': return this.#addTask(member, module)
      case 'rename': this.#renames.push(...member.rules.map(r => ({ ...r, inherited: false }))); return
      case 'child': this.#children.set(member.name.text, { path: member.name.text, span: member.name.span, initial: { node: member.value, module }, overrides: [] }); return
      case 'let': for (const name of declaredNames(member)) this.#lets.set(name.text, { path: name.text, span: name.span, initial: { node: member.pattern.kind === 'name' ? member.value : member, module } as Slot['initial'], overrides: [] }); return
      case 'require': this.#requires.push({ node: member, module }); return
      case 'forward': this.#forward ??= { node: member, module }
    }
  }

  /** Unknown fields were reported by the static check. */
  #section(section: string, schema: KindSchema, slots: Map<string, Slot>, fields: readonly Field[], module: Module): void {
    for (const field of fields) {
      const name = field.name.text
      if (Object.hasOwn(schema.fields, name) && !slots.has(name)) slots.set(name, { path: `${section}.${name}`, span: field.name.span, initial: { node: field.value, module }, overrides: [] })
    }
  }

  #addTask(task: TaskDecl, module: Module): void {
    const path = `tasks.${task.name.text}`
    const fields: TaskSlots['fields'] = new Map()
    for (const name of taskFields) {
      const field = task.fields.find(f => f.name.text === name)
      fields.set(name, { path: `${path}.${name}`, span: field?.name.span ?? task.name.span, initial: field === undefined ? undefined : { node: field.value, module }, overrides: [] })
    }
    if (!this.#tasks.has(task.name.text)) this.#tasks.set(task.name.text, { name: task.name, span: task.name.span, value: { path, span: task.name.span, initial: { node: task.value, module }, overrides: [] }, fields })
  }

  variant(variant: VariantDecl, module: Module): void {
    this.#renames = this.#renames.map(r => ({ ...r, inherited: true }))
    for (const o of variant.overrides) this.override(o, module)
  }

  override(o: Override, module: Module): void {
    switch (o.kind) {
      case 'set': return this.#set(o, module)
      case 'replace-block': this.#replacements.set(o.name.text, { node: o, module }); return
      case 'rename': this.#renames = [...o.rules.map(r => ({ ...r, inherited: false })), ...this.#renames]; return
      case 'data':
        if (o.type !== undefined && o.type.text !== this.#data.kind && Object.hasOwn(dataKinds, o.type.text)) return this.#member(o, module)
        return this.#fields('data', this.#data.slots, o.fields, module)
      case 'train':
        this.#trainSpan ??= o.span
        return this.#fields('train', this.#train, o.fields, module)
      case 'task': {
        const known = this.#tasks.get(o.name.text)
        if (known === undefined) return this.#addTask(o, module)
        known.value.overrides.push({ path: known.value.path, rest: [], value: { node: o.value, module }, pathSpan: o.name.span, quiet: true })
        for (const field of o.fields) {
          const slot = known.fields.get(field.name.text as (typeof taskFields)[number])
          slot?.overrides.push({ path: slot.path, rest: [], value: { node: field.value, module }, pathSpan: field.name.span })
        }
      }
    }
  }

  #fields(section: string, slots: Map<string, Slot>, fields: readonly Field[], module: Module): void {
    for (const field of fields) slots.get(field.name.text)?.overrides.push({ path: `${section}.${field.name.text}`, rest: [], value: { node: field.value, module }, pathSpan: field.name.span })
  }

  #unknown(name: Name, where: string, known: Iterable<string>): void {
    this.#report(diagnose('unknown-path', name.span, { where, name: name.text }, { hint: didYouMean(name.text, known) }))
  }

  #set(o: SetOverride, module: Module): void {
    const [head, second, ...rest] = o.path
    const path = o.path.map(p => p.text).join('.')
    const push = (slot: Slot, inner: readonly Name[]): void => { slot.overrides.push({ path, rest: inner, value: { node: o.value, module }, pathSpan: o.pathSpan }) }
    const member = this.#children.get(head.text) ?? this.#lets.get(head.text)
    if (member !== undefined) return push(member, o.path.slice(1))
    const sections: Readonly<Record<string, ReadonlyMap<string, unknown>>> = { data: this.#data.slots, train: this.#train, tasks: this.#tasks }
    const section = Object.hasOwn(sections, head.text) ? sections[head.text] : undefined
    if (section === undefined) return this.#unknown(head, `model \`${this.#root.node.name.text}\``, [...this.#children.keys(), ...this.#lets.keys(), ...Object.keys(sections)])
    if (second === undefined) return void this.#report(diagnose('section-as-value', head.span, { name: head.text }, { hint: `name what to override: ${[...section.keys()].slice(0, 12).map(k => `${head.text}.${k}`).join(', ')}` }))
    if (!section.has(second.text)) return this.#unknown(second, `\`${head.text}\``, section.keys())
    if (head.text === 'train') this.#trainSpan ??= o.span
    if (head.text !== 'tasks') return push((head.text === 'data' ? this.#data.slots : this.#train).get(second.text)!, rest)
    const task = this.#tasks.get(second.text)!
    if (rest.length === 0 && o.value.kind === 'none') { this.#tasks.delete(second.text); return }
    const field = rest.length === 0 ? undefined : task.fields.get(rest[0].text as (typeof taskFields)[number])
    if (field !== undefined) push(field, rest.slice(1))
    else push(task.value, rest)
  }

  finish(model: ModelDecl | VariantDecl): ResolvedModel | undefined {
    if (this.#forward === undefined) return undefined
    if (this.#tasks.size === 0) { this.#report(diagnose('no-tasks', model.name.span, { name: model.name.text })); return undefined }
    return {
      name: model.name.text, span: model.name.span, data: this.#data, train: { span: this.#trainSpan, slots: this.#train }, tasks: this.#tasks,
      lets: this.#lets, children: this.#children, requires: this.#requires, forward: this.#forward, renames: this.#renames, replacements: this.#replacements,
    }
  }
}
