// A program: static single assignment, straight-line, nodes in an order in which operands come first.
import type { Span } from '../diagnostics/diagnostic.ts'
import type { OpAttrs, OpName } from './ops.ts'
import type { TensorType } from './types.ts'

/** An SSA value: inputs and nodes share one id space. */
export type ValueId = number

export type Phase = 'forward' | 'loss' | 'backward' | 'update'

/** Where a node comes from, in the user's terms: module path (`backbone.layers.0.blocks.1.attn`) and source place. Derived nodes keep it, with another phase. */
export interface Origin { readonly path: string; readonly span: Span | undefined; readonly phase: Phase }

type NodeOf<K extends OpName> = { readonly op: K; readonly attrs: OpAttrs[K] }
export type Node = { [K in OpName]: NodeOf<K> }[OpName] & {
  readonly id: ValueId
  readonly inputs: readonly ValueId[]
  readonly type: TensorType
  readonly origin: Origin
}

/** How a parameter or state is made before training. `fan` (if given) replaces the fan taken from the shape: fan-in = numel/shape[0], fan-out = shape[0] * numel/(shape[0]*shape[1]). */
export type Initialiser =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly mean: number; readonly std: number }
  | { readonly kind: 'trunc_normal'; readonly mean: number; readonly std: number; readonly low: number; readonly high: number }
  | { readonly kind: 'uniform'; readonly low: number; readonly high: number }
  | { readonly kind: 'kaiming_uniform'; readonly a: number; readonly fan?: number }
  | { readonly kind: 'kaiming_normal'; readonly fan?: number }
  | { readonly kind: 'fan_in_uniform'; readonly fan?: number }

/**
 * parameter: trained; state: BatchNorm statistics and the like; input: the image; target: from a task codec (`target/<task>/<name>`); random: uniform [0,1) from the host;
 * scalar: set by the training loop at each step; moment: optimiser state.
 */
export type InputRole = 'parameter' | 'state' | 'input' | 'target' | 'random' | 'scalar' | 'moment'

export interface ProgramInput { readonly id: ValueId; readonly name: string; readonly role: InputRole; readonly type: TensorType; readonly init: Initialiser | undefined; readonly origin: Origin }

/** prediction: `semseg`, `3ddet/cls/0`; loss: `loss`, `loss/<task>`, `loss/<task>/<component>`; state/parameter/moment: the next value of the input of that name; metric: e.g. `grad_norm`; gradient: `grad/<parameter>`; tap: anything asked for by name. */
export type OutputRole = 'prediction' | 'loss' | 'state' | 'parameter' | 'moment' | 'metric' | 'gradient' | 'tap'
export interface ProgramOutput { readonly name: string; readonly role: OutputRole; readonly value: ValueId }

export interface Program {
  readonly name: string
  readonly inputs: readonly ProgramInput[]
  readonly nodes: readonly Node[]
  readonly outputs: readonly ProgramOutput[]
}
