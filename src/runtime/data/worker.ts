// The thread behind WorkerPool: makes synthetic samples, loads and encodes batches, or looks at the files of a data set.
import { parentPort, workerData } from 'node:worker_threads'
import { FileError } from '../files.ts'
import { BatchLoader, buffersOf } from './batch.ts'
import type { BatchJob, BatchSetup } from './batch.ts'
import { inspect } from './check/inspect.ts'
import type { CheckSetup } from './check/inspect.ts'
import { DataError } from './dataset.ts'
import { PackLoader } from './pack/read.ts'
import type { PackSetup } from './pack/read.ts'
import { packSample } from './pack/sample.ts'
import type { Answer } from './pool.ts'
import { loadAsGiven, loadReplacing } from './replace.ts'
import { statisticsOf } from './statistics.ts'
import type { StatisticsSetup } from './statistics.ts'
import { writeSample } from './synth/write.ts'
import type { SynthJob } from './synth/write.ts'

/** `replace`: among how many images the next one stands in for one that cannot be read; undefined: that is an error. */
type BatchesSetup = (({ readonly kind: 'batches' } & BatchSetup) | ({ readonly kind: 'packed' } & PackSetup)) & { readonly replace?: number }

/** workerData */
export type Setup = { readonly kind: 'synth' } | ({ readonly kind: 'pack' } & BatchSetup) | BatchesSetup | ({ readonly kind: 'statistics' } & StatisticsSetup) | ({ readonly kind: 'check' } & CheckSetup)

interface Done { readonly result: unknown; readonly transfer: ArrayBuffer[] }

const plain = async (result: unknown): Promise<Done> => ({ result: await result, transfer: [] })

/** What a thread does with a job, made once from its setup. */
function workOf(setup: Setup): (content: unknown) => Promise<Done> {
  switch (setup.kind) {
    case 'synth': return content => plain(writeSample(content as SynthJob))
    case 'batches':
    case 'packed': {
      const loader = setup.kind === 'packed' ? new PackLoader(setup) : new BatchLoader(setup)
      return async content => {
        const job = content as BatchJob
        const result = await (setup.replace === undefined ? loadAsGiven(loader, job) : loadReplacing(loader, job, setup.replace))
        return { result, transfer: buffersOf(result.feeds) }
      }
    }
    case 'pack': return async content => {
      const result = await packSample(setup, content as number)
      return { result, transfer: [result.bytes.buffer as ArrayBuffer] }
    }
    case 'check': return content => plain(inspect(setup, content as string))
    case 'statistics': return content => plain(statisticsOf(setup, content as string))
  }
}

const port = parentPort!
const work = workOf(workerData as Setup)

port.on('message', async ({ id, content }: { id: number; content: unknown }) => {
  try {
    const { result, transfer } = await work(content)
    port.postMessage({ id, result } satisfies Answer, transfer)
  } catch (error) {
    const { message, stack } = error as Error
    port.postMessage({ id, error: { kind: error instanceof DataError ? 'data' : error instanceof FileError ? 'file' : 'other', message, stack } } satisfies Answer)
  }
})
