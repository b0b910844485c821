// The thread behind WorkerPool: makes synthetic samples, or loads and encodes batches.
import { parentPort, workerData } from 'node:worker_threads'
import { FileError } from '../files.ts'
import { BatchLoader, buffersOf } from './batch.ts'
import type { BatchSetup } from './batch.ts'
import { DataError } from './dataset.ts'
import type { Answer } from './pool.ts'
import { writeSample } from './synth/write.ts'
import type { SynthJob } from './synth/write.ts'

/** workerData */
export type Setup = { readonly kind: 'synth' } | ({ readonly kind: 'batches' } & BatchSetup)

const port = parentPort!
const setup = workerData as Setup
const loader = setup.kind === 'batches' ? new BatchLoader(setup) : undefined

async function work(content: unknown): Promise<{ result: unknown; transfer: ArrayBuffer[] }> {
  if (!loader) {
    writeSample(content as SynthJob)
    return { result: undefined, transfer: [] }
  }
  const result = await loader.load(content as readonly number[])
  return { result, transfer: buffersOf(result) }
}

port.on('message', async ({ id, content }: { id: number; content: unknown }) => {
  try {
    const { result, transfer } = await work(content)
    port.postMessage({ id, result } satisfies Answer, transfer)
  } catch (error) {
    const { message, stack } = error as Error
    port.postMessage({ id, error: { kind: error instanceof DataError ? 'data' : error instanceof FileError ? 'file' : 'other', message, stack } } satisfies Answer)
  }
})
