// The devices that tests of engines run on: those that every machine has, and those that are tried where they are there.
import { existsSync } from 'node:fs'
import { EngineError, type Engine } from '../../src/runtime/engines/engine.ts'
import { openEngine, type EngineChoice } from '../../src/runtime/engines/index.ts'

/** The driver of Debian's Chromium that computes on the processor: a GPU for machines without one. */
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json'
if (process.env.VK_ICD_FILENAMES === undefined && existsSync(SWIFTSHADER)) process.env.VK_ICD_FILENAMES = SWIFTSHADER
process.env.XDG_RUNTIME_DIR ??= '/tmp'

/** Opens the engine; where a device is not on this machine says so, and gives undefined. */
export async function openIfHere(choice: EngineChoice): Promise<Engine | undefined> {
  try {
    return await openEngine(choice)
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    console.warn(`not tested on ${choice.engine} ${choice.device}: ${error.message}`)
    return undefined
  }
}
