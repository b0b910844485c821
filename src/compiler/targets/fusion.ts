// What both targets lower together: which nodes end a fusion, and broadcast operands left to the elementwise operator that reads them.
import type { Node, Program, ValueId } from '../ir/program.ts'
import type { Shape, TensorType } from '../ir/types.ts'

/** How values are made and used. */
export interface Uses {
  producer(value: ValueId): Node | undefined
  type(value: ValueId): TensorType
  /** Read by one node, once, and no output */
  onlyUse(value: ValueId): boolean
}

/** `absorbed` nodes are not lowered on their own; `lower` stands for all of them and takes what `operands` are lowered to. */
export interface Fusion<Lower> { readonly absorbed: readonly ValueId[]; readonly operands: readonly ValueId[]; readonly lower: Lower }

/** The fusion of `made`, read by `node` only, into `node`, whose other operand is `other`; undefined where the target has no kernel for both. */
export type Pattern<Lower> = (node: Node, made: Node, other: ValueId, uses: Uses) => Fusion<Lower> | undefined

export function usesOf(program: Program): Uses {
  const producers = new Map(program.nodes.map(n => [n.id, n] as const))
  const types = new Map([...program.inputs, ...program.nodes].map(v => [v.id, v.type] as const))
  const count = new Map<ValueId, number>()
  const use = (v: ValueId): void => { count.set(v, (count.get(v) ?? 0) + 1) }
  for (const node of program.nodes) node.inputs.forEach(use)
  for (const output of program.outputs) { use(output.value); use(output.value) }
  return { producer: v => producers.get(v), type: v => types.get(v)!, onlyUse: v => count.get(v) === 1 }
}

/** Sums whose operand is made for them alone, by the node that ends them; the first pattern that fits counts. */
export function findFusions<Lower>(program: Program, uses: Uses, patterns: readonly Pattern<Lower>[]): Map<ValueId, Fusion<Lower>> {
  const found = new Map<ValueId, Fusion<Lower>>()
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
