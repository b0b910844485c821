// Convolutions of one map that lie side by side become one: what follows each alike (its bias, a group norm) is done once for all, then each takes its channels.
//
// One convolution keeps both processors busier than several narrow ones, its gradient needs no sum over the siblings, and fewer nodes are faster to plan and to run.
import type { OpAttrs, OpName } from '../ir/ops.ts'
import type { Node, Program, ValueId } from '../ir/program.ts'
import { sameShape, type Shape } from '../ir/types.ts'
import { showAttributes } from '../ir/show-attributes.ts'
import { Rewriter, type Pass } from './rewriter.ts'

type Conv = Extract<Node, { readonly op: 'conv2d' }>
type Norm = Extract<Node, { readonly op: 'groupNorm' }>

/** A convolution and what follows it: parameters only, so that all can be computed where the first one is. */
interface Branch { readonly conv: Conv; /** per channel, [O] */ readonly bias: ValueId | undefined; readonly norm: Norm | undefined; /** the last node of the branch */ readonly end: ValueId }

/** Readers of each value, outputs as undefined. */
function readersOf(program: Program): Map<ValueId, (Node | undefined)[]> {
  const readers = new Map<ValueId, (Node | undefined)[]>()
  const read = (v: ValueId, by: Node | undefined): void => { const known = readers.get(v); if (known === undefined) readers.set(v, [by]); else known.push(by) }
  for (const node of program.nodes) node.inputs.forEach(v => read(v, node))
  for (const output of program.outputs) read(output.value, undefined)
  return readers
}

/** Finds the branches: convolutions with a parameter as weight, and the nodes behind them as far as they read only parameters and the branch. */
class Branches {
  readonly #nodes: ReadonlyMap<ValueId, Node>
  readonly #readers: ReadonlyMap<ValueId, readonly (Node | undefined)[]>
  readonly #parameters: ReadonlySet<ValueId>
  readonly #shapes: ReadonlyMap<ValueId, Shape>

  constructor(program: Program) {
    this.#nodes = new Map(program.nodes.map(n => [n.id, n] as const))
    this.#readers = readersOf(program)
    this.#parameters = new Set(program.inputs.filter(i => i.role === 'parameter').map(i => i.id))
    this.#shapes = new Map([...program.inputs, ...program.nodes].map(v => [v.id, v.type.shape] as const))
  }

  #onlyReader(value: ValueId): Node | undefined {
    const readers = this.#readers.get(value) ?? []
    return readers.length === 1 ? readers[0] : undefined
  }

  /** The parameter [channels] that a reshape lays along the channels of a map. */
  #perChannel(value: ValueId, channels: number): ValueId | undefined {
    const node = this.#nodes.get(value)
    const fits = node?.op === 'reshape' && this.#parameters.has(node.inputs[0]) && sameShape(this.#shapes.get(node.inputs[0])!, [channels]) && sameShape(node.type.shape.slice(-3), [channels, 1, 1])
    return fits ? node.inputs[0] : undefined
  }

  of(conv: Conv): Branch | undefined {
    if (conv.attrs.groups !== 1 || !this.#parameters.has(conv.inputs[1])) return undefined
    let end: Node = conv, bias: ValueId | undefined
    const sum = this.#onlyReader(end.id)
    if (sum?.op === 'add') {
      bias = this.#perChannel(sum.inputs[sum.inputs[0] === end.id ? 1 : 0], conv.type.shape[1])
      if (bias !== undefined) end = sum
    }
    const norm = this.#onlyReader(end.id)
    const normed = norm?.op === 'groupNorm' && norm.inputs[0] === end.id && norm.inputs.slice(1).every(v => this.#parameters.has(v)) ? norm : undefined
    return { conv, bias, norm: normed, end: normed?.id ?? end.id }
  }
}

/** Alike in everything but the parameters. */
const keyOf = ({ conv, bias, norm }: Branch, kernel: Shape): string =>
  [conv.inputs[0], showAttributes(conv.attrs), ...kernel, bias === undefined, norm === undefined ? '' : `${norm.attrs.eps} ${conv.type.shape[1] / norm.attrs.groups}`].join()

export const siblings: Pass = program => {
  const found = new Branches(program)
  const shapes = new Map(program.inputs.map(i => [i.id, i.type.shape] as const))
  const groups = new Map<string, Branch[]>()
  for (const node of program.nodes) {
    const branch = node.op === 'conv2d' ? found.of(node) : undefined
    if (branch?.norm === undefined) continue
    const key = keyOf(branch, shapes.get(branch.conv.inputs[1])!.slice(1))
    groups.set(key, [...groups.get(key) ?? [], branch])
  }
  const merged = [...groups.values()].filter(g => g.length > 1)
  if (merged.length === 0) return program

  const r = new Rewriter(program)
  const first = new Map(merged.map(g => [g[0].conv.id, g] as const))
  const ends = new Map<ValueId, ValueId>()
  const dead = new Set(merged.flatMap(g => g.flatMap(b => [b.conv.id, ...(b.bias === undefined ? [] : [b.norm!.inputs[0]])])))
  for (const original of program.nodes) {
    const group = first.get(original.id)
    if (group !== undefined) merge(r, r.renamed(original) as Conv, group, ends)
    const end = ends.get(original.id)
    if (end !== undefined) r.replace(original, end)
    else if (dead.has(original.id)) r.drop()
    else r.keep(r.renamed(original), original)
  }
  return r.finish()
}

function merge(r: Rewriter, conv: Conv, group: readonly Branch[], ends: Map<ValueId, ValueId>): void {
  const emit = <K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K]): ValueId => r.emit(op, inputs, attrs, conv.origin)
  const joined = (pick: (b: Branch) => ValueId): ValueId => emit('concat', group.map(pick), { axis: 0 })
  const channels = group.map(b => b.conv.type.shape[1]), total = channels.reduce((a, b) => a + b, 0)
  let value = emit('conv2d', [conv.inputs[0], joined(b => b.conv.inputs[1])], conv.attrs)
  if (group[0].bias !== undefined) value = emit('add', [value, emit('reshape', [joined(b => b.bias!)], { shape: [total, 1, 1] })], {})
  const groups = group.reduce((n, b) => n + b.norm!.attrs.groups, 0)
  value = emit('groupNorm', [value, joined(b => b.norm!.inputs[1]), joined(b => b.norm!.inputs[2])], { eps: group[0].norm!.attrs.eps, groups })
  const [batch, , height, width] = r.type(value).shape
  let from = 0
  group.forEach((b, i) => {
    ends.set(b.end, emit('slice', [value], { start: [0, from, 0, 0], stop: [batch, from + channels[i], height, width], step: [1, 1, 1, 1] }))
    from += channels[i]
  })
}
