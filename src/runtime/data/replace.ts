// Images that cannot be read, replaced by the next one of the list: which one depends on the data alone, so that a resumed run gets the same batches.
import type { BatchJob, Feeds } from './batch.ts'
import { DataError } from './dataset.ts'

/** An image that was not read, and why. */
export interface Unreadable { readonly index: number; readonly reason: string }

export interface LoadedBatch {
  readonly feeds: Feeds
  /** of the samples, after replacement */
  readonly indices: readonly number[]
  readonly unreadable: readonly Unreadable[]
}

/** Batches of samples. */
export interface Loader { load(indices: readonly number[], place?: number): Promise<Feeds> }

/** As many in a row are no accident: the disk is gone, or the folder is the wrong one. */
const mostInRow = 10

/** Throws DataError if too many in a row cannot be read, of `count` in all. */
export async function loadReplacing(loader: Loader, { indices, place }: BatchJob, count: number): Promise<LoadedBatch> {
  try {
    return { feeds: await loader.load(indices, place), indices, unreadable: [] }
  } catch (error) { if (!(error instanceof DataError)) throw error }
  const unreadable: Unreadable[] = []
  const chosen: number[] = []
  for (const [row, first] of indices.entries()) {
    let index = first
    for (let tried = 1; ; tried++) {
      try { await loader.load([index], place + row); break } catch (error) {
        if (!(error instanceof DataError)) throw error
        unreadable.push({ index, reason: error.message })
        if (tried === Math.min(mostInRow, count)) throw new DataError(`${tried} images in a row cannot be read, the last of them:\n${error.message}`)
        index = (index + 1) % count
      }
    }
    chosen.push(index)
  }
  return { feeds: await loader.load(chosen, place), indices: chosen, unreadable }
}

export const loadAsGiven = async (loader: Loader, { indices, place }: BatchJob): Promise<LoadedBatch> => ({ feeds: await loader.load(indices, place), indices, unreadable: [] })
