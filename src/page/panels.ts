// What stands beside the picture: the depth map with its scale, the view from above, the list of boxes, the classes, the times.
import { css, segmentationColour, vehicleColour } from '../runtime/draw/colours.ts'
import { barPosition, barValue, depthColour, isValue, noValue, noValueText, tickText, ticks, type DepthOptions } from '../runtime/draw/depth-scale.ts'
import { paintGround } from '../runtime/draw/ground.ts'
import type { Detection } from '../runtime/tasks/detection3d/detection.ts'
import { brushOf, byId, make, swatch } from './dom.ts'
import { font } from './font.ts'
import { classShares, scaleOf } from './maps.ts'
import type { Layer } from './layers.ts'
import type { Result, Times } from './protocol.ts'

const canvasOf = (id: string): HTMLCanvasElement => byId(id, HTMLCanvasElement)
const elementOf = (id: string): HTMLElement => byId(id, HTMLElement)

export const milliseconds = (t: number): string => (t >= 10_000 ? `${(t / 1000).toFixed(1)} s` : t >= 100 ? `${Math.round(t)} ms` : `${t.toFixed(1)} ms`)

export function showLegend(layers: readonly Layer[]): void {
  const shares = layers.flatMap(l => (l.on && l.prediction.kind === 'segmentation' ? classShares(l.prediction) : []))
  const list = elementOf('legend')
  list.hidden = shares.length === 0
  list.replaceChildren(...shares.map(({ name, share }) => make('li', { title: `${(100 * share).toFixed(1)}% of the picture` }, swatch(css(segmentationColour(name))), name)))
}

function showScale(scale: DepthOptions): void {
  const bar = canvasOf('bar')
  const brush = brushOf(bar)
  for (let x = 0; x < bar.width; x++) {
    brush.fillStyle = css(depthColour(barValue((x + 0.5) / bar.width, scale), scale))
    brush.fillRect(x, 0, 1, 1)
  }
  const round = ticks(scale)
  elementOf('ticks').replaceChildren(...round.map(tick => {
    const label = make('span', {}, tickText(tick, scale))
    label.style.left = `calc(16px + ${barPosition(tick, scale)} * (100% - 32px))`
    return label
  }))
  elementOf('scale').setAttribute('aria-label', `Scale from ${tickText(Math.min(...round), scale)} to ${tickText(Math.max(...round), scale)}, ${scale.unit === 'metres' ? 'near is bright' : 'large is bright'}`)
}

/** The first of the depth tasks. */
export function showDepth(layers: readonly Layer[]): void {
  const layer = layers.find(l => l.prediction.kind === 'depth')
  elementOf('depth-panel').hidden = layer === undefined
  if (layer?.prediction.kind !== 'depth' || layer.map === undefined) return
  const canvas = canvasOf('depth')
  canvas.width = layer.map.width
  canvas.height = layer.map.height
  brushOf(canvas).drawImage(layer.map, 0, 0)
  const scale = scaleOf(layer.prediction)
  elementOf('depth-title').textContent = scale.unit === 'metres' ? 'Depth in metres' : 'Disparity in pixels'
  showScale(scale)
  const { values } = layer.prediction
  let missing = false
  for (let i = 0; i < values.length && !missing; i++) missing = !isValue(values[i], scale)
  const none = elementOf('none')
  none.hidden = !missing
  none.replaceChildren(swatch(css(noValue)), noValueText(scale))
}

/** Metres on the ground from the rear axle. */
const distance = ({ center: [x, y] }: Detection): number => Math.hypot(x, y)

const shownBoxes = (layers: readonly Layer[], score: number): Detection[] => layers.flatMap(l => (l.prediction.kind === 'detection3d' ? l.prediction.detections.filter(d => d.score >= score) : []))

/** As far as the farthest box, from 40 to 120 metres. */
const rangeOf = (boxes: readonly Detection[]): number => Math.min(120, Math.max(40, 10 * Math.ceil((5 + Math.max(0, ...boxes.map(b => b.center[0]))) / 10)))

