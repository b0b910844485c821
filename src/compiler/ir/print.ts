// The IR as text: the same program always prints the same, whatever its ids.
import type { Initialiser, Origin, Program, ValueId } from './program.ts'
import { showAttributes } from './show-attributes.ts'
import { showType } from './types.ts'

export interface PrintOptions {
  /** Module path and phase behind each node (default: yes). */
  readonly origins?: boolean
}

/** a, b, ..., z, aa, ab, ... */
export const variableName = (index: number): string => (index >= 26 ? variableName(Math.floor(index / 26) - 1) : '') + String.fromCharCode(97 + index % 26)

const showOrigin = ({ path, phase }: Origin): string => `// ${[path, phase].filter(Boolean).join(' ')}`

const showInitialiser = ({ kind, ...numbers }: Initialiser): string => {
  const shown = Object.entries(numbers).filter(([, n]) => n !== undefined).map(([name, n]) => `${name}=${n}`).join(', ')
  return ` init ${kind}${shown && `(${shown})`}`
}

/**
 * One line per input (`parameter %b = "conv.weight" : f32[4, 3, 3, 3]`), node (`%c = conv2d(%a, %b) {...} : f32[...]  // path phase`) and output
 * (`prediction "semseg" = %c`). Values are named a, b, c, ... in the order of their definition; long constants show type and hash.
 */
export const printProgram = (program: Program, options: PrintOptions = {}): string => {
  const { origins = true } = options
  const names = new Map<ValueId, string>()
  const define = (id: ValueId): string => {
    names.set(id, `%${variableName(names.size)}`)
    return names.get(id)!
  }
  const name = (id: ValueId): string => names.get(id) ?? `%undefined(${id})`
  const lines = [
    `program ${program.name}`,
    ...program.inputs.map(i => `  ${i.role} ${define(i.id)} = ${JSON.stringify(i.name)} : ${showType(i.type)}${i.init ? showInitialiser(i.init) : ''}`),
    ...program.nodes.map(n => {
      const operands = n.inputs.map(name).join(', ')
      const attributes = showAttributes(n.attrs)
      return `  ${define(n.id)} = ${n.op}(${operands})${attributes && ` ${attributes}`} : ${showType(n.type)}${origins ? `  ${showOrigin(n.origin)}` : ''}`
    }),
    ...program.outputs.map(o => `  ${o.role} ${JSON.stringify(o.name)} = ${name(o.value)}`),
  ]
  return lines.join('\n') + '\n'
}
