// Tensors of a file -> parameters and states of a model, by name, and what fits and what does not.
import type { ProgramInput } from '../../compiler/ir/program.ts'
import { sameShape, type TensorData } from '../../compiler/ir/types.ts'
import type { ModelDescription } from '../../compiler/semantics/model.ts'
import { mapNames } from './names.ts'
import { isFloating, toFloat32, toInt32, type StoredDType, type StoredTensor, type StoredTensors } from './tensors.ts'

export interface Misshapen { readonly name: string; readonly found: readonly number[]; readonly expected: readonly number[] }
export interface Mistyped { readonly name: string; readonly found: StoredDType; readonly expected: string }
export interface BindReport {
  /** names in the model */
  readonly matched: readonly string[]
  readonly missing: readonly string[]
  readonly misshapen: readonly Misshapen[]
  readonly mistyped: readonly Mistyped[]
  /** names in the file: of tensors that the model makes itself at compile time, and of those it does not have */
  readonly computed: readonly string[]
  readonly unexpected: readonly string[]
  /** how names of the file became names of the model, where they are not the same */
  readonly placed: string | undefined
}

/** Inputs that a weights file may hold. */
export const storedInputs = (model: ModelDescription): ProgramInput[] => model.program.inputs.filter(i => i.role === 'parameter' || i.role === 'state')

/** Values by input name for everything that matches, each read once and held once. Throws WeightsError where the file cannot be read any more. */
export function bindWeights(model: ModelDescription, tensors: StoredTensors): { readonly values: Record<string, TensorData>; readonly report: BindReport } {
  const inputs = storedInputs(model)
  const constants = new Set(model.constants.map(c => c.name))
  const { names, note } = mapNames([...tensors.keys()], new Set([...inputs.map(i => i.name), ...constants]), model.renames)
  const stored = new Map([...names].map(([from, to]): [string, StoredTensor] => [to, tensors.get(from)!]))
  const values: Record<string, TensorData> = {}
  const missing: string[] = []
  const misshapen: Misshapen[] = []
  const mistyped: Mistyped[] = []
  for (const { name, type } of inputs) {
    const tensor = stored.get(name)
    if (tensor === undefined) missing.push(name)
    else if (isFloating(tensor.dtype) !== (type.dtype === 'float32')) mistyped.push({ name, found: tensor.dtype, expected: type.dtype })
    else if (!sameShape(tensor.shape, type.shape)) misshapen.push({ name, found: tensor.shape, expected: type.shape })
    else values[name] = { dtype: type.dtype, shape: type.shape, data: type.dtype === 'int32' ? toInt32(tensor) : toFloat32(tensor) }
  }
  const computed = [...names].filter(([, to]) => constants.has(to)).map(([from]) => from)
  return { values, report: { matched: Object.keys(values), missing, misshapen, mistyped, computed, unexpected: [...tensors.keys()].filter(n => !names.has(n)), placed: note } }
}
