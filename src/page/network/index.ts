// An exported model as a program uses it, in Node and in browsers: loaded once, run on images.
import type { TfjsModule } from '../../compiler/targets/tfjs/module.ts'
import type { Camera } from '../../runtime/data/dataset.ts'
import type { Picture } from '../../runtime/draw/picture.ts'
import type { HostTensors } from '../../runtime/engines/engine.ts'
import type { ModelFacts } from '../../runtime/model-facts.ts'
import { assumedCamera } from '../../runtime/predict/calibration.ts'
import { fitImage, type Fit } from '../../runtime/predict/fit.ts'
import { modelInput } from '../../runtime/predict/input.ts'
import { predictions, type Prediction } from '../../runtime/predict/predict.ts'
import { readableError } from './messages.ts'
import { openBackend, tf, type Backend } from './tensorflow.ts'
import { readWeights, type WeightsIndex } from './weights.ts'

export interface LoadOptions {
  /** `auto` (default): WebGPU where there is a GPU, else wasm. */
  readonly backend?: Backend | 'auto'
  /** Of wasm; 0 (default) for one per core. */
  readonly threads?: number
  /** Where the files lie; beside the bundle where not given. */
  readonly base?: string | URL
  /** What is being done, in words, and how far it is, from 0 to 1. */
  readonly onProgress?: (step: string, share: number | undefined) => void
}

export interface RunResult { readonly outputs: HostTensors; /** milliseconds from the input on the host to the outputs on the host */ readonly time: number }

export interface Network {
  readonly facts: ModelFacts
  readonly backend: Backend
  /** What stands behind the backend. */
  readonly detail: string
  /** Why it is not the better backend, where `auto` had to choose. */
  readonly note: string | undefined
  /** `image`: float32 [1, 3, H, W], normalised. Throws Error with a message for users. */
  run(image: Float32Array): Promise<RunResult>
  /** Any RGB picture: scaled and normalised, run, decoded at its own size. Without a camera one like that of Cityscapes is assumed. */
  predict(picture: Picture, camera?: Camera): Promise<Prediction[]>
  /** Tensors alive on the backend. */
  tensors(): number
  dispose(): void
}

type Model = TfjsModule<typeof tf, tf.Tensor>

const megabytes = (n: number): string => (n / 1e6).toFixed(n < 1e7 ? 1 : 0)

/** `load` of one exported model: its two modules, what it says about itself, where its weights lie. */
export const loaderOf = (model: Model, prepare: Model, facts: ModelFacts, index: WeightsIndex, beside: string) => async ({ backend: wanted = 'auto', threads = 0, base = beside, onProgress }: LoadOptions = {}): Promise<Network> => {
  const place = new URL(base, beside)
  onProgress?.('Starting the backend', undefined)
  tf.enableProdMode()
  const { open, note } = await openBackend(wanted, place, threads)
  const held: Record<string, tf.Tensor> = {}
  const dispose = (): void => { for (const t of Object.values(held)) t.dispose() }
  const total = index.metadata.total_size
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      const result = await work()
      const failure = open.failure()
      if (failure !== undefined) throw new Error(failure)
      return result
    } catch (error) {
      throw readableError(error, open)
    }
  }
  try {
    await guarded(() => readWeights(index, place, (name, { dtype, shape, data }) => { held[name] = tf.tensor(data, [...shape], dtype) }, bytes => onProgress?.(`Loading weights, ${megabytes(bytes)} of ${megabytes(total)} MB`, bytes / total)))
  } catch (error) {
    dispose()
    throw error
  }
  const constantsOf = (file: string, { constants }: Model): Record<string, tf.Tensor> => Object.fromEntries(constants.map(({ name }) => [name, held[`constant/${file}/${name}`]]))
  onProgress?.('Preparing the weights', undefined)
  await guarded(async () => { Object.assign(held, prepare.run(tf, held, constantsOf('prepare.js', prepare))) })
  const constants = constantsOf('model.js', model)
  const kept = new Set<tf.Tensor>([...model.inputs.flatMap(({ name }) => (name in held ? [held[name]] : [])), ...Object.values(constants)])
  for (const [name, tensor] of Object.entries(held)) {
    if (kept.has(tensor)) continue
    tensor.dispose()
    delete held[name]
  }
  const { shape } = model.inputs.find(i => i.name === 'image')!
  const run = (image: Float32Array): Promise<RunResult> => guarded(async () => {
    const start = performance.now()
    const input = tf.tensor(image, [...shape], 'float32')
    let results: Record<string, tf.Tensor> = {}
    try {
      results = model.run(tf, { ...held, image: input }, constants)
      const outputs = await Promise.all(Object.entries(results).map(async ([name, t]) => [name, { dtype: 'float32', shape: t.shape, data: await t.data() as Float32Array }] as const))
      return { outputs: Object.fromEntries(outputs), time: performance.now() - start }
    } finally {
      input.dispose()
      for (const t of Object.values(results)) t.dispose()
    }
  })
  const [height, width] = facts.data.image
  return {
    facts, backend: open.backend, detail: open.detail, note, run, dispose,
    predict: async (picture, camera) => {
      const fit: Fit = fitImage(picture, { height, width })
      const { outputs } = await run(modelInput(picture, fit, facts.data).data as Float32Array)
      return predictions(facts, outputs, fit, camera ?? assumedCamera(fit).camera)
    },
    tensors: () => tf.memory().numTensors,
  }
}
