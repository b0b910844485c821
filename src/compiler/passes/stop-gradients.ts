// Removes stopGradient: after reverse mode it says nothing any more.
import { Rewriter, type Pass } from './rewriter.ts'

/** Not part of the pipeline before differentiation, whose meaning it would change. */
export const removeStopGradients: Pass = program => {
  const r = new Rewriter(program)
  for (const original of program.nodes) {
    const node = r.renamed(original)
    if (node.op === 'stopGradient') r.replace(original, node.inputs[0])
    else r.keep(node, original)
  }
  return r.finish()
}
