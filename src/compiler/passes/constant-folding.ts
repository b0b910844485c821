// Computes what depends on constants alone, as an engine would: each result rounded to float32.
import { evaluate, EvaluationError, toTensorData, type Value } from '../ir/interpreter.ts'
import type { OpAttrs, OpName } from '../ir/ops.ts'
import type { Node, Program, ValueId } from '../ir/program.ts'
import { sizeOf } from '../ir/types.ts'
import { multiplyAdds } from '../rules/flops.ts'
import { Rewriter, type Pass } from './rewriter.ts'

/** Larger results stay computed: 4 Mi elements are 16 MiB of float32. */
const maxElements = 2 ** 22
/** Larger products stay computed. */
const maxMultiplyAdds = 2 ** 28

const sources = new Set<OpName>(['constant', 'fill', 'iota'])

/** The nodes whose value can be known at compile time. */
const knownNodes = (program: Program): Map<ValueId, Node> => {
  const known = new Map<ValueId, Node>()
  for (const node of program.nodes) {
    const computable = node.inputs.length === 0 ? sources.has(node.op) : node.op !== 'stopGradient' && node.inputs.every(v => known.has(v))
    if (!computable || sizeOf(node.type.shape) > maxElements) continue
    const operands = node.inputs.map(v => known.get(v)!.type)
    if (multiplyAdds(node.op as OpName, operands, node.type, node.attrs as OpAttrs[OpName]) <= maxMultiplyAdds) known.set(node.id, node)
  }
  return known
}

/** Of these, the ones to store: what the rest of the program reads. A broadcast says no more than its operand, so the operand is stored. */
const frontier = (program: Program, known: ReadonlyMap<ValueId, Node>): Set<ValueId> => {
  const stored = new Set<ValueId>()
  const store = (id: ValueId): void => {
    const node = known.get(id)
    if (!node || sources.has(node.op)) return
    if (node.op === 'broadcast') store(node.inputs[0])
    else stored.add(id)
  }
  for (const node of program.nodes) if (!known.has(node.id)) node.inputs.forEach(store)
  for (const output of program.outputs) store(output.value)
  return stored
}

/** Values on demand; undefined where an index lies outside its axis, which the engine will report. */
const lazyValues = (known: ReadonlyMap<ValueId, Node>): ((id: ValueId) => Value | undefined) => {
  const values = new Map<ValueId, Value | undefined>()
  const compute = (node: Node): Value | undefined => {
    const operands: Value[] = []
    for (const v of node.inputs) {
      const operand = value(v)
      if (!operand) return undefined
      operands.push(operand)
    }
    try {
      return evaluate(node, operands, 'float32')
    } catch (e) {
      if (e instanceof EvaluationError) return undefined
      throw e
    }
  }
  const value = (id: ValueId): Value | undefined => {
    if (!values.has(id)) values.set(id, compute(known.get(id)!))
    return values.get(id)
  }
  return value
}

const asNode = (node: Node, value: Value): Node => {
  const { data } = value
  const [element] = data
  if (data.length > 0 && data.every(x => Object.is(x, element))) return { ...node, op: 'fill', inputs: [], attrs: { ...node.type, value: element } }
  return { ...node, op: 'constant', inputs: [], attrs: { value: toTensorData(value) } }
}

/** What only the folded nodes read is left for dead-code to remove. A result of equal elements becomes a fill. */
export const constantFolding: Pass = program => {
  const known = knownNodes(program)
  const stored = frontier(program, known)
  const value = lazyValues(known)
  const r = new Rewriter(program)
  for (const node of program.nodes) {
    const folded = stored.has(node.id) ? value(node.id) : undefined
    r.keep(folded ? asNode(node, folded) : node, node)
  }
  return r.finish()
}
