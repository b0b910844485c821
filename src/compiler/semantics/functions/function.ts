// The shape of a built-in function: parameters, and what a call does.
import type { Builder } from '../../ir/builder.ts'
import type { Origin } from '../../ir/program.ts'
import type { Value } from '../values.ts'

/** What a function body may use. `fail` reports through the evaluator and never returns (it throws a CallFailure that the evaluator catches). */
export interface FunctionContext {
  readonly builder: Builder
  readonly mode: 'infer' | 'train'
  /** module path and span of the call; the evaluator keeps it current */
  origin(): Origin
  /** a fresh input of role 'random' of that shape */
  random(shape: readonly number[]): Value
  /** abort this call with a message (facts first) and an optional hint; `argument` names the argument to point at */
  fail(message: string, options?: { readonly hint?: string; readonly argument?: string }): never
}

export type Arguments = ReadonlyMap<string, Value>

export interface FunctionParam {
  readonly name: string
  /** undefined: required */
  readonly default?: Value
  /** takes all remaining positional arguments as a list */
  readonly rest?: boolean
}

export interface BuiltinFunction {
  readonly name: string
  readonly params: readonly FunctionParam[]
  /** All parameters are bound when this is called; none of the values is 'error'. A ShapeError thrown by the builder is reported by the evaluator with the function's name. */
  call(args: Arguments, context: FunctionContext): Value
}

