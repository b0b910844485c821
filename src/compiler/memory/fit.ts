// Chooses what to compute twice so that a training step fits a budget.
import type { Node, Program, ValueId } from '../ir/program.ts'
import { sizeOf, type TensorType } from '../ir/types.ts'
import { freshWeights } from '../passes/fresh-weights.ts'
import { activations, isForward, recompute } from '../passes/recompute.ts'
import { multiplyAdds } from '../rules/flops.ts'
import { planMemory, type MemoryPlan } from './plan.ts'

/** A module is one segment if the results kept in it are at most this share of all. */
const SEGMENT_SHARE = 0.08
/** Multiply-adds per element of the result up to which a node is computed again, from level to level: movement and elementwise operators; then attention scores; then everything. */
const LEVELS = [0, 160, Infinity]
/** What an element of an operator without products costs beside a multiply-add. */
const ELEMENT_COST = 8

export interface Fit {
  readonly program: Program
  readonly plan: MemoryPlan
  /** whether it fits the budget; otherwise `plan` is that of the smallest step there is */
  readonly fits: boolean
  /** multiply-adds of one step as it was given, and those added to it; nodes that cost something whatever their size are among the added */
  readonly multiplyAdds: number
  readonly added: number
  /** paths of the modules that are computed again, in order of choice */
  readonly modules: readonly string[]
}

interface Choice { readonly key: string; readonly dropped: readonly ValueId[]; readonly saved: number; readonly cost: number }

const isView = (node: Node): boolean => node.op === 'reshape' || node.op === 'stopGradient'
const bytes = ({ dtype, shape }: TensorType): number => sizeOf(shape) * (dtype === 'bool' ? 1 : 4)

class Chooser {
  readonly #program: Program
  readonly #nodeCost: number
  readonly #definitions: Map<ValueId, Node>
  readonly #types: Map<ValueId, TensorType>
  readonly #moving: ReadonlySet<ValueId>
  /** Values (views by what they are views of) that the backward pass reads. */
  readonly #kept = new Set<ValueId>()
  /** Segment -> its nodes in order. */
  readonly #segments = new Map<string, Node[]>()
  /** Values read by forward nodes of other segments. */
  readonly #shared = new Set<ValueId>()

