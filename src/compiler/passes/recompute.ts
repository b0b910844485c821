// Recomputation: what the backward pass reads of chosen forward nodes is computed a second time, right before it is read, so that the first result can be freed early.
import type { Node, Program, ValueId } from '../ir/program.ts'
import type { OpName } from '../ir/ops.ts'

/** Forward nodes whose results are not kept for the backward pass; all of one segment are computed again together. */
export type Segments = ReadonlyMap<ValueId, string>

export const isForward = (node: Node): boolean => node.origin.phase === 'forward' || node.origin.phase === 'loss'

const sources = new Set<OpName>(['constant', 'fill', 'iota'])

/**
 * Values that depend on what differs from step to step (images, targets, random draws), other than through the state alone. The others are small (attention biases, constants) and live through
 * the step.
 */
export function activations(program: Program): Set<ValueId> {
  const found = new Set(program.inputs.filter(i => i.role === 'input' || i.role === 'random' || i.role === 'target').map(i => i.id))
  const given = new Set(found)
  for (const node of program.nodes) if (node.inputs.some(v => found.has(v))) found.add(node.id)
  for (const id of given) found.delete(id)
  return found
}

/**
 * The program with the nodes in `segments` computed again for the backward pass. The copies read what is kept through `after`, with the cotangent that arrives at the segment as its cue: without
 * it an engine would run them with the originals, and would keep both. They have the path and span of the originals and the phase 'backward'. Nothing else changes, so results are the same to the bit.
 *
 * Run it last: merging common subexpressions would undo it.
 */
export function recompute(program: Program, segments: Segments): Program {
  if (segments.size === 0) return program
  const definitions = new Map(program.nodes.map(n => [n.id, n] as const))
  const moving = activations(program)
  const nodes: Node[] = []
  let next = 1 + [...program.inputs, ...program.nodes].reduce((n, v) => Math.max(n, v.id), 0)
  /** Backward values that cannot be known before the forward pass has ended. */
  const late = new Set<ValueId>()
  let lastLate: ValueId | undefined
  const cues = new Map<string, ValueId>()
  const copies = new Map<ValueId, ValueId>(), reads = new Map<ValueId, ValueId>()
  const delayed = new Map<string, ValueId>()

  const emit = (node: Omit<Node, 'id'>): ValueId => {
    const id = next++
    nodes.push({ ...node, id } as Node)
    return id
  }
  const behind = (value: ValueId, segment: string, cue: ValueId): ValueId => {
    const key = `${value} ${segment}`
    const known = delayed.get(key)
    if (known !== undefined) return known
    const made = definitions.get(value)!
    const id = emit({ op: 'after', attrs: {}, inputs: [value, cue], type: made.type, origin: { ...made.origin, phase: 'backward' } } as Omit<Node, 'id'>)
    delayed.set(key, id)
    return id
  }
  /** The value for a copy in `segment`. */
  const operand = (value: ValueId, segment: string, cue: ValueId): ValueId => {
    if (segments.get(value) === segment) return copy(value, segment, cue)
    return moving.has(value) ? behind(value, segment, cue) : value
  }
  const copy = (value: ValueId, segment: string, cue: ValueId, made = copies): ValueId => {
    const known = made.get(value)
    if (known !== undefined) return known
    const node = definitions.get(value)!
    const inputs = node.inputs.map(v => operand(v, segment, cue))
    const id = emit({ ...node, inputs, origin: { ...node.origin, phase: 'backward' } } as Omit<Node, 'id'>)
    made.set(value, id)
    return id
  }

  for (const node of program.nodes) {
    if (isForward(node)) { nodes.push(node); continue }
    const inputs = node.inputs.map(value => {
      const segment = segments.get(value)
      if (segment === undefined) return value
      const cue = cues.get(segment) ?? node.inputs.find(v => late.has(v)) ?? lastLate
      // Before the first cotangent there is nothing to wait for.
      if (cue === undefined) return value
      cues.set(segment, cue)
      // Reading costs no more than keeping: a gather that other copies read, too, is not held for both.
      return definitions.get(value)!.op === 'gather' ? copy(value, segment, cue, reads) : copy(value, segment, cue)
    })
    nodes.push(inputs.some((v, i) => v !== node.inputs[i]) ? { ...node, inputs } as Node : node)
    if (!sources.has(node.op) && node.inputs.some(v => late.has(v) || definitions.get(v)?.origin.phase === 'loss')) {
      late.add(node.id)
      lastLate = node.id
    }
  }
  return { ...program, nodes }
}
