// Reverse mode over a whole program: from a scalar loss to the gradients of chosen values.
import type { Builder } from '../ir/builder.ts'
import type { Node, Origin, Program, ValueId } from '../ir/program.ts'
import { sizeOf } from '../ir/types.ts'
import { expandProgram, isExpandable, type ExpandableOp } from '../rules/expansion.ts'
import { cotangents, gradientRules, isDifferentiable } from '../rules/gradient.ts'
import { Emitter } from '../rules/gradient-language.ts'

export interface Gradients {
  /** Value -> its gradient, of the same shape. Every value of `wrt` is in it. */
  readonly gradients: ReadonlyMap<ValueId, ValueId>
  /** The values of `wrt` that the loss does not depend on; their gradients are zeros. */
  readonly unreached: readonly ValueId[]
}

/** Replace the nodes whose operators are differentiated through their expansions. Values keep their ids. */
export const expandForGradients = (program: Program): Program =>
  expandProgram(program, new Set((Object.keys(gradientRules) as (keyof typeof gradientRules)[]).filter((op): op is ExpandableOp => gradientRules[op] === 'expand' && isExpandable(op))))

/** The values that depend differentiably on one of `sources`, these included. */
function dependents(nodes: readonly Node[], sources: Iterable<ValueId>): Set<ValueId> {
  const active = new Set(sources)
  for (const node of nodes) if (node.type.dtype === 'float32' && isDifferentiable(node.op) && node.inputs.some(v => active.has(v))) active.add(node.id)
  return active
}

/** Those of `wrt` that have no differentiable path to `loss`, in order. */
export function unreachedBy(nodes: readonly Node[], loss: ValueId, wrt: readonly ValueId[]): ValueId[] {
  const active = dependents(nodes, wrt)
  const reached = new Set(active.has(loss) ? [loss] : [])
  for (const node of nodes.toReversed()) if (reached.has(node.id) && isDifferentiable(node.op)) for (const v of node.inputs) if (active.has(v)) reached.add(v)
  return wrt.filter(v => !reached.has(v))
}

/**
 * Append to `builder` the nodes that compute the gradients of `loss` (one element, float32) with respect to the values `wrt`: in the reverse order of the forward nodes, each with the
 * origin of the forward node it belongs to and the phase 'backward', and only where there is a path from `wrt` to the loss. The program has to be expanded
 * (expandForGradients). `origin` is that of the nodes that belong to no forward node.
 */
export function differentiate(builder: Builder, loss: ValueId, wrt: readonly ValueId[], origin: Origin): Gradients {
  const type = builder.type(loss)
  if (type.dtype !== 'float32' || sizeOf(type.shape) !== 1) throw new Error(`internal: a loss must be one float32 element, not ${type.dtype}[${type.shape.join(', ')}]`)
  const nodes = [...builder.nodes]
  const active = dependents(nodes, wrt)
  const own = new Emitter(builder, { ...origin, phase: 'backward' })
  const cotangentOf = new Map<ValueId, ValueId>()
  if (active.has(loss)) cotangentOf.set(loss, own.fill(1, type.shape))

  for (const node of nodes.toReversed()) {
    const dy = cotangentOf.get(node.id)
    if (dy === undefined || !isDifferentiable(node.op) || !node.inputs.some(v => active.has(v))) continue
    const rule = cotangents(builder, node, dy)
    const g = new Emitter(builder, { ...node.origin, phase: 'backward' })
    node.inputs.forEach((operand, i) => {
      const make = rule[i]
      if (make === undefined || !active.has(operand)) return
      const contribution = g.unbroadcast(make(), g.shape(operand))
      const sum = cotangentOf.get(operand)
      cotangentOf.set(operand, sum === undefined ? contribution : g.add(sum, contribution))
    })
  }

  const gradients = new Map<ValueId, ValueId>()
  const unreached: ValueId[] = []
  for (const value of wrt) {
    const gradient = cotangentOf.get(value)
    if (gradient === undefined) unreached.push(value)
    gradients.set(value, gradient ?? own.fill(0, builder.type(value).shape))
  }
  return { gradients, unreached }
}
