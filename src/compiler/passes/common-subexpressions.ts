// Merges nodes that compute the same from the same operands: the first stays, with its origin.
import type { OpName } from '../ir/ops.ts'
import type { Node } from '../ir/program.ts'
import { showAttributes } from '../ir/show-attributes.ts'
import { Rewriter, type Pass } from './rewriter.ts'

const commutative = new Set<OpName>(['add', 'mul', 'max', 'min', 'equal', 'and', 'or'])

/** Equal for nodes that compute the same; long constants enter as a hash. */
const keyOf = (node: Node): string => {
  const inputs = commutative.has(node.op) && node.inputs[0] > node.inputs[1] ? [node.inputs[1], node.inputs[0]] : node.inputs
  return `${node.op}(${inputs.join()})${showAttributes(node.attrs)}`
}

/** A hash may collide: equal constants have equal bytes. */
const sameConstant = (a: Node, b: Node): boolean => {
  if (a.op !== 'constant' || b.op !== 'constant' || a.attrs.value === b.attrs.value) return true
  const [x, y] = [a, b].map(({ attrs: { value: { data } } }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  if (x.length !== y.length) return false
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false
  return true
}

export const commonSubexpressions: Pass = program => {
  const r = new Rewriter(program)
  const first = new Map<string, Node>()
  for (const original of program.nodes) {
    const node = r.renamed(original)
    const key = keyOf(node)
    const earlier = first.get(key)
    if (earlier && sameConstant(earlier, node)) {
      r.replace(original, earlier.id)
    } else {
      first.set(key, node)
      r.keep(node, original)
    }
  }
  return r.finish()
}
