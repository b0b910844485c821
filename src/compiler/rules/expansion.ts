// Composite operators stated in terms of simpler ones, and the replacement of nodes by these expansions.
import { Builder } from '../ir/builder.ts'
import type { OpAttrs, OpName } from '../ir/ops.ts'
import type { Node, Program, ValueId } from '../ir/program.ts'
import { expandDeformConv2d } from './expansion-deformable.ts'
import { Emitter } from './gradient-language.ts'

/** What an expansion sees: attributes and operands of the node, and `g` to emit with. It returns the value that stands for the node's result. */
export interface ExpansionPlace<K extends OpName> { readonly g: Emitter; readonly attrs: OpAttrs[K]; readonly x: readonly ValueId[] }
export type Expansion<K extends OpName> = (place: ExpansionPlace<K>) => ValueId

export const expansions = {
  deformConv2d: expandDeformConv2d,
} satisfies { [K in OpName]?: Expansion<K> }

export type ExpandableOp = keyof typeof expansions
export const isExpandable = (op: OpName): op is ExpandableOp => op in expansions

/**
 * Replace every node whose operator is in `ops` by its expansion. Values keep their ids: the last node of an expansion takes the id of the node it replaces.
 * The new nodes have the origin of the node they come from.
 */
export function expandProgram(program: Program, ops: ReadonlySet<ExpandableOp>): Program {
  const wanted = (node: Node): node is Node & { op: ExpandableOp } => isExpandable(node.op) && ops.has(node.op)
  if (!program.nodes.some(wanted)) return program
  const builder = Builder.from(program)
  const nodes: Node[] = []
  for (const node of program.nodes) {
    if (!wanted(node)) { nodes.push(node); continue }
    const first = builder.nodes.length
    const result = expansions[node.op]({ g: new Emitter(builder, node.origin), attrs: node.attrs, x: node.inputs })
    const expanded = builder.nodes.slice(first)
    const last = expanded.pop()
    if (last === undefined || last.id !== result) throw new Error(`internal: the expansion of ${node.op} does not end with its result`)
    nodes.push(...expanded, { ...last, id: node.id })
  }
  return { ...program, nodes }
}
