// A case of the benchmark, compiled, and written for both sides as files.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ElaboratedModel } from '../src/compiler/semantics/model.ts'
import { compileFile } from '../src/cli/project.ts'
import { writeSafetensors } from '../src/runtime/weights/safetensors.ts'
import { feedsOf, stateOf, stored, type Case } from './inputs.ts'

export { caseOf, cases, feedsOf, stateOf, stored, type Case } from './inputs.ts'

export const compileCase = (c: Case, mode: 'infer' | 'train'): ElaboratedModel => compileFile(c.file, { mode, set: c.set, batch: c.batch, quiet: true }).model

/** weights.safetensors, feeds.safetensors and config.json in `folder`. */
export function writeCase(c: Case, folder: string): void {
  mkdirSync(folder, { recursive: true })
  const { program, data } = compileCase(c, 'train')
  const weights = stateOf(program)
  writeSafetensors(join(folder, 'weights.safetensors'), stored(weights))
  const feeds = feedsOf(program)
  writeSafetensors(join(folder, 'feeds.safetensors'), stored(feeds))
  const labels = feeds['target/semseg/labels'].shape.slice(1)
  writeFileSync(join(folder, 'config.json'), `${JSON.stringify({ ...c.peer, labels, image: data.image })}\n`)
}
