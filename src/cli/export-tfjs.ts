// mtlc export --tfjs: a folder with the model as a module, written beside its place, run in Node as its users will, compared with the training engine, and only then moved there.
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join, normalize } from 'node:path'
import type { Engine, HostTensors } from '../runtime/engines/engine.ts'
import { requireReplaceable } from '../runtime/export-tfjs/layout.ts'
import { runBundle } from '../runtime/export-tfjs/run-bundle.ts'
import { writeTfjs } from '../runtime/export-tfjs/write.ts'
import { explain, FileError, writeAtomically } from '../runtime/files.ts'
import { outputDifferences } from '../runtime/output-difference.ts'
import { describeDifferences, differsError, expectedOutputs, joined, testImages, worstDifferences } from './export-check.ts'
import type { Compiled } from './project.ts'

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

function sizeOf(dir: string): number {
  return readdirSync(dir, { recursive: true, withFileTypes: true }).reduce((n, e) => n + (e.isFile() ? statSync(join(e.parentPath, e.name)).size : 0), 0)
}

/** Puts `folder` into the place of `dir`, whatever was there. */
function replace(dir: string, folder: string): void {
  const old = `${folder}.old`
  try {
    if (existsSync(dir)) renameSync(dir, old)
    renameSync(folder, dir)
  } catch (error) {
    if (existsSync(old) && !existsSync(dir)) renameSync(old, dir)
    throw explain(dir, error)
  }
  rmSync(old, { recursive: true, force: true })
}

/** Prints the largest difference of each output. `state` is used up. Throws UserError when they differ, DataError for a folder with something else in it. */
export async function exportTfjs({ model }: Compiled, state: HostTensors, engine: Engine, out: string): Promise<void> {
  const dir = normalize(out).replace(/[/\\]+$/, '')
  requireReplaceable(dir)
  const folder = `${dir}.${process.pid}.tmp`
  try {
    // A trial before anything is computed.
    const trial = join(folder, 'trial')
    try { writeAtomically(trial, '', { durable: false }) } catch (error) { throw error instanceof FileError ? new FileError(error.message.replace(trial, dir)) : error }
    rmSync(trial)
    const { weights, tensors } = await writeTfjs(folder, model, state)
    const images = testImages(model.program.inputs.find(i => i.name === 'image')!.type.shape, 1)
    const expected = await expectedOutputs(engine, model, state, images)
    const differences = outputDifferences(dir, expected, joinedByName(await runBundle(folder, images)))
    const worst = worstDifferences(differences)
    if (worst !== '') throw differsError(dir, worst)
    replace(dir, folder)
    process.stdout.write(`${describeDifferences(differences)}\n`)
    process.stderr.write(`${dir}: written and checked on wasm: ${tensors} tensors in ${weights.files} file${weights.files === 1 ? '' : 's'} of ${megabytes(weights.bytes)}, ${megabytes(sizeOf(dir))} in all; mtlc demo ${dir} shows it\n`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const joinedByName = (runs: readonly HostTensors[]): HostTensors => Object.fromEntries(Object.keys(runs[0]).map(name => [name, joined(runs.map(r => r[name]))]))
