// Static check of models and variants: members, fields of data, tasks and train, and the names their expressions use.
import { diagnose } from '../diagnostics/catalogue.ts'
import { didYouMean } from '../diagnostics/suggest.ts'
import type { Field, ForwardDecl, ModelDecl, ModelMember, Name, Override, VariantDecl } from '../syntax/ast.ts'
import { bindSignature, checkForward, checkRequire } from './check-blocks.ts'
import { checkDistinct, checkExpr, checkUnused, type CheckContext } from './check-expressions.ts'
import { Names } from './check-scope.ts'
import { trainSchema } from './kinds-train.ts'
import { dataKinds } from './kinds.ts'
import type { Module } from './modules.ts'

/** Names of inputs and outputs of the program that are not a task's. */
const reservedTasks: readonly string[] = ['image', 'loss', 'grad_norm']
export const taskFields = ['head', 'loss', 'weight'] as const
/** Names of a model that no member declares. */
const modelNames = ['self', 'data', 'tasks', 'train', 'cityscapes'] as const

const isForward = (m: ModelMember): m is ForwardDecl => m.kind === 'forward'

/** The names that the members of a model declare. */
export function declaredNames(member: ModelMember | Override): readonly Name[] {
  if (member.kind === 'let') return member.pattern.kind === 'name' ? [member.pattern.name] : member.pattern.names
  return member.kind === 'child' ? [member.name] : []
}

export function checkModel(model: ModelDecl, file: Names, context: CheckContext): void {
  const forwards = model.members.filter(isForward)
  if (forwards.length === 0) context.report(diagnose('without-forward', model.name.span, { what: 'model', name: model.name.text }))
  if (forwards.length > 1) context.report(diagnose('second-forward', forwards[1].span, {}, { labels: [{ span: forwards[0].span, text: 'the first' }] }))
  checkDistinct(model.members.flatMap(m => declaredNames(m)), 'member', context)
  const tasks = model.members.flatMap(m => (m.kind === 'task' ? [m.name] : []))
  checkDistinct(tasks, 'task', context)
  if (tasks.length === 0) context.report(diagnose('no-tasks', model.name.span, { name: model.name.text }))
  for (const kind of ['data', 'train'] as const) {
    const [first, second] = model.members.filter(m => m.kind === kind)
    if (second !== undefined) context.report(diagnose('second-section', second.span, { what: kind }, { labels: [{ span: first.span, text: 'the first' }] }))
  }
  if (!model.members.some(m => m.kind === 'data')) context.report(diagnose('no-data', model.name.span, { name: model.name.text }, { hint: 'add `data cityscapes3d { image = 1024 x 2048 }`' }))

  const names = modelScope(model, file)
  for (const forward of forwards) bindSignature(forward, names)
  for (const member of model.members) checkMember(member, model.name.text, names, context)
  checkUnused(names, context)
}

function modelScope(model: ModelDecl, file: Names): Names {
  const names = new Names(file)
  for (const name of modelNames) names.define('member', name)
  for (const member of model.members) for (const name of declaredNames(member)) names.define(member.kind === 'let' ? 'let' : 'member', name.text, name.span)
  return names
}

function checkMember(member: ModelMember | Override, owner: string, names: Names, context: CheckContext): void {
  switch (member.kind) {
    case 'data': {
      const kind = member.type
      if (kind !== undefined && !Object.hasOwn(dataKinds, kind.text)) context.report(diagnose('unknown-data', kind.span, { name: kind.text }, { hint: didYouMean(kind.text, Object.keys(dataKinds)) }))
      const known = Object.keys((kind === undefined || !Object.hasOwn(dataKinds, kind.text) ? dataKinds.cityscapes3d : dataKinds[kind.text]).fields)
      return checkFields(member.fields, known, '`data`', names, context)
    }
    case 'train': return checkFields(member.fields, Object.keys(trainSchema.fields), '`train`', names, context)
    case 'task':
      if (reservedTasks.includes(member.name.text) || !/^[^\s/.]+$/.test(member.name.text)) context.report(diagnose('task-name', member.name.span, { name: member.name.text, reserved: reservedTasks.join(', ') }))
      checkExpr(member.value, names, context)
      return checkFields(member.fields, taskFields, `task \`${member.name.text}\``, names, context)
    case 'rename': return
    case 'let': case 'child': return checkExpr(member.value, names, context)
    case 'require': return checkRequire(member, names, context)
    case 'forward': return checkForward(member, owner, names, context)
    case 'set': return checkExpr(member.value, names, context)
    case 'replace-block': names.use(member.name.text); return checkExpr(member.value, names, context)
  }
}

