// The memory of a training step before it runs: what is live when, and of which module.
import type { Program } from '../ir/program.ts'
import { sizeOf } from '../ir/types.ts'
import type { OnnxGraph, OnnxNode } from '../targets/onnx/graph.ts'
import { fedTensors, sessionGraph } from '../targets/onnx/session-graph.ts'
import { buffersOf, executionOrder, packedSize, workspaceOf, type Buffer } from './engine.ts'
import { typesOf } from '../targets/onnx/types.ts'

/** Bytes of the process that are no tensor of the step: Node with the workers that read data, and for each node of the graph what model and engine hold of it. Measured (docs/performance.md). */
const PROCESS_BYTES = 120 * 2 ** 20
const NODE_BYTES = 10 * 2 ** 10
/** Batches beside the one that is fed: being made, ready, and fed before but not yet collected. Measured. */
const BATCHES = 6
/**
 * plain: as the engine does it. compact: shapes are hidden from the engine (targets/onnx/hide-shapes), so that buffers are freed at their last use. released: moreover, without the engine's arena; from
 * the second run on all buffers lie in one block, which goes back to the system with the run. A step that recomputes needs that.
 */
export type MemoryMode = 'plain' | 'compact' | 'released'
/** What the engine's arena loses between the buffers, as a factor, measured; more where buffers of many sizes come and go. */
const FRAGMENTATION = { plain: 1.25, compact: 1.2, recomputing: 1.5 }

export interface PathBytes { readonly path: string; readonly bytes: number }

/** All in bytes. */
export interface MemoryPlan {
  /** of the whole process: base + state + results at the peak */
  readonly peak: number
  readonly base: number
  /** parameters, statistics, moments, and the batch that is fed */
  readonly state: number
  /** intermediate results that are live together at most, with what a kernel takes for itself */
  readonly results: number
  /** the node that runs at the peak: `<path>/<Operator>.<id>` */
  readonly at: string
  /** what is live then by module path, largest first; gradients and activations of a module together */
  readonly paths: readonly PathBytes[]
}

const moduleOf = (name: string): string => name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : ''

/** Results whose shapes hideShapes keeps from the engine. */
function hiddenResults(graph: OnnxGraph, inputs: ReadonlySet<string>): Set<string> {
  const hidden = new Set(inputs)
  for (const node of graph.nodes) if (node.inputs.some(name => hidden.has(name))) node.outputs.forEach(o => hidden.add(o))
  return hidden
}

/** What is live at the peak of a graph whose inputs `hidden` have no shapes for the engine: bytes of buffers and of the workspace of the node that runs then. Without it, buffers are kept for results of their shape. `packed`: bytes where all buffers lie in one block. */
export function peakOf(graph: OnnxGraph, hidden?: ReadonlySet<string>): { readonly node: OnnxNode | undefined; readonly bytes: number; readonly packed: number; readonly buffers: readonly Buffer[] } {
  const { types } = typesOf(graph)
  const order = executionOrder(graph)
  const buffers = buffersOf(graph, order, types, hidden && hiddenResults(graph, hidden))
  const change = new Float64Array(order.length + 1)
  for (const b of buffers) { change[b.from] += b.bytes; change[b.to + 1] -= b.bytes }
  let live = 0, workspace = 0, best = { at: 0, bytes: 0 }
  order.forEach((index, at) => {
    live += change[at]
    const own = workspaceOf(graph.nodes[index], types), bytes = live + own
    workspace = Math.max(workspace, own)
    if (bytes > best.bytes) best = { at, bytes }
  })
  return { node: graph.nodes[order[best.at]], bytes: best.bytes, packed: packedSize(buffers) + workspace, buffers: buffers.filter(b => b.from <= best.at && b.to >= best.at) }
}

/**
 * The plan of an optimised training step on onnxruntime's CPU engine; `recomputing`: some of it is computed twice. Takes about as long as lowering.
 */
export function planMemory(program: Program, mode: MemoryMode = 'plain', recomputing = false): MemoryPlan {
  // The dependencies that make updates in place safe take time to find and hold no buffers.
  const { graph, inputs } = sessionGraph(program, { contrib: true, hidden: mode !== 'plain', inPlace: false })
  const peak = peakOf(graph, mode === 'plain' ? undefined : fedTensors(inputs))
  const paths = new Map<string, number>()
  const maker = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n.name] as const)))
  for (const b of peak.buffers) {
    const path = moduleOf(maker.get(b.values[0]) ?? '')
    paths.set(path, (paths.get(path) ?? 0) + b.bytes)
  }
  const constants = graph.initialisers.reduce((n, t) => n + t.data.byteLength, 0)
  const state = program.inputs.reduce((n, i) => n + 4 * sizeOf(i.type.shape), 0)
  // Constants are in the program, in the model and in the session.
  const batch = program.inputs.reduce((n, i) => n + (i.role === 'input' || i.role === 'target' ? 4 * sizeOf(i.type.shape) : 0), 0)
  const base = PROCESS_BYTES + NODE_BYTES * graph.nodes.length + 3 * constants + BATCHES * batch
  const results = mode === 'released' ? peak.packed : Math.round(peak.bytes * FRAGMENTATION[recomputing ? 'recomputing' : mode])
  return {
    peak: base + state + results, base, state, results, at: peak.node?.name ?? '',
    paths: [...paths].map(([path, bytes]) => ({ path, bytes })).sort((a, b) => b.bytes - a.bytes),
  }
}

