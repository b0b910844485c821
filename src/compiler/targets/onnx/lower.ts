// A program as an ONNX graph: names, the order of the nodes, inputs, initialisers and outputs.
import type { Span } from '../../diagnostics/diagnostic.ts'
import type { InputRole, Node, OutputRole, Program, ProgramOutput, ValueId } from '../../ir/program.ts'
import type { TensorData, TensorType } from '../../ir/types.ts'
import { expandProgram } from '../../rules/expansion.ts'
import { directOperands, findFusions, usesOf } from '../fusion.ts'
import type { Lowering } from './elementwise.ts'
import { Emitter, SYMBOLIC_BATCH, type Operand, type Profile } from './emitter.ts'
import { patterns, squareSums } from './fuse.ts'
import { DEFAULT_OPSET, MAX_OPSET, MIN_OPSET, OnnxTargetError, type OnnxGraph, type OnnxNode } from './graph.ts'
import { lowerings } from './lowering.ts'

export interface LowerOptions {
  /** 17 to 24 */
  readonly opset?: number
  readonly profile?: Profile
  /** Whether com.microsoft operators may be used; by default in the training profile. */
  readonly contrib?: boolean
  /** Values of parameters and states, stored in the model; those not given are graph inputs. */
  readonly weights?: Readonly<Record<string, TensorData>>
  /** The program was elaborated with a batch of SYMBOLIC_BATCH: multiples of it follow the batch of the input at run time. */
  readonly dynamicBatch?: boolean
  /** Only these outputs. */
  readonly outputs?: readonly string[]
  /** `file:line:column` of a span, for the nodes' doc strings. */
  readonly place?: (span: Span) => string
}

/** An input or output of the program and its name in the graph (`next/<name>` for the next value of a parameter, state or moment). */
export interface Port<Role> { readonly name: string; readonly onnx: string; readonly role: Role; readonly type: TensorType }
export interface Lowered {
  readonly graph: OnnxGraph
  readonly inputs: readonly Port<InputRole>[]
  readonly outputs: readonly Port<OutputRole>[]
  /** Name in the graph of each value of the program that has one. */
  readonly names: ReadonlyMap<ValueId, string>
}

const LEAF_ORDER: readonly OutputRole[] = ['parameter', 'moment', 'gradient', 'state', 'tap', 'prediction', 'metric', 'loss']

/** Throws OnnxTargetError if the program cannot be expressed with these options. */
export function lowerProgram(given: Program, options: LowerOptions = {}): Lowered {
  const { opset = DEFAULT_OPSET, profile = 'inference', contrib = profile === 'training', dynamicBatch = false } = options
  if (!Number.isInteger(opset) || opset < MIN_OPSET || opset > MAX_OPSET) throw new OnnxTargetError(`opset ${opset} is not supported: choose one from ${MIN_OPSET} to ${MAX_OPSET}`)
  const unknown = options.outputs?.find(name => !given.outputs.some(o => o.name === name))
  if (unknown !== undefined) throw new OnnxTargetError(`the program has no output "${unknown}": it has ${given.outputs.map(o => o.name).join(', ')}`)
  const wanted = live({ ...given, outputs: given.outputs.filter(o => options.outputs?.includes(o.name) ?? true) })
  const program = opset < 19 ? live(expandProgram(wanted, new Set(['deformConv2d']))) : wanted
  const e = new Emitter({ opset, profile, contrib, dynamicBatch })
  return new Lowerer(program, e, options).run()
}

/** Without the nodes and inputs on which no output depends. */
function live(program: Program): Program {
  const needed = new Set(program.outputs.map(o => o.value))
  for (const node of program.nodes.toReversed()) if (needed.has(node.id)) node.inputs.forEach(v => needed.add(v))
  return { ...program, inputs: program.inputs.filter(i => needed.has(i.id)), nodes: program.nodes.filter(n => needed.has(n.id)) }
}

class Lowerer {
  readonly #program: Program
  readonly #e: Emitter
  readonly #options: LowerOptions
  readonly #uses
  readonly #fusions
  readonly #names = new Map<ValueId, string>()
  /** Results that are outputs: name so far -> name of the output. */
  readonly #renamed = new Map<string, string>()

  constructor(program: Program, e: Emitter, options: LowerOptions) {
    this.#program = program
    this.#e = e
    this.#options = options
    this.#uses = usesOf(program)
    this.#fusions = new Map([...findFusions(program, this.#uses, patterns), ...squareSums(program, this.#uses)])
  }

