// The values that a run begins with.
import type { Program } from '../compiler/ir/program.ts'
import type { TensorData } from '../compiler/ir/types.ts'
import { initialValue } from '../runtime/weights/initialise.ts'

/** A value for every parameter, state and moment of `program`: from `given`, else drawn from the seed. */
export function fillState(program: Pick<Program, 'inputs'>, given: Readonly<Record<string, TensorData>>, seed: number): Record<string, TensorData> {
  const stateful = program.inputs.filter(i => i.role === 'parameter' || i.role === 'state' || i.role === 'moment')
  return Object.fromEntries(stateful.map(i => [i.name, given[i.name] ?? initialValue(i, seed)]))
}
