// One image of a data set, encoded for the tasks of a model and made into the bytes of a pack.
import { crc32 } from 'node:zlib'
import { encodeSample } from '../../tasks/encode.ts'
import type { BatchSetup } from '../batch.ts'
import { hasEvaluated } from '../cityscapes3d/boxes.ts'
import { loadCityscapes3d } from '../cityscapes3d/reader.ts'
import { encodeRecord, slotsOf } from './codec.ts'
import type { Slot } from './codec.ts'
import { fileDigest, filesOf } from './manifest.ts'

export interface PackedSample { readonly bytes: Uint8Array; readonly crc: number; readonly boxed: boolean; readonly files: string; readonly layout: readonly Slot[] }

/** Throws DataError. */
export async function packSample({ root, split, ids, options, data, tasks }: BatchSetup, index: number): Promise<PackedSample> {
  // The digest comes first: a file that changes meanwhile is noticed later.
  const files = await fileDigest(root, split, ids[index], filesOf(tasks))
  const sample = await loadCityscapes3d(root, split, ids, options).load(index)
  const feeds = encodeSample(sample, data, tasks)
  const layout = slotsOf(feeds)
  const bytes = encodeRecord(feeds, layout)
  return { bytes, crc: crc32(bytes), boxed: sample.boxes !== undefined && hasEvaluated(sample.boxes), files, layout }
}
