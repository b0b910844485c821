// Boxes from above in the vehicle frame on any canvas: a metric grid, the own vehicle, predictions filled, ground truth dashed.
import { boxCorners } from '../projection.ts'
import type { Brush, Font } from './brush.ts'
import { css, faint, ink, truthColour, vehicleColour, type Colour } from './colours.ts'
import { headingArrow, type DrawnBox } from './wireframe.ts'

export interface GroundStyle {
  readonly font: Font
  /** side of a text in pixels */
  readonly text: number
  /** metres ahead that are shown; the sides follow from the width */
  readonly range: number
  /** half the horizontal angle of view in radians, drawn as a wedge */
  readonly halfView?: number
}

const floor: Colour = [30, 34, 41]
const gridLine: Colour = [62, 68, 78]
/** Metres of the own vehicle: behind its rear axle, ahead of it, to either side. */
const ego = { back: 1, front: 3.7, side: 0.95 }
/** Metres below the own vehicle that are still shown. */
const behind = 6
const gridStep = 10

/** Frame V (metres: x ahead, y left) -> pixels of the picture. */
export interface GroundMap { readonly scale: number; at(x: number, y: number): readonly [number, number] }

/** Of the area of that many pixels whose lower edge lies `behind` metres behind the own vehicle. */
export function groundMap(height: number, width: number, range: number): GroundMap {
  const scale = height / (range + behind)
  return { scale, at: (x, y) => [width / 2 - y * scale, (range - x) * scale] }
}

/** Whether the centre of a box lies inside the plot. */
export function isShown({ center: [x, y] }: DrawnBox, height: number, width: number, range: number): boolean {
  const [u, v] = groundMap(height, width, range).at(x, y)
  return u >= 0 && u < width && v >= 0 && v < height
}

/** Fills height x width at the brush's origin. North is ahead. */
export function paintGround(brush: Brush, boxes: readonly DrawnBox[], groundTruth: readonly DrawnBox[], height: number, width: number, { font, text, range, halfView }: GroundStyle): void {
  const map = groundMap(height, width, range)
  brush.save()
  brush.beginPath()
  brush.rect(0, 0, width, height)
  brush.clip()
  brush.fillStyle = css(floor)
  brush.fillRect(0, 0, width, height)
  if (halfView !== undefined) wedge(brush, map, halfView, 2 * range)
  grid(brush, map, height, width, range)
  own(brush, map, text, font)
  for (const b of groundTruth) footprint(brush, map, b, truthColour, true)
  for (const b of boxes.toSorted((p, q) => (p.score ?? 1) - (q.score ?? 1))) footprint(brush, map, b, vehicleColour(b.label), false)
  rangeLabels(brush, map, height, width, range, text, font)
  brush.restore()
}

function polygon(brush: Brush, points: readonly (readonly [number, number])[]): void {
  brush.beginPath()
  for (const [x, y] of points) brush.lineTo(x, y)
  brush.closePath()
}

function wedge(brush: Brush, map: GroundMap, half: number, far: number): void {
  polygon(brush, [map.at(1.7, 0), map.at(1.7 + far * Math.cos(half), far * Math.sin(half)), map.at(1.7 + far * Math.cos(half), -far * Math.sin(half))])
  brush.fillStyle = css([255, 255, 255], 0.045)
  brush.fill()
}

function grid(brush: Brush, map: GroundMap, height: number, width: number, range: number): void {
  const side = width / 2 / map.scale
  brush.lineWidth = 1
  brush.strokeStyle = css(gridLine)
  const line = (a: readonly [number, number], b: readonly [number, number]): void => {
    brush.beginPath()
    brush.moveTo(Math.round(a[0]) + 0.5, Math.round(a[1]) + 0.5)
    brush.lineTo(Math.round(b[0]) + 0.5, Math.round(b[1]) + 0.5)
    brush.stroke()
  }
  for (let x = 0; x <= range; x += gridStep) line(map.at(x, side), map.at(x, -side))
  for (let y = 0; y <= side; y += gridStep) for (const s of y === 0 ? [0] : [y, -y]) line([map.at(0, s)[0], 0], [map.at(0, s)[0], height])
}

/** Over everything else, with a dark seam: metres ahead along the left border, to the sides along the lower one. */
function rangeLabels(brush: Brush, map: GroundMap, height: number, width: number, range: number, size: number, font: Font): void {
  const side = width / 2 / map.scale
  brush.font = font(size * 0.85)
  brush.lineWidth = size / 4
  brush.lineJoin = 'round'
  brush.strokeStyle = css(floor)
  brush.fillStyle = css(faint)
  const write = (text: string, x: number, y: number): void => {
    brush.strokeText(text, x, y)
    brush.fillText(text, x, y)
  }
  brush.textAlign = 'left'
  brush.textBaseline = 'bottom'
  for (let x = gridStep; x < range; x += gridStep) write(`${x} m`, size * 0.4, map.at(x, 0)[1] - 2)
  brush.textAlign = 'center'
  const every = 3.2 * size > gridStep * map.scale ? 2 * gridStep : gridStep
  for (let y = every; y < side - 3; y += every) for (const s of [y, -y]) write(`${y} m`, map.at(0, s)[0], height - 2)
}

function own(brush: Brush, map: GroundMap, size: number, font: Font): void {
  polygon(brush, [map.at(-ego.back, ego.side), map.at(ego.front - 0.6, ego.side), map.at(ego.front, ego.side - 0.4), map.at(ego.front, 0.4 - ego.side), map.at(ego.front - 0.6, -ego.side), map.at(-ego.back, -ego.side)])
  brush.fillStyle = css(ink)
  brush.fill()
  brush.font = font(size * 0.85)
  brush.textAlign = 'left'
  brush.textBaseline = 'middle'
  brush.fillText('ego', map.at(0, -1.6)[0], map.at(1.2, 0)[1])
}

function footprint(brush: Brush, map: GroundMap, box: DrawnBox, colour: Colour, dashed: boolean): void {
  const corners = boxCorners(box.center, box.dimensions, box.rotation).slice(0, 4).map(([x, y]) => map.at(x, y))
  const thick = Math.max(1.4, map.scale / 5)
  polygon(brush, corners)
  if (!dashed) {
    brush.fillStyle = css(colour, 0.35)
    brush.fill()
  }
  brush.strokeStyle = css(colour)
  brush.lineWidth = dashed ? 0.8 * thick : thick
  brush.setLineDash(dashed ? [3.5 * thick, 2.5 * thick] : [])
  brush.stroke()
  brush.setLineDash([])
  const { tail, head, barbs } = headingArrow(box)
  const at = ([x, y]: readonly number[]): readonly [number, number] => map.at(x, y)
  brush.beginPath()
  for (const [a, b] of dashed ? [[tail, head]] : [[tail, head], [barbs[0], head], [barbs[1], head]]) {
    brush.moveTo(...at(a))
    brush.lineTo(...at(b))
  }
  brush.stroke()
}
