// Runs an exported bundle as its users in Node do.
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { TensorData } from '../../compiler/ir/types.ts'
import { EngineError, type HostTensors } from '../engines/engine.ts'
import { names } from './layout.ts'

interface Loaded { run(image: Float32Array): Promise<{ readonly outputs: HostTensors; readonly time: number }>; tensors(): number; dispose(): void }

/** On wasm, an image at a time. Throws EngineError. */
export async function runBundle(dir: string, images: readonly TensorData[]): Promise<HostTensors[]> {
  const { load } = await import(pathToFileURL(resolve(join(dir, names.bundle))).href) as { load(options: { backend: 'wasm' }): Promise<Loaded> }
  try {
    const model = await load({ backend: 'wasm' })
    const results: HostTensors[] = []
    for (const { data } of images) results.push((await model.run(data as Float32Array)).outputs)
    model.dispose()
    return results
  } catch (error) {
    throw new EngineError(`the exported model does not run: ${error instanceof Error ? error.message : String(error)}`)
  }
}
