// Operators on tensors of equal elements: the result is a fill, and never an array.
import { evaluate } from '../../ir/interpreter.ts'
import type { Node } from '../../ir/program.ts'
import { sizeOf, type DType } from '../../ir/types.ts'
import { givesSameType, isElementwise, uniformElement, withInput, type Context, type Rewrite } from './rule.ts'

const scalar = (dtype: DType, element: number) => {
  const data = dtype === 'float32' ? new Float64Array(1) : dtype === 'int32' ? new Int32Array(1) : new Uint8Array(1)
  return { dtype, shape: [], data: data.fill(element) }
}

/** The element of the result of an operator whose operands consist of one element each, if it too consists of one. */
const resultElement = (node: Node, elements: readonly number[], c: Context): number | undefined => {
  const [first] = elements
  if (isElementwise(node.op)) {
    const operands = node.inputs.map((v, i) => scalar(c.type(v).dtype, elements[i]))
    return evaluate({ ...node, type: { dtype: node.type.dtype, shape: [] } }, operands).data[0]
  }
  switch (node.op) {
    case 'reshape': case 'transpose': case 'broadcast': case 'slice': case 'roll': case 'reduceMean': case 'reduceMax': case 'stopGradient': return first
    case 'reduceSum': return first * node.attrs.axes.reduce((n, axis) => n * c.type(node.inputs[0]).shape[axis], 1)
    case 'pad': return Object.is(first, node.attrs.value) ? first : undefined
    case 'concat': return elements.every(e => Object.is(e, first)) ? first : undefined
    default: return undefined
  }
}

/** Not for stopGradient itself: it must stay until the program has been differentiated. */
export const foldUniform = (node: Node, c: Context): Rewrite | undefined => {
  if (node.inputs.length === 0 || node.op === 'stopGradient') return undefined
  const elements: number[] = []
  for (const v of node.inputs) {
    const element = uniformElement(c, v)
    if (element === undefined) return undefined
    elements.push(element)
  }
  const value = resultElement(node, elements, c)
  return value === undefined ? undefined : { op: 'fill', inputs: [], attrs: { dtype: node.type.dtype, shape: node.type.shape, value } }
}

/** Operators that broadcast need no operand broadcast for them, and no fill larger than a scalar. */
export const narrowOperands = (node: Node, c: Context): Rewrite | undefined => {
  if (node.inputs.length < 2 || !(isElementwise(node.op) || node.op === 'matmul')) return undefined
  for (const [i, v] of node.inputs.entries()) {
    const operand = c.definition(v)
    if (operand?.op === 'broadcast' && givesSameType(c, node, i, c.type(operand.inputs[0]))) return withInput(node, i, operand.inputs[0])
    if (operand?.op === 'fill' && sizeOf(operand.type.shape) > 1 && node.op !== 'matmul' && givesSameType(c, node, i, { dtype: operand.type.dtype, shape: [] })) {
      return withInput(node, i, c.emit('fill', [], { ...operand.attrs, shape: [] }))
    }
  }
  return undefined
}
