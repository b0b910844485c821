// A program as statements: nodes in order, layouts, results.
import type { Span } from '../../diagnostics/diagnostic.ts'
import type { Node, Program, ProgramOutput, ValueId } from '../../ir/program.ts'
import { sameShape, sizeOf } from '../../ir/types.ts'
import { expandProgram } from '../../rules/expansion.ts'
import { directOperands, findFusions, usesOf } from '../fusion.ts'
import { Emitter, tensorsOf, type Backend, type Form, type Tensor, type Value } from './emitter.ts'
import type { Lowering } from './form.ts'
import { patterns } from './fuse.ts'
import { lowerings } from './lowering.ts'
import { shareNorms } from './norms.ts'
import { plain } from './order.ts'

export interface LowerOptions {
  /** Only these outputs. */
  readonly outputs?: readonly string[]
  /** `file:line` of a span, for the comments. */
  readonly place?: (span: Span) => string
  /** The module is for this backend alone, and may use what only that one does well. */
  readonly backend?: Backend
}

export interface Lowered {
  readonly program: Program
  readonly emitter: Emitter
  /** What `run` returns; each tensor stands once, and is made in the module. */
  readonly results: readonly { readonly output: ProgramOutput; readonly tensor: Tensor }[]
}

/** Without the nodes on which no output depends; inputs stay. */
function live(program: Program): Program {
  const needed = new Set(program.outputs.map(o => o.value))
  for (const node of program.nodes.toReversed()) if (needed.has(node.id)) node.inputs.forEach(v => needed.add(v))
  return { ...program, nodes: program.nodes.filter(n => needed.has(n.id)) }
}

export function lowerProgram(given: Program, options: LowerOptions = {}): Lowered {
  const wanted = { ...given, outputs: given.outputs.filter(o => options.outputs?.includes(o.name) ?? true) }
  const program = live(shareNorms(expandProgram(wanted, new Set(['deformConv2d']))))
  return new Lowerer(program, options).run()
}

class Lowerer {
  readonly #program: Program
  readonly #options: LowerOptions
  readonly #e: Emitter
  readonly #uses
  readonly #fusions
  readonly #values = new Map<ValueId, Value>()

  constructor(program: Program, options: LowerOptions) {
    this.#program = program
    this.#options = options
    this.#e = new Emitter(options.backend)
    this.#uses = usesOf(program)
    this.#fusions = findFusions(program, this.#uses, patterns)
  }

  run(): Lowered {
    for (const { id, name, type } of this.#program.inputs) {
      const tensor: Tensor = { kind: 'input', text: `given[${quoted(name)}]`, dtype: type.dtype, shape: type.shape }
      this.#values.set(id, { id, type, forms: [{ tensor, order: plain(type.shape.length) }] })
    }
    const absorbed = new Set([...this.#fusions.values()].flatMap(f => f.absorbed))
    for (const node of this.#program.nodes) if (!absorbed.has(node.id)) this.#lower(node)
    const results = this.#results()
    const read = new Set(this.#e.statements.flatMap(s => tensorsOf(s.args)))
    this.#e.keepConstants(tensor => read.has(tensor))
    return { program: this.#program, emitter: this.#e, results }
  }

  #lower(node: Node): void {
    const { path, span, phase } = node.origin
    const place = span === undefined || this.#options.place === undefined ? '' : this.#options.place(span)
    this.#e.begin(baseName(path, phase), [[path, place].filter(s => s !== '').join(' '), phase === 'forward' ? '' : phase].filter(s => s !== '').join(', '))
    const fusion = this.#fusions.get(node.id)
    const made = fusion !== undefined ? fusion.lower(this.#e, fusion.operands.map(v => this.#value(v))) : this.#plain(node)
    const forms: Form[] = 'tensor' in made ? [made] : [...made]
    for (const { tensor, order } of forms) {
      if (order.length !== node.type.shape.length || sizeOf(tensor.shape) !== sizeOf(node.type.shape) || tensor.dtype !== node.type.dtype) throw new Error(`internal: ${node.op} of shape [${node.type.shape.join(', ')}] is lowered to [${tensor.shape.join(', ')}]`)
    }
    this.#values.set(node.id, { id: node.id, type: node.type, forms })
  }

  #plain(node: Node): Form | readonly Form[] {
    if (sizeOf(node.type.shape) === 0) return { tensor: this.#e.zeros(node.type.shape, node.type.dtype), order: plain(node.type.shape.length) }
    const operands = directOperands(node, this.#uses).map(({ value, scalar }) => {
      if (scalar === undefined) return this.#value(value)
      const { dtype } = this.#uses.type(value)
      return { id: value, type: { dtype, shape: [] }, forms: [{ tensor: this.#e.scalar(scalar, dtype), order: [] }] }
    })
    const lower = lowerings[node.op] as Lowering<typeof node.op>
    return lower(this.#e, operands, node.attrs as never, node.type)
  }

  #value(id: ValueId): Value {
    const value = this.#values.get(id)
    if (value === undefined) throw new Error(`internal: value ${id} is read before it is lowered`)
    return value
  }

  /** In the order and shape of the program, each a tensor of its own. */
  #results(): Lowered['results'] {
    const given = new Set<Tensor>()
    return this.#program.outputs.map(output => {
      const value = this.#value(output.value)
      this.#e.begin('result', 'results')
      let tensor = this.#e.stored(value)
      if (tensor.kind !== 'made' || given.has(tensor)) tensor = this.#e.call('clone', [tensor], tensor.shape, tensor.dtype)
      if (!sameShape(tensor.shape, value.type.shape)) throw new Error(`internal: output ${output.name} has the wrong shape`)
      given.add(tensor)
      return { output, tensor }
    })
  }
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

/** The last part of a module path that is a name. */
function baseName(path: string, phase: string): string {
  const part = path.split(/[./]/).findLast(p => /^[A-Za-z_]\w*$/.test(p)) ?? phase
  return part
}
