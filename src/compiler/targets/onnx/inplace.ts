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
  readonly #scalars: ReadonlySet<string>
  /** Node -> which of its inputs waits for which values. */
  readonly #waits = new Map<number, { input: number; values: string[] }>()

  constructor(graph: OnnxGraph) {
    this.#graph = graph
    graph.nodes.forEach((node, i) => {
      for (const name of node.outputs) this.#maker.set(name, i)
      for (const name of node.inputs) (this.#readers.get(name) ?? this.#readers.set(name, []).get(name)!).push(i)
    })
    this.#scalars = new Set([...graph.initialisers, ...graph.inputs].filter(v => v.dtype === 'float32' && v.dims.length === 0).map(v => v.name))
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
    const values = late.map(i => this.#graph.nodes[i].outputs[0])
    const wait = this.#waits.get(site.node)
    if (wait === undefined) this.#waits.set(site.node, { input: site.input, values })
    else wait.values.push(...values)
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

  /** Those of `readers` of which `node` is no consequence. */
  #notBefore(node: number, readers: ReadonlySet<number>): number[] {
    const before = this.#ancestors(node, readers)
    return [...readers].filter(i => !before.has(i))
  }

  /** The nodes that must run before `node`; stops early when all of `sought` are among them. */
  #ancestors(node: number, sought?: ReadonlySet<number>): Set<number> {
    const seen = new Set<number>()
    let queue = [node], missing = sought?.size ?? Infinity
    while (queue.length > 0 && missing > 0) {
      const next: number[] = []
      for (const i of queue) {
        const waits = this.#waits.get(i)?.values ?? []
        for (const name of [...this.#graph.nodes[i].inputs, ...waits]) {
          const maker = this.#maker.get(name)
          if (maker === undefined || seen.has(maker)) continue
          seen.add(maker)
          if (sought?.has(maker)) missing--
          next.push(maker)
        }
      }
      queue = next
    }
    return seen
  }

  /** A node on the way to `writer` with a scalar operand, after all of `readers` in the graph, on which none of them depends. */
  #guardSite(writer: number, readers: readonly number[]): { node: number; input: number } | undefined {
    const after = Math.max(...readers)
    const dependencies = readers.map(i => this.#ancestors(i))
    let level = [writer]
    for (let depth = 0; depth < GUARD_DEPTH; depth++) {
      for (const i of level) {
        const node = this.#graph.nodes[i]
        const input = this.#waits.get(i)?.input ?? node.inputs.findIndex(name => this.#scalars.has(name))
        if (ARITHMETIC.has(node.op) && input >= 0 && i > after && !dependencies.some(d => d.has(i))) return { node: i, input }
      }
      level = level.flatMap(i => this.#graph.nodes[i].inputs.map(name => this.#maker.get(name))).filter(i => i !== undefined).filter(i => ELEMENTWISE.has(this.#graph.nodes[i].op))
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
