// What lies over the picture, one layer per task: shown or not, how opaque; and the least score of boxes.
import type { ModelFacts } from '../runtime/model-facts.ts'
import type { Prediction } from '../runtime/predict/predict.ts'
import { make } from './dom.ts'
import { depthColours, segmentationMap } from './maps.ts'
import type { Result } from './protocol.ts'

export interface Layer { readonly on: boolean; readonly opacity: number; readonly prediction: Prediction; /** of the dense tasks */ readonly map: OffscreenCanvas | undefined }

type Task = ModelFacts['tasks'][number]

/** At first: of several maps of the whole picture one would hide the other, so depth waits. */
const first = { segmentation: { on: true, opacity: 0.55 }, depth: { on: false, opacity: 0.85 }, detection3d: { on: true, opacity: 1 } } as const

/** As titles say it; a second task of a kind has its own name too. */
export function taskTitle(tasks: readonly Task[], index: number): string {
  const { config, name } = tasks[index]
  const words = config.kind === 'segmentation' ? 'Segmentation' : config.kind === 'detection3d' ? '3D boxes' : config.quantity === 'depth' ? 'Depth' : 'Disparity'
  return tasks.findIndex(t => t.config.kind === config.kind) === index ? words : `${words} (${name})`
}

interface Control { readonly box: HTMLInputElement; readonly range: HTMLInputElement }

/** The controls, and what they say. `changed` is called after every change. */
export class Layers {
  readonly #controls: readonly Control[]
  readonly #score: HTMLInputElement | undefined
  #alone = false
  #maps: { readonly of: Result; readonly maps: readonly (OffscreenCanvas | undefined)[] } | undefined
  readonly #changed: () => void

  constructor(place: HTMLElement, tasks: readonly Task[], changed: () => void) {
    this.#changed = changed
    this.#controls = tasks.map(({ config: { kind } }, i) => {
      const { on, opacity } = first[kind]
      const box = make('input', { type: 'checkbox', id: `layer-${i}`, checked: on })
      const range = make('input', { type: 'range', min: 0, max: 100, step: 5, value: Math.round(100 * opacity), 'aria-label': `Opacity of ${taskTitle(tasks, i)}` })
      const output = make('output', {}, `${range.value}%`)
      box.addEventListener('change', () => { this.#alone = false; changed() })
      range.addEventListener('input', () => {
        output.value = `${range.value}%`
        // Who moves the slider of a hidden layer wants to see it.
        box.checked = true
        changed()
      })
      place.append(make('div', { class: 'layer' }, make('label', {}, box, taskTitle(tasks, i)), range, output))
      return { box, range }
    })
    if (!tasks.some(t => t.config.kind === 'detection3d')) return
    const range = make('input', { type: 'range', id: 'score', min: 0, max: 0.95, step: 0.05, value: 0.3 })
    const output = make('output', { for: 'score' }, '0.30')
    range.addEventListener('input', () => { output.value = Number(range.value).toFixed(2); changed() })
    this.#score = range
    place.append(make('div', { class: 'layer plain' }, make('label', { for: 'score' }, 'Least score of a box'), range, output))
  }

  /** Least score of a box that is shown. */
  get score(): number { return Number(this.#score?.value ?? 0) }

  toggle(index: number): void {
    const control = this.#controls[index]
    if (control === undefined) return
    control.box.checked = !control.box.checked
    this.#alone = false
    this.#changed()
  }

  /** The picture without any layer, and back. */
  toggleAll(): void {
    this.#alone = !this.#alone
    this.#changed()
  }

  of(result: Result): Layer[] {
    if (this.#maps?.of !== result) {
      this.#maps = { of: result, maps: result.predictions.map(p => (p.kind === 'segmentation' ? segmentationMap(p, result.picture) : p.kind === 'depth' ? depthColours(p, result.picture) : undefined)) }
    }
    const { maps } = this.#maps
    return result.predictions.map((prediction, i) => {
      const { box, range } = this.#controls[i]
      return { on: box.checked && !this.#alone, opacity: Number(range.value) / 100, prediction, map: maps[i] }
    })
  }
}
