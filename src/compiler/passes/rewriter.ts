// The walk that passes share: nodes in order, operands renamed to what replaced them, surviving nodes with their ids and origins.
import type { OpAttrs, OpName } from '../ir/ops.ts'
import type { Node, Origin, Program, ValueId } from '../ir/program.ts'
import type { TensorType } from '../ir/types.ts'
import { inferShape } from '../rules/shape.ts'

/** A transformation of a program that preserves its meaning; returns the same object where nothing changes. */
export type Pass = (program: Program) => Program

export class Rewriter {
  readonly #program: Program
  readonly #nodes: Node[] = []
  readonly #definitions = new Map<ValueId, Node>()
  readonly #inputTypes = new Map<ValueId, TensorType>()
  readonly #replacements = new Map<ValueId, ValueId>()
  #next: number
  #changed = false

  constructor(program: Program) {
    this.#program = program
    for (const input of program.inputs) this.#inputTypes.set(input.id, input.type)
    this.#next = 1 + Math.max(-1, ...[program.inputs, program.nodes].map(list => list.reduce((n: number, { id }) => Math.max(n, id), -1)))
  }

  /** The node that defines a value of the new program; undefined for inputs. */
  definition(value: ValueId): Node | undefined {
    return this.#definitions.get(value)
  }

  type(value: ValueId): TensorType {
    const type = this.#definitions.get(value)?.type ?? this.#inputTypes.get(value)
    if (type === undefined) throw new Error(`internal: value ${value} is not defined in this program`)
    return type
  }

  /** The node with its operands renamed: the same object if none was replaced. */
  renamed(node: Node): Node {
    if (!node.inputs.some(v => this.#replacements.has(v))) return node
    return { ...node, inputs: node.inputs.map(v => this.#replacements.get(v) ?? v) } as Node
  }

  /** Append a node of the old program, as it is or rewritten. */
  keep(node: Node, original: Node): void {
    this.#changed ||= node !== original
    this.#append(node)
  }

  /** A node of the old program goes; `by`, a value of the new program, takes its place. */
  replace(node: Node, by: ValueId): void {
    this.#changed = true
    this.#replacements.set(node.id, by)
  }

  /** A node of the old program goes, and nothing reads it. */
  drop(): void {
    this.#changed = true
  }

  /** Append a new node. */
  emit<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K], origin: Origin): ValueId {
    const type = inferShape(op, inputs.map(v => this.type(v)), attrs)
    if ('error' in type) throw new Error(`internal: a pass builds a wrong ${op}: ${type.error}`)
    const id = this.#next++
    this.#append({ id, op, inputs, attrs, type, origin } as Node)
    this.#changed = true
    return id
  }

  #append(node: Node): void {
    this.#nodes.push(node)
    this.#definitions.set(node.id, node)
  }

  finish(): Program {
    if (!this.#changed) return this.#program
    const outputs = this.#program.outputs.map(o => this.#replacements.has(o.value) ? { ...o, value: this.#replacements.get(o.value)! } : o)
    return { ...this.#program, nodes: this.#nodes, outputs }
  }
}

/** How many operands and outputs read each value. */
export const countUses = (program: Program): Map<ValueId, number> => {
  const uses = new Map<ValueId, number>()
  const use = (v: ValueId): void => { uses.set(v, (uses.get(v) ?? 0) + 1) }
  for (const node of program.nodes) node.inputs.forEach(use)
  for (const output of program.outputs) use(output.value)
  return uses
}
