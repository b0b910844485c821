// What elaboration hands on: the forward program (with losses when training) and everything the text says about data, tasks and training.
import type { Span } from '../diagnostics/diagnostic.ts'
import type { Program, ValueId } from '../ir/program.ts'
import type { TensorType } from '../ir/types.ts'
import type { DataSpec, TaskSpec, TrainSpec } from '../tasks/spec.ts'

/** One call of a block: its path, the block's name, and the tensors it returned (`''` for a single tensor, else field names or indices joined by `/`). */
export interface ModuleCall {
  readonly path: string
  readonly block: string
  readonly span: Span | undefined
  readonly outputs: readonly { readonly field: string; readonly value: ValueId; readonly type: TensorType }[]
}

/** A tensor computed at compile time and listed under its path (relative_position_index, attn_mask). */
export interface ConstantTensor { readonly name: string; readonly value: ValueId; readonly type: TensorType }

export interface ElaboratedModel {
  readonly name: string
  /** 'infer': image -> predictions. 'train': image, targets, random -> predictions, losses, next states. */
  readonly mode: 'infer' | 'train'
  /** Names of parameters and states are final (after rename). */
  readonly program: Program
  readonly constants: readonly ConstantTensor[]
  readonly calls: readonly ModuleCall[]
  readonly data: DataSpec
  readonly tasks: readonly TaskSpec[]
  readonly train: TrainSpec
  /** Pairs old -> new of the rename table, in order. */
  readonly renames: readonly (readonly [string, string])[]
  /** The model as text with every override applied (resolved.ts). */
  readonly resolved: string
}

/** What remains of a model where its nodes are not needed: plain data, which can go from one process to another. */
export interface ModelDescription extends Omit<ElaboratedModel, 'program' | 'constants' | 'calls'> {
  readonly program: Pick<Program, 'name' | 'inputs' | 'outputs'>
  readonly constants: readonly Pick<ConstantTensor, 'name'>[]
}

export const describeModel = ({ program: { name, inputs, outputs }, constants, calls: _calls, ...rest }: ElaboratedModel): ModelDescription =>
  ({ ...rest, program: { name, inputs, outputs }, constants: constants.map(c => ({ name: c.name })) })
