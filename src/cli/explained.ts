// The errors whose message is all that a user needs; everything else is a bug of mtlc.
import { OnnxTargetError } from '../compiler/targets/onnx/graph.ts'
import { DataError } from '../runtime/data/dataset.ts'
import { EngineError } from '../runtime/engines/engine.ts'
import { FileError } from '../runtime/files.ts'
import { RunError } from '../runtime/runs/run.ts'
import { LockError } from '../runtime/train/lock.ts'
import { TrainingError } from '../runtime/train/loop.ts'
import { WeightsError } from '../runtime/weights/tensors.ts'
import { UsageError, UserError } from './errors.ts'

const explained = { UserError, UsageError, DataError, EngineError, FileError, LockError, OnnxTargetError, RunError, TrainingError, WeightsError }

/** An error as plain data. */
export interface ErrorReport { readonly kind: keyof typeof explained | undefined; readonly message: string; readonly stack: string | undefined }

export const isExplained = (error: unknown): error is Error => Object.values(explained).some(kind => error instanceof kind)

export function reportError(error: unknown): ErrorReport {
  const kind = (Object.keys(explained) as (keyof typeof explained)[]).find(k => error instanceof explained[k])
  return error instanceof Error ? { kind, message: error.message, stack: error.stack } : { kind: undefined, message: String(error), stack: undefined }
}

export function reviveError({ kind, message, stack }: ErrorReport): Error {
  if (kind !== undefined) return new explained[kind](message)
  const error = new Error(message)
  if (stack !== undefined) error.stack = stack
  return error
}
