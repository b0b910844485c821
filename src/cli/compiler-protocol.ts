// What the command line and the process that compiles for it say to each other.
import type { ModelDescription } from '../compiler/semantics/model.ts'
import type { Program } from '../compiler/ir/program.ts'
import type { CheckedStep, CheckedValue } from '../compiler/training/checked.ts'
import type { EngineTarget, PreparedProgram } from '../runtime/engines/engine.ts'
import type { Misshapen } from '../runtime/weights/bind.ts'
import type { Evaluated } from '../runtime/train/evaluations.ts'
import type { EvaluationRequest } from './evaluate-run.ts'
import type { ErrorReport } from './explained.ts'
import type { FinishedRun } from './finish.ts'

export interface TrainingText { readonly file: string; readonly model?: string; readonly set: readonly string[]; readonly batch?: number; /** Without warnings. */ readonly quiet?: boolean; /** Texts that are not to be read again. */ readonly sources?: ReadonlyMap<string, string> }

export interface Described {
  readonly model: ModelDescription
  /** What decides whether a checkpoint can go on: the program before any pass, and what the optimiser makes of it. Learning rate and schedule may change. */
  readonly digest: string
  /** Every text that was read, by its name for the compiler. */
  readonly sources: ReadonlyMap<string, string>
}

export interface CompiledStep {
  readonly prepared: PreparedProgram
  /** `counts`: where a step has several passes, what its losses divide by (runtime/train/counted-batches.ts). */
  readonly step: Pick<Program, 'inputs' | 'outputs'> & { readonly counts?: Program | undefined }
  /** Operators of the step. */
  readonly operators: number
  /** Peak resident memory of the process that compiled, bytes. */
  readonly peak: number
}

/** A value of the checked step, with its place in the text. */
export interface PlacedValue extends Omit<CheckedValue, 'span'> { /** file:line:column, '' where there is none */ readonly place: string }

export interface PreparedCheck extends Pick<CheckedStep, 'results'> {
  readonly step: CompiledStep['step']
  readonly prepared: PreparedProgram
  readonly values: readonly PlacedValue[]
}

interface Questions {
  /** Diagnostics go to stderr. */
  describe: { request: TrainingText; reply: Described }
  /** Why tensors of a weights file may not fit the described model. */
  explain: { request: { readonly misshapen: readonly Misshapen[] }; reply: readonly string[] }
  /** The training step of the described model, within `memory` bytes. */
  step: { request: { readonly target: EngineTarget; readonly memory: number | undefined }; reply: CompiledStep }
  /** The training step of the described model in a checked mode (compiler/training/checked.ts). */
  checked: { request: { readonly target: EngineTarget }; reply: PreparedCheck }
  /** An evaluation during a run. */
  evaluate: { request: EvaluationRequest; reply: Evaluated }
  /** Evaluation and ONNX file of a run; results go to stdout. */
  finish: { request: FinishedRun; reply: undefined }
}

export type Kind = keyof Questions
export type RequestOf<K extends Kind> = Questions[K]['request']
export type ReplyOf<K extends Kind> = Questions[K]['reply']
export type CompilerRequest = { [K in Kind]: { readonly kind: K; readonly request: RequestOf<K> } }[Kind]
export type CompilerAnswer = { readonly reply: ReplyOf<Kind> } | { readonly error: ErrorReport }
