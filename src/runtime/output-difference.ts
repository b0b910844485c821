// How far the outputs of an exported model are from those of the training engine.
import type { Shape, TensorData } from '../compiler/ir/types.ts'
import { EngineError, type HostTensors } from './engines/engine.ts'

export interface OutputDifference { readonly name: string; readonly shape: Shape; /** largest difference of an element */ readonly absolute: number; /** that, divided by the largest value of the output */ readonly relative: number }

/** Of every expected output. Throws EngineError if one is missing or has another shape. */
export const outputDifferences = (path: string, expected: HostTensors, found: HostTensors): OutputDifference[] => Object.entries(expected).map(([name, tensor]) => difference(path, name, tensor, found[name]))

function difference(path: string, name: string, expected: TensorData, found: TensorData | undefined): OutputDifference {
  if (found === undefined || found.shape.join() !== expected.shape.join()) throw new EngineError(`${path}: output ${name} is ${found === undefined ? 'missing' : `of shape [${found.shape.join(', ')}]`}, expected [${expected.shape.join(', ')}]`)
  let absolute = 0
  let largest = 0
  for (let i = 0; i < expected.data.length; i++) {
    const d = Math.abs(found.data[i] - expected.data[i])
    if (!(d <= absolute)) absolute = d
    largest = Math.max(largest, Math.abs(expected.data[i]))
  }
  return { name, shape: expected.shape, absolute, relative: absolute / Math.max(largest, 1e-30) }
}
