// The one interface behind which every engine stands: it compiles programs and runs them; state stays inside.
import type { MemoryMode } from '../../compiler/memory/plan.ts'
import type { Program } from '../../compiler/ir/program.ts'
import type { TensorData } from '../../compiler/ir/types.ts'

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

export interface Engine {
  readonly name: string
  readonly device: string
  /**
   * `state`: value of every input of role parameter, state and moment. Outputs of these roles update it in place at each run.
   * `give`: the session takes over the buffers of `state`, which are empty for the caller afterwards; else it copies them.
   * `memory`: how buffers are kept, as planned (compiler/memory/plan.ts); others than `plain` take longer to open, `released` to run.
   * Throws EngineError (a user-readable message) if the engine cannot run the program.
   */
  open(program: Program, state: HostTensors, options?: { readonly outputs?: readonly string[]; readonly give?: boolean; readonly memory?: MemoryMode }): Promise<Session>
  close(): Promise<void>
}

export class EngineError extends Error {}
