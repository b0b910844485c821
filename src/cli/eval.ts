// mtlc eval: every task's scores over a split, predictions in the official format, a results page.
import { Command } from 'commander'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { resolvedText } from '../compiler/index.ts'
import type { ElaboratedModel } from '../compiler/semantics/model.ts'
import { readSplitFile } from '../runtime/data/cityscapes3d/split-file.ts'
import type { Dataset } from '../runtime/data/dataset.ts'
import type { Engine, HostTensors, Session } from '../runtime/engines/engine.ts'
import { openEngine } from '../runtime/engines/index.ts'
import { evaluate, openSplit, type Evaluation, type EvaluationOptions } from '../runtime/evaluation/evaluate.ts'
import { exampleSheet } from '../runtime/evaluation/examples.ts'
import { resultsPage, type Example } from '../runtime/evaluation/page.ts'
import { rankImages } from '../runtime/evaluation/ranking.ts'
import type { ImageScore, TaskResult } from '../runtime/evaluation/results.ts'
import { explain, writeAtomically } from '../runtime/files.ts'
import { predictionFileName, predictionJson } from '../runtime/tasks/detection3d/prediction-json.ts'
import { Progress } from '../runtime/train/progress.ts'
import { fillState, loadWeights } from './fit.ts'
import { size, whole, withEngine, withModel, type EngineOptions, type ModelOptions } from './options.ts'
import { compileFile, UserError } from './project.ts'

const percent = (v: number): string => (Number.isFinite(v) ? (100 * v).toFixed(2) : '-')

/** One line per task. */
export function describeResults(results: Readonly<Record<string, TaskResult>>): string[] {
  return Object.entries(results).map(([name, r]) => {
    switch (r.kind) {
      case 'segmentation': return `${name}: mIoU ${percent(r.mIoU)} (constant prediction ${percent(r.constantMIoU)}), pixel accuracy ${percent(r.accuracy)}`
      case 'depth': return `${name}: RMSE ${r.rmse.toFixed(3)} ${r.unit} below ${r.max} (constant prediction ${r.constantRmse.toFixed(3)}), abs rel ${r.absRel.toFixed(3)}, delta<1.25 ${percent(r.delta1)}`
      case 'detection3d': return `${name}: mDS ${percent(r.mDS)} by amodal boxes (official), ${percent(r.mDSModal)} by modal boxes (as in the report); mAP ${percent(r.amodal.mAP)}, ${percent(r.modal.mAP)}`
    }
  })
}

async function judge(model: ElaboratedModel, session: Session, split: Dataset, options: EvaluationOptions = {}): Promise<Evaluation> {
  const progress = new Progress(process.stderr)
  try {
    return await evaluate(model, session, split, { ...options, onProgress: done => progress.update(`eval ${split.split}: ${done}/${split.ids.length} images`, performance.now(), done === split.ids.length) })
  } finally { progress.end() }
}

/** Evaluates with progress on stderr. */
export async function evaluateSplit(model: ElaboratedModel, engine: Engine, state: HostTensors, root: string, name: string): Promise<Readonly<Record<string, TaskResult>>> {
  const split = await openSplit(model, root, name)
  const session = await engine.open(model.program, state)
  try { return (await judge(model, session, split)).tasks } finally { await session.dispose() }
}

/** Results beside the ground truth would be taken for it, and its files for results. Throws UserError. */
function requireOutside(out: string, root: string): void {
  const inside = relative(resolve(root), resolve(out))
  if (!inside.startsWith('..') || existsSync(join(out, 'leftImg8bit')) || existsSync(join(out, 'gtBbox3d'))) throw new UserError(`${out}: lies in the data set ${root}: choose a folder of its own for the results`)
}

