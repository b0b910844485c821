// mtlc export: the inference graph as ONNX, checked against the training engine before it is called done; or the training step as ONNX.
import { Command } from 'commander'
import { join } from 'node:path'
import { sizeOf, type Shape, type TensorData } from '../compiler/ir/types.ts'
import { buildTrainingStep } from '../compiler/training/step.ts'
import { SYMBOLIC_BATCH } from '../compiler/targets/onnx/emitter.ts'
import { OnnxTargetError } from '../compiler/targets/onnx/graph.ts'
import { optimise } from '../compiler/passes/index.ts'
import { openEngine } from '../runtime/engines/index.ts'
import type { Engine, HostTensors } from '../runtime/engines/engine.ts'
import { compareOutputs, writeChecked, writeOnnx, writeTrainingOnnx, type OutputDifference } from '../runtime/export-onnx.ts'
import { randomStream } from '../runtime/weights/initialise.ts'
import { fillState, loadWeights } from './fit.ts'
import { whole, withEngine, withModel, type EngineOptions, type ModelOptions } from './options.ts'
import { compileFile, UsageError, UserError, type Compiled } from './project.ts'

/** Largest difference of an output, relative to its largest value, that an export may have. */
const tolerance = 1e-4

export interface OnnxOptions { readonly opset?: number; readonly dynamicBatch?: boolean }

/** Both sides are compared on this many images when the batch is open: with one alone, an axis that should follow the batch could stay 1 unseen. */
const openBatch = 2

/** Images with values as normalised ones have. */
function testImages(shape: Shape, batch: number): TensorData[] {
  const draw = randomStream(0, 'export')
  return Array.from({ length: batch }, () => ({ dtype: 'float32', shape, data: Float32Array.from({ length: sizeOf(shape) }, () => 4 * draw() - 2) }))
}

/** Along the batch, which is the first axis of every input and output. */
const joined = (tensors: readonly TensorData[]): TensorData => {
  const [{ dtype, shape }] = tensors
  const data = new Float32Array(tensors.length * sizeOf(shape))
  for (const [i, t] of tensors.entries()) data.set(t.data, i * sizeOf(shape))
  return { dtype, shape: [tensors.length * shape[0], ...shape.slice(1)], data }
}

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
  // Written before it is given away, the state is held once; and so it is while either side runs.
  const run = async (): Promise<HostTensors> => {
    const session = await engine.open(model.program, state, { give: true })
    const runs: HostTensors[] = []
    for (const image of images) runs.push(await session.run({ image }))
    await session.dispose()
    return Object.fromEntries(Object.keys(runs[0]).map(name => [name, joined(runs.map(r => r[name]))]))
  }
  const { result } = await writeChecked(out, put, async path => {
    const expected = await run()
    const differences = await compareOutputs(path, { image: joined(images) }, expected)
    const worst = differences.filter(d => !(d.relative <= tolerance)).map(d => `${d.name} ${d.relative.toExponential(1)}`).join(', ')
    if (worst === '') return differences
    if (images.length > 1) throw new UserError(`${model.name} has no open batch: an image gives other results among ${images.length} than alone, by these parts of the largest value: ${worst}. Nothing was written\nfix: leave out --dynamic-batch, or compute nothing across the batch`)
    throw new UserError(`${out}: differs from the training engine by more than ${tolerance} of the largest value: ${worst}. Please report this; nothing was written`)
  })
  return result
}

export const describeDifferences = (differences: readonly OutputDifference[]): string => differences.map(d => `${d.name}  [${d.shape.join(', ')}]  largest difference ${d.absolute.toExponential(2)} (${d.relative.toExponential(2)} of the largest value)`).join('\n')

export const exportCommand = (): Command => withEngine(withModel(new Command('export')
  .description('write the model as ONNX')
  .argument('<file>')
  .option('--onnx <file>', 'the inference graph')
  .option('--onnx-training <dir>', 'the training step')
  .option('--weights <file>', '.safetensors, .pth or .pt; without it the first values of training')
  .option('--opset <n>', 'opset of the graph, from 17', whole(17))
  .option('--dynamic-batch', 'leave the batch size open')))
  .action(async (file: string, options: ModelOptions & EngineOptions & OnnxOptions & { onnx?: string; onnxTraining?: string; weights?: string }) => {
    if (options.onnx === undefined && options.onnxTraining === undefined) throw new UsageError('nothing to write: give --onnx FILE.onnx or --onnx-training DIR')
    if (options.onnx !== undefined) {
      const compiled = compileFile(file, { ...options, mode: 'infer', batch: 1 })
      const written = options.dynamicBatch === true ? compileFile(file, { ...options, mode: 'infer', batch: SYMBOLIC_BATCH, quiet: true }) : compiled
      const { model } = compiled
      const state = fillState(model.program, options.weights === undefined ? {} : loadWeights(options.weights, model, true, { file, options }), model.train.seed)
      const engine = await openEngine(options)
      try {
        process.stdout.write(`${describeDifferences(await exportOnnx(compiled, written, state, engine, options.onnx, options))}\n`)
      } finally { await engine.close() }
      process.stderr.write(`${options.onnx}: written and checked\n`)
    }
    if (options.onnxTraining !== undefined) {
      const { model, place } = compileFile(file, { ...options, mode: 'train', quiet: options.onnx !== undefined })
      const step = optimise(buildTrainingStep(model), { differentiated: true })
      const path = join(options.onnxTraining, 'training.onnx')
      writeTrainingOnnx(path, step, { ...options, place })
      process.stderr.write(`${path}: ${step.nodes.length} operators\n`)
    }
  })