export function showBoxes(layers: readonly Layer[], { camera: { camera }, picture }: Result, score: number): void {
  const has = layers.some(l => l.prediction.kind === 'detection3d')
  elementOf('ground-panel').hidden = elementOf('boxes-panel').hidden = !has
  if (!has) return
  const boxes = shownBoxes(layers, score).toSorted((a, b) => distance(a) - distance(b))
  const canvas = canvasOf('ground')
  const ratio = Math.min(3, devicePixelRatio)
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio))
  canvas.width = width
  canvas.height = Math.round(1.2 * width)
  paintGround(brushOf(canvas), boxes, [], canvas.height, canvas.width, { font, text: 12 * ratio, range: rangeOf(boxes), halfView: Math.atan(picture.width / 2 / camera.fx) })
  const nearest = boxes[0] as Detection | undefined
  canvas.setAttribute('aria-label', `View from above: ${countWords(boxes)}${nearest === undefined ? '' : `, the nearest at ${distance(nearest).toFixed(0)} m`}`)
  elementOf('boxes-title').textContent = boxes.length === 1 ? '1 box' : `${boxes.length} boxes`
  const rows = boxes.map(b => make('tr', {}, make('td', {}, swatch(css(vehicleColour(b.label))), b.label), make('td', {}, b.score.toFixed(2)), make('td', {}, `${distance(b).toFixed(1)} m`), make('td', { title: 'length × width × height' }, b.dimensions.map(v => v.toFixed(1)).join(' × '))))
  elementOf('boxes').replaceChildren(...(rows.length > 0 ? rows : [make('tr', {}, make('td', { colspan: 4, class: 'faint' }, noneText(layers, score)))]))
}

function noneText(layers: readonly Layer[], score: number): string {
  const best = Math.max(0, ...shownBoxes(layers, 0).map(b => b.score))
  return `none with a score from ${score.toFixed(2)}${best > 0 ? `; the best has ${best.toFixed(2)}` : ''}`
}

const plural = (label: string, n: number): string => (n === 1 ? `1 ${label}` : `${n} ${label === 'bus' ? 'buses' : `${label}s`}`)

/** "2 cars, 1 truck", or that there are none. */
function countWords(boxes: readonly Detection[]): string {
  const counts = new Map<string, number>()
  for (const { label } of boxes) counts.set(label, (counts.get(label) ?? 0) + 1)
  return counts.size === 0 ? 'no boxes' : [...counts].map(([label, n]) => plural(label, n)).join(', ')
}

/** For who does not see the picture. */
export function describeStage({ name }: Result, layers: readonly Layer[], score: number): string {
  const parts = layers.filter(l => l.on).map(({ prediction: p }) => {
    switch (p.kind) {
      case 'segmentation': return `segmentation: ${classShares(p).slice(0, 5).map(c => `${c.name} ${Math.round(100 * c.share)}%`).join(', ')}`
      case 'depth': return p.config.quantity
      case 'detection3d': return `3D boxes: ${countWords(p.detections.filter(d => d.score >= score))}`
    }
  })
  return `${name}${parts.length === 0 ? '' : `, with ${parts.join('; ')}`}`
}

/** `over`: how many runs `model` is the median of. */
export function showTimes({ prepare, model, decode }: Times, over: readonly number[] | undefined, first: boolean): void {
  const sorted = over?.toSorted((a, b) => a - b)
  const median = sorted === undefined ? model : sorted[Math.floor(sorted.length / 2)]
  elementOf('model-time').textContent = milliseconds(median)
  elementOf('model-time-of').textContent = sorted !== undefined ? `the model, median of ${sorted.length} runs` : first ? 'the model, first run: run again for its usual time' : 'the model, from input to outputs'
  const rows: (readonly [string, string])[] = [...(sorted === undefined ? [] : [['fastest, slowest', `${milliseconds(sorted[0])}, ${milliseconds(sorted[sorted.length - 1])}`] as const]), ['reading the picture', milliseconds(prepare)], ['decoding the outputs', milliseconds(decode)], ['frames per second', (1000 / median).toFixed(1)]]
  elementOf('times').replaceChildren(...rows.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]))
}
