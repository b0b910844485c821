// What a pack says of itself: what it was made of, for which tasks, and where each image's record lies.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DataSpec, TaskSpec } from '../../../compiler/tasks/spec.ts'
import { kinds, pathOf } from '../cityscapes3d/layout.ts'
import type { Kind } from '../cityscapes3d/layout.ts'
import { dataError, reasonOf } from '../errors.ts'
import { codecVersion } from './codec.ts'
import type { Slot } from './codec.ts'

export const packFile = 'pack.json'
const packVersion = 1

/** One image: where its bytes lie, their sum, whether it has a box of an evaluated class, and a digest of the sizes and times of its files. */
export interface Entry { readonly id: string; readonly shard: number; readonly offset: number; readonly length: number; readonly crc: number; readonly boxed: boolean; readonly files: string }
export interface PackedSplit { /** all images of the split, not those of a list */ readonly whole: boolean; readonly entries: readonly Entry[] }

export interface Manifest {
  readonly format: 'mtlc pack'
  readonly version: number
  readonly codec: number
  /** absolute path of the data set */
  readonly source: string
  /** kinds of files that were read and whose sizes and times are digested */
  readonly files: readonly Kind[]
  /** what the image depends on */
  readonly image: string
  /** by task: what its targets depend on */
  readonly tasks: Readonly<Record<string, string>>
  readonly layout: readonly Slot[]
  readonly splits: Readonly<Record<string, PackedSplit>>
  /** SHA-256 of the manifest without this field */
  readonly digest: string
}

export const isPack = (dir: string): boolean => existsSync(join(dir, packFile))
export const shardName = (split: string, shard: number): string => `${split}-${String(shard).padStart(5, '0')}.bin`

const digestOf = (manifest: Omit<Manifest, 'digest'>): string => createHash('sha256').update(JSON.stringify(manifest)).digest('hex')
export const sealed = (manifest: Omit<Manifest, 'digest'>): Manifest => ({ ...manifest, digest: digestOf(manifest) })

/** What the fed image depends on besides its file. */
export const imageKey = ({ kind, image, mean, std }: DataSpec): string => JSON.stringify({ kind, image, mean, std })

/** What the targets of a task depend on besides the files: not what only decoding and evaluation read. */
export function taskKey({ config, predictions }: TaskSpec): string {
  switch (config.kind) {
    case 'segmentation': return JSON.stringify({ kind: config.kind, classes: config.classes, ignore: config.ignore, size: config.size })
    case 'depth': return JSON.stringify({ kind: config.kind, quantity: config.quantity, invalid: config.invalid, size: config.size })
    case 'detection3d': {
      const { kind, classes, strides, resize, ranges, radius, centernessAlpha, rotation } = config
      return JSON.stringify({ kind, classes, strides, resize, ranges, radius, centernessAlpha, rotation, grids: strides.map((_, level) => predictions[`cls/${level}`].shape.slice(2)) })
    }
  }
}

/** Kinds of files that a task reads. */
export const filesOf = (tasks: readonly TaskSpec[]): Kind[] => {
  const read = new Set<Kind>(['image'])
  for (const { config } of tasks) for (const kind of { segmentation: ['labels'], depth: ['disparity', 'camera'], detection3d: ['boxes'] }[config.kind] as Kind[]) read.add(kind)
  return (Object.keys(kinds) as Kind[]).filter(kind => read.has(kind))
}

/** A short digest of the sizes and times of change of an image's files; 'missing' if one is not there. */
export async function fileDigest(root: string, split: string, id: string, files: readonly Kind[]): Promise<string> {
  const hash = createHash('sha256')
  for (const kind of files) {
    const found = await stat(pathOf(root, split, id, kind)).catch(() => undefined)
    if (found === undefined) return 'missing'
    hash.update(`${kind} ${found.size} ${Math.round(found.mtimeMs)}\n`)
  }
  return hash.digest('hex').slice(0, 16)
}

const again = 'make it again with `mtlc data pack`'

/** Reads and checks the manifest of a pack. Throws DataError. */
export function readManifest(dir: string): Manifest {
  const path = join(dir, packFile)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw dataError(path, { found: reasonOf(error), expected: 'the manifest of a pack', fix: again })
  }
  let value: Partial<Manifest> | null
  try {
    value = JSON.parse(text) as Partial<Manifest> | null
  } catch {
    throw dataError(path, { found: 'is not JSON, or only a part of it', expected: 'the manifest of a pack', fix: again })
  }
  if (value === null || typeof value !== 'object' || value.format !== 'mtlc pack') throw dataError(path, { found: 'is not the manifest of a pack', expected: '"format": "mtlc pack"', fix: again })
  if (value.version !== packVersion || value.codec !== codecVersion) throw dataError(path, { found: `was made by another mtlc: version ${String(value.version)}.${String(value.codec)}`, expected: `version ${packVersion}.${codecVersion}, whose targets are those of this mtlc`, fix: again })
  const { digest, ...rest } = value as Manifest
  if (digestOf(rest) !== digest) throw dataError(path, { found: 'was changed after it was written', expected: 'its digest to match', fix: again })
  return value as Manifest
}

export const newManifest = (fields: Omit<Manifest, 'format' | 'version' | 'codec' | 'digest'>): Manifest => sealed({ format: 'mtlc pack', version: packVersion, codec: codecVersion, ...fields })
