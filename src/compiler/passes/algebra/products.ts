// What a matrix product takes over from its operands: transposition of the last two axes, scale and sign.
import { swapsLastTwo } from './movement.ts'
import { scaled, type Rules } from './rule.ts'

export const productRules: Rules = {
  matmul: (node, c) => {
    const { alpha } = node.attrs
    for (const [i, v] of node.inputs.entries()) {
      const operand = c.definition(v)
      if (operand?.op === 'transpose' && swapsLastTwo(operand.attrs.perm)) {
        const flag = i === 0 ? 'transA' : 'transB'
        return { op: 'matmul', inputs: node.inputs.with(i, operand.inputs[0]), attrs: { ...node.attrs, [flag]: !node.attrs[flag] } }
      }
      if (operand?.op === 'neg') return { op: 'matmul', inputs: node.inputs.with(i, operand.inputs[0]), attrs: { ...node.attrs, alpha: -alpha } }
      const product = scaled(c, operand)
      if (product) return { op: 'matmul', inputs: node.inputs.with(i, product.x), attrs: { ...node.attrs, alpha: alpha * product.scale } }
    }
    return undefined
  },
}
