// Where packages of tfjs are found: the ones that come with mtlc, and the optional ones that a user has installed in one of several places.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { packageRoot } from '../../worker-path.ts'

/** Names the folder of @tensorflow/tfjs-node(-gpu): the package's own, or the one in which it is installed. Nowhere else is looked then. */
export const TFJS_NODE_VARIABLE = 'MTLC_TFJS_NODE'

/** Where `mtlc doctor --fix tfjs-node` installs, for every project of the user. */
export const sharedFolder = (): string => join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'mtlc', 'tfjs-node')

/** Loads packages that are installed with mtlc. */
export const ours = createRequire(join(packageRoot(), 'package.json'))

export interface Located { readonly name: string; readonly version: string; /** the file that is loaded */ readonly path: string; /** loads it */ readonly require: NodeJS.Require }

/** Folders from which an optional package is looked for, in this order; NODE_PATH counts in each. */
export function optionalFolders(): string[] {
  const named = process.env[TFJS_NODE_VARIABLE]
  return named === undefined || named === '' ? [process.cwd(), packageRoot(), sharedFolder()] : [resolve(named)]
}

interface Manifest { readonly name?: string; readonly version?: string }

function manifest(folder: string): Manifest | undefined {
  try { return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest } catch { return undefined }
}

/** The manifest of the package that a file belongs to. */
function manifestAbove(path: string): Manifest {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const found = manifest(folder)
    if (found?.name !== undefined && found.version !== undefined) return found
  }
  return {}
}

/** The first of the packages that is installed; undefined where none is. */
export function locate(names: readonly string[], folders: readonly string[] = optionalFolders()): Located | undefined {
  for (const name of names) {
    for (const folder of folders) {
      const require = createRequire(join(folder, 'package.json'))
      try {
        const path = require.resolve(manifest(folder)?.name === name ? folder : name)
        return { name, version: manifestAbove(path).version ?? 'unknown', path, require }
      } catch { /* not there */ }
    }
  }
  return undefined
}
