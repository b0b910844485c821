// Reverse mode over a whole program: from a scalar loss to the gradients of chosen values.
import type { Builder } from '../ir/builder.ts'
import type { Node, Origin, Program, ValueId } from '../ir/program.ts'
import { sizeOf, type Shape } from '../ir/types.ts'
import { expandProgram, isExpandable, type ExpandableOp } from '../rules/expansion.ts'
import { cotangents, elementwise, gradientRules, isDifferentiable } from '../rules/gradient.ts'
import { Emitter } from '../rules/gradient-language.ts'
import { joinPieces, pieceOf, type Piece } from './pieces.ts'

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

/** What has arrived so far of the cotangent of one value of shape `shape`: terms that broadcast to it, and pieces from slices. */
class Cotangent {
  readonly shape: Shape
  #sum: ValueId | undefined
  #pieces: Piece[] = []

  constructor(shape: Shape) { this.shape = shape }

  add(g: Emitter, term: ValueId): void { this.#sum = this.#sum === undefined ? term : g.add(this.#sum, term) }
  addPiece(piece: Piece): void { this.#pieces.push(piece) }

  /** The sum of all terms; it broadcasts to `shape`. */
  take(g: Emitter): ValueId {
    for (const term of joinPieces(g, this.#pieces.splice(0), this.shape)) this.add(g, term)
    return this.#sum!
  }
}

/**
 * Append to `builder` the nodes that compute the gradients of `loss` (one element, float32) with respect to the values `wrt`: in the reverse order of the forward nodes, each with the
 * origin of the forward node it belongs to and the phase 'backward', and only where there is a path from `wrt` to the loss. Cotangents stay as small as broadcasting allows until an
 * operator needs them whole. The program has to be expanded (expandForGradients). `origin` is that of the nodes that belong to no forward node.
 */
export function differentiate(builder: Builder, loss: ValueId, wrt: readonly ValueId[], origin: Origin): Gradients {
  const type = builder.type(loss)
  if (type.dtype !== 'float32' || sizeOf(type.shape) !== 1) throw new Error(`internal: a loss must be one float32 element, not ${type.dtype}[${type.shape.join(', ')}]`)
  const nodes = [...builder.nodes]
  const active = dependents(nodes, wrt)
  const own = new Emitter(builder, { ...origin, phase: 'backward' })
  const cotangentOf = new Map<ValueId, Cotangent>()
  const cotangent = (value: ValueId): Cotangent => {
    const known = cotangentOf.get(value) ?? new Cotangent(builder.type(value).shape)
    cotangentOf.set(value, known)
    return known
  }
  if (active.has(loss)) cotangent(loss).add(own, own.fill(1, type.shape))

  for (const node of nodes.toReversed()) {
    const arrived = cotangentOf.get(node.id)
    if (arrived === undefined || !isDifferentiable(node.op) || !node.inputs.some(v => active.has(v))) continue
    const g = new Emitter(builder, { ...node.origin, phase: 'backward' })
    const sum = arrived.take(g)
    const dy = elementwise.has(node.op) ? sum : g.broadcast(sum, arrived.shape)
    const piece = pieceOf(node, dy)
    if (piece !== undefined) { cotangent(node.inputs[0]).addPiece(piece); continue }
    const rule = cotangents(builder, node, dy)
    node.inputs.forEach((operand, i) => {
      const make = rule[i]
      if (make === undefined || !active.has(operand)) return
      const term = make()
      cotangent(operand).add(g, g.unbroadcast(term, elementwise.has(node.op) ? node.type.shape : g.shape(term), g.shape(operand)))
    })
  }

  const gradients = new Map<ValueId, ValueId>()
  const unreached: ValueId[] = []
  for (const value of wrt) {
    const shape = builder.type(value).shape
    const arrived = cotangentOf.get(value)
    if (arrived === undefined) unreached.push(value)
    gradients.set(value, arrived === undefined ? own.fill(0, shape) : own.broadcast(arrived.take(own), shape))
  }
  return { gradients, unreached }
}
