// The page of an exported model: a picture in, its predictions drawn over it.
import { byId, make } from './dom.ts'
import { Layers, taskTitle } from './layers.ts'
import { describeStage, milliseconds, showBoxes, showDepth, showLegend, showTimes } from './panels.ts'
import { onPick } from './pick.ts'
import type { About, CameraText, Picked, Result } from './protocol.ts'
import { Session } from './session.ts'
import { drawStage, readAt } from './stage.ts'
import { Status } from './status.ts'

const button = (id: string): HTMLButtonElement => byId(id, HTMLButtonElement)
const text = (id: string): HTMLElement => byId(id, HTMLElement)
const backendChoice = byId('backend', HTMLSelectElement)
const canvas = byId('picture', HTMLCanvasElement)
const status = new Status()

const isBackend = (value: string | null): value is 'auto' | 'webgpu' | 'wasm' => value === 'auto' || value === 'webgpu' || value === 'wasm'

class Page {
  readonly #about: About
  readonly #layers: Layers
  readonly #scenes: HTMLButtonElement[]
  #session: Session | undefined
  /** the session, once its model is loaded */
  #ready: Session | undefined
  #picked: Picked | undefined
  #result: Result | undefined
  #measured: readonly number[] | undefined
  /** Questions follow one another; only the last picture that was asked for is predicted. */
  #queue: Promise<void> = Promise.resolve()

