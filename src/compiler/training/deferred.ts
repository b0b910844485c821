// Weight gradients that are computed when they are needed, not before: right before the update of their parameter, one after the other.
//
// Clipping needs the norm of all gradients before the first update, so that all of them are alive at once: a number per parameter. But the gradient of a linear layer or of a convolution is a product
// of two operands, the layer's input and the cotangent of its result, which in deep layers are much smaller than the product (128 rows beside 768 x 3072 weights). There the operands are kept instead:
// the norm follows from their Gram matrices (gram.ts), and the product is made behind it (operator `after`), where only the update reads it.
//
// A product of [n, K] and [n, M] is worth it where n (K + M) < K M. Then the Gram matrices, n^2 (K + M) multiply-adds, cost less than the product itself, in the same proportion, and the passes that
// square and sum it fall away: nearly free. So this is always done, the cheapest bytes first, up to a share of the step's multiply-adds (COST_SHARE).
//
// A large gradient that is put together from parts waits for that only: the parts are there as soon as they are computed, and are not held beside the whole.
import type { Builder } from '../ir/builder.ts'
import type { Node, ValueId } from '../ir/program.ts'
import { sizeOf, type Shape } from '../ir/types.ts'
import { multiplyAdds } from '../rules/flops.ts'
import type { Emitter } from '../rules/gradient-language.ts'
import { sumOfSquares } from './clip.ts'
import { gramCosts, rowAxes, squaredNorm, type Product } from './gram.ts'

/** Elements; smaller gradients are updated in groups, and together they are little. */
const SMALL = 2 ** 15
/** Elements; a whole of fewer is put together at once. */
const LARGE = 2 ** 20
/** How much of the multiply-adds before them the norms may add, by default. */
export const COST_SHARE = 0.01

/** A gradient that waits. */
export interface Deferred {
  /** Its squared norm, a vector of one element. */
  readonly squares: (g: Emitter) => ValueId
  /** The gradient, computed when `cue` is known. */
  readonly gradient: (g: Emitter, cue: ValueId) => ValueId
}

export interface Deferral {
  /** By the value of the gradient. */
  readonly deferred: ReadonlyMap<ValueId, Deferred>
  /** The nodes that nothing needs any more unless the gradients themselves are asked for. */
  readonly obsolete: ReadonlySet<ValueId>
  /** Bytes of the gradients less bytes of the operands that are kept for them. */
  readonly saved: number
  /** Multiply-adds of the norms. */
  readonly cost: number
}

type Move = Extract<Node, { op: 'reshape' | 'transpose' | 'concat' }>
const isMove = (node: Node): node is Move => node.op === 'reshape' || node.op === 'transpose' || node.op === 'concat'

/** How a gradient is made of products: by movements that keep every element once, and by sums of matrix products (a weight that is used several times: their rows one after the other). `given`: computed at once. */
type Form =
  | { readonly kind: 'given'; readonly value: ValueId }
  | { readonly kind: 'products'; readonly terms: readonly Product[]; readonly nodes: readonly ValueId[] }
  | { readonly kind: 'move'; readonly node: Move; readonly parts: readonly Form[] }

interface Kept { readonly value: ValueId; readonly bytes: number; readonly cost: number }
interface Candidate { readonly gradient: ValueId; readonly form: Form; readonly bytes: number; readonly kept: readonly Kept[] }

type Leaf = Exclude<Form, { kind: 'move' }>

const leaves = (form: Form): Leaf[] => form.kind === 'move' ? form.parts.flatMap(leaves) : [form]
const nodesOf = (form: Form): ValueId[] => form.kind === 'products' ? [...form.nodes] : form.kind === 'given' ? [] : [form.node.id, ...form.parts.flatMap(nodesOf)]
const lead = (shape: Shape): number => sizeOf(shape.slice(0, -2))

