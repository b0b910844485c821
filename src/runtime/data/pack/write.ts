// Packs splits of a data set: every image decoded and encoded once, in files that read at the speed of the disk.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import type { DataSpec, TaskSpec } from '../../../compiler/tasks/spec.ts'
import { explain, writeAtomically } from '../../files.ts'
import { needOf } from '../batch.ts'
import { openCityscapes3d } from '../cityscapes3d/reader.ts'
import type { SplitList } from '../cityscapes3d/split-file.ts'
import { dataError } from '../errors.ts'
import { WorkerPool } from '../pool.ts'
import type { Setup } from '../worker.ts'
import type { Slot } from './codec.ts'
import { filesOf, imageKey, newManifest, packFile, shardName, taskKey } from './manifest.ts'
import type { Entry, PackedSplit } from './manifest.ts'
import type { PackedSample } from './sample.ts'

export interface PackOptions {
  readonly data: DataSpec
  readonly tasks: readonly TaskSpec[]
  readonly splits: readonly string[]
  readonly only?: SplitList
  /** a file is closed when it has reached this many bytes */
  readonly shardBytes?: number
}
export interface PackReport { readonly images: number; readonly bytes: number }

const ours = (name: string): boolean => name === packFile || /^[^/]+-\d{5}\.bin(\.tmp)?$/.test(name)

/** A folder of its own: new, empty, or an earlier pack, which goes. The manifest goes first and comes last. */
function prepare(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true })
    const names = readdirSync(dir)
    const foreign = names.filter(n => !ours(n))
    if (foreign.length > 0) throw dataError(dir, { found: `holds ${foreign.slice(0, 4).join(', ')}`, expected: 'a new or empty folder, or an earlier pack', fix: 'choose another folder for the pack' })
    if (existsSync(join(dir, packFile))) rmSync(join(dir, packFile))
    for (const name of names) rmSync(join(dir, name), { force: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    throw explain(dir, error)
  }
}

/** Appends records to numbered files. */
class Shards {
  #shard = 0
  #offset = 0
  #file: FileHandle | undefined
  readonly #dir: string
  readonly #split: string
  readonly #most: number

  constructor(dir: string, split: string, most: number) {
    this.#dir = dir
    this.#split = split
    this.#most = most
  }

  get #path(): string { return join(this.#dir, shardName(this.#split, this.#shard)) }

  async append(bytes: Uint8Array): Promise<{ readonly shard: number; readonly offset: number; readonly length: number }> {
    try {
      if (this.#file !== undefined && this.#offset + bytes.length > this.#most) await this.close()
      this.#file ??= await open(`${this.#path}.tmp`, 'w')
      for (let done = 0; done < bytes.length;) done += (await this.#file.write(bytes, done)).bytesWritten
    } catch (error) { throw explain(this.#path, error) }
    const at = { shard: this.#shard, offset: this.#offset, length: bytes.length }
    this.#offset += bytes.length
    return at
  }

  async close(): Promise<void> {
    if (this.#file === undefined) return
    try {
      await this.#file.sync()
      await this.#file.close()
      this.#file = undefined
      await rename(`${this.#path}.tmp`, this.#path)
    } catch (error) { throw explain(this.#path, error) }
    this.#shard++
    this.#offset = 0
  }

  async abandon(): Promise<void> { await this.#file?.close().catch(() => undefined) }
}

/** Writes a pack of the splits for the tasks; `onProgress` gets the number of images done, of all. Throws DataError and FileError. */
export async function writePack(root: string, dir: string, { data, tasks, splits, only, shardBytes = 1 << 30 }: PackOptions, onProgress: (done: number, of: number) => void = () => {}): Promise<PackReport> {
  const options = { image: data.image, need: needOf(tasks), boxes: 'optional' as const }
  const opened = await Promise.all(splits.map(async split => ({ split, ids: (await openCityscapes3d(root, split, options, only)).ids })))
  prepare(dir)
  const total = opened.reduce((n, o) => n + o.ids.length, 0)
  const packed: Record<string, PackedSplit> = {}
  let layout: readonly Slot[] = []
  let [done, bytes] = [0, 0]
  for (const { split, ids } of opened) {
    const threads = Math.min(8, availableParallelism(), ids.length)
    const pool = new WorkerPool(threads, { kind: 'pack', root, split, ids, options, data, tasks } satisfies Setup)
    const shards = new Shards(dir, split, shardBytes)
    const entries: Entry[] = []
    const pending: Promise<PackedSample>[] = []
    try {
      for (let i = 0; i < ids.length; i++) {
        for (let next = i + pending.length; pending.length < threads + 1 && next < ids.length; next++) {
          const job = pool.run(next) as Promise<PackedSample>
          // Told when its turn comes.
          job.catch(() => undefined)
          pending.push(job)
        }
        const sample = await pending.shift()!
        if (layout.length === 0) layout = sample.layout
        if (JSON.stringify(layout) !== JSON.stringify(sample.layout)) throw new Error(`internal: the tensors of ${ids[i]} are not those of other images`)
        const { crc, boxed, files } = sample
        entries.push({ id: ids[i], ...await shards.append(sample.bytes), crc, boxed, files })
        bytes += sample.bytes.length
        onProgress(++done, total)
      }
      await shards.close()
    } finally {
      await shards.abandon()
      await pool.close()
    }
    packed[split] = { whole: only === undefined, entries }
  }
  const manifest = newManifest({ source: resolve(root), files: filesOf(tasks), image: imageKey(data), tasks: Object.fromEntries(tasks.map(t => [t.name, taskKey(t)])), layout, splits: packed })
  writeAtomically(join(dir, packFile), `${JSON.stringify(manifest)}\n`)
  return { images: total, bytes }
}
