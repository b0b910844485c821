// Removes nodes on which no output depends. Inputs stay: they are the interface of the program.
import type { ValueId } from '../ir/program.ts'
import { Rewriter, type Pass } from './rewriter.ts'

export const deadCode: Pass = program => {
  const live = new Set<ValueId>(program.outputs.map(o => o.value))
  for (const node of program.nodes.toReversed()) if (live.has(node.id)) for (const v of node.inputs) live.add(v)
  const r = new Rewriter(program)
  for (const node of program.nodes) {
    if (live.has(node.id)) r.keep(node, node)
    else r.drop()
  }
  return r.finish()
}
