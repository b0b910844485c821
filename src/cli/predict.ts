// mtlc predict: predictions on any image, drawn; from a model's text with weights, or from an exported ONNX file alone.
import { Command, InvalidArgumentError } from 'commander'
import { DataError } from '../runtime/data/dataset.ts'
import { EngineError, type HostTensors } from '../runtime/engines/engine.ts'
import { openEngine } from '../runtime/engines/index.ts'
import { openOnnxFile } from '../runtime/engines/onnxruntime/onnx-file.ts'
import { FileError } from '../runtime/files.ts'
import { factsOf, readFacts, type ModelFacts } from '../runtime/model-facts.ts'
import { cameraOf } from '../runtime/predict/camera.ts'
import { checkNames, nameOf, renderFiles, requireWritable, writeTogether } from '../runtime/predict/files.ts'
import { fitImage } from '../runtime/predict/fit.ts'
import { readImage } from '../runtime/predict/image.ts'
import { modelInput } from '../runtime/predict/input.ts'
import { predictions } from '../runtime/predict/predict.ts'
import { Progress } from '../runtime/train/progress.ts'
import type { TensorData } from '../compiler/ir/types.ts'
import { fillState, loadWeights } from './fit.ts'
import { withEngine, withModel, type EngineOptions, type ModelOptions } from './options.ts'
import { compileFile, UsageError, UserError } from './project.ts'

interface Network { readonly facts: ModelFacts; run(image: TensorData): Promise<HostTensors>; close(): Promise<void> }
interface PredictOptions extends ModelOptions, EngineOptions { readonly weights?: string; readonly out: string; readonly camera?: string; readonly score: number }

const isOnnx = (file: string): boolean => /\.onnx$/i.test(file)

/** What the network is, before it is opened: names are checked against it. */
function factsFor(file: string, options: PredictOptions): { readonly facts: ModelFacts; readonly open: () => Promise<Network> } {
  if (isOnnx(file)) {
    const unfit = [['--weights', options.weights !== undefined], ['--set', options.set.length > 0], ['--model', options.model !== undefined]].find(([, given]) => given)
    if (unfit !== undefined) throw new UsageError(`${unfit[0]} does not go with an ONNX file, which has its weights and is one model`)
    if (options.engine === 'tfjs') throw new UsageError('--engine tfjs does not go with an ONNX file, which onnxruntime runs')
    const facts = readFacts(file)
    return {
      facts, open: async () => {
        const model = await openOnnxFile(file, options.device)
        return { facts, run: image => model.run({ image }), close: () => model.close() }
      },
    }
  }
  const { weights } = options
  if (weights === undefined) throw new UsageError('--weights is needed with a model in text; an exported .onnx file has its own')
  const { model, place } = compileFile(file, { ...options, mode: 'infer', batch: 1 })
  const facts = factsOf(model)
  return {
    facts, open: async () => {
      const state = fillState(model.program, loadWeights(weights, model, true, { file, options }), 0)
      const engine = await openEngine(options)
      try {
        const session = await engine.open(model.program, state, { give: true, place })
        return { facts, run: image => session.run({ image }), close: () => engine.close() }
      } catch (error) {
        await engine.close()
        throw error
      }
    },
  }
}

/** All files of one image, and what to say about it. */
async function predictImage(network: Network, path: string, options: PredictOptions): Promise<{ readonly files: string[]; readonly notes: string[] }> {
  const { facts } = network
  const image = await readImage(path)
  const [height, width] = facts.data.image
  const fit = fitImage(image, { height, width })
  const camera = facts.tasks.some(t => t.config.kind === 'detection3d') ? await cameraOf(path, options.camera, fit) : undefined
  const found = predictions(facts, await network.run(modelInput(image, fit, facts.data)), fit, camera?.camera)
  const files = writeTogether(options.out, renderFiles({ facts, name: nameOf(path), image, predictions: found, camera, score: options.score }))
  const notes: string[] = []
  if (image.height !== height || image.width !== width) {
    const margin = fit.content.height === height && fit.content.width === width ? '' : `, with a margin to ${width} x ${height}`
    notes.push(`${path}: ${image.width} x ${image.height} (width x height), seen by the model at ${fit.content.width} x ${fit.content.height}${margin}`)
  }
  if (camera?.assumed === true) notes.push(`${path}: camera ${camera.source}; give the true one with --camera`)
  for (const p of found) {
    if (p.kind !== 'detection3d') continue
    const drawn = p.detections.filter(d => d.score >= options.score).length
    const best = p.detections.reduce((m, d) => Math.max(m, d.score), 0)
    notes.push(`${path}: ${p.task}: ${p.detections.length} boxes, ${drawn} of them drawn, with a score from ${options.score}${drawn === 0 && best > 0 ? ` (the best has ${best.toFixed(2)}: see --score)` : ''}`)
  }
  return { files, notes }
}

function share(text: string): number {
  const v = Number(text)
  if (text.trim() === '' || !(v >= 0 && v <= 1)) throw new InvalidArgumentError('a number from 0 to 1 is expected.')
  return v
}

export const predictCommand = (): Command => withEngine(withModel(new Command('predict')
  .description('predict images and draw what was found: segmentation, depth, 3D boxes, the view from above, and all on one sheet')
  .argument('<file>', 'a model in text (with --weights), or an exported .onnx file')
  .argument('<images...>', 'of any common format and size; the model sees them at its own size, with a margin where the proportions differ')
  .requiredOption('--out <dir>', 'folder for NAME_semseg.png, NAME_depth.png, NAME_boxes.png, NAME_bev.png, NAME_sheet.png and the detections as json')
  .option('--weights <file>', '.safetensors, .pth or .pt')
  .option('--camera <json>', 'Cityscapes camera json of the images; without it that of the data set around an image, or an assumed one')
  .option('--score <x>', 'least score of a box that is drawn; the json has all', share, 0.3)))
  .action(async (file: string, images: string[], options: PredictOptions) => {
    const { facts, open } = factsFor(file, options)
    checkNames(facts, images, options.out)
    requireWritable(options.out)
    if (options.camera !== undefined && !facts.tasks.some(t => t.config.kind === 'detection3d')) process.stderr.write(`${facts.name} has no 3D boxes: --camera is not used\n`)
    const network = await open()
    const progress = new Progress(process.stderr)
    let failed = 0
    try {
      for (const [i, path] of images.entries()) {
        progress.update(`predict: ${i + 1}/${images.length} ${path}`, performance.now(), i === images.length - 1)
        try {
          const { files, notes } = await predictImage(network, path, options)
          for (const note of notes) progress.note(note)
          process.stdout.write(`${files.join('\n')}\n`)
        } catch (error) {
          if (![DataError, EngineError, FileError].some(kind => error instanceof kind)) throw error
          failed++
          progress.note(`error: ${(error as Error).message}`)
        }
      }
    } finally {
      progress.end()
      await network.close()
    }
    if (failed > 0) throw new UserError(images.length === 1 ? 'nothing was written' : `${failed} of ${images.length} images failed; nothing was written for them`)
  })
