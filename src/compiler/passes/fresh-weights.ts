// Weights that were moved (sliced, transposed, put together) for a layer are moved again for its backward pass, instead of being kept from one to the other.
import type { Node, Program, ValueId } from '../ir/program.ts'
import { sizeOf } from '../ir/types.ts'

const MOVES: ReadonlySet<Node['op']> = new Set(['slice', 'transpose', 'reshape', 'concat'])
/** Elements; smaller results are not worth a node. */
const SMALL = 2 ** 16

/** Results are the same to the bit. Run it last: merging common subexpressions would undo it. */
export function freshWeights(program: Program): Program {
  const parameters = new Set(program.inputs.filter(i => i.role === 'parameter').map(i => i.id))
  const moved = new Map<ValueId, Node>(), copies = new Map<ValueId, ValueId>()
  const nodes: Node[] = []
  let next = 1 + [...program.inputs, ...program.nodes].reduce((n, v) => Math.max(n, v.id), 0)
  const copy = (value: ValueId): ValueId => {
    const node = moved.get(value), known = copies.get(value)
    if (node === undefined || known !== undefined) return known ?? value
    const inputs = node.inputs.map(copy), id = next++
    nodes.push({ ...node, id, inputs, origin: { ...node.origin, phase: 'backward' } } as Node)
    copies.set(value, id)
    return id
  }
  const isMoved = (value: ValueId): boolean => { const node = moved.get(value); return node !== undefined && sizeOf(node.type.shape) >= SMALL && (node.op !== 'reshape' || isMoved(node.inputs[0])) }
  for (const node of program.nodes) {
    const { phase } = node.origin
    if (phase === 'forward' || phase === 'loss') {
      if (MOVES.has(node.op) && node.inputs.every(v => parameters.has(v) || moved.has(v))) moved.set(node.id, node)
      nodes.push(node)
      continue
    }
    const inputs = node.inputs.map(v => isMoved(v) ? copy(v) : v)
    nodes.push(inputs.some((v, i) => v !== node.inputs[i]) ? { ...node, inputs } as Node : node)
  }
  return copies.size === 0 ? program : { ...program, nodes }
}
