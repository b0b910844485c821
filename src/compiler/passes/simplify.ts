// Replaces nodes by cheaper equals, by rules of algebra. A rewritten node keeps its id and origin.
import type { OpAttrs, OpName } from '../ir/ops.ts'
import type { Node, ValueId } from '../ir/program.ts'
import { showType } from '../ir/types.ts'
import { inferShape } from '../rules/shape.ts'
import { arithmeticRules } from './algebra/arithmetic.ts'
import { movementRules } from './algebra/movement.ts'
import { productRules } from './algebra/products.ts'
import { reductionRules } from './algebra/reductions.ts'
import { sameType, type Context, type Rewrite, type Rules } from './algebra/rule.ts'
import { foldUniform, narrowOperands } from './algebra/uniform.ts'
import { countUses, Rewriter, type Pass } from './rewriter.ts'

const rules: Rules = { ...arithmeticRules, ...movementRules, ...reductionRules, ...productRules }

/** Each rule shrinks the node or its operands, so that few apply in a row; the bound only guards against a rule that does not. */
const maxRewrites = 100

const rewriteOnce = (node: Node, c: Context): Rewrite | undefined => {
  const rule = rules[node.op] as ((node: Node, c: Context) => Rewrite | undefined) | undefined
  return foldUniform(node, c) ?? narrowOperands(node, c) ?? rule?.(node, c)
}

export const simplify: Pass = program => {
  const r = new Rewriter(program)
  const uses = countUses(program)
  const count = (v: ValueId, by: number): void => { uses.set(v, (uses.get(v) ?? 0) + by) }
  const checked = (node: Node, { op, inputs, attrs }: Exclude<Rewrite, { use: ValueId }>): Node => {
    const type = inferShape(op as OpName, inputs.map(v => r.type(v)), attrs as OpAttrs[OpName])
    if ('error' in type || !sameType(type, node.type)) {
      throw new Error(`internal: simplify turns ${node.op} : ${showType(node.type)} into ${op} : ${'error' in type ? type.error : showType(type)}`)
    }
    return { ...node, op, inputs, attrs } as Node
  }
  for (const original of program.nodes) {
    let node = r.renamed(original)
    const context: Context = {
      definition: v => r.definition(v),
      type: v => r.type(v),
      single: v => uses.get(v) === 1,
      emit: (op, inputs, attrs) => {
        for (const v of inputs) count(v, 1)
        return r.emit(op, inputs, attrs, original.origin)
      },
    }
    let replacement: ValueId | undefined
    for (let i = 0; i < maxRewrites && replacement === undefined; i++) {
      const rewrite = rewriteOnce(node, context)
      if (!rewrite) break
      for (const v of node.inputs) count(v, -1)
      if ('use' in rewrite) {
        replacement = rewrite.use
        count(replacement, uses.get(node.id) ?? 0)
      } else {
        node = checked(node, rewrite)
        for (const v of node.inputs) count(v, 1)
      }
    }
    if (replacement === undefined) r.keep(node, original)
    else r.replace(original, replacement)
  }
  return r.finish()
}
