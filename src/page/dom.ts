// Elements: found by id, made with text inside.

/** Throws where index.html lacks it. */
export function byId<T extends HTMLElement>(id: string, kind: { new (): T }): T {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`internal: index.html has no ${kind.name} #${id}`)
  return found
}

type Attributes = Readonly<Record<string, string | boolean | number>>

/** `attributes` that are true or false are set or left out. */
export function make<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...inside: (Node | string)[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) if (value !== false) element.setAttribute(name, value === true ? '' : String(value))
  element.append(...inside)
  return element
}

/** A small square of a colour. */
export function swatch(colour: string): HTMLElement {
  const square = make('span', { class: 'swatch', 'aria-hidden': 'true' })
  square.style.background = colour
  return square
}

/** The context of a canvas; a browser without one cannot show anything. */
export function brushOf(canvas: HTMLCanvasElement | OffscreenCanvas): CanvasRenderingContext2D {
  const brush = canvas.getContext('2d') as CanvasRenderingContext2D | null
  if (brush === null) throw new Error('this browser has no canvas left: close other tabs')
  return brush
}
