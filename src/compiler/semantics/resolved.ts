// The resolved model as text: every value in place, whatever variants and options it came from; and the difference of two.
import type { ModelValues } from './models-values.ts'
import { layoutValue, showName } from './show-values.ts'
import type { Value } from './values.ts'
import type { ResolvedModel, Slot } from './variants.ts'

const width = 110

/** The text of a model after variants and overrides: equal models give equal texts. Blocks show all arguments, defaulted ones too. */
export function printResolved(model: ResolvedModel, values: ModelValues): string {
  const lines: string[] = [`model ${model.name} {`]
  const valueOf = (slot: Slot): Value | undefined => values.values.get(slot.path)
  const assign = (indent: string, name: string, value: Value | undefined): void => { if (value !== undefined) lines.push(...`${indent}${name} = ${layoutValue(value, indent, width)}`.split('\n')) }
  const section = (header: string, fields: Iterable<readonly [string, Value | undefined]>): void => {
    lines.push(`  ${header} {`)
    for (const [name, value] of fields) assign('    ', name, value)
    lines.push('  }')
  }

  section(`data ${model.data.kind}`, values.data)
  for (const [name, slot] of model.lets) assign('  ', `let ${name}`, valueOf(slot))
  for (const task of model.tasks.values()) {
    const kind = valueOf(task.value)
    lines.push(...`  task ${showName(task.name.text)} = ${kind === undefined ? 'none' : layoutValue(kind, '  ', width)} {`.split('\n'))
    for (const [name, slot] of task.fields) assign('    ', name, valueOf(slot))
    lines.push('  }')
  }
  for (const [name, slot] of model.children) assign('  ', showName(name), valueOf(slot))
  for (const [name, { node, module }] of model.replacements) lines.push(`  block ${name} = ${module.text.slice(node.value.span.start, node.value.span.end)}`)
  const { node, module } = model.forward
  lines.push(...`  ${module.text.slice(node.span.start, node.span.end)}`.split(/\r?\n/))
  if (values.train !== undefined) section('train', values.train)
  if (model.renames.length > 0) lines.push('  rename {', ...model.renames.map(r => `    "${r.from}" -> "${r.to}"`), '  }')
  return `${[...lines, '}'].join('\n')}\n`
}

/** The lines that differ between two texts: `- ` only in `a`, `+ ` only in `b`, up to `context` equal lines around them, `...` where equal lines are left out. Empty for equal texts. */
export function diffModels(a: string, b: string, context = 2): string {
  const script = editScript(a.split('\n'), b.split('\n'))
  const near = (i: number): boolean => script.slice(Math.max(0, i - context), i + context + 1).some(line => line.sign !== ' ')
  const out: string[] = []
  for (const [i, { sign, text }] of script.entries()) {
    if (near(i)) out.push(`${sign} ${text}`.trimEnd())
    else if (out.length > 0 && out.at(-1) !== '...') out.push('...')
  }
  if (out.at(-1) === '...') out.pop()
  return out.map(line => `${line}\n`).join('')
}

interface Edit { readonly sign: ' ' | '-' | '+'; readonly text: string }

/** Cells of the table of common subsequences; beyond it what lies between equal ends is shown as replaced. */
const mostCells = 4_000_000

const same = (text: string): Edit => ({ sign: ' ', text })

/** Longest common subsequence by lines; removed lines come before added ones. */
function editScript(a: readonly string[], b: readonly string[]): readonly Edit[] {
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let end = 0
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++
  const [x, y] = [a.slice(start, a.length - end), b.slice(start, b.length - end)]
  if (x.length * y.length > mostCells) {
    return [...a.slice(0, start).map(same), ...x.map((text): Edit => ({ sign: '-', text })), ...y.map((text): Edit => ({ sign: '+', text })), ...a.slice(a.length - end).map(same)]
  }
  const common = Array.from({ length: x.length + 1 }, () => new Int32Array(y.length + 1))
  for (let i = x.length - 1; i >= 0; i--) for (let j = y.length - 1; j >= 0; j--) common[i][j] = x[i] === y[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1])
  const middle: Edit[] = []
  let [i, j] = [0, 0]
  while (i < x.length || j < y.length) {
    if (i < x.length && j < y.length && x[i] === y[j]) { middle.push(same(x[i])); i++; j++ }
    else if (i < x.length && (j === y.length || common[i + 1][j] >= common[i][j + 1])) middle.push({ sign: '-', text: x[i++] })
    else middle.push({ sign: '+', text: y[j++] })
  }
  return [...a.slice(0, start).map(same), ...middle, ...a.slice(a.length - end).map(same)]
}
