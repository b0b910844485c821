// Updates of large parameters piece by piece: all of the optimiser's operators on a piece that stays in the caches, then on the next.
//
// An update is a dozen elementwise operators. As nodes of the graph each of them reads and writes whole tensors from and to memory, and what lies between them is as large as the parameter. Here the
// update is the body of one Scan over the tensors as [pieces, elements]: onnxruntime gives the body slices of the operands without a copy, and lets it write into slices of the results. A piece of a
// next value is written after the same piece of the old value was read, so updates in place (inplace.ts) stay right; the runtime tries that at start-up (engines/onnxruntime/fetch.ts).
import type { Program, ValueId } from '../../ir/program.ts'
import { sizeOf, type Shape } from '../../ir/types.ts'
import type { OnnxGraph, OnnxNode, OnnxTensor, OnnxValueInfo } from './graph.ts'
import { findUpdates, type Update } from './group-updates.ts'

const ELEMENTWISE = new Set(['Add', 'Sub', 'Mul', 'Div', 'Sqrt', 'Neg', 'Max', 'Min', 'Abs', 'Reciprocal'])
/** Elements from which on a tensor is updated in pieces, and of a piece: the six or seven tensors of a piece fit into the caches together, and two threads have enough to do. Measured (docs/performance.md). */
const LARGE = 2 ** 20
/** The engine's elementwise operators go through a tensor that ends in axes of size 1 (the weight of a 1x1 convolution) element by element when the other operand is a scalar, ten times slower: from this size on it is flattened, as one piece. */
const NARROW = 2 ** 15
const PIECE = { least: 2 ** 17, aim: 2 ** 19, most: 2 ** 20 }

const isWanted = (shape: Shape): boolean => sizeOf(shape) > (shape.at(-1) === 1 ? NARROW : LARGE)

/** How many of `size` elements make a piece: a divisor (the whole, if that is less than a piece); undefined where there is none of a good size. */
export function pieceOf(size: number): number | undefined {
  const distance = (piece: number): number => Math.abs(Math.log(piece / PIECE.aim))
  let best: number | undefined
  for (let count = Math.ceil(size / PIECE.most); count === 1 || size / count >= PIECE.least; count++) {
    const piece = size / count
    if (Number.isInteger(piece) && (best === undefined || distance(piece) < distance(best))) best = piece
  }
  return best
}

export interface ChunkedUpdates {
  readonly graph: OnnxGraph
  /** Graph inputs and outputs that have another shape now. */
  readonly shapes: ReadonlyMap<string, Shape>
}

interface Scanned {
  readonly node: OnnxNode
  /** Where it stands in the graph: after this node. */
  readonly at: number
  /** Results of the nodes it replaces. */
  readonly replaced: readonly string[]
  /** [pieces, elements], and the graph inputs and outputs that have this shape from now on. */
  readonly shape: Shape
  readonly shaped: readonly string[]
  /** Operands in this shape. */
  readonly views: readonly OnnxNode[]
}

class Chunker {
  readonly #graph: OnnxGraph
  readonly #names: ReadonlyMap<ValueId, string>
  readonly #position = new Map<string, number>()
  readonly #readers = new Map<string, Set<number>>()
  readonly #inputs: ReadonlySet<string>
  readonly #outputs: ReadonlySet<string>
  readonly #scalars: ReadonlySet<string>

