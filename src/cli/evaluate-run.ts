// An evaluation during a run, in a process of its own: a part of the split `val` judged, and a few of its images drawn.
import { join } from 'node:path'
import type { ElaboratedModel } from '../compiler/semantics/model.ts'
import type { Dataset } from '../runtime/data/dataset.ts'
import { openEngine } from '../runtime/engines/index.ts'
import type { HostTensors } from '../runtime/engines/engine.ts'
import { evaluate, openSplit } from '../runtime/evaluation/evaluate.ts'
import { exampleSheet } from '../runtime/evaluation/examples.ts'
import { metricsOfResults } from '../runtime/evaluation/metrics.ts'
import { writeAtomically } from '../runtime/files.ts'
import { averagesOf, stemOf } from '../runtime/train/checkpoint.ts'
import type { Evaluated } from '../runtime/train/evaluations.ts'
import { bindWeights } from '../runtime/weights/bind.ts'
import { readSafetensors } from '../runtime/weights/safetensors.ts'
import type { EngineOptions } from './options.ts'
import { compileFile } from './project.ts'

/** Of a run, what its evaluations need: plain data. */
export interface RunSource {
  readonly file: string
  readonly model?: string
  readonly set: readonly string[]
  /** The texts of the start: what was edited since then is not for this run. */
  readonly sources: ReadonlyMap<string, string>
  readonly engine: EngineOptions
  readonly folder: string
  /** Root of the data set. */
  readonly root: string
  /** Parameters, a .safetensors file. */
  readonly weights: string
}

export interface EvaluationRequest extends RunSource { readonly step: number; /** images that are judged, spread over the split; 0 for all */ readonly images: number }

/** How many of the judged images are drawn. */
const samples = 4

/** The file of a checkpoint that a run is judged by: that of its averages, where the text asks for it. */
export const judgedFile = ({ train }: ElaboratedModel, weights: string): string => (train.ema?.evaluate === true ? averagesOf(weights) : weights)

/** Throws WeightsError. */
export const judgedWeights = (model: ElaboratedModel, weights: string): HostTensors => bindWeights(model, readSafetensors(judgedFile(model, weights)).tensors).values

/** `count` indices below n, evenly spread; all for 0. */
const spread = (n: number, count: number): number[] => (count === 0 || count >= n ? Array.from({ length: n }, (_, i) => i) : Array.from({ length: count }, (_, i) => Math.floor((i * n) / count)))

function partOf(split: Dataset, count: number): Dataset {
  const chosen = spread(split.ids.length, count)
  return { root: split.root, split: split.split, ids: chosen.map(i => split.ids[i]), load: i => split.load(chosen[i]) }
}

/** Throws DataError, EngineError and FileError. */
export async function evaluateRun(run: EvaluationRequest): Promise<Evaluated> {
  const { model, place } = compileFile(run.file, { model: run.model, set: run.set, sources: run.sources, mode: 'infer', batch: 1, quiet: true })
  const state = judgedWeights(model, run.weights)
  const engine = await openEngine(run.engine)
  try {
    const split = partOf(await openSplit(model, run.root, 'val'), run.images)
    const session = await engine.open(model.program, state, { place })
    const { tasks } = await evaluate(model, session, split)
    const files: string[] = []
    for (const index of spread(split.ids.length, samples)) {
      const file = join('samples', stemOf(run.step), `${split.ids[index]}.png`)
      writeAtomically(join(run.folder, file), await exampleSheet(model, session, split, index, split.ids[index], { form: 'png', panelWidth: 384 }), { durable: false })
      files.push(file)
    }
    return { metrics: metricsOfResults(tasks), samples: files }
  } finally {
    await engine.close()
  }
}
