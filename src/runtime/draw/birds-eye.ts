// Boxes from above in the vehicle frame: a metric grid, the own vehicle, predictions filled, ground truth dashed.
import { boxCorners } from '../projection.ts'
import { truthColour } from './boxes.ts'
import { css, font, painted, type Brush } from './canvas.ts'
import { plain, type Colour, type Picture } from './picture.ts'
import { background, faint, ink, textSize, vehicleColour } from './style.ts'
import { headingArrow, type DrawnBox } from './wireframe.ts'

export interface BirdsEyeOptions {
  readonly height?: number
  readonly width?: number
  /** metres ahead that are shown; the sides follow from the width of the picture */
  readonly range?: number
  /** half the horizontal angle of view in radians, drawn as a wedge */
  readonly halfView?: number
  /** a line of text below the legend, such as where the camera is from */
  readonly note?: string
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

/** North is ahead. Boxes beyond the borders are counted in a line of text. */
export function birdsEye(boxes: readonly DrawnBox[], groundTruth: readonly DrawnBox[] = [], { height = 1200, width = 1000, range = 100, halfView, note }: BirdsEyeOptions = {}): Picture {
  const size = Math.max(11, Math.round(1.35 * textSize(width)))
  const legend = Math.round(size * (note === undefined ? 3.6 : 5))
  const plot = height - legend
  const map = groundMap(plot, width, range)
  const shown = (b: DrawnBox): boolean => { const [x, y] = map.at(b.center[0], b.center[1]); return x >= 0 && x < width && y >= 0 && y < plot }
  return painted(plain(height, width, background), brush => {
    brush.save()
    brush.beginPath()
    brush.rect(0, 0, width, plot)
    brush.clip()
    brush.fillStyle = css(floor)
    brush.fillRect(0, 0, width, plot)
    if (halfView !== undefined) wedge(brush, map, halfView, 2 * range)
    grid(brush, map, plot, width, range)
    own(brush, map, size)
    for (const b of groundTruth) footprint(brush, map, b, truthColour, true)
    for (const b of boxes.toSorted((p, q) => (p.score ?? 1) - (q.score ?? 1))) footprint(brush, map, b, vehicleColour(b.label), false)
    rangeLabels(brush, map, plot, width, range, size)
    brush.restore()
    brush.translate(0, plot)
    const beyond = [...boxes, ...groundTruth].filter(b => !shown(b)).length
    signs(brush, width, size, [...new Set([...boxes, ...groundTruth].filter(shown).map(b => b.label))].toSorted(), groundTruth.length > 0, beyond, note)
  })
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
function rangeLabels(brush: Brush, map: GroundMap, height: number, width: number, range: number, size: number): void {
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

function own(brush: Brush, map: GroundMap, size: number): void {
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

function signs(brush: Brush, width: number, size: number, labels: readonly string[], truth: boolean, beyond: number, note: string | undefined): void {
  const small = size * 0.85
  brush.font = font(small)
  brush.textAlign = 'left'
  brush.textBaseline = 'middle'
  let x = size * 0.5
  const word = (text: string, colour: Colour, y: number): void => {
    brush.fillStyle = css(colour)
    brush.fillText(text, x, y)
    x += brush.measureText(text).width + size
  }
  for (const label of labels) {
    brush.fillStyle = css(vehicleColour(label))
    brush.fillRect(x, size - small * 0.4, small * 0.8, small * 0.8)
    x += small * 1.1
    word(label, ink, size)
  }
  if (labels.length === 0) word('no boxes', faint, size)
  x = size * 0.5
  const lower = size * 2.5
  if (truth) word('solid: prediction, dashed: ground truth', ink, lower)
  if (beyond > 0) word(`${beyond} beyond the borders`, faint, lower)
  brush.fillStyle = css(faint)
  if (note !== undefined) brush.fillText(note, size * 0.5, size * 3.9, width - size)
}
