// Appends nodes to a program under construction and infers their types at once.
import { inferShape } from '../rules/shape.ts'
import type { OpAttrs, OpName } from './ops.ts'
import type { Initialiser, InputRole, Node, Origin, OutputRole, Program, ProgramInput, ProgramOutput, ValueId } from './program.ts'
import { showType, type TensorType } from './types.ts'

/** A shape rule failed: the message names operator and shapes. The elaborator turns it into a diagnostic; elsewhere it is an internal error. */
export class ShapeError extends Error {}

export class Builder {
  readonly inputs: ProgramInput[] = []
  readonly nodes: Node[] = []
  readonly outputs: ProgramOutput[] = []
  readonly #types = new Map<ValueId, TensorType>()
  #next = 0

  /** Continue `program` (its values keep their ids) or start an empty one. */
  static from(program: Program): Builder {
    const b = new Builder()
    for (const input of program.inputs) { b.inputs.push(input); b.#adopt(input.id, input.type) }
    for (const node of program.nodes) { b.nodes.push(node); b.#adopt(node.id, node.type) }
    b.outputs.push(...program.outputs)
    return b
  }

  #adopt(id: ValueId, type: TensorType): void {
    this.#types.set(id, type)
    this.#next = Math.max(this.#next, id + 1)
  }

  type(value: ValueId): TensorType {
    const t = this.#types.get(value)
    if (t === undefined) throw new Error(`internal: value ${value} is not defined in this program`)
    return t
  }

  input(name: string, role: InputRole, type: TensorType, origin: Origin, init?: Initialiser): ValueId {
    const id = this.#next
    this.inputs.push({ id, name, role, type, init, origin })
    this.#adopt(id, type)
    return id
  }

  /** Append one operator. Throws ShapeError if the operands do not fit. */
  emit<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K], origin: Origin): ValueId {
    const result = inferShape(op, inputs.map(v => this.type(v)), attrs)
    if ('error' in result) throw new ShapeError(`${op}(${inputs.map(v => showType(this.type(v))).join(', ')}): ${result.error}`)
    const id = this.#next
    this.nodes.push({ id, op, inputs, attrs, type: result, origin } as Node)
    this.#adopt(id, result)
    return id
  }

  output(name: string, role: OutputRole, value: ValueId): void {
    this.outputs.push({ name, role, value })
  }

  finish(name: string): Program {
    return { name, inputs: this.inputs, nodes: this.nodes, outputs: this.outputs }
  }
}
