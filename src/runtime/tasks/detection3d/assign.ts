// Point grids and target assignment of the anchor-free 3D detector (FCOS3D, section 3.2 of its paper, with the Cityscapes-3D settings of the report).
import type { Detection3dConfig } from '../../../compiler/tasks/spec.ts'
import { directionBin, rotationCodecs } from './rotation.ts'
import type { ParsedBox } from './parse.ts'

export interface Level { readonly height: number; readonly width: number; /** pixels of the original image */ readonly stride: number; readonly range: readonly [number, number] }

export const levelsOf = (config: Detection3dConfig, shapes: readonly (readonly [number, number])[]): Level[] =>
  shapes.map(([height, width], i) => ({ height, width, stride: Math.fround(config.strides[i] / config.resize), range: config.ranges[i] }))

/** Position of grid index i: i * stride + floor(stride / 2), in float32 as the published code computes it. */
export const pointAt = (i: number, stride: number): number => Math.fround(Math.fround(i * stride) + Math.floor(stride / 2))

/** Width of one regression vector: offset 2, depth, size 3, rotation 3, left top right bottom. */
export const codeSize = 13

export interface Assignment {
  /** class index, or the number of classes for background; [points] */
  readonly label: Int32Array
  /** [points, 13] */
  readonly box: Float32Array
  /** 0 or 1 per angle; [points, 3] */
  readonly direction: Int32Array
  /** [points] */
  readonly centerness: Float32Array
}

/**
 * Points of all levels, row-major, levels in order. A box is eligible for a point inside the square of `radius` strides around its projected centre whose largest distance to a side of the modal box lies
 * in the level's range (both ends included); the nearest eligible centre wins, the first of equals.
 */
export function assign(boxes: readonly ParsedBox[], levels: readonly Level[], config: Detection3dConfig): Assignment {
  const points = levels.reduce((n, l) => n + l.height * l.width, 0)
  const out: Assignment = { label: new Int32Array(points).fill(config.classes.length), box: new Float32Array(points * codeSize), direction: new Int32Array(points * 3), centerness: new Float32Array(points) }
  const offset = rotationCodecs[config.rotation].directionOffset
  const bins = boxes.map(b => b.angles.map(a => directionBin(Math.fround(a), offset)))
  let p = 0
  for (const level of levels) {
    const reach = config.radius * level.stride
    for (let row = 0; row < level.height; row++) {
      const y = pointAt(row, level.stride)
      for (let column = 0; column < level.width; column++, p++) {
        const x = pointAt(column, level.stride)
        const best = nearestBox(boxes, x, y, reach, level.range)
        if (best !== undefined) writePoint(out, p, boxes[best.index], bins[best.index], x, y, best.distance, level.stride, config)
      }
    }
  }
  return out
}

function nearestBox(boxes: readonly ParsedBox[], x: number, y: number, reach: number, [low, high]: readonly [number, number]): { index: number; distance: number } | undefined {
  let index = -1
  let distance = Infinity
  for (let i = 0; i < boxes.length; i++) {
    const [u, v] = boxes[i].projected
    const dx = x - u
    const dy = y - v
    if (!(Math.abs(dx) < reach && Math.abs(dy) < reach)) continue
    const [x1, y1, x2, y2] = boxes[i].modal
    const extent = Math.max(x - x1, y - y1, x2 - x, y2 - y)
    if (extent < low || extent > high) continue
    const d = Math.hypot(dx, dy)
    if (d < distance) { distance = d; index = i }
  }
  return index < 0 ? undefined : { index, distance }
}

function writePoint(out: Assignment, p: number, box: ParsedBox, bins: readonly number[], x: number, y: number, distance: number, stride: number, config: Detection3dConfig): void {
  const [u, v, depth] = box.projected
  const [x1, y1, x2, y2] = box.modal
  out.label[p] = box.label
  out.box.set([(x - u) / stride, (y - v) / stride, depth, ...box.size, ...box.angles, (x - x1) / stride, (y - y1) / stride, (x2 - x) / stride, (y2 - y) / stride], p * codeSize)
  out.direction.set(bins, p * 3)
  // oxlint-disable-next-line approx-constant -- 1.414 as the published code writes the square root of two.
  out.centerness[p] = Math.exp((-config.centernessAlpha * distance) / (1.414 * config.radius * stride))
}
