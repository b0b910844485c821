// mtlc eval: segmentation and depth over a split, beside the best constant prediction.
import { Command } from 'commander'
import { join } from 'node:path'
import { openCityscapes3d } from '../runtime/data/cityscapes3d/reader.ts'
import { openEngine } from '../runtime/engines/index.ts'
import { evaluate, type TaskResult } from '../runtime/evaluate.ts'
import { writeAtomically } from '../runtime/files.ts'
import { Progress } from '../runtime/train/progress.ts'
import type { ElaboratedModel } from '../compiler/semantics/model.ts'
import type { Engine, HostTensors } from '../runtime/engines/engine.ts'
import { fillState, loadWeights } from './fit.ts'
import { whole, withEngine, withModel, type EngineOptions, type ModelOptions } from './options.ts'
import { compileFile } from './project.ts'

/** One line per task. */
export function describeResults(results: Readonly<Record<string, TaskResult>>): string[] {
  return Object.entries(results).map(([name, r]) => {
    switch (r.kind) {
      case 'segmentation': return `${name}: mIoU ${(100 * r.mIoU).toFixed(2)} (constant prediction ${(100 * r.constantMIoU).toFixed(2)}), pixel accuracy ${(100 * r.accuracy).toFixed(2)}`
      case 'depth': return `${name}: RMSE ${r.rmse.toFixed(3)} ${r.unit} below ${r.max} (constant prediction ${r.constantRmse.toFixed(3)}), abs rel ${r.absRel.toFixed(3)}, delta<1.25 ${(100 * r.delta1).toFixed(1)}`
    }
  })
}

/** Evaluates with progress on stderr. */
export async function evaluateSplit(model: ElaboratedModel, engine: Engine, state: HostTensors, root: string, split: string): Promise<Record<string, TaskResult>> {
  const need = { labels: model.tasks.some(t => t.config.kind === 'segmentation'), disparity: model.tasks.some(t => t.config.kind === 'depth'), boxes: false }
  const dataset = await openCityscapes3d(root, split, { image: model.data.image, need, boxes: 'optional' })
  const progress = new Progress(process.stderr)
  const session = await engine.open(model.program, state)
  try {
    return await evaluate(model, session, dataset, done => progress.update(`eval ${split}: ${done}/${dataset.ids.length} images`, performance.now(), done === dataset.ids.length))
  } finally {
    progress.end()
    await session.dispose()
  }
}

export const evalCommand = (): Command => withEngine(withModel(new Command('eval')
  .description('mIoU and depth RMSE over a split (3D detection is not scored yet)')
  .argument('<file>')
  .requiredOption('--weights <file>', '.safetensors, .pth or .pt')
  .requiredOption('--data <dir>', 'root of the data set')
  .option('--split <name>', 'folder below leftImg8bit', 'val')
  .option('--batch <n>', 'images per run', whole(1), 1)
  .option('--out <dir>', 'also write results.json there')
  .option('--json', 'one JSON document on stdout')))
  .action(async (file: string, options: ModelOptions & EngineOptions & { weights: string; data: string; split: string; batch: number; out?: string; json?: boolean }) => {
    const { model } = compileFile(file, { ...options, mode: 'infer' })
    const state = fillState(model.program, loadWeights(options.weights, model, true, { file, options }), 0)
    const engine = await openEngine(options)
    try {
      const results = await evaluateSplit(model, engine, state, options.data, options.split)
      const document = `${JSON.stringify({ model: model.name, weights: options.weights, split: options.split, tasks: results }, null, 2)}\n`
      if (options.out !== undefined) writeAtomically(join(options.out, 'results.json'), document)
      process.stdout.write(options.json === true ? document : `${describeResults(results).join('\n')}\n`)
      for (const t of model.tasks) if (!(t.name in results)) process.stderr.write(`${t.name}: ${t.config.kind} is not scored yet\n`)
    } finally { await engine.close() }
  })
