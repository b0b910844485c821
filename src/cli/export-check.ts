// What exports are checked with: images, the difference that is allowed, and how differences are told.
import { sizeOf, type Shape, type TensorData } from '../compiler/ir/types.ts'
import type { ElaboratedModel } from '../compiler/semantics/model.ts'
import type { Engine, HostTensors } from '../runtime/engines/engine.ts'
import type { OutputDifference } from '../runtime/output-difference.ts'
import { randomStream } from '../runtime/weights/initialise.ts'
import { UserError } from './errors.ts'

/** Largest difference of an output, relative to its largest value, that an export may have. */
export const tolerance = 1e-4

/** Images with values as normalised ones have. */
export function testImages(shape: Shape, batch: number): TensorData[] {
  const draw = randomStream(0, 'export')
  return Array.from({ length: batch }, () => ({ dtype: 'float32', shape, data: Float32Array.from({ length: sizeOf(shape) }, () => 4 * draw() - 2) }))
}

/** Along the batch, which is the first axis of every input and output. */
export const joined = (tensors: readonly TensorData[]): TensorData => {
  const [{ dtype, shape }] = tensors
  const data = new Float32Array(tensors.length * sizeOf(shape))
  for (const [i, t] of tensors.entries()) data.set(t.data, i * sizeOf(shape))
  return { dtype, shape: [tensors.length * shape[0], ...shape.slice(1)], data }
}

/** What the training engine computes for each image. `state` is used up: given away, it is held once. */
export async function expectedOutputs(engine: Engine, { program }: ElaboratedModel, state: HostTensors, images: readonly TensorData[]): Promise<HostTensors> {
  const session = await engine.open(program, state, { give: true })
  const runs: HostTensors[] = []
  for (const image of images) runs.push(await session.run({ image }))
  await session.dispose()
  return Object.fromEntries(Object.keys(runs[0]).map(name => [name, joined(runs.map(r => r[name]))]))
}

/** The outputs that differ by more than the tolerance, in words; empty if none does. */
export const worstDifferences = (differences: readonly OutputDifference[]): string => differences.filter(d => !(d.relative <= tolerance)).map(d => `${d.name} ${d.relative.toExponential(1)}`).join(', ')

export const differsError = (path: string, worst: string): UserError => new UserError(`${path}: differs from the training engine by more than ${tolerance} of the largest value: ${worst}. Please report this; nothing was written`)

export const describeDifferences = (differences: readonly OutputDifference[]): string => differences.map(d => `${d.name}  [${d.shape.join(', ')}]  largest difference ${d.absolute.toExponential(2)} (${d.relative.toExponential(2)} of the largest value)`).join('\n')