  run(): Lowered {
    const { name, inputs: all, outputs: programOutputs } = this.#program
    const weights = this.#options.weights ?? {}
    const inputs: Port<InputRole>[] = []
    for (const input of all) {
      this.#names.set(input.id, input.name)
      const weight = input.role === 'parameter' || input.role === 'state' ? weights[input.name] : undefined
      if (weight === undefined) inputs.push({ name: input.name, onnx: input.name, role: input.role, type: input.type })
      else this.#e.shared(input.name, weight)
      if (input.role === 'input' && input.type.shape[0] === SYMBOLIC_BATCH) this.#e.batchFrom(input.name)
    }
    const taken = new Set(all.map(i => i.name))
    const outputs = programOutputs.map(o => ({ name: o.name, onnx: taken.has(o.name) ? `next/${o.name}` : o.name, role: o.role, type: this.#uses.type(o.value) }))
    this.#lowerNodes(outputs)
    this.#rename()
    const nodes = withoutDeadNodes(this.#e.nodes, outputs.map(o => o.onnx))
    const read = new Set(nodes.flatMap(n => n.inputs))
    const graph: OnnxGraph = {
      name, opset: this.#e.opset, nodes,
      inputs: inputs.map(i => ({ name: i.onnx, dtype: i.type.dtype, dims: this.#e.dims(i.type.shape) })),
      outputs: outputs.map(o => ({ name: o.onnx, dtype: o.type.dtype, dims: this.#e.dims(o.type.shape) })),
      initialisers: [...this.#e.initialisers.values()].filter(t => read.has(t.name)),
    }
    const made = new Set(nodes.flatMap(n => n.outputs)), final = (name: string): string => this.#renamed.get(name) ?? name
    return { graph, inputs, outputs, names: new Map([...this.#names].map(([id, at]) => [id, !this.#e.made.has(at) || made.has(final(at)) ? final(at) : final(this.#e.below(at))])) }
  }

  /**
   * onnxruntime visits the nodes whose results are outputs from the last one to the first, and executes what each needs. So they come last: next parameters in the order of the forward
   * pass (their updates then run while the backward pass goes on, and each gradient dies young), losses at the very end (else what they read lives until the end of the step).
   */
  #lowerNodes(outputs: readonly Port<OutputRole>[]): void {
    const program = this.#program
    const consumed = new Set(program.nodes.flatMap(n => n.inputs))
    const absorbed = new Set([...this.#fusions.values()].flatMap(f => f.absorbed))
    const ranked = program.outputs.map((output, i) => ({ output, onnx: outputs[i].onnx, rank: this.#leafRank(output) })).sort((a, b) => a.rank - b.rank)
    const leaves = new Set(program.outputs.map(o => o.value).filter(v => !consumed.has(v)))
    for (const node of program.nodes) if (!absorbed.has(node.id) && !leaves.has(node.id)) this.#lower(node)
    for (const { output, onnx } of ranked) {
      const node = this.#uses.producer(output.value)
      if (node !== undefined && !this.#names.has(node.id)) this.#lower(node)
      this.#nameOutput(output, onnx, leaves.has(output.value))
    }
  }

  #leafRank(output: ProgramOutput): number {
    const role = LEAF_ORDER.indexOf(output.role) * 1e7
    const base = output.role === 'gradient' ? output.name.replace(/^grad\//, '') : output.name
    return output.name === 'loss' ? 1e9 : role + Math.max(0, this.#program.inputs.findIndex(i => i.name === base))
  }

  #lower(node: Node): void {
    const { path, span } = node.origin
    const place = span === undefined || this.#options.place === undefined ? '' : this.#options.place(span)
    this.#e.begin(path, node.id, [path, place].filter(s => s !== '').join(' '))
    const fusion = this.#fusions.get(node.id)
    if (fusion !== undefined) { this.#names.set(node.id, fusion.lower(this.#e, fusion.operands.map(v => this.#operand(v)))); return }
    const operands = directOperands(node, this.#uses).map(({ value, scalar }) => {
      if (scalar === undefined) return this.#operand(value)
      const { dtype } = this.#uses.type(value)
      return { name: this.#e.scalar(scalar, dtype), type: { dtype, shape: [] }, id: value }
    })
    const lower = lowerings[node.op] as Lowering<typeof node.op>
    this.#names.set(node.id, lower(this.#e, operands, node.attrs as never, node.type))
  }

  #operand(value: ValueId): Operand {
    const name = this.#names.get(value)
    if (name === undefined) throw new Error(`internal: value ${value} is read before it is lowered`)
    return { name, type: this.#uses.type(value), id: value }
  }

  /** The value takes the output's name; a copy does where it is an input, a constant or another output already, and for losses that are read again, which must be leaves. */
  #nameOutput({ value, role }: ProgramOutput, onnx: string, leaf: boolean): void {
    const current = this.#names.get(value)!
    if (this.#e.made.has(current) && !this.#renamed.has(current) && (leaf || role !== 'loss')) { this.#renamed.set(current, onnx); return }
    this.#e.nodes.push({ op: 'Identity', domain: '', name: `Identity.${onnx}`, doc: `output ${onnx}`, inputs: [current], outputs: [onnx], attributes: {} })
  }

  #rename(): void {
    const final = (name: string): string => this.#renamed.get(name) ?? name
    for (const node of this.#e.nodes) { node.inputs = node.inputs.map(final); node.outputs = node.outputs.map(final) }
  }
}

function withoutDeadNodes(nodes: readonly OnnxNode[], outputs: readonly string[]): OnnxNode[] {
  const needed = new Set(outputs)
  const kept: OnnxNode[] = []
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some(o => needed.has(o))) continue
    node.inputs.forEach(i => needed.add(i))
    kept.push(node)
  }
  return kept.toReversed()
}
