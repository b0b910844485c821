// What an engine and its worker thread say to each other, whatever the engine.
import type { InputRole } from '../../compiler/ir/program.ts'
import type { TensorData, TensorType } from '../../compiler/ir/types.ts'

export type Tensors = Readonly<Record<string, TensorData>>

/** A tensor that a program is fed with or that it gives, by its name in the program. */
export interface NamedType { readonly name: string; readonly type: TensorType }

/** An input of role parameter, state or moment. */
export interface StatePort extends NamedType { readonly role: InputRole }

/** What an engine's worker has of its own: how it is started, how it introduces itself, and what it opens. */
export interface WorkerKind { readonly hello: object; readonly introduction: object; readonly open: object }

export type Request<K extends WorkerKind> =
  | { readonly kind: 'hello' } & K['hello']
  | { readonly kind: 'open'; readonly state: Tensors } & K['open']
  | { readonly kind: 'run'; readonly session: number; readonly feeds: Tensors }
  | { readonly kind: 'state'; readonly session: number }
  /** Hand the state over until it is returned. */
  | { readonly kind: 'lend'; readonly session: number }
  | { readonly kind: 'return'; readonly session: number; readonly state: Tensors }
  | { readonly kind: 'memory' }
  | { readonly kind: 'dispose'; readonly session: number }

export type Reply<K extends WorkerKind> =
  | { readonly kind: 'hello' } & K['introduction']
  | { readonly kind: 'open'; readonly session: number }
  | { readonly kind: 'tensors'; readonly tensors: Tensors }
  | { readonly kind: 'memory'; readonly tensors: number; readonly bytes: number }
  | { readonly kind: 'done' }

export interface Envelope<T> { readonly id: number; readonly body: T }
export type Answer<K extends WorkerKind> = Envelope<Reply<K>> | { readonly id: number; readonly error: string }

/** Each buffer once, for handing over instead of copying. */
export const buffersOf = (given: Tensors): ArrayBuffer[] => [...new Set(Object.values(given).map(t => t.data.buffer as ArrayBuffer))]
