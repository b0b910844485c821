// What the tfjs worker opens, and what a program is when it is prepared for it.
import type { StateGroup } from '../../../compiler/targets/onnx/group-updates.ts'
import type { NamedType, StatePort, Tensors } from '../worker-protocol.ts'

/** A native TensorFlow (tfjs-node), WebGPU, WebAssembly, plain JavaScript. */
export const tfjsDevices = ['tensorflow', 'webgpu', 'wasm', 'cpu'] as const
export type TfjsDevice = typeof tfjsDevices[number]

export interface TfjsTarget { readonly engine: 'tfjs'; readonly device: TfjsDevice }

/** The emitted module, and what to feed and fetch. */
export interface TfjsStep {
  /** An ES module: `run(tf, given, constants)` (compiler/targets/tfjs). */
  readonly source: string
  readonly constants: Tensors
  /** Inputs given at each run. */
  readonly feeds: readonly NamedType[]
  /** Vectors that hold several tensors of the state; the module reads the vectors and, on their own, members of them. */
  readonly groups: readonly StateGroup[]
  /** Inputs that the state feeds. */
  readonly stateInputs: readonly string[]
  /** Outputs that become the state of the next run. */
  readonly stateOutputs: readonly string[]
  /** Outputs returned by each run. */
  readonly results: readonly string[]
}

export interface PreparedTfjs extends TfjsStep {
  readonly engine: 'tfjs'
  readonly device: TfjsDevice
  /** The inputs of role parameter, state and moment. */
  readonly state: readonly StatePort[]
}

export interface TfjsWorker {
  /** The best device that works, where none is named. */
  readonly hello: { readonly device: TfjsDevice | undefined; readonly threads: number }
  readonly introduction: { readonly device: TfjsDevice; readonly detail: string }
  readonly open: TfjsStep
}