  constructor(graph: OnnxGraph, names: ReadonlyMap<ValueId, string>) {
    this.#graph = graph
    this.#names = names
    graph.nodes.forEach((node, i) => {
      for (const o of node.outputs) this.#position.set(o, i)
      for (const name of node.inputs) (this.#readers.get(name) ?? this.#readers.set(name, new Set()).get(name)!).add(i)
    })
    this.#inputs = new Set(graph.inputs.map(i => i.name))
    this.#outputs = new Set(graph.outputs.map(o => o.name))
    this.#scalars = new Set(graph.initialisers.filter(t => t.dims.length === 0).map(t => t.name))
  }

  /** The Scan of one update; undefined where the graph is not what the update was found in: then its nodes stay as they are. */
  scan({ parameter, nodes, leaves, outputs }: Update): Scanned | undefined {
    const size = sizeOf(parameter.type.shape), piece = isWanted(parameter.type.shape) ? pieceOf(size) : undefined
    if (piece === undefined) return undefined
    const shape: Shape = [size / piece, piece]
    const made = nodes.map(n => this.#names.get(n.id)), at = made.map(name => this.#position.get(name ?? '') ?? -1)
    const results = [...outputs.values()].map(o => this.#names.get(o.value) ?? '')
    const inside = new Map(made.map((name, i) => [name!, `piece.${i}`] as const))
    if (at.includes(-1) || results.some(r => !inside.has(r) || !this.#outputs.has(r))) return undefined
    const operands = new Map<string, string>(), moving = new Set<string>(), body: OnnxNode[] = []
    for (const [i, node] of nodes.entries()) {
      const { op, inputs } = this.#graph.nodes[at[i]], result = made[i]!
      if (!ELEMENTWISE.has(op) || inputs.length !== node.inputs.length) return undefined
      const names: string[] = []
      for (const [j, name] of inputs.entries()) {
        const leaf = leaves.get(node.inputs[j]), plain = this.#names.get(node.inputs[j]) === name
        if (inside.has(name)) { if (moving.has(name)) moving.add(result) }
        else if (leaf !== undefined && !leaf.startsWith('S') && plain) {
          operands.set(name, operands.get(name) ?? `operand.${operands.size}`)
          if (!leaf.startsWith('L')) moving.add(result)
        } else if (!this.#scalars.has(name) && !(leaf?.startsWith('S') === true && (plain || name.includes('/wait.')))) return undefined
        names.push(inside.get(name) ?? operands.get(name) ?? name)
      }
      // What depends on a value that changes in place is for the update alone; the rest, such as squares of the gradient for the norm, may be read elsewhere as well and is then computed twice.
      const elsewhere = [...this.#readers.get(result) ?? []].some(r => !at.includes(r)) || this.#outputs.has(result) && !results.includes(result)
      // An output that is not known as this update's (a vector of grouped moments) would be lost, or written while the update still reads what it was.
      if (elsewhere && (moving.has(result) || this.#outputs.has(result))) return undefined
      body.push({ op, domain: '', name: `${result}/piece`, doc: '', inputs: names, outputs: [inside.get(result)!], attributes: {} })
    }
    const last = Math.max(...at), root = this.#graph.nodes[at.at(-1)!], name = `${root.name}/pieces`
    const views: OnnxNode[] = [], shaped = [...results]
    const whole = [...operands.keys()].map((operand, i) => {
      if (this.#inputs.has(operand) && [...this.#readers.get(operand)!].every(r => at.includes(r))) { shaped.push(operand); return operand }
      const view = `${name}.${i}`
      views.push({ op: 'Reshape', domain: '', name: view, doc: root.doc, inputs: [operand, shapeName(shape)], outputs: [view], attributes: {} })
      return view
    })
    const value = (of: string): OnnxValueInfo => ({ name: of, dtype: 'float32', dims: [piece] })
    return {
      at: last, replaced: made as string[], shape, shaped, views,
      node: {
        op: 'Scan', domain: '', name, doc: root.doc, inputs: whole, outputs: results,
        attributes: { num_scan_inputs: whole.length, body: { graph: { name: 'update', nodes: body, inputs: [...operands.values()].map(value), outputs: results.map(r => value(inside.get(r)!)) } } },
      },
    }
  }

  apply(scans: readonly Scanned[]): ChunkedUpdates {
    const shapes = new Map(scans.flatMap(s => s.shaped.map(name => [name, s.shape] as const))), replaced = new Set(scans.flatMap(s => s.replaced)), results = new Set(scans.flatMap(s => s.node.outputs))
    const after = new Map(scans.map(s => [s.at, [...s.views, s.node]] as const))
    // Nodes of an update that something else reads stay.
    const kept = new Set(this.#graph.nodes.filter(n => !n.outputs.some(o => replaced.has(o))).flatMap(n => n.inputs))
    const stays: boolean[] = []
    for (const [i, node] of [...this.#graph.nodes.entries()].toReversed()) {
      stays[i] = !node.outputs.some(o => replaced.has(o)) || node.outputs.some(o => kept.has(o) && !results.has(o))
      if (stays[i]) node.inputs.forEach(name => kept.add(name))
    }
    const known = new Set(this.#graph.initialisers.map(t => t.name))
    const targets = new Map<string, OnnxTensor>()
    for (const { shape, views } of scans) if (views.length > 0) targets.set(shapeName(shape), { name: shapeName(shape), dtype: 'int64', dims: [shape.length], data: BigInt64Array.from(shape, d => BigInt(d)) })
    const renewed = <T extends OnnxValueInfo>(v: T): T => shapes.has(v.name) ? { ...v, dims: shapes.get(v.name)! } : v
    return {
      shapes,
      graph: {
        ...this.#graph, inputs: this.#graph.inputs.map(renewed), outputs: this.#graph.outputs.map(renewed),
        nodes: this.#graph.nodes.flatMap((node, i) => [...(stays[i] ? [node] : []), ...after.get(i) ?? []]),
        initialisers: [...this.#graph.initialisers, ...[...targets.values()].filter(t => !known.has(t.name))],
      },
    }
  }
}

const shapeName = (shape: Shape): string => `int64[${shape.join(',')}]`

/** The graph of `program`, lowered and guarded, with the updates of large parameters in pieces. `names`: of its values in the graph. */
export function chunkUpdates(graph: OnnxGraph, program: Program, names: ReadonlyMap<ValueId, string>): ChunkedUpdates {
  const updates = findUpdates(program, size => size > NARROW)
  const chunker = new Chunker(graph, names)
  const scans = updates.flatMap(u => chunker.scan(u) ?? [])
  return scans.length === 0 ? { graph, shapes: new Map() } : chunker.apply(scans)
}
