// After the last step of a run: evaluation on the held-out split, and the ONNX file.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openEngine } from '../runtime/engines/index.ts'
import { writeAtomically } from '../runtime/files.ts'
import { describeResults, evaluateSplit } from './eval.ts'
import { judgedFile, judgedWeights, type RunSource } from './evaluate-run.ts'
import { exportOnnx } from './export.ts'
import { describeDifferences } from './export-check.ts'
import { compileFile } from './project.ts'

/** Plain data: it goes from the process that trained to the one that finishes. */
export interface FinishedRun extends RunSource {
  readonly eval: boolean
  readonly export: boolean
}

/** Writes results.json and model.onnx into the folder of the run, and says on stdout how good they are. */
export async function finishRun(run: FinishedRun): Promise<undefined> {
  const { folder, root, weights } = run
  const compiled = compileFile(run.file, { model: run.model, set: run.set, sources: run.sources, mode: 'infer', batch: 1, quiet: true })
  const { model } = compiled
  const state = judgedWeights(model, weights)
  const engine = await openEngine(run.engine)
  try {
    if (run.eval && existsSync(join(root, 'leftImg8bit', 'val'))) {
      const results = await evaluateSplit(model, engine, state, root, 'val')
      writeAtomically(join(folder, 'results.json'), `${JSON.stringify({ model: model.name, weights: judgedFile(model, weights), split: 'val', tasks: results }, null, 2)}\n`)
      process.stdout.write(`${describeResults(results).join('\n')}\n`)
    }
    if (run.export) {
      const path = join(folder, 'model.onnx')
      const differences = await exportOnnx(compiled, compiled, state, engine, path, {})
      const worst = differences.reduce((a, b) => (b.relative > a.relative ? b : a))
      process.stdout.write(`${path}: equals the training engine, ${describeDifferences([worst])}\n`)
    }
  } finally {
    await engine.close()
  }
}