  /** `nodeCost`: what computing a node costs whatever its size, beside a multiply-add. */
  constructor(program: Program, nodeCost = 0) {
    this.#program = program
    this.#nodeCost = nodeCost
    this.#definitions = new Map(program.nodes.map(n => [n.id, n] as const))
    this.#types = new Map([...program.inputs, ...program.nodes].map(v => [v.id, v.type] as const))
    this.#moving = activations(program)
    for (const node of program.nodes) if (!isForward(node)) for (const v of node.inputs.map(i => this.#rootOf(i))) if (this.#isCandidate(v)) this.#kept.add(v)
    const keys = this.#keys()
    let run = 0, last = ''
    for (const node of program.nodes) {
      if (!isForward(node) || !this.#moving.has(node.id)) continue
      const path = keys(node.origin.path)
      if (path !== last) { run++; last = path }
      const key = `${path}#${run}`
      this.#segments.set(key, [...this.#segments.get(key) ?? [], node])
    }
    const segmentOf = new Map([...this.#segments].flatMap(([key, nodes]) => nodes.map(n => [n.id, key] as const)))
    for (const node of program.nodes) if (isForward(node)) for (const v of node.inputs) if (segmentOf.get(v) !== segmentOf.get(node.id)) this.#shared.add(this.#rootOf(v))
  }

  #isCandidate(value: ValueId): boolean {
    const node = this.#definitions.get(value)
    return node !== undefined && isForward(node) && this.#moving.has(value)
  }

  #rootOf(value: ValueId): ValueId {
    for (let at = value; ;) {
      const node = this.#definitions.get(at)
      if (node === undefined || !isView(node)) return at
      at = node.inputs[0]
    }
  }

  #bytes(value: ValueId): number { return bytes(this.#types.get(value)!) }

  /** From the path of a node to that of its segment: the largest module around it that is small enough, or its own. */
  #keys(): (path: string) => string {
    const weights = new Map<string, number>()
    for (const id of this.#kept) {
      const { path } = this.#definitions.get(id)!.origin
      for (let at = path; ; at = at.includes('.') ? at.slice(0, at.lastIndexOf('.')) : '') {
        weights.set(at, (weights.get(at) ?? 0) + this.#bytes(id))
        if (at === '') break
      }
    }
    const limit = (weights.get('') ?? 0) * SEGMENT_SHARE
    const known = new Map<string, string>()
    return path => {
      let key = known.get(path)
      if (key !== undefined) return key
      const parts = path.split('.')
      key = path
      for (let n = 1; n <= parts.length; n++) {
        const prefix = parts.slice(0, n).join('.')
        if ((weights.get(prefix) ?? 0) <= limit) { key = prefix; break }
      }
      known.set(path, key)
      return key
    }
  }

  #products(node: Node): number { return multiplyAdds(node.op as never, node.inputs.map(v => this.#types.get(v)!), node.type, node.attrs as never) }

  /** A sum with a bias belongs to the product before it. */
  #density(node: Node): number {
    const source = node.op === 'add' ? node.inputs.map(v => this.#definitions.get(v)).find(n => n !== undefined && (n.op === 'matmul' || n.op === 'conv2d')) : undefined
    return this.#products(source ?? node) / Math.max(1, sizeOf(node.type.shape))
  }

  /** What a segment need not keep when nodes up to `level` are computed again. */
  #choose(key: string, nodes: readonly Node[], level: number): Choice | undefined {
    const own = new Set(nodes.map(n => n.id))
    const kept = new Set(this.#kept)
    const dropped: ValueId[] = []
    let saved = 0, cost = 0
    for (const node of nodes.toReversed()) {
      if (isView(node) || !kept.has(node.id) || this.#shared.has(node.id) || this.#density(node) > level) continue
      const more = [...new Set(node.inputs.map(v => this.#rootOf(v)))].filter(v => this.#isCandidate(v) && !kept.has(v))
      // Inputs from other segments are kept by these; own ones are kept instead, or computed again in their turn.
      const price = level === Infinity ? 0 : more.reduce((n, v) => n + this.#bytes(v), 0)
      if (level !== Infinity && price >= this.#bytes(node.id)) continue
      kept.delete(node.id)
      for (const v of more) kept.add(v)
      dropped.push(node.id)
      cost += this.#products(node) + ELEMENT_COST * sizeOf(node.type.shape) + this.#nodeCost
    }
    for (const id of own) saved += (this.#kept.has(id) ? this.#bytes(id) : 0) - (kept.has(id) ? this.#bytes(id) : 0)
    for (const id of kept) if (!own.has(id) && !this.#kept.has(id)) saved -= this.#bytes(id)
    return saved <= 0 ? undefined : { key, dropped, saved, cost }
  }

  /** Steps of saving, the cheapest per byte first; a later step of the same segment replaces the earlier one. */
  choices(): Choice[] {
    const steps: (Choice & { readonly rate: number })[] = []
    for (const [key, nodes] of this.#segments) {
      let last: Choice | undefined
      for (const level of LEVELS) {
        const choice = this.#choose(key, nodes, level)
        if (choice === undefined || choice.saved <= (last?.saved ?? 0)) continue
        steps.push({ ...choice, rate: (choice.cost - (last?.cost ?? 0)) / (choice.saved - (last?.saved ?? 0)) })
        last = choice
      }
    }
    return steps.sort((a, b) => a.rate - b.rate)
  }

  /** The segments after the first `count` choices, and views within them. */
  apply(choices: readonly Choice[]): { program: Program; modules: string[]; added: number } {
    const chosen = new Map<string, Choice>()
    for (const c of choices) if (c.saved > (chosen.get(c.key)?.saved ?? 0)) chosen.set(c.key, c)
    const segments = new Map<ValueId, string>()
    for (const [key, choice] of chosen) for (const id of choice.dropped) segments.set(id, key)
    for (const node of this.#program.nodes) {
      const segment = isView(node) && isForward(node) ? segments.get(node.inputs[0]) : undefined
      if (segment !== undefined) segments.set(node.id, segment)
    }
    // What is computed again reads weights that were moved, too.
    const program = freshWeights(recompute(this.#program, segments))
    const count = (p: Program): number => { const types = new Map([...p.inputs, ...p.nodes].map(v => [v.id, v.type] as const)); return p.nodes.reduce((n, node) => n + multiplyAdds(node.op as never, node.inputs.map(v => types.get(v)!), node.type, node.attrs as never), 0) }
    const nodes = program.nodes.length - this.#program.nodes.length
    return { program, modules: [...new Set([...chosen.keys()].map(k => k.slice(0, k.indexOf('#'))))], added: count(program) - count(this.#program) + this.#nodeCost * nodes }
  }

  get multiplyAdds(): number { return this.#program.nodes.reduce((n, node) => n + this.#products(node), 0) }
}

/** Of the multiply-adds of a step, what recomputation may add where nobody gave a budget. */
const CHEAP = 0.04

/** The optimised training step `program` (differentiated; no pass may follow) with the recomputation that is nearly free, where a node costs `nodeCost` multiply-adds whatever its size. */
export function recomputeCheap(program: Program, nodeCost = 0): Omit<Fit, 'plan' | 'fits'> {
  const chooser = new Chooser(program, nodeCost), choices = chooser.choices(), { multiplyAdds: whole } = chooser
  let best = chooser.apply([])
  for (let low = 0, high = choices.length + 1; high - low > 1;) {
    const middle = (low + high) >> 1, tried = chooser.apply(choices.slice(0, middle))
    if (tried.added <= CHEAP * whole) { low = middle; best = tried } else high = middle
  }
  return { ...best, multiplyAdds: whole }
}

/** The same, planned for `mode`. */
export function cheapMemory(program: Program, mode: 'compact' | 'released'): Fit {
  const cheap = recomputeCheap(program)
  return { ...cheap, plan: planMemory(cheap.program, mode, true), fits: true }
}

/**
 * The optimised training step `program` (differentiated; no pass may follow) with as little recomputation as brings its planned peak below `budget` bytes: choices are taken in the order of what a byte
 * costs, as many as are needed. With `budget` undefined it is returned as it is.
 */
export function fitMemory(program: Program, budget: number): Fit {
  const whole = planMemory(program, 'compact')
  const chooser = new Chooser(program)
  const unchanged = { program, plan: whole, fits: true, multiplyAdds: chooser.multiplyAdds, added: 0, modules: [] }
  if (whole.peak <= budget) return unchanged
  const choices = chooser.choices()
  const tried = new Map<number, Fit>([[0, { ...unchanged, fits: false }]])
  const attempt = (count: number): Fit => {
    const known = tried.get(count)
    if (known !== undefined) return known
    const { program: fitted, modules, added } = chooser.apply(choices.slice(0, count))
    const plan = planMemory(fitted, 'released')
    const fit = { program: fitted, plan, fits: plan.peak <= budget, multiplyAdds: unchanged.multiplyAdds, added, modules }
    tried.set(count, fit)
    return fit
  }
  let low = 0, high = choices.length
  if (!attempt(high).fits) {
    // The most recomputation need not be the least memory.
    for (const share of [0.25, 0.5, 0.75]) attempt(Math.round(share * choices.length))
    const best = [...tried.values()].reduce((a, b) => b.plan.peak < a.plan.peak ? b : a)
    return best
  }
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (attempt(middle).fits) high = middle
    else low = middle
  }
  return attempt(high)
}
