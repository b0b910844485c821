// Which state tensors may be updated in the buffer they are read from, and the control dependencies that make it safe.
//
// The engine may run the update of a parameter before the last node that reads it (the gradient with respect to the layer's input). An update in place would then change that node's
// operand without a word. So the update is made to wait: a scalar that takes part in it gets a zero added that depends on every such reader,
// ConstantOfShape(Slice(Shape(reader), [0], [0])), which costs nothing and is zero whatever the reader's values are.
import type { OnnxGraph, OnnxNode, OnnxTensor } from './graph.ts'

/** A graph input and the output that holds its next value. */
export interface StatePair { readonly input: string; readonly output: string }

const ELEMENTWISE = new Set(['Add', 'Sub', 'Mul', 'Div', 'Sqrt', 'Neg', 'Max', 'Min', 'Abs', 'Reciprocal'])
const ARITHMETIC = new Set(['Add', 'Sub', 'Mul', 'Div'])
/** Operators whose result may share the operand's buffer. */
const ALIASING = new Set(['Reshape', 'Identity'])
/** How far above an update a scalar to wait on is looked for. */
const GUARD_DEPTH = 4

/** Pairs that are safe in place, by output, and the graph with the dependencies they need. Pairs left out need two buffers. */
export function guardInPlace(graph: OnnxGraph, pairs: readonly StatePair[]): { graph: OnnxGraph; inPlace: ReadonlySet<string> } {
  const guards = new Guards(graph)
  const inPlace = new Set(pairs.filter(p => guards.make(p)).map(p => p.output))
  return { graph: guards.apply(), inPlace }
}

class Guards {
  readonly #graph: OnnxGraph
  readonly #maker = new Map<string, number>()
  readonly #readers = new Map<string, number[]>()
  /** Nodes that each node reads, and waits for. */
  readonly #before: number[][]
  readonly #scalars: ReadonlySet<string>
  /** Node -> which of its inputs waits for which values. */
  readonly #waits = new Map<number, { input: number; values: string[] }>()
  /** The walk in which each node was seen last. */
  readonly #seen: Int32Array
  #walk = 0

  constructor(graph: OnnxGraph) {
    this.#graph = graph
    graph.nodes.forEach((node, i) => {
      for (const name of node.outputs) this.#maker.set(name, i)
      for (const name of node.inputs) (this.#readers.get(name) ?? this.#readers.set(name, []).get(name)!).push(i)
    })
    this.#before = graph.nodes.map(node => node.inputs.map(name => this.#maker.get(name)).filter(i => i !== undefined))
    this.#scalars = new Set([...graph.initialisers, ...graph.inputs].filter(v => v.dtype === 'float32' && v.dims.length === 0).map(v => v.name))
    this.#seen = new Int32Array(graph.nodes.length)
  }

  /** True if the pair is safe, after noting what it must wait for. */
  make({ input, output }: StatePair): boolean {
    const writer = this.#maker.get(output)
    if (writer === undefined) return false
    const readers = this.#readersOf(input)
    if (readers.has(writer) && !ELEMENTWISE.has(this.#graph.nodes[writer].op)) return false
    readers.delete(writer)
    const late = this.#notBefore(writer, readers)
    if (late.length === 0) return true
    const site = this.#guardSite(writer, late)
    if (site === undefined) return false
    const wait = this.#waits.get(site.node) ?? { input: site.input, values: [] }
    wait.values.push(...late.map(i => this.#graph.nodes[i].outputs[0]))
    this.#waits.set(site.node, wait)
    this.#before[site.node].push(...late)
    return true
  }

  /** The nodes that read the buffer of `name`, also through operators that share it. */
  #readersOf(name: string): Set<number> {
    const found = new Set<number>()
    const visit = (value: string): void => {
      for (const i of this.#readers.get(value) ?? []) {
        const node = this.#graph.nodes[i]
        found.add(i)
        if (ALIASING.has(node.op) && node.inputs[0] === value) node.outputs.forEach(visit)
      }
    }
    visit(name)
    return found
  }

  /** Those of `targets` that need not run before `node`. */
  #notBefore(node: number, targets: ReadonlySet<number>): number[] {
    const missing = new Set(targets)
    const stack = [node], walk = ++this.#walk
    // Nodes are sorted: what lies before the first target can lead to none.
    const first = Math.min(...targets)
    while (stack.length > 0 && missing.size > 0) {
      for (const i of this.#before[stack.pop()!]) {
        if (this.#seen[i] === walk || i < first) continue
        this.#seen[i] = walk
        missing.delete(i)
        stack.push(i)
      }
    }
    return [...missing]
  }

  /** A node on the way to `writer` with a scalar operand, later in the graph than all of `readers`: so none of them depends on it. */
  #guardSite(writer: number, readers: readonly number[]): { node: number; input: number } | undefined {
    const after = Math.max(...readers)
    let level = [writer]
    for (let depth = 0; depth < GUARD_DEPTH; depth++) {
      for (const i of level) {
        const node = this.#graph.nodes[i]
        const input = this.#waits.get(i)?.input ?? node.inputs.findIndex(name => this.#scalars.has(name))
        if (ARITHMETIC.has(node.op) && input >= 0 && i > after) return { node: i, input }
      }
      level = level.flatMap(i => this.#before[i]).filter(i => ELEMENTWISE.has(this.#graph.nodes[i].op))
    }
    return undefined
  }

  apply(): OnnxGraph {
    if (this.#waits.size === 0) return this.#graph
    const zero: OnnxTensor = { name: 'int64[0]', dtype: 'int64', dims: [1], data: BigInt64Array.of(0n) }
    const initialisers = this.#graph.initialisers.some(t => t.name === zero.name) ? this.#graph.initialisers : [...this.#graph.initialisers, zero]
    const nodes = this.#graph.nodes.flatMap((node, i) => {
      const wait = this.#waits.get(i)
      if (wait === undefined) return [node]
      const guards: OnnxNode[] = []
      const add = (op: string, inputs: string[]): string => {
        const name = `${node.name}/wait.${guards.length}`
        guards.push({ op, domain: '', name, doc: `${node.doc} (waits for the last reader of the old value)`, inputs, outputs: [name], attributes: {} })
        return name
      }
      let scalar = node.inputs[wait.input]
      for (const value of new Set(wait.values)) scalar = add('Add', [scalar, add('ConstantOfShape', [add('Slice', [add('Shape', [value]), zero.name, zero.name])])])
      return [...guards, { ...node, inputs: node.inputs.with(wait.input, scalar) }]
    })
    return { ...this.#graph, initialisers, nodes }
  }
}
