// What the engine and its worker thread say to each other.
import type { TensorData } from '../../../compiler/ir/types.ts'
import type { StateGroup } from '../../../compiler/targets/onnx/group-updates.ts'

/** A tensor of the graph that the worker feeds or fetches. */
export interface Port { readonly name: string; readonly onnx: string; readonly type: { readonly dtype: TensorData['dtype']; readonly shape: readonly number[] } }

export interface OpenRequest {
  readonly kind: 'open'
  readonly model: Uint8Array
  /** Kept in the worker, by name. */
  readonly state: Readonly<Record<string, TensorData>>
  /** Vectors that hold several tensors of the state. */
  readonly groups: readonly StateGroup[]
  /** Inputs given at each run. */
  readonly feeds: readonly Port[]
  /** Inputs that the state feeds. */
  readonly stateInputs: readonly Port[]
  /** Outputs that become the state of the next run. `inPlace`: may be written over its input while the graph runs. */
  readonly stateOutputs: readonly (Port & { readonly inPlace: boolean })[]
  /** Outputs returned by each run. */
  readonly results: readonly Port[]
  readonly device: string
  readonly threads: number
  /** Free buffers stay in the engine's arena, or go back to the system. */
  readonly arena: boolean
  /** The model's first output is the sequence of fetch.ts. */
  readonly zeroCopy: boolean
}

export type Request =
  | { readonly kind: 'hello'; readonly zeroCopy: boolean }
  | OpenRequest
  | { readonly kind: 'run'; readonly session: number; readonly feeds: Readonly<Record<string, TensorData>> }
  | { readonly kind: 'state'; readonly session: number }
  /** Hand the state over until it is returned. */
  | { readonly kind: 'lend'; readonly session: number }
  | { readonly kind: 'return'; readonly session: number; readonly state: Readonly<Record<string, TensorData>> }
  | { readonly kind: 'dispose'; readonly session: number }

export type Reply =
  | { readonly kind: 'hello'; readonly version: string; readonly zeroCopy: boolean }
  | { readonly kind: 'open'; readonly session: number }
  | { readonly kind: 'tensors'; readonly tensors: Readonly<Record<string, TensorData>> }
  | { readonly kind: 'done' }

export interface Envelope<T> { readonly id: number; readonly body: T }
export type Answer = Envelope<Reply> | { readonly id: number; readonly error: string }
