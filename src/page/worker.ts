// The worker of the page: loads the model, prepares pictures, runs it, decodes what it gives.
import { JsonValue } from '../runtime/data/cityscapes3d/json-value.ts'
import { assumedCamera, calibrationFix, cameraFrom, type FoundCamera } from '../runtime/predict/calibration.ts'
import { fitImage, type Fit } from '../runtime/predict/fit.ts'
import { modelInput } from '../runtime/predict/input.ts'
import { predictions } from '../runtime/predict/predict.ts'
import { scaledCamera } from '../runtime/projection.ts'
import { facts, load } from './bundle.js'
import { readPicture, shownSize, toBitmap } from './picture.ts'
import type { Ask, CameraText, Result, Tell } from './protocol.ts'

const tell = (message: Tell, transfer: Transferable[] = []): void => self.postMessage(message, { transfer })

let network: Awaited<ReturnType<typeof load>> | undefined
let last: { readonly input: Float32Array } | undefined
let first = true

function cameraOf(text: CameraText | undefined, image: string, fit: Fit): FoundCamera {
  if (text === undefined) return assumedCamera(fit)
  let value: unknown
  try { value = JSON.parse(text.text) } catch { throw new Error(`${text.name} is not JSON: a camera json of Cityscapes is expected`) }
  return { camera: cameraFrom(new JsonValue(text.name, '', value, calibrationFix), image, fit), source: `from ${text.name}`, assumed: false }
}

async function predict({ name, image, camera: text }: Extract<Ask, { kind: 'predict' }>['picked']): Promise<Result> {
  if (network === undefined) throw new Error('the model is not loaded')
  const [height, width] = facts.data.image
  tell({ kind: 'progress', text: `Reading ${name}`, share: undefined })
  const start = performance.now()
  const { picture, canvas } = await readPicture(name, image)
  const fit = fitImage(picture, { height, width })
  const found = cameraOf(text, name, fit)
  const input = modelInput(picture, fit, facts.data).data as Float32Array
  last = { input }
  const prepared = performance.now()
  tell({ kind: 'progress', text: first && network.backend === 'webgpu' ? 'Compiling for the GPU, and running' : `Running on ${network.backend}`, share: undefined })
  const { outputs, time } = await network.run(input)
  const ran = performance.now()
  // Decoded at the size at which it is looked at: not pixel by pixel for a photograph of many megapixels, and smoothly for a small picture.
  const shown = shownSize(picture)
  const [sx, sy] = [shown.width / picture.width, shown.height / picture.height]
  const camera = { ...found, camera: scaledCamera(found.camera, sx, sy) }
  const decoded = predictions(facts, outputs, { ...fit, image: shown, sx: fit.content.width / shown.width, sy: fit.content.height / shown.height }, camera.camera)
  const result: Result = {
    name, size: { height: picture.height, width: picture.width }, picture: await toBitmap(canvas, shown), predictions: decoded, camera, content: fit.content, first,
    times: { prepare: prepared - start, model: time, decode: performance.now() - ran },
  }
  first = false
  return result
}

const answer: { readonly [K in Ask['kind']]: (ask: Extract<Ask, { kind: K }>) => Promise<void> } = {
  open: async ({ backend }) => {
    network = await load({ backend, onProgress: (text, share) => tell({ kind: 'progress', text, share }) })
    tell({ kind: 'ready', backend: network.backend, detail: network.detail, note: network.note })
  },
  predict: async ({ picked }) => {
    const result = await predict(picked)
    const maps = result.predictions.flatMap(p => (p.kind === 'detection3d' ? [] : [(p.kind === 'depth' ? p.values : p.classes) as Float32Array | Uint8Array]))
    tell({ kind: 'result', result }, [result.picture, ...maps.map(m => m.buffer)])
  },
  measure: async ({ runs }) => {
    if (network === undefined || last === undefined) throw new Error('no picture has been predicted yet')
    const times: number[] = []
    for (let i = 0; i < runs; i++) {
      tell({ kind: 'progress', text: `Measuring on ${network.backend}, run ${i + 1} of ${runs}`, share: i / runs })
      times.push((await network.run(last.input)).time)
    }
    tell({ kind: 'measured', times })
  },
}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error))

self.addEventListener('message', ({ data }: MessageEvent<Ask>) => {
  (answer[data.kind] as (ask: Ask) => Promise<void>)(data).catch((error: unknown) => tell({ kind: 'failed', asked: data.kind, message: words(error) }))
})
