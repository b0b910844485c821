// Layer and group normalisation in simpler operators, as their gradients state them, so that the backward pass reads what the forward pass has made instead of making it again.
//
// Only what normalisation is made of is shared: a program that computes other values twice, to save memory, goes on doing so.
import { Builder } from '../../ir/builder.ts'
import { showAttributes } from '../../ir/show-attributes.ts'
import type { Node, Program, ValueId } from '../../ir/program.ts'
import { sizeOf } from '../../ir/types.ts'
import { Emitter } from '../../rules/gradient-language.ts'

/** (x - mean) / sqrt(variance + eps) along one axis, operator by operator as in the gradient. */
function standardised(g: Emitter, x: ValueId, axis: number, eps: number): ValueId {
  const centred = g.sub(x, g.mean(x, [axis], true))
  return g.mul(centred, g.reciprocal(g.sqrt(g.shift(g.mean(g.square(centred), [axis], true), eps))))
}

type Norm = Extract<Node, { readonly op: 'layerNorm' | 'groupNorm' }>
const isNorm = (node: Node): node is Norm => node.op === 'layerNorm' || node.op === 'groupNorm'

function expanded(g: Emitter, node: Norm): ValueId {
  const [x, weight, bias] = node.inputs, shape = g.shape(x)
  if (node.op === 'layerNorm') return g.add(g.mul(standardised(g, x, shape.length - 1, node.attrs.eps), weight), bias)
  const grouped = [shape[0], node.attrs.groups, sizeOf(shape) / (shape[0] * node.attrs.groups)]
  const normal = g.reshape(standardised(g, g.reshape(x, grouped), 2, node.attrs.eps), shape)
  return g.add(g.mul(normal, g.perChannel(weight, shape.length)), g.perChannel(bias, shape.length))
}

/** Operators whose nodes the gradient has in common with the expansion. */
const SHARED = new Set<Node['op']>(['fill', 'reshape', 'reduceMean', 'sub', 'mul', 'add', 'sqrt', 'reciprocal'])
const keyOf = ({ op, inputs, attrs }: Node): string => `${op}(${inputs.join()})${showAttributes(attrs)}`

/** The program with its normalisations expanded and shared with the backward pass. Values keep their ids, except those that become others. */
export function shareNorms(program: Program): Program {
  if (!program.nodes.some(isNorm)) return program
  const builder = Builder.from(program)
  const nodes: Node[] = []
  const known = new Map<string, ValueId>(), replaced = new Map<ValueId, ValueId>()
  const renamed = (node: Node): Node => node.inputs.some(v => replaced.has(v)) ? { ...node, inputs: node.inputs.map(v => replaced.get(v) ?? v) } as Node : node
  for (const given of program.nodes) {
    const node = renamed(given)
    if (!isNorm(node)) {
      const same = SHARED.has(node.op) ? known.get(keyOf(node)) : undefined
      if (same !== undefined) replaced.set(node.id, same)
      else nodes.push(node)
      continue
    }
    const first = builder.nodes.length
    const result = expanded(new Emitter(builder, node.origin), node)
    for (const made of builder.nodes.splice(first)) {
      const own = renamed(made), key = keyOf(own), same = known.get(key)
      if (same !== undefined && own.id !== result) { replaced.set(own.id, same); continue }
      nodes.push(own.id === result ? { ...own, id: node.id } as Node : own)
      if (own.id !== result) known.set(key, own.id)
    }
  }
  return { ...program, nodes, outputs: program.outputs.map(o => ({ ...o, value: replaced.get(o.value) ?? o.value })) }
}
