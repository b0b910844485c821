// Statements as the text of a module: variables, comments, and each tensor disposed of behind its last use.
import { showNumber, SMALL_CONSTANT, tensorsOf, type Argument, type Statement, type Tensor } from './emitter.ts'
import type { Lowered } from './lower.ts'

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

export function showArgument(argument: Argument): string {
  if (argument === undefined) return 'undefined'
  if (typeof argument === 'string') return quoted(argument)
  if (typeof argument !== 'object') return `${Object.is(argument, -0) ? '-0' : argument}`
  if (Array.isArray(argument)) return `[${(argument as readonly Argument[]).map(showArgument).join(', ')}]`
  if ('text' in argument) return (argument as Tensor).text
  return `{ ${Object.entries(argument).filter(([, value]) => value !== undefined && value !== false).map(([name, value]) => { const text = showArgument(value); return text === name ? name : `${name}: ${text}` }).join(', ')} }`
}

function showStatement({ results, fn, args }: Statement): string {
  const names = results.length === 1 ? results[0].text : `[${results.map(r => r.text).join(', ')}]`
  return `  const ${names} = tf.${fn}(${args.map(showArgument).join(', ')})`
}

/** For each statement, the tensors that nothing behind it reads. */
function lastUses(statements: readonly Statement[], kept: ReadonlySet<Tensor>): Tensor[][] {
  const seen = new Set(kept)
  return statements.toReversed().map(s => [...new Set([...tensorsOf(s.args), ...s.results])].filter(t => t.kind === 'made' && !seen.has(t) && seen.add(t))).toReversed()
}

const port = (entry: object): string => `  { ${Object.entries(entry).map(([key, value]) => `${key}: ${typeof value === 'string' ? quoted(value) : Array.isArray(value) ? `[${value.join(', ')}]` : value}`).join(', ')} },`
const table = (name: string, rows: readonly object[]): string[] => rows.length === 0 ? [`export const ${name} = []`] : [`export const ${name} = [`, ...rows.map(port), ']']

/** The constants as the module lists them: small ones with their elements. */
const constantsOf = ({ emitter }: Lowered): object[] =>
  [...emitter.constants].map(([name, { dtype, shape, data }]) => ({ name, dtype, shape, ...data.length <= SMALL_CONSTANT ? { data: [...data].map(showNumber) } : {} }))

export function printModule({ program, emitter, results }: Lowered): string {
  const types = new Map([...program.inputs, ...program.nodes].map(v => [v.id, v.type] as const))
  const { statements } = emitter
  const ends = lastUses(statements, new Set(results.map(r => r.tensor)))
  const body: string[] = []
  let comment = ''
  statements.forEach((statement, i) => {
    if (statement.comment !== comment) {
      if (comment !== '') body.push('')
      comment = statement.comment
      if (comment !== '') body.push(`  // ${comment}`)
    }
    body.push(showStatement(statement))
    if (ends[i].length > 0) body.push(`  ${ends[i].map(t => `${t.text}.dispose()`).join('; ')}`)
  })
  return [
    `// ${program.name}: a program of tensors as calls of TensorFlow.js, written by mtlc.`,
    '',
    ...table('inputs', program.inputs.map(({ name, role, type: { dtype, shape } }) => ({ name, role, dtype, shape }))),
    '',
    ...table('outputs', program.outputs.map(({ name, role, value }) => ({ name, role, ...types.get(value)! }))),
    '',
    '// Made once by the caller: those with data are written here, the others come with the module.',
    ...table('constants', constantsOf({ program, emitter, results })),
    '',
    '// Tensors in, tensors out. `given`: the inputs by name, `constants` by name. The results are the caller\'s; everything else that is made here is disposed of at its last use.',
    'export function run(tf, given, constants) {',
    ...body,
    '',
    '  return {',
    ...results.map(({ output, tensor }) => `    ${quoted(output.name)}: ${tensor.text},`),
    '  }',
    '}',
    '',
  ].join('\n')
}
