// The points of a detector's maps that may be objects: those whose score passes, the best of each level.
import type { Detection3dConfig } from '../../../compiler/tasks/spec.ts'
import type { HostTensors } from '../../engines/engine.ts'
import type { TensorData } from '../../../compiler/ir/types.ts'
import { codeSize, levelsOf, pointAt, type Level } from './assign.ts'

type Values = TensorData['data']
/** One level of one image; the maps are row-major [c, height * width]. */
interface Maps { readonly level: Level; readonly cls: Values; readonly bbox: Values; readonly dir: Values; readonly ctr: Values }

/** A point that may be an object. What is regressed there stays in the maps: thousands pass, few are read in full. */
export interface Candidate {
  /** pixels of the original image */
  readonly x: number
  readonly y: number
  readonly maps: Maps
  /** row-major */
  readonly point: number
  /** 0 to 1 */
  readonly centerness: number
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

/** Sigmoid of the class times sigmoid of the centre-ness. */
export const scoreOf = ({ maps: { cls, ctr }, point, centerness }: Candidate, label: number): number => sigmoid(cls[label * ctr.length + point]) * centerness

/** One of the 13 numbers of the box as regressed: offset 2, depth, size 3, rotation 3, left top right bottom. */
export const regressed = ({ maps: { bbox, ctr }, point }: Candidate, channel: number): number => bbox[channel * ctr.length + point]

/** 0 or 1: the half turn that one of the three angles lies in. */
export const directionOf = ({ maps: { dir, ctr }, point }: Candidate, angle: number): number => Number(dir[(2 * angle + 1) * ctr.length + point] > dir[2 * angle * ctr.length + point])

function mapsOf(outputs: HostTensors, index: number, task: string, config: Detection3dConfig): Maps[] {
  const find = (name: string, channels: number): TensorData => {
    const t = outputs[`${task}/${name}`]
    if (t === undefined) throw new Error(`internal: the network has no output ${task}/${name}`)
    if (t.shape.length !== 4 || t.shape[1] !== channels || index >= t.shape[0]) throw new Error(`internal: the output ${task}/${name} is [${t.shape.join(', ')}], not [more than ${index}, ${channels}, h, w]`)
    return t
  }
  const tensors = config.strides.map((_, l) => ({ cls: find(`cls/${l}`, config.classes.length), bbox: find(`bbox/${l}`, codeSize), dir: find(`dir/${l}`, 6), ctr: find(`ctr/${l}`, 1) }))
  const levels = levelsOf(config, tensors.map(t => [t.cls.shape[2], t.cls.shape[3]] as const))
  const image = ({ data, shape }: TensorData): Values => { const n = data.length / shape[0]; return data.subarray(index * n, (index + 1) * n) }
  return tensors.map((t, l) => ({ level: levels[l], cls: image(t.cls), bbox: image(t.bbox), dir: image(t.dir), ctr: image(t.ctr) }))
}

/** Whether what is regressed at point `p` can stand in the world: box and directions finite, in front of the camera, of some size. */
function isSound({ bbox, dir, ctr: { length: points } }: Maps, p: number): boolean {
  for (let i = p; i < bbox.length; i += points) if (!Number.isFinite(bbox[i])) return false
  for (let i = p; i < dir.length; i += points) if (!Number.isFinite(dir[i])) return false
  return bbox[2 * points + p] > 0 && bbox[3 * points + p] > 0 && bbox[4 * points + p] > 0 && bbox[5 * points + p] > 0
}

/** Best class score of every point, 0 where it does not pass `least`; not a number never passes. */
function bestScores(maps: Maps, classes: number, least: number): Float64Array {
  const { cls, ctr } = maps
  const points = ctr.length
  const best = new Float64Array(points)
  // A product of two sigmoids passes only if the first does.
  const leastLogit = Math.log(least / (1 - least)) - 1e-6
  for (let p = 0; p < points; p++) {
    let logit = -Infinity
    for (let c = 0, i = p; c < classes; c++, i += points) if (cls[i] > logit) logit = cls[i]
    if (!(logit > leastLogit)) continue
    const score = sigmoid(logit) * sigmoid(ctr[p])
    if (score > least && isSound(maps, p)) best[p] = score
  }
  return best
}

/** Points in order of the map whose best score passes, or the best `most` of them; of equal scores the first. */
function bestPoints(best: Float64Array, most: number): number[] {
  let last = 0
  let ties = Infinity
  if (best.length > most) {
    const sorted = best.slice().sort()
    last = sorted[sorted.length - most]
    ties = most - (sorted.length - 1 - sorted.lastIndexOf(last))
  }
  const points: number[] = []
  for (let p = 0; p < best.length; p++) if (best[p] > 0 && (best[p] > last || (best[p] === last && ties-- > 0))) points.push(p)
  return points
}

/**
 * Candidates of image `index`, levels in order, points row-major. A point passes by a class score above `config.score`; `config.preNms` of a level stay at most. A point does not count whose regression
 * or directions are not finite, or whose box is behind the camera or of no size: the exponentials of the head give that only where they leave the range of float32.
 */
export function candidatesOf(outputs: HostTensors, index: number, config: Detection3dConfig, task: string): Candidate[] {
  return mapsOf(outputs, index, task, config).flatMap(maps => {
    const { width, stride } = maps.level
    return bestPoints(bestScores(maps, config.classes.length, config.score), config.preNms).map(point =>
      ({ x: pointAt(point % width, stride), y: pointAt(Math.floor(point / width), stride), maps, point, centerness: sigmoid(maps.ctr[point]) }))
  })
}