  constructor(about: About) {
    this.#about = about
    document.title = `${about.name} in the browser`
    text('model').textContent = about.name
    const [rows, columns] = about.data.image
    text('about').textContent = `${about.tasks.map((_, i) => taskTitle(about.tasks, i)).join(', ')}; input ${columns} × ${rows}`
    text('made').textContent = `Exported by mtlc ${about.mtlc}; runs on TensorFlow.js.`
    this.#layers = new Layers(text('layers'), about.tasks, () => this.draw())
    button('open-camera').hidden = !about.tasks.some(t => t.config.kind === 'detection3d')
    this.#scenes = about.scenes.map((scene, i) => {
      const choose = make('button', { type: 'button', 'aria-pressed': false, title: scene.title }, make('img', { src: scene.image, alt: scene.title }))
      choose.addEventListener('click', () => void this.chooseScene(i))
      text('scenes').append(choose)
      return choose
    })
  }

  /** One thing after another; errors become text. */
  #then(work: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(async () => {
      this.#busy(true)
      try {
        await work()
      } catch (error) {
        status.fail(error instanceof Error ? error.message : String(error))
      } finally {
        this.#busy(false)
      }
    })
    return this.#queue
  }

  #busy(busy: boolean): void {
    document.body.setAttribute('aria-busy', String(busy))
    button('again').disabled = button('measure').disabled = busy || this.#result === undefined
  }

  /** `again`: what was predicted by the backend before is predicted by this one. */
  open(backend: 'auto' | 'webgpu' | 'wasm', again: boolean): Promise<void> {
    // What was asked of the old worker is not waited for.
    this.#session?.close()
    const session = new Session((words, share) => { if (this.#session === session) status.say(words, share) })
    this.#session = session
    text('running').hidden = true
    return this.#then(async () => {
      if (this.#session !== session) return
      status.say('Starting the backend', undefined)
      const ready = await session.open(backend).catch((error: unknown) => { throw this.#session === session ? error : new Error('') })
      this.#ready = session
      const chip = text('running')
      chip.textContent = `${ready.backend} · ${ready.detail}`
      chip.hidden = false
      status.done('Ready: choose a picture')
      status.note(ready.note)
      // The first picture follows by itself.
      if (this.#picked !== undefined && again) await this.#predict(this.#picked)
    })
  }

  predict(picked: Picked): Promise<void> {
    this.#picked = picked
    return this.#then(async () => { if (this.#picked === picked) await this.#predict(picked) })
  }

  async #predict(picked: Picked): Promise<void> {
    const session = this.#session
    // The error that says why it did not open stays.
    if (session === undefined || session !== this.#ready) return
    let result: Result
    try {
      ({ result } = await session.predict(picked))
    } catch (error) {
      throw this.#session === session ? error : new Error('')
    }
    this.#result?.picture.close()
    this.#result = result
    this.#measured = undefined
    this.draw()
    const { size, content, name, times, camera } = result
    const scaled = size.width === content.width && size.height === content.height ? '' : `, seen by the model at ${content.width} × ${content.height}`
    status.done(`${name}: ${size.width} × ${size.height}${scaled}; ${milliseconds(times.prepare + times.model + times.decode)} in all`)
    const cameraLine = text('camera')
    cameraLine.hidden = !this.#about.tasks.some(t => t.config.kind === 'detection3d')
    cameraLine.textContent = `Camera ${camera.source}.`
  }

  again(): Promise<void> {
    return this.#picked === undefined ? this.#queue : this.predict({ ...this.#picked })
  }

  measure(): Promise<void> {
    return this.#then(async () => {
      if (this.#ready === undefined || this.#ready !== this.#session || this.#result === undefined) return
      const { times } = await this.#ready.measure(10)
      this.#measured = times
      this.draw()
      status.done(`Measured over ${times.length} runs of the model`)
    })
  }

  /** A camera for the picture that is there. */
  withCamera(camera: CameraText): Promise<void> {
    if (this.#picked === undefined) {
      status.fail('Open a picture before its camera')
      return this.#queue
    }
    return this.predict({ ...this.#picked, camera })
  }

  async chooseScene(index: number): Promise<void> {
    const scene = this.#about.scenes[index]
    if (scene === undefined) return
    this.#press(index)
    try {
      const [image, camera] = await Promise.all([scene.image, scene.camera].map(async path => {
        const answer = await fetch(path)
        if (!answer.ok) throw new Error(`${path} could not be fetched: the server says ${answer.status}`)
        return answer
      }))
      await this.predict({ name: scene.title, image: await image.blob(), camera: { name: scene.camera.replace(/^.*\//, ''), text: await camera.text() } })
    } catch (error) {
      status.fail(error instanceof TypeError ? 'The scene could not be fetched: the server does not answer' : (error as Error).message)
    }
  }

  /** The scene after the one that is shown. */
  nextScene(): void {
    const shown = this.#scenes.findIndex(b => b.getAttribute('aria-pressed') === 'true')
    if (this.#scenes.length > 0) void this.chooseScene((shown + 1) % this.#scenes.length)
  }

  file(image: File, camera?: CameraText): Promise<void> {
    this.#press(-1)
    return this.predict({ name: image.name, image, camera })
  }

  #press(index: number): void {
    this.#scenes.forEach((b, i) => b.setAttribute('aria-pressed', String(i === index)))
  }

  draw(): void {
    const result = this.#result
    if (result === undefined) return
    const layers = this.#layers.of(result)
    const { score } = this.#layers
    drawStage(canvas, text('stage'), result, layers, score)
    canvas.setAttribute('aria-label', describeStage(result, layers, score))
    showLegend(layers)
    showDepth(layers)
    showBoxes(layers, result, score)
    showTimes(result.times, this.#measured, result.first)
  }

  readAt(x: number, y: number): string | undefined {
    return this.#result === undefined ? undefined : readAt(canvas, x, y, this.#result)
  }

  toggle(index: number): void { this.#layers.toggle(index) }
  toggleAll(): void { this.#layers.toggleAll() }
}

function listen(page: Page): void {
  backendChoice.addEventListener('change', () => { if (isBackend(backendChoice.value)) void page.open(backendChoice.value, true) })
  button('again').addEventListener('click', () => void page.again())
  button('measure').addEventListener('click', () => void page.measure())
  onPick({ image: (file, camera) => void page.file(file, camera), camera: camera => void page.withCamera(camera), wrong: message => status.fail(message) })

  const readout = text('readout')
  canvas.addEventListener('pointermove', ({ offsetX, offsetY }) => {
    const words = page.readAt(offsetX, offsetY)
    readout.hidden = words === undefined
    readout.textContent = words ?? ''
  })
  canvas.addEventListener('pointerleave', () => { readout.hidden = true })

  const keys: Readonly<Record<string, () => void>> = { o: () => button('open').click(), n: () => page.nextScene(), r: () => button('again').click(), m: () => button('measure').click(), 0: () => page.toggleAll() }
  document.addEventListener('keydown', event => {
    const { target, key, ctrlKey, metaKey, altKey } = event
    if (ctrlKey || metaKey || altKey || (target instanceof HTMLElement && target.closest('select') !== null)) return
    const act = keys[key.toLowerCase()] ?? (/^[1-9]$/.test(key) ? () => page.toggle(Number(key) - 1) : undefined)
    if (act === undefined) return
    event.preventDefault()
    act()
  })

  let frame = 0
  new ResizeObserver(() => {
    cancelAnimationFrame(frame)
    frame = requestAnimationFrame(() => page.draw())
  }).observe(text('stage'))
}

async function start(): Promise<void> {
  status.say('Loading the description of the model', undefined)
  const answer = await fetch('model.json').catch(() => undefined)
  if (answer === undefined || !answer.ok) throw new Error(`model.json could not be fetched${answer === undefined ? ': the server does not answer' : `: the server says ${answer.status}`}. Is the exported folder complete?`)
  const page = new Page(await answer.json() as About)
  listen(page)
  const asked = new URLSearchParams(location.search).get('backend')
  if (isBackend(asked)) backendChoice.value = asked
  const opened = page.open(isBackend(asked) ? asked : 'auto', false)
  await page.chooseScene(0)
  await opened
}

await start().catch((error: unknown) => status.fail(error instanceof Error ? error.message : String(error)))
