// The training loop with a clock around each step of the engine: what batches, logging and checkpoints add to them; and the memory of the process as the steps go by.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { optimise } from '../src/compiler/passes/index.ts'
import { describeModel } from '../src/compiler/semantics/model.ts'
import { buildTrainingStep } from '../src/compiler/training/step.ts'
import { compileFile } from '../src/cli/project.ts'
import { fillState } from '../src/cli/first-values.ts'
import { openBatches, openImages } from '../src/runtime/data/prefetch.ts'
import { writeSample } from '../src/runtime/data/synth/write.ts'
import type { Session } from '../src/runtime/engines/engine.ts'
import { openEngine } from '../src/runtime/engines/index.ts'
import { RunLog } from '../src/runtime/train/log.ts'
import { train } from '../src/runtime/train/loop.ts'
import { Progress } from '../src/runtime/train/progress.ts'

const option = (name: string): string | undefined => process.argv.find(a => a.startsWith(`--${name}=`))?.slice(name.length + 3)
const [file = 'models/taskprompter-tiny.mtl'] = process.argv.slice(2).filter(a => !a.startsWith('--'))
const steps = Number(option('steps') ?? 200)
const scenes = 16

const { model: whole } = compileFile(file, { mode: 'train', quiet: true, set: [`train.steps=${steps}`] })
const model = describeModel(whole)
const step = optimise(buildTrainingStep(whole), { differentiated: true })
const folder = mkdtempSync(join(tmpdir(), 'mtlc-loop-'))
const data = option('data') ?? join(folder, 'data')
if (option('data') === undefined) for (let index = 0; index < scenes; index++) await writeSample({ dir: data, split: 'train', index, size: model.data.image, seed: 1 })

const engine = await openEngine({ engine: option('engine') ?? 'auto', device: option('device') })
const session = await engine.open(step, fillState(step, {}, 0))
let inside = 0, waited = 0, begun = 0, done = 0
const resident: string[] = []
const timed: Session = {
  ...session,
  run: async feeds => {
    const at = performance.now()
    // The first steps warm up.
    if (done === 3) { begun = at; inside = 0; waited = 0 }
    const out = await session.run(feeds)
    inside += performance.now() - at
    done++
    if (done % Math.max(1, Math.floor(steps / 20)) === 0) { globalThis.gc?.(); const { rss, heapUsed, external } = process.memoryUsage(); resident.push(`${(rss / 2 ** 20).toFixed(0)}/${((heapUsed + external) / 2 ** 20).toFixed(1)}`) }
    return out
  },
}
const images = await openImages(data, 'train', model.data, model.tasks)
const source = openBatches({ images, batch: model.train.batch, seed: 0 })
const batches = { next: async () => { const at = performance.now(); const batch = await source.next(); waited += performance.now() - at; return batch }, close: () => source.close() }
const run = join(folder, 'run')
const log = new RunLog(run, 0)
await train({ folder: run, model, step, digest: '', seed: 0, start: 0, steps, session: timed, batches, log, progress: new Progress({ write: () => {} }), stopping: () => false })
const total = performance.now() - begun
log.close()
await source.close()
await engine.close()
rmSync(folder, { recursive: true })
const { logEvery, checkpointEvery } = model.train
process.stdout.write(`${file}, ${steps} steps, log every ${logEvery}, checkpoints every ${checkpointEvery}: ${(total / (steps - 3)).toFixed(2)} ms a step, ${(inside / (steps - 3)).toFixed(2)} of them in the engine: ${(100 * (total - inside) / inside).toFixed(2)}% on top (${(100 * waited / inside).toFixed(2)}% waiting for batches)\n`)
process.stdout.write(`MiB resident / alive in JavaScript: ${resident.join(' ')}\n`)
