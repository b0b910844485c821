// What is lowered together: a bias into the product before it, and broadcast operands left to the elementwise operator that reads them.
import type { Node, Program, ValueId } from '../../ir/program.ts'
import { sameShape, sizeOf, type Shape, type TensorType } from '../../ir/types.ts'
import { convolution } from './convolution.ts'
import type { Emitter, Form, Tensor, Value } from './emitter.ts'
import { matmul } from './product.ts'

/** How values are made and used. */
export interface Uses {
  producer(value: ValueId): Node | undefined
  type(value: ValueId): TensorType
  /** Read by one node, once, and no output */
  onlyUse(value: ValueId): boolean
}

/** `absorbed` nodes are not lowered on their own; `lower` stands for all of them and takes the values of `operands`. */
export interface Fusion { readonly absorbed: readonly ValueId[]; readonly operands: readonly ValueId[]; readonly lower: (e: Emitter, operands: readonly Value[]) => Form | readonly Form[] }

export function usesOf(program: Program): Uses {
  const producers = new Map(program.nodes.map(n => [n.id, n] as const))
  const types = new Map([...program.inputs, ...program.nodes].map(v => [v.id, v.type] as const))
  const count = new Map<ValueId, number>()
  const use = (v: ValueId): void => { count.set(v, (count.get(v) ?? 0) + 1) }
  for (const node of program.nodes) node.inputs.forEach(use)
  for (const output of program.outputs) { use(output.value); use(output.value) }
  return { producer: v => producers.get(v), type: v => types.get(v)!, onlyUse: v => count.get(v) === 1 }
}

/** Whether the value has one element per index of the axis that lies `fromEnd` axes before the last one, and `size` of them. */
const isVector = (shape: Shape, size: number, fromEnd: number): boolean => sizeOf(shape) === size && shape[shape.length - 1 - fromEnd] === size

const vector = (e: Emitter, value: Value): Tensor => e.view(e.ordered(value, value.type.shape.map((_, i) => i)), [sizeOf(value.type.shape)])

/** add(matmul(a, b), bias) and add(conv2d(x, weight), bias): one kernel where the backend has it. */
function biased(node: Node, made: Node, bias: ValueId, uses: Uses): Fusion | undefined {
  if (!sameShape(made.type.shape, node.type.shape)) return undefined
  const { shape } = uses.type(bias)
  if (made.op === 'matmul' && isVector(shape, node.type.shape.at(-1)!, 0)) {
    return { absorbed: [made.id], operands: [...made.inputs, bias], lower: (e, [a, b, c]) => matmul(e, [a, b], made.attrs, node.type, vector(e, c)) }
  }
  if (made.op === 'conv2d' && made.attrs.groups === 1 && isVector(shape, node.type.shape[1], 2)) {
    return { absorbed: [made.id], operands: [...made.inputs, bias], lower: (e, [x, weight, b]) => convolution(e, [x, weight], made.attrs, node.type, vector(e, b)) }
  }
  return undefined
}

/** Fusions by the node that ends them. */
export function findFusions(program: Program, uses: Uses): Map<ValueId, Fusion> {
  const found = new Map<ValueId, Fusion>()
  for (const node of program.nodes) {
    if (node.op !== 'add') continue
    for (const [made, other] of [[node.inputs[0], node.inputs[1]], [node.inputs[1], node.inputs[0]]]) {
      const maker = uses.producer(made)
      if (maker === undefined || !uses.onlyUse(made) || found.has(node.id)) continue
      const fusion = biased(node, maker, other, uses)
      if (fusion !== undefined) found.set(node.id, fusion)
    }
  }
  return found
}

const BROADCASTING = new Set<Node['op']>(['add', 'sub', 'mul', 'div', 'mod', 'max', 'min', 'pow', 'less', 'greater', 'equal', 'and', 'or', 'where'])

const broadcastsTo = (shapes: readonly Shape[], result: Shape): boolean =>
  result.every((d, axis) => shapes.some(s => (s[axis - result.length + s.length] ?? 1) === d)) && shapes.every(s => s.length <= result.length)

/** Operands of an elementwise node, with `broadcast` and `fill` skipped where the other operands already have the full shape. `scalar` marks a fill that shrinks to one element. */
export function directOperands(node: Node, uses: Uses): readonly { readonly value: ValueId; readonly scalar: number | undefined }[] {
  const given = node.inputs.map(value => ({ value, scalar: undefined as number | undefined }))
  if (!BROADCASTING.has(node.op)) return given
  const shapes = node.inputs.map(v => uses.type(v).shape)
  return given.map((operand, i) => {
    const maker = uses.producer(operand.value)
    const shrunk = maker?.op === 'broadcast' ? uses.type(maker.inputs[0]).shape : maker?.op === 'fill' ? [] : undefined
    if (maker === undefined || shrunk === undefined || !broadcastsTo(shapes.with(i, shrunk), node.type.shape)) return operand
    shapes[i] = shrunk
    return maker.op === 'fill' ? { value: operand.value, scalar: maker.attrs.value } : { value: maker.inputs[0], scalar: undefined }
  })
}
