// Writes a model as a folder that stands alone: a module of TensorFlow.js calls, its weights, one bundle with all that runs them, and a page.
import { build } from 'esbuild'
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { foldWeights, prepareWeights } from '../../compiler/passes/inference.ts'
import { optimise } from '../../compiler/passes/index.ts'
import type { ElaboratedModel } from '../../compiler/semantics/model.ts'
import { emitModule } from '../../compiler/targets/tfjs/index.ts'
import type { HostTensors } from '../engines/engine.ts'
import { explain, writeAtomically } from '../files.ts'
import { factsOf } from '../model-facts.ts'
import { storeTensor, type StoredTensor } from '../weights/tensors.ts'
import { packageRoot, packageVersion } from '../worker-path.ts'
import { format, names } from './layout.ts'
import { packageText, readmeText } from './texts.ts'
import { writeScenes } from './scenes.ts'
import { writeShards } from './shards.ts'

/** What scripts/build.mjs has made for this. */
const builtParts = (): string => join(packageRoot(), 'dist', 'page')

/** Model, weights' index and library in one file. */
async function writeBundle(dir: string): Promise<void> {
  const entry = `
    import * as model from './${names.module}'
    import * as prepare from './${names.prepare}'
    import about from './${names.facts}'
    import index from './${names.index}'
    import { loaderOf } from '${resolve(builtParts(), 'network.js').replaceAll('\\', '/')}'
    export const facts = about
    export const load = loaderOf(model, prepare, about, index, import.meta.url)
  `
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: resolve(dir), sourcefile: 'entry.js' }, write: false, outfile: join(resolve(dir), names.bundle),
    bundle: true, minify: true, format: 'esm', target: 'es2022', platform: 'browser', external: ['node:fs/promises'], legalComments: 'eof', logLevel: 'silent',
  })
  writeAtomically(join(dir, names.bundle), outputFiles[0].contents)
}

export interface Written { readonly weights: { readonly files: number; readonly bytes: number }; readonly tensors: number }

/** Everything but the check. `dir` is new. Throws FileError. */
export async function writeTfjs(dir: string, model: ElaboratedModel, weights: HostTensors): Promise<Written> {
  const parts = prepareWeights(foldWeights(optimise(model.program, { differentiated: true })))
  // Apart, since together a weight that was transposed would be read transposed again.
  const [prepare, run] = [optimise(parts.prepare, { differentiated: true }), optimise(parts.run, { differentiated: true })]
  const stored = new Map<string, StoredTensor>()
  for (const { name } of [...prepare.inputs, ...run.inputs]) if (Object.hasOwn(weights, name)) stored.set(name, storeTensor(weights[name]))
  for (const [file, program] of [[names.prepare, prepare], [names.module, run]] as const) {
    const { source, constants } = emitModule(program)
    writeAtomically(join(dir, file), source)
    for (const [name, tensor] of constants) stored.set(`constant/${file}/${name}`, storeTensor(tensor))
  }
  const written = writeShards(dir, stored)
  const facts = factsOf(model)
  const scenes = writeScenes(dir, facts.data.image)
  writeAtomically(join(dir, names.facts), `${JSON.stringify({ format, version: 1, mtlc: packageVersion(), ...facts, scenes }, null, 1)}\n`)
  await writeBundle(dir)
  writeAtomically(join(dir, names.package), packageText(model.name))
  writeAtomically(join(dir, names.readme), readmeText(facts))
  try {
    mkdirSync(dir, { recursive: true })
    for (const file of readdirSync(builtParts())) if (file !== 'network.js') copyFileSync(join(builtParts(), file), join(dir, file))
  } catch (error) { throw explain(dir, error) }
  return { weights: written, tensors: stored.size }
}
