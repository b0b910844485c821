// The ONNX model in memory: what the lowering builds and the encoder writes.
import type { DType } from '../../ir/types.ts'

export type OnnxDType = DType | 'int64'

/** An initialiser or a constant; bool is one byte per element. */
export interface OnnxTensor { readonly name: string; readonly dtype: OnnxDType; readonly dims: readonly number[]; readonly data: Float32Array | Int32Array | BigInt64Array | Uint8Array }

/** A plain number is an int attribute, a plain list ints. */
export type OnnxAttribute = number | readonly number[] | string | { readonly float: number } | { readonly tensor: OnnxTensor } | { readonly graph: OnnxBody }
export type OnnxAttributes = Readonly<Record<string, OnnxAttribute>>

export interface OnnxNode {
  readonly op: string
  /** '' for the standard operators, `com.microsoft` for those of onnxruntime */
  readonly domain: string
  readonly name: string
  /** Module path and source place */
  readonly doc: string
  inputs: string[]
  outputs: string[]
  readonly attributes: OnnxAttributes
}

/** A named dimension (`N`, `2*N`) follows the batch. */
export interface OnnxValueInfo { readonly name: string; readonly dtype: OnnxDType; readonly dims: readonly (number | string)[]; /** a sequence of such tensors */ readonly sequence?: boolean; /** The engine is not told `dims`, not even how many there are. */ readonly hidden?: boolean }

/** The body of a Scan: its nodes may also read values of the graph around it. */
export interface OnnxBody { readonly name: string; readonly inputs: readonly OnnxValueInfo[]; readonly outputs: readonly OnnxValueInfo[]; readonly nodes: readonly OnnxNode[] }

/** What a node reads of the graph it stands in, the values that its body reads included. */
export function readsOf(node: OnnxNode): readonly string[] {
  const { body } = node.attributes
  if (typeof body !== 'object' || !('graph' in body)) return node.inputs
  const own = new Set([...body.graph.inputs.map(i => i.name), ...body.graph.nodes.flatMap(n => n.outputs)])
  return [...node.inputs, ...new Set(body.graph.nodes.flatMap(n => n.inputs).filter(name => !own.has(name)))]
}

export interface OnnxGraph {
  readonly name: string
  readonly opset: number
  readonly inputs: readonly OnnxValueInfo[]
  readonly outputs: readonly OnnxValueInfo[]
  readonly initialisers: readonly OnnxTensor[]
  readonly nodes: readonly OnnxNode[]
}

/** The program cannot be expressed as asked (opset, dynamic batch); the message is for the user. */
export class OnnxTargetError extends Error {}

export const MIN_OPSET = 17
export const MAX_OPSET = 24
export const DEFAULT_OPSET = 21

/** IR version that came with an opset (onnx, docs/Versioning.md). */
export const irVersionOf = (opset: number): number => ({ 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11, 24: 12 } as Readonly<Record<number, number>>)[opset] ?? 10

/** Operators whose result is their operand in another shape, and holds no buffer of its own. */
export const VIEWS: ReadonlySet<string> = new Set(['Reshape', 'Identity', 'Squeeze', 'Unsqueeze', 'Flatten'])
