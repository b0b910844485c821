// mtlc export: the inference graph as ONNX or as a page, checked against the training engine before it is called done; or the training step as ONNX.
import { Command } from 'commander'
import { join } from 'node:path'
import { buildTrainingStep } from '../compiler/training/step.ts'
import { SYMBOLIC_BATCH } from '../compiler/targets/onnx/emitter.ts'
import { OnnxTargetError } from '../compiler/targets/onnx/graph.ts'
import { optimise } from '../compiler/passes/index.ts'
import { openEngine } from '../runtime/engines/index.ts'
import type { Engine, HostTensors } from '../runtime/engines/engine.ts'
import { compareOutputs, writeChecked, writeOnnx, writeTrainingOnnx } from '../runtime/export-onnx.ts'
import type { OutputDifference } from '../runtime/output-difference.ts'
import { describeDifferences, differsError, expectedOutputs, joined, testImages, worstDifferences } from './export-check.ts'
import { fillState, loadWeights } from './fit.ts'
import { whole, withEngine, withModel, type EngineOptions, type ModelOptions } from './options.ts'
import { compileFile, UsageError, UserError, type Compiled } from './project.ts'

export interface OnnxOptions { readonly opset?: number; readonly dynamicBatch?: boolean }

/** Both sides are compared on this many images when the batch is open: with one alone, an axis that should follow the batch could stay 1 unseen. */
const openBatch = 2

/**
 * `written` is what goes into the file: the same model, or the one with an open batch. Writes OUT.onnx (and OUT.onnx.data where it is large), runs it and the engine on random images, and compares; only then
 * the files take their places. `state` is used up. Throws UserError when they differ.
 */
export async function exportOnnx({ model }: Compiled, written: Compiled, state: HostTensors, engine: Engine, out: string, options: OnnxOptions): Promise<OutputDifference[]> {
  const images = testImages(model.program.inputs.find(i => i.name === 'image')!.type.shape, options.dynamicBatch === true ? openBatch : 1)
  const put = (path: string): void => {
    try { writeOnnx(path, written.model, state, { ...options, place: written.place }) } catch (error) {
      if (options.dynamicBatch !== true || !(error instanceof OnnxTargetError)) throw error
      throw new UserError(`${model.name} has no open batch: ${error.message.replaceAll(String(SYMBOLIC_BATCH), 'N')}\nfix: leave out --dynamic-batch`)
    }
  }
  const { result } = await writeChecked(out, put, async path => {
    // Written before it is given away, the state is held once; and so it is while either side runs.
    const expected = await expectedOutputs(engine, model, state, images)
    const differences = await compareOutputs(path, { image: joined(images) }, expected)
    const worst = worstDifferences(differences)
    if (worst === '') return differences
    if (images.length > 1) throw new UserError(`${model.name} has no open batch: an image gives other results among ${images.length} than alone, by these parts of the largest value: ${worst}. Nothing was written\nfix: leave out --dynamic-batch, or compute nothing across the batch`)
    throw differsError(out, worst)
  })
  return result
}

export const exportCommand = (): Command => withEngine(withModel(new Command('export')
  .description('write the model as ONNX, or as a JavaScript module with a page to try it in')
  .argument('<file>')
  .option('--onnx <file>', 'the inference graph')
  .option('--onnx-training <dir>', 'the training step')
  .option('--tfjs <dir>', 'the inference graph as a module of TensorFlow.js calls, its weights, and a page: see mtlc demo')
  .option('--weights <file>', '.safetensors, .pth or .pt; without it the first values of training')
  .option('--opset <n>', 'opset of the graph, from 17', whole(17))
  .option('--dynamic-batch', 'leave the batch size open')))
  .action(async (file: string, options: ModelOptions & EngineOptions & OnnxOptions & { onnx?: string; onnxTraining?: string; tfjs?: string; weights?: string }) => {
    if (options.onnx === undefined && options.onnxTraining === undefined && options.tfjs === undefined) throw new UsageError('nothing to write: give --onnx FILE.onnx, --tfjs DIR or --onnx-training DIR')
    if (options.onnx !== undefined || options.tfjs !== undefined) {
      const compiled = compileFile(file, { ...options, mode: 'infer', batch: 1 })
      const { model } = compiled
      const given = options.weights === undefined ? {} : loadWeights(options.weights, model, true, { file, options })
      const engine = await openEngine(options)
      try {
        // Each check uses its state up.
        const state = (): HostTensors => fillState(model.program, options.onnx === undefined || options.tfjs === undefined ? given : structuredClone(given), model.train.seed)
        if (options.onnx !== undefined) {
          const written = options.dynamicBatch === true ? compileFile(file, { ...options, mode: 'infer', batch: SYMBOLIC_BATCH, quiet: true }) : compiled
          process.stdout.write(`${describeDifferences(await exportOnnx(compiled, written, state(), engine, options.onnx, options))}\n`)
          process.stderr.write(`${options.onnx}: written and checked\n`)
        }
        if (options.tfjs !== undefined) await (await import('./export-tfjs.ts')).exportTfjs(compiled, state(), engine, options.tfjs)
      } finally { await engine.close() }
    }
    if (options.onnxTraining !== undefined) {
      const { model, place } = compileFile(file, { ...options, mode: 'train', quiet: options.onnx !== undefined || options.tfjs !== undefined })
      const step = optimise(buildTrainingStep(model), { differentiated: true })
      const path = join(options.onnxTraining, 'training.onnx')
      writeTrainingOnnx(path, step, { ...options, place })
      process.stderr.write(`${path}: ${step.nodes.length} operators\n`)
    }
  })
