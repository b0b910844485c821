// Loads an emitted module: from a file, because a module of megabytes as a data: URL would stand whole in every line of a stack trace.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { LoadedModule } from './state.ts'

/** Name of the file in stack traces. */
export const MODULE_FILE = 'mtlc-program.mjs'

/** Throws an Error that names the folder if it cannot be written. */
export async function loadModule(source: string): Promise<LoadedModule> {
  let folder: string
  try {
    folder = mkdtempSync(join(tmpdir(), 'mtlc-'))
  } catch (error) {
    throw new Error(`no module can be written to ${tmpdir()} (${error instanceof Error ? error.message : String(error)}): TMPDIR names another folder`, { cause: error })
  }
  try {
    const path = join(folder, MODULE_FILE)
    writeFileSync(path, source)
    return await import(pathToFileURL(path).href) as LoadedModule
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
