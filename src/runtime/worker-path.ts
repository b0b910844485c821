// Worker threads are bundled into dist/ by scripts/build.mjs, also when the tests run from source.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Root of the package: the nearest folder upwards with package.json. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
}

/** Absolute path of a bundled worker (`onnxruntime-worker`, `data-worker`). */
export const workerPath = (name: string): string => join(packageRoot(), 'dist', `${name}.js`)
