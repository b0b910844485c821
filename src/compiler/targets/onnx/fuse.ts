// What is lowered together: a bias into the product before it, and broadcast operands left to the elementwise operator that reads them.
import type { Node, Program, ValueId } from '../../ir/program.ts'
import { sameShape, sizeOf, type Shape, type TensorType } from '../../ir/types.ts'
import { convolution } from './convolution.ts'
import type { Emitter, Operand } from './emitter.ts'
import { product } from './product.ts'

/** How values are made and used, for the patterns below. */
export interface Uses {
  producer(value: ValueId): Node | undefined
  type(value: ValueId): TensorType
  /** Read by one node, once, and no output */
  onlyUse(value: ValueId): boolean
}

/** `absorbed` nodes are not lowered on their own; `lower` stands for all of them and takes the operands of `operands`. */
export interface Fusion { readonly absorbed: readonly ValueId[]; readonly operands: readonly ValueId[]; readonly lower: (e: Emitter, operands: readonly Operand[]) => string }

export function usesOf(program: Program): Uses {
  const producers = new Map(program.nodes.map(n => [n.id, n] as const))
  const types = new Map([...program.inputs, ...program.nodes].map(v => [v.id, v.type] as const))
  const count = new Map<ValueId, number>()
  const use = (v: ValueId): void => { count.set(v, (count.get(v) ?? 0) + 1) }
  for (const node of program.nodes) node.inputs.forEach(use)
  for (const output of program.outputs) { use(output.value); use(output.value) }
  return { producer: v => producers.get(v), type: v => types.get(v)!, onlyUse: v => count.get(v) === 1 }
}

/** The value as a vector of `size` elements along the axis that lies `fromEnd` axes before the last one; looks through a reshape. */
const asVector = (uses: Uses, value: ValueId, size: number, fromEnd: number): ValueId | undefined => {
  const { shape } = uses.type(value)
  const fits = (s: Shape): boolean => sizeOf(s) === size && s[s.length - 1 - fromEnd] === size
  if (shape.length === 1) return fromEnd === 0 && fits(shape) ? value : undefined
  const node = uses.producer(value)
  return node?.op === 'reshape' && fits(shape) && uses.type(node.inputs[0]).shape.length === 1 ? node.inputs[0] : undefined
}

type Pattern = (node: Node, made: Node, other: ValueId, uses: Uses) => Fusion | undefined

/** add(matmul(a, b), bias): Gemm takes the bias. */
const matmulBias: Pattern = (node, made, other, uses) => {
  if (made.op !== 'matmul' || !sameShape(made.type.shape, node.type.shape)) return undefined
  const bias = asVector(uses, other, node.type.shape.at(-1)!, 0)
  if (bias === undefined) return undefined
  return {
    absorbed: [made.id], operands: [...made.inputs, bias],
    lower: (e, [a, b, c]) => product(e, { name: a.name, shape: a.type.shape }, { name: b.name, shape: b.type.shape }, { ...made.attrs, bias: c.name }),
  }
}

/** add(conv2d(x, weight), bias as [O, 1, 1]): Conv takes the bias. */
const convBias: Pattern = (node, made, other, uses) => {
  if (made.op !== 'conv2d' || !sameShape(made.type.shape, node.type.shape)) return undefined
  const bias = asVector(uses, other, made.type.shape[1], 2)
  return bias === undefined ? undefined : { absorbed: [made.id], operands: [...made.inputs, bias], lower: (e, [x, weight, b]) => convolution(e, x, weight, made.attrs, b.name) }
}

const patterns: readonly Pattern[] = [matmulBias, convBias]

/** Fusions by the node that ends them. */
export function findFusions(program: Program, uses: Uses): Map<ValueId, Fusion> {
  const found = new Map<ValueId, Fusion>()
  for (const node of program.nodes) {
    if (node.op !== 'add') continue
    for (const [made, other] of [[node.inputs[0], node.inputs[1]], [node.inputs[1], node.inputs[0]]]) {
      const maker = uses.producer(made)
      if (maker === undefined || !uses.onlyUse(made) || found.has(node.id)) continue
      for (const pattern of patterns) {
        const fusion = pattern(node, maker, other, uses)
        if (fusion !== undefined) { found.set(node.id, fusion); break }
      }
    }
  }
  return found
}

const BROADCASTING = new Set<Node['op']>(['add', 'sub', 'mul', 'div', 'mod', 'max', 'min', 'pow', 'less', 'greater', 'equal', 'and', 'or', 'where'])

const broadcastsTo = (shapes: readonly Shape[], result: Shape): boolean =>
  result.every((d, axis) => shapes.some(s => (s[axis - result.length + s.length] ?? 1) === d)) && shapes.every(s => s.length <= result.length)

/** Operands of an elementwise node, with `broadcast` and `fill` skipped where the other operands already have the full shape. `scalar` marks a fill that shrinks to one element. */
export function directOperands(node: Node, uses: Uses): readonly { readonly value: ValueId; readonly scalar: number | undefined }[] {
  const plain = node.inputs.map(value => ({ value, scalar: undefined as number | undefined }))
  if (!BROADCASTING.has(node.op)) return plain
  const shapes = node.inputs.map(v => uses.type(v).shape)
  return plain.map((operand, i) => {
    const maker = uses.producer(operand.value)
    const shrunk = maker?.op === 'broadcast' ? uses.type(maker.inputs[0]).shape : maker?.op === 'fill' ? [] : undefined
    if (maker === undefined || shrunk === undefined || !broadcastsTo(shapes.with(i, shrunk), node.type.shape)) return operand
    shapes[i] = shrunk
    return maker.op === 'fill' ? { value: operand.value, scalar: maker.attrs.value } : { value: maker.inputs[0], scalar: undefined }
  })
}
