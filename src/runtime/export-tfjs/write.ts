// Writes a model as a folder that stands alone: a module of TensorFlow.js calls, its weights, one bundle with all that runs them, and a page.
import { build } from 'esbuild'
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Program } from '../../compiler/ir/program.ts'
import { deadCode } from '../../compiler/passes/dead-code.ts'
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

/** Without inputs that nothing reads, such as counters of batches. */
function withoutUnread(program: Program): Program {
  const live = deadCode(program)
  const read = new Set([...live.nodes.flatMap(n => n.inputs), ...live.outputs.map(o => o.value)])
  return { ...live, inputs: live.inputs.filter(i => read.has(i.id)) }
}

/** What scripts/build.mjs has made for this. */
const parts = (): string => join(packageRoot(), 'dist', 'page')

/** Model, weights' index and library in one file. */
async function writeBundle(dir: string): Promise<void> {
  const entry = `
    import * as model from './${names.module}'
    import about from './${names.facts}'
    import index from './${names.index}'
    import { loaderOf } from '${resolve(parts(), 'network.js').replaceAll('\\', '/')}'
    export const facts = about
    export const load = loaderOf(model, about, index, import.meta.url)
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
  const program = withoutUnread(optimise(model.program, { differentiated: true }))
  const { source, constants } = emitModule(program)
  writeAtomically(join(dir, names.module), source)
  const stored = new Map<string, StoredTensor>()
  for (const { name, role } of program.inputs) if (role === 'parameter' || role === 'state') stored.set(name, storeTensor(weights[name]))
  for (const [name, tensor] of constants) stored.set(`constant/${name}`, storeTensor(tensor))
  const written = writeShards(dir, stored)
  const facts = factsOf(model)
  const scenes = writeScenes(dir, facts.data.image)
  writeAtomically(join(dir, names.facts), `${JSON.stringify({ format, version: 1, mtlc: packageVersion(), ...facts, scenes }, null, 1)}\n`)
  await writeBundle(dir)
  writeAtomically(join(dir, names.package), packageText(model.name))
  writeAtomically(join(dir, names.readme), readmeText(facts))
  try {
    mkdirSync(dir, { recursive: true })
    for (const file of readdirSync(parts())) if (file !== 'network.js') copyFileSync(join(parts(), file), join(dir, file))
  } catch (error) { throw explain(dir, error) }
  return { weights: written, tensors: stored.size }
}