function checkFields(fields: readonly Field[], known: readonly string[], where: string, names: Names, context: CheckContext): void {
  checkDistinct(fields.map(f => f.name), 'field', context)
  for (const field of fields) {
    if (!known.includes(field.name.text)) context.report(diagnose('unknown-field', field.name.span, { name: field.name.text, owner: where }, { hint: didYouMean(field.name.text, known) }))
    checkExpr(field.value, names, context)
  }
}

/** The models a variant rests on, itself first; the last is a model unless something is wrong, which `report` hears. */
export function variantChain(variant: VariantDecl, module: Module, report: CheckContext['report'] = () => undefined): readonly { readonly declaration: VariantDecl | ModelDecl; readonly module: Module }[] {
  const chain: { readonly declaration: VariantDecl | ModelDecl; readonly module: Module }[] = [{ declaration: variant, module }]
  let here: { readonly declaration: VariantDecl; readonly module: Module } = { declaration: variant, module }
  for (;;) {
    const { text, span } = here.declaration.base
    const base = here.module.names.get(text)
    if (base === undefined) {
      // A name whose import or declaration failed has been reported there.
      if (here.module.broken || here.module.file.imports.some(i => i.names.some(n => (n.alias ?? n.name).text === text))) return chain
      const models = [...here.module.names].filter(([, d]) => d.declaration.kind !== 'block').map(([name]) => name)
      report(diagnose('unknown-model', span, { name: text }, { hint: didYouMean(text, models.filter(m => m !== here.declaration.name.text)) }))
      return chain
    }
    if (base.declaration.kind === 'block') { report(diagnose('not-a-model', span, { name: text }, { labels: [{ span: base.span, text: 'a block' }] })); return chain }
    const declaration = base.declaration
    if (chain.some(link => link.declaration === declaration)) {
      const labels = chain.slice(1).flatMap(link => (link.declaration.kind === 'variant' ? [{ span: link.declaration.base.span, text: `${link.declaration.name.text} rests on ${link.declaration.base.text}` }] : []))
      report(diagnose('variant-cycle', span, { name: variant.name.text }, { labels }))
      return chain
    }
    chain.push({ declaration, module: base.module })
    if (declaration.kind === 'model') return chain
    here = { declaration, module: base.module }
  }
}

/** Expressions of a variant see its own file and the members of the models below it. */
export function checkVariant(variant: VariantDecl, module: Module, file: Names, context: CheckContext): void {
  if (variant.overrides.length === 0) context.report(diagnose('empty-variant', variant.name.span, { name: variant.name.text }))
  const chain = variantChain(variant, module, context.report)
  file.use(variant.base.text)
  const names = new Names(file)
  for (const name of modelNames) names.define('member', name)
  for (const { declaration } of chain.slice(1)) {
    const members: readonly (ModelMember | Override)[] = declaration.kind === 'model' ? declaration.members : declaration.overrides
    for (const member of members) for (const name of declaredNames(member)) names.define('member', name.text, name.span)
  }
  checkDistinct(variant.overrides.flatMap(o => (o.kind === 'task' ? [o.name] : [])), 'task', context)
  const paths = variant.overrides.flatMap(o => (o.kind === 'set' ? [{ text: o.path.map(p => p.text).join('.'), span: o.pathSpan, quoted: false }] : []))
  checkDistinct(paths, 'override', context)
  for (const override of variant.overrides) checkMember(override, variant.name.text, names, context)
}
