// Passes for programs that only predict: batch norms folded into the convolutions before them, and all that follows from weights alone taken apart, to be computed once.
import type { Node, Origin, Program, ProgramInput, ValueId } from '../ir/program.ts'
import { deadCode } from './dead-code.ts'
import { Rewriter, type Pass } from './rewriter.ts'

/** How often each value is read, by nodes and outputs. */
function readsOf({ nodes, outputs }: Program): Map<ValueId, number> {
  const reads = new Map<ValueId, number>()
  for (const v of [...nodes.flatMap(n => n.inputs), ...outputs.map(o => o.value)]) reads.set(v, (reads.get(v) ?? 0) + 1)
  return reads
}

/** Values that follow from parameters, states and constants. */
function fixedValues({ inputs, nodes }: Program): Set<ValueId> {
  const fixed = new Set(inputs.filter(i => i.role === 'parameter' || i.role === 'state').map(i => i.id))
  for (const node of nodes) if (node.inputs.every(v => fixed.has(v))) fixed.add(node.id)
  return fixed
}

/**
 * batchNorm(conv(x, w) + b) = conv(x, s w) + (b - mean) s + bias with s = weight / sqrt(variance + eps): what remains beside the convolution is one sum. A product whose weight is read transposed reads one
 * that has been transposed instead, for which backends have their fast kernels.
 */
export const foldWeights: Pass = program => {
  const fixed = fixedValues(program)
  const reads = readsOf(program)
  const r = new Rewriter(program)
  const nodes = new Map(program.nodes.map(n => [n.id, n]))
  for (const node of program.nodes) {
    if (node.op === 'batchNorm' && node.inputs.slice(1).every(v => fixed.has(v)) && foldNorm(r, node, nodes, fixed, reads)) continue
    const renamed = r.renamed(node)
    if (renamed.op !== 'matmul') {
      r.keep(renamed, node)
      continue
    }
    const { transA, transB } = renamed.attrs
    const [a, b] = [transA && fixed.has(node.inputs[0]), transB && fixed.has(node.inputs[1])]
    const operands = renamed.inputs.map((v, i) => ([a, b][i] ? swapped(r, v, node.origin) : v))
    r.keep(a || b ? { ...renamed, inputs: operands, attrs: { ...renamed.attrs, transA: transA && !a, transB: transB && !b } } : renamed, node)
  }
  return deadCode(r.finish())
}

function swapped(r: Rewriter, value: ValueId, origin: Origin): ValueId {
  const rank = r.type(value).shape.length
  return r.emit('transpose', [value], { perm: Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i)) }, origin)
}

/** Whether it was folded; the convolution and the sum before it, which nothing else reads, are left to be removed. */
function foldNorm(r: Rewriter, node: Extract<Node, { op: 'batchNorm' }>, nodes: ReadonlyMap<ValueId, Node>, fixed: ReadonlySet<ValueId>, reads: ReadonlyMap<ValueId, number>): boolean {
  const alone = (v: ValueId): Node | undefined => (reads.get(v) === 1 ? nodes.get(v) : undefined)
  const before = alone(node.inputs[0])
  const sum = before?.op === 'add' && fixed.has(before.inputs[1]) ? before : undefined
  const conv = sum === undefined ? before : alone(sum.inputs[0])
  if (conv?.op !== 'conv2d' || !fixed.has(conv.inputs[1])) return false
  const { origin } = node
  const [, weight, bias, mean, variance] = r.renamed(node).inputs
  const channels = r.type(weight).shape[0]
  const column = (v: ValueId): ValueId => r.emit('reshape', [v], { shape: [1, channels, 1, 1] }, origin)
  const eps = r.emit('constant', [], { value: { dtype: 'float32', shape: [], data: Float32Array.of(node.attrs.eps) } }, origin)
  const deviation = r.emit('sqrt', [r.emit('add', [variance, eps], {}, origin)], {}, origin)
  const scale = r.emit('div', [weight, deviation], {}, origin)
  const [x, kernel] = r.renamed(conv).inputs
  const scaledKernel = r.emit('mul', [kernel, r.emit('reshape', [scale], { shape: [channels, 1, 1, 1] }, origin)], {}, origin)
  const scaled = r.emit('conv2d', [x, scaledKernel], conv.attrs, conv.origin)
  const shift = column(r.emit('sub', [bias, r.emit('mul', [mean, scale], {}, origin)], {}, origin))
  const added = sum === undefined ? shift : r.emit('add', [shift, r.emit('mul', [r.renamed(sum).inputs[1], column(scale)], {}, origin)], {}, origin)
  r.replace(node, r.emit('add', [scaled, added], {}, origin))
  return true
}

export interface Prepared {
  /** Weights in; out, as `prepared/MODULE/NUMBER`, what follows from them alone and the other program reads. */
  readonly prepare: Program
  /** Images in, predictions out; what was prepared, and weights that need no preparation, are inputs of role parameter or state. */
  readonly run: Program
}

/** Costs nothing wherever it is done: where it is all that happens to a weight, the weight keeps its name. */
const isView = ({ op }: Node): boolean => op === 'reshape' || op === 'broadcast'

/** Takes apart what is computed once and what is computed per image. Inputs that neither reads are left out. */
export function prepareWeights(program: Program): Prepared {
  const weights = new Set(program.inputs.filter(i => i.role === 'parameter' || i.role === 'state').map(i => i.id))
  const fixed = fixedValues(program)
  const nodes = new Map(program.nodes.map(n => [n.id, n]))
  // Constants alone belong to whoever reads them.
  const fromWeights = new Set(weights)
  for (const n of program.nodes) if (fixed.has(n.id) && n.inputs.some(v => fromWeights.has(v))) fromWeights.add(n.id)
  const prepared = new Map<ValueId, ProgramInput>()
  const views = new Set<ValueId>()
  const perPath = new Map<string, number>()
  const need = (value: ValueId): void => {
    const node = nodes.get(value)
    if (node === undefined || !fromWeights.has(value) || prepared.has(value) || views.has(value)) return
    if (isView(node)) {
      views.add(value)
      for (const v of node.inputs) need(v)
      return
    }
    const { path } = node.origin
    const n = (perPath.get(path) ?? 0) + 1
    perPath.set(path, n)
    prepared.set(value, { id: value, name: `prepared/${path === '' ? '' : `${path}/`}${n}`, role: 'parameter', type: node.type, init: undefined, origin: node.origin })
  }
  for (const n of program.nodes) if (!fromWeights.has(n.id)) for (const v of n.inputs) need(v)
  for (const o of program.outputs) need(o.value)
  return {
    prepare: withoutUnread({ name: program.name, inputs: program.inputs.filter(i => weights.has(i.id)), nodes: program.nodes.filter(n => fixed.has(n.id)), outputs: [...prepared.values()].map(p => ({ name: p.name, role: 'tap', value: p.id })) }),
    run: withoutUnread({ ...program, inputs: [...program.inputs, ...prepared.values()], nodes: program.nodes.filter(n => !fromWeights.has(n.id) || views.has(n.id)) }),
  }
}

/** Without what no output depends on, inputs included. */
export function withoutUnread(program: Program): Program {
  const live = deadCode(program)
  const read = new Set([...live.nodes.flatMap(n => n.inputs), ...live.outputs.map(o => o.value)])
  return { ...live, inputs: live.inputs.filter(i => read.has(i.id)) }
}
