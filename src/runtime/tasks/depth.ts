// Monocular depth: 16-bit disparity -> metres or pixels of disparity, and the depth metrics.
import type { TensorData } from '../../compiler/ir/types.ts'
import type { DepthConfig } from '../../compiler/tasks/spec.ts'
import { DataError, type Sample } from '../data/dataset.ts'
import { resizeBilinear } from './bilinear.ts'
import { nearestIndex, resampleByTable } from './resample.ts'

/** Raw 16-bit value -> disparity in pixels; 0 where there is no measurement. */
export const disparityOf = (raw: number): number => (raw === 0 ? 0 : (raw - 1) / 256)

/** `depth` float32 [1, h, w] at config.size, nearest; config.invalid stands where there is no measurement (raw 0 or 1). */
export function encodeDepth(sample: Sample, config: DepthConfig): Record<string, TensorData> {
  if (sample.disparity === undefined) throw new DataError(`${sample.id}: the depth task needs a disparity map, and this sample has none`)
  const metric = config.quantity === 'depth'
  if (metric && sample.camera === undefined) throw new DataError(`${sample.id}: metric depth needs the camera json (baseline, fx), and this sample has none`)
  const scale = metric ? sample.camera!.baseline * sample.camera!.fx : 0
  const depth = new Float32Array(config.size[0] * config.size[1])
  const table = new Float32Array(1 << 16)
  for (let raw = 0; raw < table.length; raw++) {
    const disparity = disparityOf(raw)
    table[raw] = disparity === 0 ? config.invalid : metric ? scale / disparity : disparity
  }
  resampleByTable(sample.disparity, [sample.height, sample.width], config.size, depth, table)
  return { depth: { dtype: 'float32', shape: [1, ...config.size], data: depth } }
}

/** Metres, or pixels of disparity, at `size` (nearest), in double precision; -1 where there is no measurement (raw 0, or 1: infinitely far). What predictions are judged by. */
export function depthTruth(sample: Pick<Sample, 'id' | 'disparity' | 'camera' | 'height' | 'width'>, quantity: DepthConfig['quantity'], size: readonly [number, number] = [sample.height, sample.width]): Float64Array {
  const { disparity, camera, width } = sample
  if (disparity === undefined) throw new DataError(`${sample.id}: the depth task needs a disparity map, and this sample has none`)
  if (quantity === 'depth' && camera === undefined) throw new DataError(`${sample.id}: metric depth needs the camera json (baseline, fx), and this sample has none`)
  const scale = quantity === 'depth' ? camera!.baseline * camera!.fx : 0
  const [rows, columns] = [nearestIndex(sample.height, size[0]), nearestIndex(width, size[1])]
  const truth = new Float64Array(size[0] * size[1])
  for (let i = 0, o = 0; i < size[0]; i++) {
    for (let j = 0; j < size[1]; j++, o++) {
      const raw = disparity[rows[i] * width + columns[j]]
      truth[o] = raw < 2 ? -1 : quantity === 'depth' ? scale / disparityOf(raw) : disparityOf(raw)
    }
  }
  return truth
}

/** What a DepthMeter adds for an image: truth, and the prediction [h, w] resized bilinearly, both at `size`, which is the original resolution if not given. */
export function compareDepth(sample: Sample, predicted: Float32Array, config: DepthConfig, size: readonly [number, number] = [sample.height, sample.width]): { readonly truth: Float64Array; readonly predicted: Float32Array } {
  const same = size[0] === config.size[0] && size[1] === config.size[1]
  return { truth: depthTruth(sample, config.quantity, size), predicted: same ? predicted : resizeBilinear(predicted, config.size, size) }
}

/** Errors over the valid pixels: RMSE and MAE in the unit of the task, the others without unit; `delta1` is the share within a ratio of 1.25, then 1.25 squared and cubed. NaN without a valid pixel. */
export interface DepthScores { readonly pixels: number; readonly rmse: number; readonly logRmse: number; readonly absRel: number; readonly sqRel: number; readonly mae: number; readonly delta1: number; readonly delta2: number; readonly delta3: number }

/** Pools errors over all valid pixels of a set (not per image). Valid: 0 < truth < max, strict. Units are those of the task (metres, or pixels of disparity). */
export class DepthMeter {
  readonly max: number
  #n = 0
  #square = 0
  #logSquare = 0
  #absolute = 0
  #relative = 0
  #squareRelative = 0
  #within = [0, 0, 0]
  #truth = 0
  #truthSquare = 0

  constructor(max: number) { this.max = max }

  /** Predictions are clamped at 0; logarithms see at least 1e-9. Throws RangeError where the lengths differ. */
  add(truth: ArrayLike<number>, predicted: ArrayLike<number>): void {
    if (truth.length !== predicted.length) throw new RangeError(`${predicted.length} predicted pixels for ${truth.length} of the ground truth`)
    for (let i = 0; i < truth.length; i++) {
      const t = truth[i]
      if (!(t > 0 && t < this.max)) continue
      const p = Math.max(0, predicted[i])
      const error = t - p
      const positive = Math.max(p, 1e-9)
      const log = Math.log(t) - Math.log(positive)
      const ratio = Math.max(t / positive, positive / t)
      this.#n++
      this.#square += error * error
      this.#logSquare += log * log
      this.#absolute += Math.abs(error)
      this.#relative += Math.abs(error) / t
      this.#squareRelative += (error * error) / t
      for (let k = 0; k < 3; k++) if (ratio < 1.25 ** (k + 1)) this.#within[k]++
      this.#truth += t
      this.#truthSquare += t * t
    }
  }

  scores(): DepthScores {
    const n = this.#n
    return {
      pixels: n, rmse: Math.sqrt(this.#square / n), logRmse: Math.sqrt(this.#logSquare / n), absRel: this.#relative / n, sqRel: this.#squareRelative / n, mae: this.#absolute / n,
      delta1: this.#within[0] / n, delta2: this.#within[1] / n, delta3: this.#within[2] / n,
    }
  }

  /** RMSE of the best constant prediction, the mean: the standard deviation of the valid truth. */
  constantRmse(): number {
    const mean = this.#truth / this.#n
    return Math.sqrt(Math.max(0, this.#truthSquare / this.#n - mean * mean))
  }
}
