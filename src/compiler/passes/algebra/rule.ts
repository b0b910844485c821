// What an algebraic rule sees and gives.
import type { OpAttrs, OpName } from '../../ir/ops.ts'
import type { Node, ValueId } from '../../ir/program.ts'
import { sameShape, type TensorType } from '../../ir/types.ts'
import { inferShape } from '../../rules/shape.ts'

/** What stands for a node: a value that is there already, or another operator with the same type. */
export type Rewrite = { readonly use: ValueId } | { [K in OpName]: { readonly op: K; readonly inputs: readonly ValueId[]; readonly attrs: OpAttrs[K] } }[OpName]

/** The operands are simplified already. `emit` appends helper nodes, with the origin of the node at hand, before it. */
export interface Context {
  definition(value: ValueId): Node | undefined
  type(value: ValueId): TensorType
  /** Whether the node at hand is the only reader of an operand: only then may work move from the operand into the node. */
  single(value: ValueId): boolean
  emit<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K]): ValueId
}

export type NodeFor<K extends OpName> = Extract<Node, { readonly op: K }>
export type Rule<K extends OpName> = (node: NodeFor<K>, c: Context) => Rewrite | undefined
export type Rules = { readonly [K in OpName]?: Rule<K> }

export const sameType = (a: TensorType, b: TensorType): boolean => a.dtype === b.dtype && sameShape(a.shape, b.shape)

const elementwise = new Set<OpName>([
  'neg', 'exp', 'log', 'sqrt', 'abs', 'sign', 'floor', 'erf', 'sigmoid', 'tanh', 'relu', 'softplus', 'sin', 'cos', 'reciprocal', 'gelu', 'not', 'cast',
  'add', 'sub', 'mul', 'div', 'mod', 'max', 'min', 'pow', 'less', 'greater', 'equal', 'and', 'or', 'where',
])
export const isElementwise = (op: OpName): boolean => elementwise.has(op)

/** The element of which a value consists: a fill, or a constant of one element. */
export const uniformElement = (c: Context, value: ValueId): number | undefined => {
  const node = c.definition(value)
  if (node?.op === 'fill') return node.attrs.value
  return node?.op === 'constant' && node.attrs.value.data.length === 1 ? node.attrs.value.data[0] : undefined
}

/** x and s of a product or quotient of a tensor with a number: `type` is the type of x. */
export const scaled = (c: Context, node: Node | undefined): { readonly x: ValueId; readonly scale: number } | undefined => {
  if (node?.op !== 'mul' && node?.op !== 'div' || node.type.dtype !== 'float32') return undefined
  for (const [x, s] of node.op === 'mul' ? [[0, 1], [1, 0]] : [[0, 1]]) {
    const element = uniformElement(c, node.inputs[s])
    if (element === undefined || !sameType(c.type(node.inputs[x]), node.type)) continue
    const scale = node.op === 'mul' ? element : 1 / element
    return Number.isFinite(scale) ? { x: node.inputs[x], scale } : undefined
  }
  return undefined
}

/** Whether the operator of `node` still has its type where operand `i` has the type `operand`. */
export const givesSameType = (c: Context, node: Node, i: number, operand: TensorType): boolean => {
  const type = inferShape(node.op as OpName, node.inputs.map(v => c.type(v)).with(i, operand), node.attrs as OpAttrs[OpName])
  return !('error' in type) && sameType(type, node.type)
}

/** The same operator with another operand `i`. */
export const withInput = (node: Node, i: number, value: ValueId): Rewrite => ({ op: node.op, inputs: node.inputs.with(i, value), attrs: node.attrs }) as Rewrite
