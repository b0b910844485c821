// Batches from a pack: the records of their images, checked and expanded in place.
import { closeSync, existsSync, openSync, read } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import type { TensorData } from '../../../compiler/ir/types.ts'
import type { DataSpec, TaskSpec } from '../../../compiler/tasks/spec.ts'
import { didYouMean } from '../../../compiler/diagnostics/suggest.ts'
import { listIds } from '../cityscapes3d/layout.ts'
import { chosenIds } from '../cityscapes3d/split-file.ts'
import type { SplitList } from '../cityscapes3d/split-file.ts'
import { dataError, reasonOf } from '../errors.ts'
import type { Feeds } from '../batch.ts'
import { decodeRecord } from './codec.ts'
import type { Slot } from './codec.ts'
import { fileDigest, imageKey, packFile, readManifest, shardName, taskKey } from './manifest.ts'
import type { Entry, Manifest } from './manifest.ts'

/** Plain data: it travels to worker threads. */
export interface PackSetup { readonly dir: string; readonly split: string; readonly layout: readonly Slot[]; /** names of the tensors that are fed */ readonly feeds: readonly string[]; readonly entries: readonly Entry[] }

export interface OpenPack extends PackSetup { readonly dropped: number; /** the data set that it was made of */ readonly source: string }

const again = (manifest: Manifest, dir: string): string => `make it again: mtlc data pack ${manifest.source} ${dir} --for FILE`

function requireOptions(path: string, manifest: Manifest, dir: string, data: DataSpec, tasks: readonly TaskSpec[]): void {
  const compare = (what: string, found: string, expected: string): void => {
    if (found === expected) return
    const [a, b] = [JSON.parse(found) as Record<string, unknown>, JSON.parse(expected) as Record<string, unknown>]
    const changed = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter(k => JSON.stringify(a[k]) !== JSON.stringify(b[k]))
    const show = (o: Record<string, unknown>): string => changed.map(k => `${k} ${JSON.stringify(o[k])}`).join(', ').slice(0, 200)
    throw dataError(path, { found: `${what} was packed with ${show(a)}`, expected: `${show(b)}, as the model's text says`, fix: again(manifest, dir) })
  }
  compare('the image', manifest.image, imageKey(data))
  for (const task of tasks) {
    const packed = manifest.tasks[task.name]
    if (packed === undefined) throw dataError(path, { found: `has no targets of the task ${task.name}; it has ${Object.keys(manifest.tasks).join(', ') || 'none'}`, expected: 'those of every task of the model', fix: again(manifest, dir) })
    compare(`the task ${task.name}`, packed, taskKey(task))
  }
}

/** A data set that is still there must be as it was; one that is not (the pack was moved) is not asked for. */
async function requireSource(path: string, manifest: Manifest, dir: string, split: string): Promise<void> {
  if (!existsSync(join(manifest.source, 'leftImg8bit', split))) return
  const { whole, entries } = manifest.splits[split]
  const changed = (found: string): Error => dataError(path, { found, expected: 'the data set as it was when it was packed', fix: again(manifest, dir) })
  if (whole) {
    const now = await listIds(manifest.source, split)
    const packed = new Set(entries.map(e => e.id))
    const fresh = now.filter(id => !packed.has(id))
    if (fresh.length > 0) throw changed(`lacks ${fresh.length} image${fresh.length > 1 ? 's' : ''} that ${manifest.source} has now, such as ${fresh[0]}`)
  }
  let next = 0
  const work = async (): Promise<void> => {
    for (let i = next++; i < entries.length; i = next++) {
      if (await fileDigest(manifest.source, split, entries[i].id, manifest.files) !== entries[i].files) throw changed(`the files of ${entries[i].id} in ${manifest.source} have changed since`)
    }
  }
  await Promise.all(Array.from({ length: 16 }, work))
}

async function requireShards(dir: string, split: string, manifest: Manifest): Promise<void> {
  const ends = new Map<number, number>()
  for (const e of manifest.splits[split].entries) ends.set(e.shard, Math.max(ends.get(e.shard) ?? 0, e.offset + e.length))
  for (const [shard, end] of ends) {
    const path = join(dir, shardName(split, shard))
    const expected = `${end} bytes, as ${packFile} says`
    const size = await stat(path).then(s => s.size, (error: unknown) => { throw dataError(path, { found: reasonOf(error), expected, fix: again(manifest, dir) }) })
    if (size !== end) throw dataError(path, { found: `is ${size} bytes long`, expected, fix: again(manifest, dir) })
  }
}