/** Files that become visible all at once, when the last one is written: predictions of half a split are never taken for those of all of it. */
class PredictionFolder {
  readonly #folder: string
  readonly #temporary: string
  constructor(folder: string) { this.#folder = folder; this.#temporary = `${folder}.${process.pid}.tmp` }
  write(name: string, text: string): void { writeAtomically(join(this.#temporary, name), text, { durable: false }) }
  keep(): void {
    const old = `${this.#folder}.${process.pid}.old`
    try {
      mkdirSync(this.#temporary, { recursive: true })
      if (existsSync(this.#folder)) renameSync(this.#folder, old)
      renameSync(this.#temporary, this.#folder)
      rmSync(old, { recursive: true, force: true })
    } catch (error) { throw explain(this.#folder, error) }
  }
  discard(): void { rmSync(this.#temporary, { recursive: true, force: true }) }
}

/** The best, the worst, and of each task the worst, without repetition. */
function chosenImages(evaluation: Evaluation, count: number): { readonly title: string; readonly image: ImageScore }[] {
  if (count === 0) return []
  const ranked = rankImages(evaluation.images, evaluation.tasks)
  const best = ranked.slice(0, count).map((image, i) => ({ title: `Best ${i + 1}`, image }))
  const worst = ranked.slice(count).slice(-count).toReversed().map((image, i) => ({ title: `Worst ${i + 1}`, image }))
  const taken = new Set([...best, ...worst].map(e => e.image.index))
  const perTask = Object.keys(evaluation.tasks).flatMap(task => {
    const image = rankImages(evaluation.images, { [task]: evaluation.tasks[task] }).findLast(i => Number.isFinite(i.scores[task]))
    if (image === undefined || taken.has(image.index)) return []
    taken.add(image.index)
    return [{ title: `Worst for ${task}`, image }]
  })
  return [...best, ...worst, ...perTask]
}

interface EvalOptions extends ModelOptions, EngineOptions { readonly weights: string; readonly data: string; readonly split: string; readonly splitFile?: string; readonly batch: number; readonly out?: string; readonly examples: number; readonly size?: readonly [number, number]; readonly json?: boolean }

async function runEval(file: string, options: EvalOptions): Promise<void> {
  const { out, weights, data } = options
  const { model, place } = compileFile(file, { ...options, mode: 'infer' })
  if (out !== undefined) requireOutside(out, data)
  const state = fillState(model.program, loadWeights(weights, model, true, { file, options }), 0)
  const split = await openSplit(model, data, options.split, options.splitFile === undefined ? undefined : readSplitFile(options.splitFile))
  const engine = await openEngine(options)
  const detects = model.tasks.some(t => t.config.kind === 'detection3d')
  const predictions = out === undefined || !detects ? undefined : new PredictionFolder(join(out, 'predBbox3d', options.split))
  try {
    const session = await engine.open(model.program, state, { place })
    const evaluation = await judge(model, session, split, { size: options.size, ...(predictions && { onDetections: (id, found) => predictions.write(predictionFileName(id), predictionJson(found)) }) })
    const document = `${JSON.stringify({ model: model.name, weights, data, split: options.split, images: split.ids.length, ...(options.size && { size: options.size }), tasks: evaluation.tasks }, null, 2)}\n`
    if (out !== undefined) {
      const scores = evaluation.detectionScores
      const confidence = scores && new Map(scores.modal.classes.map(c => [c.label, c.ap.auc > 0 ? c.workingConfidence : 0]))
      const examples: Example[] = []
      for (const { title, image } of chosenImages(evaluation, options.examples)) examples.push({ title, image, jpeg: await exampleSheet(model, session, split, image.index, image.id, { confidence }) })
      predictions?.keep()
      writeAtomically(join(out, 'results.html'), resultsPage({ model: model.name, weights, data, split: options.split, images: split.ids.length, text: resolvedText(model), evaluation, examples }))
      writeAtomically(join(out, 'results.json'), document)
    }
    process.stdout.write(options.json === true ? document : `${describeResults(evaluation.tasks).join('\n')}\n`)
    if (out !== undefined) process.stderr.write(`${join(out, 'results.html')}: the results page; results.json${detects ? ` and predBbox3d/${options.split}/` : ''} beside it\n`)
  } finally {
    predictions?.discard()
    await engine.close()
  }
}

export const evalCommand = (): Command => withEngine(withModel(new Command('eval')
  .description('scores of every task over a split: mIoU, depth errors, the official 3D detection metric')
  .argument('<file>')
  .requiredOption('--weights <file>', '.safetensors, .pth or .pt')
  .requiredOption('--data <dir>', 'root of the data set')
  .option('--split <name>', 'folder below leftImg8bit', 'val')
  .option('--split-file <file>', 'only the images of the split that it lists, one per line')
  .option('--batch <n>', 'images per run', whole(1), 1)
  .option('--size <rowsxcolumns>', 'compare segmentation and depth at this size (default: the original one)', size)
  .option('--out <dir>', 'also write results.html, results.json and detections in the official format there')
  .option('--examples <n>', 'best and worst images shown on the page, as many of each', whole(0), 3)
  .option('--json', 'one JSON document on stdout')))
  .action(runEval)
