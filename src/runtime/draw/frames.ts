// 3D boxes painted over an image on any canvas: wire frames in the colour of their class with the front face tinted, the heading as an arrow, class and score as text.
import type { Camera } from '../data/dataset.ts'
import type { Brush, Font } from './brush.ts'
import { css, truthColour, vehicleColour, type Colour } from './colours.ts'
import { textSize } from './text-size.ts'
import { wireFrame, type DrawnBox, type Point, type WireFrame } from './wireframe.ts'

export interface Size { readonly height: number; readonly width: number }

/** What it is painted with: `unit` is the thickness of lines, 1 where 2048 pixels are one image wide; `text` the side of the largest letters in pixels. */
export interface FrameStyle { readonly font: Font; readonly unit: number; readonly text: number }

/** As fits pictures that are looked at as a whole. */
export const frameStyle = (font: Font, width: number): FrameStyle => ({ font, unit: Math.max(0.5, width / 2048), text: textSize(width) })

interface Framed { readonly box: DrawnBox; readonly frame: WireFrame; readonly colour: Colour }

/** Farthest first, so that nearer boxes come out on top. */
const framed = (boxes: readonly DrawnBox[], camera: Camera, { height, width }: Size, colour: (label: string) => Colour): Framed[] =>
  boxes.flatMap(box => { const frame = wireFrame(box, camera, height, width); return frame === undefined ? [] : [{ box, frame, colour: colour(box.label) }] }).toSorted((a, b) => b.frame.depth - a.frame.depth)

/** Paints boxes of an image of that size, whose camera is `camera`; `truths` dashed and white, below the others. Returns the labels of those that are in the image, sorted. */
export function paintBoxes(brush: Brush, boxes: readonly DrawnBox[], camera: Camera, size: Size, style: FrameStyle, truths: readonly DrawnBox[] = []): string[] {
  const found = framed(boxes, camera, size, vehicleColour)
  brush.lineCap = 'round'
  for (const f of framed(truths, camera, size, () => truthColour)) drawFrame(brush, f, style.unit, true)
  for (const f of found) drawFrame(brush, f, style.unit, false)
  labels(brush, found.toReversed().toSorted((a, b) => (b.box.score ?? 1) - (a.box.score ?? 1)), size, style)
  return [...new Set(found.map(f => f.box.label))].toSorted()
}

function path(brush: Brush, points: readonly Point[]): void {
  brush.beginPath()
  for (const [x, y] of points) brush.lineTo(x + 0.5, y + 0.5)
}

function stroke(brush: Brush, lines: readonly (readonly [Point, Point])[], colour: Colour, alpha: number, width: number): void {
  brush.beginPath()
  for (const [a, b] of lines) {
    brush.moveTo(a[0] + 0.5, a[1] + 0.5)
    brush.lineTo(b[0] + 0.5, b[1] + 0.5)
  }
  brush.strokeStyle = css(colour, alpha)
  brush.lineWidth = width
  brush.stroke()
}

/** Lines get thinner with the box, or a distant one would be a blot; each has a dark seam, to be seen on any ground. */
function drawFrame(brush: Brush, { frame, colour }: Framed, unit: number, dashed: boolean): void {
  const [, y0, , y1] = frame.hull
  const thick = unit * Math.min(4, Math.max(1.2, (y1 - y0) / unit / 40))
  const lines = (hidden: boolean): (readonly [Point, Point])[] => frame.edges.filter(e => e.hidden === hidden).map(e => [e.from, e.to])
  if (frame.front.length > 2 && !dashed) {
    path(brush, frame.front)
    brush.closePath()
    brush.fillStyle = css(colour, frame.frontSeen ? 0.38 : 0.16)
    brush.fill()
  }
  brush.setLineDash(dashed ? [5 * thick, 4 * thick] : [])
  stroke(brush, lines(true), colour, 0.5, 0.6 * thick)
  brush.setLineDash([])
  stroke(brush, lines(false), [0, 0, 0], 0.55, thick + 1.6 * unit)
  brush.setLineDash(dashed ? [5 * thick, 4 * thick] : [])
  stroke(brush, lines(false), colour, 1, thick)
  brush.setLineDash([])
  if (dashed) return
  stroke(brush, frame.arrow, [0, 0, 0], 0.55, thick + 1.6 * unit)
  stroke(brush, frame.arrow, colour, 1, thick)
}

/** Above its box if there is room, else below or inside; best score first, then nearest; a text that would cover another is left out. */
function labels(brush: Brush, inOrder: readonly Framed[], { height, width }: Size, { font, unit, text: largest }: FrameStyle): void {
  const taken: (readonly [number, number, number, number])[] = []
  const free = ([x, y, w, h]: readonly [number, number, number, number]): boolean => taken.every(([a, b, c, d]) => x >= a + c || a >= x + w || y >= b + d || b >= y + h)
  brush.textBaseline = 'middle'
  brush.textAlign = 'left'
  for (const { box, frame: { hull: [x0, y0, x1, y1] }, colour } of inOrder) {
    const size = Math.max(9, Math.min(largest, 14 * unit + (y1 - y0) / 16))
    brush.font = font(size, 'bold')
    const text = box.score === undefined ? box.label : `${box.label} ${box.score.toFixed(2)}`
    const [w, h] = [Math.ceil(brush.measureText(text).width + 0.6 * size), Math.ceil(1.35 * size)]
    const inside = (v: number, most: number): number => Math.max(0, Math.min(v, most))
    const left = inside(Math.round(x0), width - w)
    const choices = [[left, y0 - h - 2], [inside(Math.round(x1 - w), width - w), y0 - h - 2], [left, y0 - 2 * h - 3], [left, y1 + 3], [left, y0 + 2]]
    const place = choices.map(([x, y]) => [x, inside(Math.round(y), height - h), w, h] as const).find(free)
    if (place === undefined) continue
    taken.push(place)
    brush.fillStyle = css([12, 14, 18], 0.78)
    brush.fillRect(...place)
    brush.fillStyle = css(colour)
    brush.fillText(text, place[0] + 0.3 * size, place[1] + h / 2)
  }
}
