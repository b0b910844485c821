// What doctor and the processes in which it tries devices say to each other.
import type { Program } from '../../compiler/ir/program.ts'
import type { HostTensors } from '../engines/engine.ts'

/** One engine on one device is to train for as many steps as there are feeds; or, for onnxruntime, to say which operators of the step fall back to the CPU. Each in a process of its own: the first run on a GPU compiles every kernel, which takes a software driver a minute. */
export interface TrialRequest {
  readonly ask: 'trial' | 'fallbacks'
  readonly engine: string
  readonly device: string
  readonly program: Program
  readonly state: HostTensors
  readonly feeds: readonly HostTensors[]
}

/** Nodes of an onnxruntime graph that ran on the CPU although another device was asked for. */
export interface Fallback { readonly operator: string; readonly nodes: number }

export interface TrialRun {
  /** Opening engine and session, milliseconds. */
  readonly openMs: number
  /** Each step, milliseconds. */
  readonly stepMs: readonly number[]
  readonly losses: readonly HostTensors[]
  readonly after: HostTensors
}

/** What onnxruntime on another device than the CPU runs on the CPU all the same, and how many nodes there are in all. */
export interface Fallbacks { readonly fallbacks: readonly Fallback[]; readonly nodes: number }

/** Package and version, as soon as the engine is loaded; then what was asked for, or why there is none (`explained`: the message is all that a user needs). */
export type TrialAnswer = { readonly detail: string } | { readonly run: TrialRun } | Fallbacks | { readonly error: { readonly message: string; readonly explained: boolean } }
