// Small data sets in temporary folders, and messages with the folder taken out.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ReaderOptions } from '../../src/runtime/data/cityscapes3d/reader.ts'
import { writeSample } from '../../src/runtime/data/synth/write.ts'

export const size = [64, 128] as const
export const everything: ReaderOptions = { image: size, need: { labels: true, disparity: true, boxes: true }, boxes: 'optional' }

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'mtlc-data-'))
export const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true })

/** Writes `n` training scenes of 64 x 128. */
export function smallSet(n: number, seed = 5): string {
  const dir = temporaryFolder()
  for (let index = 0; index < n; index++) writeSample({ dir, split: 'train', index, size, seed })
  return dir
}

export function copyOf(folder: string): string {
  const to = temporaryFolder()
  cpSync(folder, to, { recursive: true })
  return to
}

/** The message of the error, with the data set's folder as ROOT; its class is told apart by `instanceof` in the tests. */
export async function messageOf(root: string, work: () => unknown): Promise<string> {
  try {
    await work()
  } catch (error) {
    return (error as Error).message.replaceAll(root, 'ROOT')
  }
  return 'no error'
}
