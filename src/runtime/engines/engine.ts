// The one interface behind which every engine stands: it compiles programs and runs them; state stays inside.
import type { MemoryMode } from '../../compiler/memory/plan.ts'
import type { Program, ProgramInput } from '../../compiler/ir/program.ts'
import type { TensorData } from '../../compiler/ir/types.ts'
import type { OpenRequest } from './onnxruntime/protocol.ts'

export type HostTensors = Readonly<Record<string, TensorData>>

/** A program whose parameters and states are bound; fed per run with inputs, targets, randoms and scalars. */
export interface Session {
  /** Inputs by name -> outputs by name (those that are not kept as state). */
  run(feeds: HostTensors): Promise<HostTensors>
  /** Copies of parameters, states and moments by name. */
  readState(): Promise<HostTensors>
  /** The state itself, without a copy, to read while `use` runs; the session cannot run meanwhile, and the tensors are empty afterwards. */
  lendState<T>(use: (state: HostTensors) => T | Promise<T>): Promise<T>
  dispose(): Promise<void>
}

/** What a program is prepared for. Plain data. */
export interface EngineTarget {
  readonly device: string
  /** Outputs are filled without a copy. */
  readonly zeroCopy: boolean
  /** State is updated in the buffers it is read from where that is safe. */
  readonly inPlace: boolean
}

export interface PrepareOptions {
  readonly outputs?: readonly string[]
  /** How buffers are kept, as planned (compiler/memory/plan.ts); others than `plain` take longer to open, `released` to run. */
  readonly memory?: MemoryMode
}

/** A program as an engine opens it, made for the engine's target. Plain data: it can be made in another process. */
export interface PreparedProgram extends Pick<OpenRequest, 'model' | 'groups' | 'feeds' | 'stateInputs' | 'stateOutputs' | 'results' | 'arena' | 'zeroCopy'> {
  /** The names of the nodes, which the model does not hold (compiler/targets/onnx/short-names.ts). */
  readonly names: string
  /** The inputs of role parameter, state and moment. */
  readonly state: readonly Pick<ProgramInput, 'name' | 'role' | 'type'>[]
}

export interface Engine {
  readonly name: string
  readonly device: string
  readonly target: EngineTarget
  /**
   * `state`: value of every input of role parameter, state and moment. Outputs of these roles update it in place at each run.
   * `give`: the session takes over the buffers of `state`, which are empty for the caller afterwards; else it copies them.
   * Throws EngineError (a user-readable message) if the engine cannot run the program.
   */
  open(program: Program, state: HostTensors, options?: PrepareOptions & { readonly give?: boolean }): Promise<Session>
  /** As `open`, without anything of the compiler in this process. Takes over the model. */
  openPrepared(prepared: PreparedProgram, state: HostTensors, options?: { readonly give?: boolean }): Promise<Session>
  close(): Promise<void>
}

export class EngineError extends Error {}
