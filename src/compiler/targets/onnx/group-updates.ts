// The optimiser's work on many small tensors as work on a few long vectors: a large network has hundreds of biases and scales, and a dozen nodes for each take longer to start than to compute.
//
// The small parameters whose updates have the same structure become members of a group. Their values lie one after the other in one buffer, which the engine feeds twice: whole, to the update,
// and in parts, to the layers. Moments exist as whole vectors only. Gradients are put one after the other by a concatenation; their squares are summed at once for the clipping norm.
import type { OpName } from '../../ir/ops.ts'
import type { Node, Origin, Program, ProgramInput, ProgramOutput, ValueId } from '../../ir/program.ts'
import { Builder } from '../../ir/builder.ts'
import { sameShape, sizeOf } from '../../ir/types.ts'
import { deadCode } from '../../passes/dead-code.ts'

/** A state vector of `size` elements: member i lies at `offset`, zeros follow the last one. `name` is an input and an output of the program. */
export interface StateGroup { readonly name: string; readonly size: number; readonly members: readonly { readonly name: string; readonly offset: number }[] }
export interface GroupedUpdates { readonly program: Program; readonly groups: readonly StateGroup[] }

/** Elements; above, a node takes longer to compute than to start. */
const SMALL = 2 ** 15
/** Vectors are filled up to a multiple of this, so that sums over them can be made in levels. */
const MULTIPLE = 4096

const ELEMENTWISE: ReadonlySet<OpName> = new Set<OpName>(['add', 'sub', 'mul', 'div', 'sqrt', 'neg', 'max', 'min', 'abs', 'reciprocal'])
const origin: Origin = { path: '', span: undefined, phase: 'update' }

/** What the next values of one parameter and its moments are made of: elementwise nodes, and leaves by their part in it. */
export interface Update {
  readonly parameter: ProgramInput
  readonly nodes: readonly Node[]
  /** `P`, `M<prefix>` (a moment), `S<id>` (a scalar that all share) or `L<n>` (a tensor of its own, the gradient) by value */
  readonly leaves: ReadonlyMap<ValueId, string>
  /** by output name's part: `P` or `M<prefix>` */
  readonly outputs: ReadonlyMap<string, ProgramOutput>
  readonly signature: string
}

class Finder {
  readonly producers: ReadonlyMap<ValueId, Node>
  readonly #inputs: ReadonlyMap<ValueId, ProgramInput>
  readonly #readers = new Map<ValueId, number>()
  readonly #outputs: ReadonlyMap<string, ProgramOutput>
  readonly #program: Program
  /** Next values of moments by the name of their parameter. */
  readonly #moments = new Map<string, ProgramOutput[]>()