class Finder {
  readonly #builder: Builder
  readonly #definitions: ReadonlyMap<ValueId, Node>
  readonly #readers = new Map<ValueId, number>()

  constructor(builder: Builder, gradients: readonly ValueId[]) {
    this.#builder = builder
    this.#definitions = new Map(builder.nodes.map(n => [n.id, n] as const))
    for (const v of [...builder.nodes.flatMap(n => n.inputs), ...gradients]) this.#readers.set(v, (this.#readers.get(v) ?? 0) + 1)
  }

  candidate(gradient: ValueId): Candidate[] {
    const form = sizeOf(this.#shape(gradient)) > SMALL ? this.#formOf(gradient) : undefined
    return form === undefined ? [] : [{ gradient, form, bytes: 4 * sizeOf(this.#shape(gradient)), kept: leaves(form).flatMap(leaf => leaf.kind === 'products' ? this.#keptOf(leaf.terms) : []) }]
  }

  #shape(value: ValueId): Shape { return this.#builder.type(value).shape }

  #formOf(value: ValueId): Form | undefined {
    const node = this.#definitions.get(value)
    if (node === undefined || this.#readers.get(value) !== 1) return undefined
    if (isMove(node)) {
      const parts = node.inputs.flatMap(v => this.#formOf(v) ?? [])
      return parts.length < node.inputs.length ? undefined : { kind: 'move', node, parts }
    }
    return this.#productsOf(node)
  }

  /** A large gradient that is put together. */
  whole(gradient: ValueId): { readonly gradient: ValueId; readonly form: Form }[] {
    return this.#definitions.get(gradient)?.op === 'concat' && sizeOf(this.#shape(gradient)) > LARGE ? [{ gradient, form: this.#partsOf(gradient) }] : []
  }

  #partsOf(value: ValueId): Form {
    const node = this.#definitions.get(value)
    return node !== undefined && isMove(node) && this.#readers.get(value) === 1 ? { kind: 'move', node, parts: node.inputs.map(v => this.#partsOf(v)) } : { kind: 'given', value }
  }

  #productsOf(node: Node): Extract<Form, { kind: 'products' }> | undefined {
    const [left, right] = node.inputs
    if (node.op === 'conv2dWeightGrad') return node.attrs.groups === 1 ? { kind: 'products', terms: [{ op: node.op, attrs: node.attrs, left, right }], nodes: [node.id] } : undefined
    if (node.op === 'matmul') return [left, right].every(v => lead(this.#shape(v)) === 1) ? { kind: 'products', terms: [{ op: node.op, attrs: node.attrs, left, right }], nodes: [node.id] } : undefined
    if (node.op !== 'add' || left === right) return undefined
    const parts = [left, right].flatMap(v => { const made = this.#definitions.get(v); return made !== undefined && this.#readers.get(v) === 1 ? this.#productsOf(made) ?? [] : [] })
    const terms = parts.flatMap(p => p.terms), [first] = terms
    const alike = (t: Product): boolean => t.op === 'matmul' && JSON.stringify(t.attrs) === JSON.stringify(first.attrs) && this.#shape(t.left).length === this.#shape(first.left).length && this.#shape(t.right).length === this.#shape(first.right).length
    return parts.length === 2 && terms.every(alike) ? { kind: 'products', terms, nodes: [node.id, ...parts.flatMap(p => p.nodes)] } : undefined
  }

  /** Below views. Inputs of the program are alive anyway. */
  #keptOf(terms: readonly Product[]): Kept[] {
    const [first] = terms
    const stacked = (side: 'left' | 'right'): Shape => {
      const shape = this.#shape(first[side])
      return first.op === 'matmul' ? shape.with(rowAxes(first.attrs)[side], terms.reduce((n, t) => n + this.#shape(t[side]).at(rowAxes(first.attrs)[side])!, 0)) : shape
    }
    const costs = gramCosts({ ...first, left: stacked('left'), right: stacked('right') })
    return terms.flatMap(term => (['left', 'right'] as const).map(side => {
      let value = term[side]
      for (let node = this.#definitions.get(value); node?.op === 'reshape'; node = this.#definitions.get(value)) value = node.inputs[0]
      return { value, bytes: this.#definitions.has(value) ? 4 * sizeOf(this.#shape(value)) : 0, cost: costs[side] / terms.length }
    }))
  }
}

/** Those that are worth it. An operand that several products read is kept once: they share its bytes and the cost of its Gram matrix. The worst are left out until all that remain pay. */
function choose(candidates: readonly Candidate[], budget: number): { readonly chosen: readonly Candidate[]; readonly saved: number; readonly cost: number } {
  const chosen = new Set(candidates)
  for (;;) {
    const sharers = new Map<ValueId, number>()
    for (const c of chosen) for (const { value } of c.kept) sharers.set(value, (sharers.get(value) ?? 0) + 1)
    let worst: Candidate | undefined, rate = 0, saved = 0, cost = 0
    for (const c of chosen) {
      const bytes = c.kept.reduce((n, k) => n - k.bytes / sharers.get(k.value)!, c.bytes), price = c.kept.reduce((n, k) => n + k.cost / sharers.get(k.value)!, 0)
      const own = bytes > 0 ? price / bytes : Infinity
      saved += bytes
      cost += price
      if (own > rate) { worst = c; rate = own }
    }
    if (worst === undefined || rate < Infinity && cost <= budget) return { chosen: [...chosen], saved, cost }
    chosen.delete(worst)
  }
}

/** One product for a sum of several. */
function stack(g: Emitter, terms: readonly Product[]): Product {
  const [first] = terms
  if (first.op !== 'matmul' || terms.length === 1) return first
  const along = (side: 'left' | 'right'): ValueId => g.op('concat', terms.map(t => t[side]), { axis: g.shape(first[side]).length + rowAxes(first.attrs)[side] })
  return { ...first, left: along('left'), right: along('right') }
}

function rebuild(g: Emitter, form: Form, cue: ValueId): ValueId {
  if (form.kind === 'given') return g.op('after', [form.value, cue], {})
  if (form.kind === 'move') return g.op(form.node.op, form.parts.map(p => rebuild(g, p, cue)), form.node.attrs as never)
  // The left operand waits, and with it all that the lowering of a convolution derives from it and shares.
  const { op, attrs, left, right } = stack(g, form.terms.map(t => ({ ...t, left: g.op('after', [t.left, cue], {}) })))
  return g.op(op, [left, right], attrs as never)
}

/** Which of `gradients` wait, and how they are computed then. A gradient that something else reads as well does not wait. `share`: COST_SHARE. */
export function deferGradients(builder: Builder, gradients: readonly ValueId[], share: number): Deferral {
  const finder = new Finder(builder, gradients)
  const whole = builder.nodes.reduce((n, node) => n + multiplyAdds(node.op as never, node.inputs.map(v => builder.type(v)), node.type, node.attrs as never), 0)
  const { chosen, saved, cost } = choose(gradients.flatMap(v => finder.candidate(v)), share * whole)
  const products = new Set(chosen.map(c => c.gradient))
  const waiting = [...chosen, ...gradients.flatMap(v => share === 0 || products.has(v) ? [] : finder.whole(v))]
  const deferred = new Map(waiting.map(({ gradient, form }) => [gradient, {
    squares: g => {
      const parts = leaves(form).map(leaf => leaf.kind === 'given' ? sumOfSquares(g, leaf.value) : squaredNorm(g, stack(g, leaf.terms)))
      return parts.reduce((a, b) => g.add(a, b))
    },
    gradient: (g, cue) => rebuild(g, form, cue),
  } satisfies Deferred] as const))
  return { deferred, obsolete: new Set(waiting.flatMap(w => nodesOf(w.form))), saved, cost }
}
