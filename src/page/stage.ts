// The picture with its layers, drawn at the resolution of the screen; and what lies under the pointer, in words.
import { frameStyle, paintBoxes } from '../runtime/draw/frames.ts'
import { scaledCamera } from '../runtime/projection.ts'
import { brushOf } from './dom.ts'
import { font } from './font.ts'
import type { Layer } from './layers.ts'
import type { Result } from './protocol.ts'

/** Of the height of the window. */
const mostHeight = 0.72

/** Room for the canvas: the picture's proportions, as wide as its place, not higher than the window. CSS pixels. */
function sizeIn({ clientWidth }: HTMLElement, { height, width }: { readonly height: number; readonly width: number }): { readonly height: number; readonly width: number } {
  const scale = Math.min(clientWidth / width, (mostHeight * innerHeight) / height)
  return { height: Math.max(1, Math.round(height * scale)), width: Math.max(1, Math.round(width * scale)) }
}

/** Segmentation and depth are blended over the picture by their opacity, boxes come on top. */
export function drawStage(canvas: HTMLCanvasElement, place: HTMLElement, { picture, camera }: Result, layers: readonly Layer[], score: number): void {
  const css = sizeIn(place, picture)
  const ratio = Math.min(3, devicePixelRatio)
  const [width, height] = [Math.round(css.width * ratio), Math.round(css.height * ratio)]
  canvas.width = width
  canvas.height = height
  canvas.style.width = `${css.width}px`
  canvas.style.height = `${css.height}px`
  const brush = brushOf(canvas)
  brush.imageSmoothingQuality = 'high'
  brush.drawImage(picture, 0, 0, width, height)
  for (const { on, opacity, map } of layers) {
    if (!on || map === undefined) continue
    brush.globalAlpha = opacity
    brush.drawImage(map, 0, 0, width, height)
  }
  for (const { on, opacity, prediction } of layers) {
    if (!on || prediction.kind !== 'detection3d') continue
    brush.globalAlpha = opacity
    const style = frameStyle(font, width)
    paintBoxes(brush, prediction.detections.filter(d => d.score >= score), scaledCamera(camera.camera, width / picture.width, height / picture.height), { height, width }, { ...style, unit: Math.max(style.unit, 0.55 * ratio), text: Math.max(11, Math.min(15, css.width / 52)) * ratio })
  }
  brush.globalAlpha = 1
}

/** What the dense tasks say about a point of the canvas, given in CSS pixels. */
export function readAt(canvas: HTMLCanvasElement, x: number, y: number, { picture, predictions }: Result): string | undefined {
  const { clientWidth, clientHeight } = canvas
  const [column, row] = [Math.floor((x / clientWidth) * picture.width), Math.floor((y / clientHeight) * picture.height)]
  if (column < 0 || row < 0 || column >= picture.width || row >= picture.height) return undefined
  const at = row * picture.width + column
  const words = predictions.flatMap(p => {
    switch (p.kind) {
      case 'segmentation': return [p.config.classes[p.classes[at]] ?? 'no class']
      case 'depth': return [p.config.quantity === 'depth' ? `${p.values[at].toFixed(p.values[at] < 10 ? 1 : 0)} m` : `${p.values[at].toFixed(1)} px`]
      case 'detection3d': return []
    }
  })
  return words.length === 0 ? undefined : words.join(' · ')
}
