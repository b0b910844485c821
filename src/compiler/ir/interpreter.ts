// The reference interpreter: runs a program on the host in double precision, simply and exactly rather than fast.
import { elementwiseKernels } from './interpreter-elementwise.ts'
import { movementKernels } from './interpreter-movement.ts'
import { productKernels } from './interpreter-products.ts'
import { reductionKernels } from './interpreter-reductions.ts'
import type { Elements, Kernel, Value } from './interpreter-value.ts'
import type { OpName } from './ops.ts'
import type { Node, Program, ProgramInput, ValueId } from './program.ts'
import { sameShape, showType, sizeOf, type TensorData } from './types.ts'

export { EvaluationError, type Elements, type Value } from './interpreter-value.ts'

const kernels = { ...elementwiseKernels, ...reductionKernels, ...movementKernels, ...productKernels } satisfies { [K in OpName]: Kernel<K> }

/** float64: nothing is rounded; float32: the result of each node is rounded, as an engine that computes each node exactly would give it. */
export type Precision = 'float64' | 'float32'

export interface InterpretOptions {
  readonly precision?: Precision
  /** Names of the outputs wanted; all by default. Nodes that nothing wanted depends on do not run, and inputs they alone read need no feed. */
  readonly outputs?: readonly string[]
  /** Further values wanted. */
  readonly values?: readonly ValueId[]
}

export interface Interpretation { readonly outputs: Readonly<Record<string, Value>>; readonly values: ReadonlyMap<ValueId, Value> }

const rounded = (data: Elements, precision: Precision): Elements => {
  if (precision === 'float64' || !(data instanceof Float64Array)) return data
  const y = new Float64Array(data.length)
  for (let i = 0; i < y.length; i++) y[i] = Math.fround(data[i])
  return y
}

/** The result of one node. Throws EvaluationError where an index lies outside its axis. */
export const evaluate = (node: Node, inputs: readonly Value[], precision: Precision = 'float64'): Value => {
  const kernel = kernels[node.op] as unknown as (inputs: readonly Value[], attrs: unknown, type: Node['type']) => Elements
  return { dtype: node.type.dtype, shape: node.type.shape, data: rounded(kernel(inputs, node.attrs, node.type), precision) }
}

/** The host tensor of a value; float32 elements are rounded. */
export const toTensorData = ({ dtype, shape, data }: Value): TensorData => ({ dtype, shape, data: data instanceof Float64Array ? Float32Array.from(data) : data })

const valueOf = (input: ProgramInput, feed: TensorData | Float64Array | undefined, precision: Precision): Value => {
  const { name, type } = input
  if (feed === undefined) throw new Error(`interpret: no value is given for the ${input.role} '${name}' : ${showType(type)}`)
  if ('dtype' in feed && (feed.dtype !== type.dtype || !sameShape(feed.shape, type.shape))) throw new Error(`interpret: '${name}' is ${showType(type)}, but ${showType(feed)} is given`)
  const data = 'dtype' in feed ? feed.data : feed
  if (data.length !== sizeOf(type.shape)) throw new Error(`interpret: '${name}' is ${showType(type)}, but ${data.length} elements are given`)
  if (type.dtype === 'float32') return { ...type, data: rounded(Float64Array.from(data), precision) }
  return { ...type, data: type.dtype === 'int32' ? Int32Array.from(data) : Uint8Array.from(data) }
}

/** The nodes that the wanted values depend on, and after which node each value is read for the last time. */
const liveness = (program: Program, wanted: ReadonlySet<ValueId>): { needed: Set<ValueId>; lastUse: Map<ValueId, ValueId> } => {
  const needed = new Set(wanted)
  const lastUse = new Map<ValueId, ValueId>()
  for (const node of program.nodes.toReversed()) {
    if (!needed.has(node.id)) continue
    for (const v of node.inputs) {
      needed.add(v)
      if (!lastUse.has(v)) lastUse.set(v, node.id)
    }
  }
  return { needed, lastUse }
}

/**
 * Runs `program` on values for its inputs, by name (a plain Float64Array takes the shape of the input). Values are dropped after their last use.
 * Throws where a feed is missing or does not fit, and EvaluationError where an index lies outside its axis.
 */
export const interpret = (program: Program, feeds: Readonly<Record<string, TensorData | Float64Array>>, options: InterpretOptions = {}): Interpretation => {
  const { precision = 'float64', values: extra = [] } = options
  const outputs = program.outputs.filter(o => options.outputs?.includes(o.name) ?? true)
  for (const name of options.outputs ?? []) if (!outputs.some(o => o.name === name)) throw new Error(`interpret: the program has no output '${name}'`)
  const wanted = new Set([...outputs.map(o => o.value), ...extra])
  const { needed, lastUse } = liveness(program, wanted)
  const values = new Map<ValueId, Value>()
  for (const input of program.inputs) if (needed.has(input.id)) values.set(input.id, valueOf(input, feeds[input.name], precision))
  for (const node of program.nodes) {
    if (!needed.has(node.id)) continue
    values.set(node.id, evaluate(node, node.inputs.map(v => values.get(v)!), precision))
    for (const v of node.inputs) if (lastUse.get(v) === node.id && !wanted.has(v)) values.delete(v)
  }
  return { outputs: Object.fromEntries(outputs.map(o => [o.name, values.get(o.value)!])), values: new Map(extra.map(v => [v, values.get(v)!])) }
}
