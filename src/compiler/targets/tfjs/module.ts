// The emitted module as its callers see it: what the compiler hands over, and what the loaded module exports.
import type { InputRole, OutputRole } from '../../ir/program.ts'
import type { DType, Shape, TensorData } from '../../ir/types.ts'

/** An ES module without imports, as text, and the constants that it wants at each run as tensors, by name. */
export interface EmittedModule { readonly source: string; readonly constants: ReadonlyMap<string, TensorData> }

export interface TfjsInput { readonly name: string; readonly role: InputRole; readonly dtype: DType; readonly shape: Shape }
export interface TfjsOutput { readonly name: string; readonly role: OutputRole; readonly dtype: DType; readonly shape: Shape }
/** `data` stands in the module for small ones; the values of the others come with it, by name (EmittedModule.constants has all). */
export interface TfjsConstant { readonly name: string; readonly dtype: DType; readonly shape: Shape; readonly data?: readonly number[] }

/**
 * What the loaded module exports. `Tf` is the namespace of @tensorflow/tfjs-core (or a package that holds it, as @tensorflow/tfjs-node), `Tensor` its tensor.
 * `run` disposes of all that it makes but its results, which the caller owns; it disposes of no input and no constant, and waits for nothing.
 */
export interface TfjsModule<Tf = unknown, Tensor = unknown> {
  readonly inputs: readonly TfjsInput[]
  readonly outputs: readonly TfjsOutput[]
  readonly constants: readonly TfjsConstant[]
  run(tf: Tf, given: Readonly<Record<string, Tensor>>, constants: Readonly<Record<string, Tensor>>): Record<string, Tensor>
}
