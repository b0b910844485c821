// How pictures and cameras come in: by the buttons, dropped anywhere, pasted.
import { byId } from './dom.ts'
import type { CameraText } from './protocol.ts'

export interface Picks { image(file: File, camera: CameraText | undefined): void; camera(camera: CameraText): void; wrong(message: string): void }

const isJson = ({ name, type }: File): boolean => type === 'application/json' || /\.json$/i.test(name)
/** A file without a type may be an image: the decoder will tell. */
const isImage = (file: File): boolean => file.type.startsWith('image/') || (file.type === '' && !isJson(file))

/** The largest published camera file is below a kilobyte, box files below a hundred. */
const largestCamera = 1 << 24

async function take(files: readonly File[], picks: Picks): Promise<void> {
  const [image, json] = [files.find(isImage), files.find(isJson)]
  if (json !== undefined && json.size > largestCamera) return picks.wrong(`${json.name} is ${json.size} bytes long: a camera json is expected`)
  const camera = json === undefined ? undefined : { name: json.name, text: await json.text() }
  if (image !== undefined) picks.image(image, camera)
  else if (camera !== undefined) picks.camera(camera)
  else if (files.length > 0) picks.wrong(`${files[0].name} is no image${files[0].type === '' ? '' : ` but ${files[0].type}`}: PNG, JPEG, WebP, GIF, AVIF or BMP is expected`)
}

export function onPick(picks: Picks): void {
  const chooser = (button: string, input: string): void => {
    const field = byId(input, HTMLInputElement)
    byId(button, HTMLButtonElement).addEventListener('click', () => field.click())
    field.addEventListener('change', () => {
      void take([...field.files ?? []], picks)
      // So that the same file can be chosen again.
      field.value = ''
    })
  }
  chooser('open', 'file')
  chooser('open-camera', 'camera-file')

  const sign = byId('drop', HTMLElement)
  let depth = 0
  const over = (change: number): void => {
    depth = Math.max(0, depth + change)
    sign.hidden = depth === 0
  }
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true
  document.addEventListener('dragenter', event => { if (hasFiles(event)) { event.preventDefault(); over(1) } })
  document.addEventListener('dragleave', event => { if (hasFiles(event)) over(-1) })
  document.addEventListener('dragover', event => { if (hasFiles(event)) event.preventDefault() })
  document.addEventListener('drop', event => {
    event.preventDefault()
    over(-Infinity)
    void take([...event.dataTransfer?.files ?? []], picks)
  })
  document.addEventListener('paste', event => {
    const files = [...event.clipboardData?.files ?? []]
    if (files.length > 0) void take(files, picks)
  })
}
