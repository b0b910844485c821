// What train, eval and export share: first values of a model's tensors, from a seed or a weights file.
import type { Program } from '../compiler/ir/program.ts'
import type { TensorData } from '../compiler/ir/types.ts'
import type { ElaboratedModel } from '../compiler/semantics/model.ts'
import { bindWeights, checkBinding } from '../runtime/weights/bind.ts'
import { initialValue } from '../runtime/weights/initialise.ts'
import { readWeights } from '../runtime/weights/read.ts'

/** A value for every parameter, state and moment of `program`: from `given`, else drawn from the seed. */
export function fillState(program: Program, given: Readonly<Record<string, TensorData>>, seed: number): Record<string, TensorData> {
  const stateful = program.inputs.filter(i => i.role === 'parameter' || i.role === 'state' || i.role === 'moment')
  return Object.fromEntries(stateful.map(i => [i.name, given[i.name] ?? initialValue(i, seed)]))
}

/** Values of a weights file that fit the model; what does not fit is said on stderr, or is an error (`complete`: nothing may be missing). Throws WeightsError. */
export function loadWeights(path: string, model: ElaboratedModel, complete: boolean): Record<string, TensorData> {
  const { values, report } = bindWeights(model, readWeights(path))
  for (const note of checkBinding(path, model, report, complete)) process.stderr.write(`${note}\n`)
  return values
}