/** Opens a split of a pack for the tasks of a model. Throws DataError for a pack of other options, of another version, of a data set that has changed, or with missing or cut files. */
export async function openPack(dir: string, split: string, data: DataSpec, tasks: readonly TaskSpec[], only?: SplitList): Promise<OpenPack> {
  const path = join(dir, packFile)
  const manifest = readManifest(dir)
  const packed = Object.hasOwn(manifest.splits, split) ? manifest.splits[split] : undefined
  if (packed === undefined) throw dataError(path, { found: `has no split '${split}'; it has ${Object.keys(manifest.splits).join(', ')}`, expected: `the split '${split}'`, fix: didYouMean(split, Object.keys(manifest.splits)) ?? `pack it too: --split ${[...Object.keys(manifest.splits), split].join(',')}` })
  requireOptions(path, manifest, dir, data, tasks)
  await requireSource(path, manifest, dir, split)
  await requireShards(dir, split, manifest)
  const wanted = new Set(chosenIds(packed.entries.map(e => e.id), split, only, path))
  const listed = packed.entries.filter(e => wanted.has(e.id))
  const selective = data.boxes === 'required' && split === 'train' && tasks.some(t => t.config.kind === 'detection3d')
  const entries = selective ? listed.filter(e => e.boxed) : listed
  if (entries.length === 0) throw dataError(path, { found: `none of its ${listed.length} images of the split '${split}' has a box of an evaluated class`, expected: 'at least one', fix: 'set data.boxes = "optional" to train on images without boxes' })
  const prefixes = tasks.map(t => `target/${t.name}/`)
  const feeds = manifest.layout.map(s => s.name).filter(name => name === 'image' || prefixes.some(p => name.startsWith(p)))
  return { dir, split, layout: manifest.layout, feeds, entries, dropped: listed.length - entries.length, source: manifest.source }
}

const readAt = promisify(read)

/** Loads batches of a pack. */
export class PackLoader {
  readonly #setup: PackSetup
  readonly #wanted: ReadonlySet<string>
  /** Open files by number; a thread that ends closes its own. */
  readonly #files = new Map<number, number>()
  /** Memory of a record that has been expanded, for the next one. */
  #spare: Uint8Array = new Uint8Array(0)

  constructor(setup: PackSetup) {
    this.#setup = setup
    this.#wanted = new Set(setup.feeds)
  }

  async #record({ id, shard, offset, length, crc }: Entry): Promise<Uint8Array> {
    const { dir, split } = this.#setup
    const path = join(dir, shardName(split, shard))
    const expected = `the record of ${id}, as it was packed`
    const fix = 'make the pack again with `mtlc data pack`'
    const room = this.#spare.length < length ? new Uint8Array(length) : this.#spare, bytes = room.subarray(0, length)
    this.#spare = new Uint8Array(0)
    try {
      let file = this.#files.get(shard)
      if (file === undefined) this.#files.set(shard, file = openSync(path, 'r'))
      const { bytesRead } = await readAt(file, bytes, 0, length, offset)
      if (bytesRead < length) throw dataError(path, { found: `ends inside the record of ${id}`, expected, fix })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error
      throw dataError(path, { found: reasonOf(error), expected, fix })
    }
    if (crc32(bytes) !== crc) throw dataError(path, { found: `the record of ${id} at byte ${offset} has been altered or damaged`, expected, fix })
    return bytes
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) closeSync(file)
    this.#files.clear()
  }

  /** The batch of these images. Throws DataError. */
  async load(indices: readonly number[]): Promise<Feeds> {
    const batch: Record<string, TensorData> = {}
    for (const slot of this.#setup.layout) {
      if (!this.#wanted.has(slot.name)) continue
      const n = indices.length * slot.shape.reduce((a, b) => a * b, 1)
      batch[slot.name] = { dtype: slot.dtype, shape: [indices.length, ...slot.shape], data: slot.dtype === 'float32' ? new Float32Array(n) : new Int32Array(n) }
    }
    for (const [row, index] of indices.entries()) {
      const entry = this.#setup.entries[index]
      const bytes = await this.#record(entry)
      try {
        decodeRecord(bytes, this.#setup.layout, slot => {
          const target = batch[slot.name]?.data as Float32Array | Int32Array | undefined
          const n = target === undefined ? 0 : target.length / indices.length
          return target?.subarray(row * n, (row + 1) * n)
        })
        this.#spare = new Uint8Array(bytes.buffer)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        throw dataError(join(this.#setup.dir, shardName(this.#setup.split, entry.shard)), { found: `the record of ${entry.id} ${error.message}`, expected: `what ${packFile} describes`, fix: 'make the pack again with `mtlc data pack`' })
      }
    }
    return batch
  }
}