  constructor(program: Program) {
    this.#program = program
    this.producers = new Map(program.nodes.map(n => [n.id, n] as const))
    this.#inputs = new Map(program.inputs.map(i => [i.id, i] as const))
    this.#outputs = new Map(program.outputs.map(o => [o.name, o] as const))
    for (const o of program.outputs) {
      const of = o.name.slice(o.name.indexOf('/') + 1)
      if (o.role === 'moment') (this.#moments.get(of) ?? this.#moments.set(of, []).get(of)!).push(o)
    }
    for (const v of [...program.nodes.flatMap(n => n.inputs), ...program.outputs.map(o => o.value)]) this.#readers.set(v, (this.#readers.get(v) ?? 0) + 1)
  }

  updates(wanted: (size: number) => boolean): Update[] {
    return this.#program.inputs.filter(i => i.role === 'parameter' && i.type.dtype === 'float32' && wanted(sizeOf(i.type.shape))).flatMap(p => this.#updateOf(p) ?? [])
  }

  #updateOf(parameter: ProgramInput): Update | undefined {
    const next = this.#outputs.get(parameter.name)
    const root = next && this.producers.get(next.value)
    if (next === undefined || root === undefined || next.role !== 'parameter') return undefined
    const { shape } = parameter.type
    const leaves = new Map<ValueId, string>(), outputs = new Map([['P', next]]), reached = new Map<ValueId, { node: Node; text: string; reads: number }>()
    let [own, alone] = [0, true]
    const isShared = (v: ValueId): boolean => {
      const node = this.producers.get(v)
      return node === undefined ? this.#inputs.get(v)!.role === 'scalar' : node.type.shape.length === 0 && (node.op === 'fill' || node.op === 'constant' || node.origin.path === '' && node.origin.phase === 'update')
    }
    const leaf = (v: ValueId): string => {
      const input = this.#inputs.get(v)
      if (v === parameter.id) return 'P'
      if (isShared(v)) return `S${v}`
      if (input?.role === 'moment' && input.name.endsWith(parameter.name)) return `M${input.name.slice(0, -parameter.name.length)}`
      return `L${own++}`
    }
    const visit = (v: ValueId): string => {
      const known = leaves.get(v)
      if (known !== undefined) return known
      const seen = reached.get(v)
      if (seen !== undefined) { seen.reads++; return `#${v}` }
      const node = this.producers.get(v)
      if (node !== root && (node === undefined || node.origin.phase !== 'update' || !ELEMENTWISE.has(node.op) || !sameShape(node.type.shape, shape) || isShared(v))) {
        const name = leaf(v)
        leaves.set(v, name)
        return name
      }
      const entry = { node: node!, text: '', reads: 1 }
      reached.set(v, entry)
      entry.text = `${node!.op}(${node!.inputs.map(visit).join()})`
      return `#${v}`
    }
    visit(root.id)
    // Averages of the parameter follow its next value.
    const followers = (this.#moments.get(parameter.name) ?? []).map(o => o.value).filter(v => !reached.has(v) && this.producers.get(v)?.inputs.some(i => this.producers.get(i)?.inputs.includes(root.id)))
    followers.forEach(visit)
    const ends = new Set([root.id, ...followers])
    for (const [v, name] of leaves) {
      if (name.startsWith('M')) {
        const moment = this.#outputs.get(this.#inputs.get(v)!.name)
        if (moment?.role !== 'moment' || !reached.has(moment.value)) return undefined
        outputs.set(name, moment)
        // One read of the moment in the update, none elsewhere.
        if (this.#readers.get(v) !== 1) alone = false
      } else if (name.startsWith('L') && sizeOf(this.#type(v)) !== sizeOf(shape)) return undefined
    }
    const values = new Set([...outputs.values()].map(o => o.value))
    const numbers = new Map<string, string>([...reached.keys()].map((v, i) => [`#${v}`, `%${i}`]))
    const nodes = this.#ordered(reached)
    // What depends on a moment must be read nowhere else: moments cease to exist on their own. (The squares of the gradient may be read for the norm.)
    const tied = new Set<ValueId>()
    for (const { id, inputs } of nodes) {
      if (!inputs.some(v => tied.has(v) || leaves.get(v)?.startsWith('M'))) continue
      tied.add(id)
      if ((this.#readers.get(id) ?? 0) !== reached.get(id)!.reads - (ends.has(id) ? 1 : 0) + (values.has(id) ? 1 : 0)) alone = false
    }
    if (!alone || !ELEMENTWISE.has(root.op)) return undefined
    const text = [...reached.values()].map(r => r.text.replaceAll(/#\d+/g, id => numbers.get(id)!)).join(';')
    const results = [...outputs].map(([name, o]) => `${name}=${numbers.get(`#${o.value}`)}`).sort().join()
    return { parameter, nodes, leaves, outputs, signature: `${text};${results}` }
  }

  #type(v: ValueId): readonly number[] { return (this.producers.get(v) ?? this.#inputs.get(v)!).type.shape }

  #ordered(reached: ReadonlyMap<ValueId, { node: Node }>): Node[] {
    const done = new Set<ValueId>(), nodes: Node[] = []
    const visit = (v: ValueId): void => {
      const entry = reached.get(v)
      if (entry === undefined || done.has(v)) return
      done.add(v)
      entry.node.inputs.forEach(visit)
      nodes.push(entry.node)
    }
    for (const v of reached.keys()) visit(v)
    return nodes
  }
}

/** The updates of the parameters of wanted sizes (elements), where they are elementwise and their moments are read nowhere else. */
export const findUpdates = (program: Program, wanted: (size: number) => boolean): Update[] => new Finder(program).updates(wanted)

/** The gradient whose sum of squares, as a vector of one element, `value` is. */
function squareSumOf(value: ValueId, producers: ReadonlyMap<ValueId, Node>): ValueId | undefined {
  let squares = 0
  for (let v = value; ;) {
    const node = producers.get(v)
    if (node?.origin.phase !== 'update') return squares === 1 ? v : undefined
    if (node.op === 'mul' && node.inputs[0] === node.inputs[1] && squares === 0) squares++
    else if (node.op !== 'reshape' && !(node.op === 'reduceSum' && squares === 0)) return squares === 1 ? v : undefined
    v = node.inputs[0]
  }
}

/** Through reshapes. */
const source = (value: ValueId, producers: ReadonlyMap<ValueId, Node>): ValueId => {
  let v = value
  for (let node = producers.get(v); node?.op === 'reshape'; node = producers.get(v)) v = node.inputs[0]
  return v
}

/** The program with small updates grouped: the next values of members are outputs no more, those of the groups are instead, and members stay inputs where layers read them. */
export function groupUpdates(program: Program): GroupedUpdates {
  const finder = new Finder(program)
  const bySignature = new Map<string, Update[]>()
  for (const u of finder.updates(size => size <= SMALL)) (bySignature.get(u.signature) ?? bySignature.set(u.signature, []).get(u.signature)!).push(u)
  const grouped = [...bySignature.values()].filter(g => g.length > 2)
  if (grouped.length === 0) return { program, groups: [] }

  const builder = Builder.from({ ...program, outputs: [] })
  const oldCount = builder.nodes.length
  const position = new Map(program.nodes.map((n, i) => [n.id, i] as const))
  const placed: { readonly node: Node; readonly at: number }[] = []
  let taken = oldCount
  /** Everything appended since the last call stands at `at`. */
  const place = (at: number): void => { for (; taken < builder.nodes.length; taken++) placed.push({ node: builder.nodes[taken], at }) }

  const groups: StateGroup[] = []
  const outputs: ProgramOutput[] = []
  const goneOutputs = new Set<ProgramOutput>()
  const vectorOf = new Map<ValueId, ValueId>()

  grouped.forEach((updates, index) => {
    const offsets: number[] = []
    let end = 0
    for (const u of updates) { offsets.push(end); end += sizeOf(u.parameter.type.shape) }
    const size = Math.ceil(end / MULTIPLE) * MULTIPLE
    const [model] = updates
    const flat = new Map<string, ValueId>()
    for (const name of new Set(model.leaves.values())) {
      if (name.startsWith('S')) { flat.set(name, Number(name.slice(1))); continue }
      const values = updates.map(u => [...u.leaves].find(([, n]) => n === name)![0])
      if (!name.startsWith('L')) {
        const prefix = name.slice(1), group = `group.${index}/${prefix === '' ? 'parameter' : prefix}`
        flat.set(name, builder.input(group, name === 'P' ? 'parameter' : 'moment', { dtype: 'float32', shape: [size] }, origin, { kind: 'constant', value: 0 }))
        groups.push({ name: group, size, members: updates.map((u, i) => ({ name: `${prefix}${u.parameter.name}`, offset: offsets[i] })) })
        continue
      }
      const parts = values.map((v, i) => {
        const count = sizeOf(updates[i].parameter.type.shape)
        return sameShape(builder.type(v).shape, [count]) ? v : builder.emit('reshape', [v], { shape: [count] }, origin)
      })
      if (size > end) parts.push(builder.emit('fill', [], { dtype: 'float32', shape: [size - end], value: 0 }, origin))
      const vector = builder.emit('concat', parts, { axis: 0 }, origin)
      flat.set(name, vector)
      for (const v of values) vectorOf.set(source(v, finder.producers), vector)
      place(Math.max(-1, ...values.map(v => position.get(v) ?? -1)) + 0.5)
    }
    const copied = new Map<ValueId, ValueId>()
    for (const node of model.nodes) {
      const inputs = node.inputs.map(v => copied.get(v) ?? flat.get(model.leaves.get(v)!)!)
      copied.set(node.id, builder.emit(node.op, inputs, node.attrs as never, origin))
    }
    place(oldCount)
    for (const [name, { role, value }] of model.outputs) outputs.push({ name: `group.${index}/${name === 'P' ? 'parameter' : name.slice(1)}`, role, value: copied.get(value)! })
    for (const u of updates) for (const o of u.outputs.values()) goneOutputs.add(o)
  })

  const sums = new Map<ValueId, ValueId>()
  const renewed = new Map<ValueId, Node>()
  for (const node of program.nodes) {
    if (node.op !== 'concat' || node.origin.phase !== 'update' || node.attrs.axis !== 0 || node.type.shape.length !== 1) continue
    const vectors = node.inputs.map(v => { const of = squareSumOf(v, finder.producers); return of === undefined ? undefined : vectorOf.get(source(of, finder.producers)) })
    const used = new Set(vectors.filter(v => v !== undefined))
    // Every member's part must be here, or the sum over the vector would hold more than what it stands for.
    const whole = [...used].filter(v => vectors.filter(w => w === v).length === [...vectorOf.values()].filter(w => w === v).length)
    for (const v of whole) {
      if (sums.has(v)) continue
      const at = placed.find(p => p.node.id === v)!.at
      sums.set(v, builder.emit('reduceSum', [builder.emit('mul', [v, v], {}, origin)], { axes: [0], keepDims: true }, origin))
      place(at)
    }
    const inputs = [...node.inputs.filter((_, i) => vectors[i] === undefined || !whole.includes(vectors[i])), ...whole.map(v => sums.get(v)!)]
    if (whole.length > 0) renewed.set(node.id, { ...node, inputs, type: { ...node.type, shape: [inputs.length] } } as Node)
  }

  const kept = program.nodes.map((node, i) => ({ node: renewed.get(node.id) ?? node, at: i }))
  const nodes = [...kept, ...placed].sort((a, b) => a.at - b.at).map(p => p.node)
  return { program: deadCode({ ...program, inputs: builder.inputs, nodes, outputs: [...program.outputs.filter(o => !goneOutputs.has(o)), ...outputs] }), groups }
}
