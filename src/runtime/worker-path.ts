// Where the package lies, and its bundled workers: dist/ is made by scripts/build.mjs, also when the tests run from source.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Root of the package: the nearest folder upwards with package.json. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
}

/** Of this package. */
export const packageVersion = (): string => (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version

/** Absolute path of a bundled worker (`onnxruntime-worker`, `data-worker`). */
export const workerPath = (name: string): string => join(packageRoot(), 'dist', `${name}.js`)
