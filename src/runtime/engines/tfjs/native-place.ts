// Where a native TensorFlow for tfjs may lie: tfjs-node is an optional package that the user installs, or that `mtlc doctor --fix tfjs-node` builds.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Names the folder of the package (the one with its package.json); no other place is looked at where it is set. */
export const NATIVE_VARIABLE = 'MTLC_TFJS_NODE'

/** The folder that `mtlc doctor --fix tfjs-node` builds into; the package is node_modules/@tensorflow/tfjs-node below it. */
export const builtFolder = (env: NodeJS.ProcessEnv = process.env): string => join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'mtlc', 'tfjs-node')

export interface NativePackage { readonly folder: string; readonly name: string; readonly version: string }

function packageIn(folder: string): NativePackage | undefined {
  try {
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name: string; version: string }
    return { folder, name, version }
  } catch {
    return undefined
  }
}

const names = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']

/** Every place that may be loaded from, the first choice first: the variable's alone, or what node resolves from the working directory and from mtlc, then what was built. Whether it loads is another question. */
export function nativePackages(env: NodeJS.ProcessEnv = process.env): NativePackage[] {
  const named = env[NATIVE_VARIABLE]
  const folders = named !== undefined ? [named] : [
    ...[join(process.cwd(), 'any.js'), import.meta.url].flatMap(from => names.flatMap(name => (createRequire(from).resolve.paths(name) ?? []).map(modules => join(modules, name)))),
    join(builtFolder(env), 'node_modules', names[1]),
  ]
  return [...new Set(folders)].filter(f => existsSync(f)).flatMap(f => packageIn(f) ?? [])
}
