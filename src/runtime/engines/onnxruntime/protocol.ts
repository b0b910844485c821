// What the onnxruntime worker opens, and what a program is when it is prepared for it.
import type { DType } from '../../../compiler/ir/types.ts'
import type { StateGroup } from '../../../compiler/targets/onnx/group-updates.ts'
import type { NamedType, StatePort } from '../worker-protocol.ts'

export interface OnnxRuntimeTarget {
  readonly engine: 'onnxruntime'
  readonly device: string
  /** Outputs are filled without a copy. */
  readonly zeroCopy: boolean
  /** State is updated in the buffers it is read from where that is safe. */
  readonly inPlace: boolean
}

/** Whether parameters, states and moments stay in the device's own memory between runs. */
export const keepsStateOn = (device: string): boolean => device === 'webgpu'

/** A tensor of the graph that the worker feeds or fetches. */
export interface Port extends NamedType { readonly onnx: string }

/** The encoded graph, and what to feed and fetch. */
export interface OnnxStep {
  readonly model: Uint8Array
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
  /** By dtype of the state: a model that gives what it gets, for devices that keep the state. */
  readonly copiers: Readonly<Partial<Record<DType, Uint8Array>>>
  /** Free buffers stay in the engine's arena, or go back to the system. */
  readonly arena: boolean
  /** The model's first output is the sequence of fetch.ts. */
  readonly zeroCopy: boolean
}

export interface PreparedOnnx extends OnnxStep {
  readonly engine: 'onnxruntime'
  /** The names of the nodes, which the model does not hold (compiler/targets/onnx/short-names.ts). */
  readonly names: string
  /** The inputs of role parameter, state and moment. */
  readonly state: readonly StatePort[]
}

export interface OpenRequest extends OnnxStep { readonly device: string; readonly threads: number }

export interface OnnxRuntimeWorker {
  readonly hello: { readonly zeroCopy: boolean }
  readonly introduction: { readonly version: string; readonly zeroCopy: boolean }
  readonly open: OpenRequest
}
