// The one interface behind which every engine stands: it compiles programs and runs them; state stays inside.
import type { Span } from '../../compiler/diagnostics/diagnostic.ts'
import type { MemoryMode } from '../../compiler/memory/plan.ts'
import type { Program } from '../../compiler/ir/program.ts'
import type { TensorData } from '../../compiler/ir/types.ts'
import type { OnnxRuntimeTarget, PreparedOnnx } from './onnxruntime/protocol.ts'
import type { PreparedTfjs, TfjsTarget } from './tfjs/protocol.ts'

export type HostTensors = Readonly<Record<string, TensorData>>

/** A program whose parameters and states are bound; fed per run with inputs, targets, randoms and scalars. */
export interface Session {
  /** Inputs by name -> outputs by name (those that are not kept as state). */
  run(feeds: HostTensors): Promise<HostTensors>
  /** Copies of parameters, states and moments by name. */
  readState(): Promise<HostTensors>
  /** The state itself, where the engine holds it on the host, or a copy, to read while `use` runs; the session cannot run meanwhile, and the tensors may be empty afterwards. */
  lendState<T>(use: (state: HostTensors) => T | Promise<T>): Promise<T>
  dispose(): Promise<void>
}

/** What a program is prepared for. Plain data. */
export type EngineTarget = OnnxRuntimeTarget | TfjsTarget

export interface PrepareOptions {
  readonly outputs?: readonly string[]
  /** How onnxruntime keeps buffers, as planned (compiler/memory/plan.ts); others than `plain` take longer to open, `released` to run. Other engines free each at its last use. */
  readonly memory?: MemoryMode
  /** `file:line:column` of a span: errors of tfjs at run time name it. */
  readonly place?: (span: Span) => string
}

/** A program as an engine opens it, made for the engine's target (prepare.ts). Plain data: it can be made in another process. */
export type PreparedProgram = PreparedOnnx | PreparedTfjs

/** What an engine's session holds now. */
export interface EngineMemory { /** tensors alive */ readonly tensors: number; readonly bytes: number }

export interface Engine {
  readonly name: string
  readonly device: string
  /** What stands behind the device: package and version, a GPU's name. */
  readonly detail: string
  readonly target: EngineTarget
  /**
   * `state`: value of every input of role parameter, state and moment. Outputs of these roles update it in place at each run.
   * `give`: the session takes over the buffers of `state`, which are empty for the caller afterwards; else it copies them.
   * Throws EngineError (a user-readable message) if the engine cannot run the program.
   */
  open(program: Program, state: HostTensors, options?: PrepareOptions & { readonly give?: boolean }): Promise<Session>
  /** As `open`, without anything of the compiler in this process. Takes over the prepared program. */
  openPrepared(prepared: PreparedProgram, state: HostTensors, options?: { readonly give?: boolean }): Promise<Session>
  /** Of all its sessions; undefined where the engine does not count. */
  memory(): Promise<EngineMemory | undefined>
  close(): Promise<void>
}

export class EngineError extends Error {}
