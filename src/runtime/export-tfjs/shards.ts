// Weights in several safetensors files of a size that a browser fetches well, and the index over them.
import { join } from 'node:path'
import { writeAtomically } from '../files.ts'
import { writeSafetensors } from '../weights/safetensors.ts'
import { byteLength, type StoredTensors } from '../weights/tensors.ts'
import { names } from './layout.ts'

/** Caches of browsers refuse large files, and a broken download starts again from the beginning of one. */
const shardBytes = 32 << 20

/** Names in groups of at most that many bytes, in their order; a larger tensor is alone. */
function grouped(tensors: StoredTensors, most: number): string[][] {
  const groups: string[][] = []
  let room = 0
  for (const [name, tensor] of tensors) {
    const bytes = byteLength(tensor)
    if (bytes > room) {
      groups.push([])
      room = most
    }
    groups.at(-1)!.push(name)
    room -= bytes
  }
  return groups
}

/** Writes `model-00001-of-0000N.safetensors` and the index, whose `weight_map` says where each tensor lies. Throws FileError. */
export function writeShards(dir: string, tensors: StoredTensors, most = shardBytes): { readonly files: number; readonly bytes: number } {
  const groups = grouped(tensors, most)
  const five = (n: number): string => String(n).padStart(5, '0')
  const weightMap: Record<string, string> = {}
  groups.forEach((group, i) => {
    const file = `model-${five(i + 1)}-of-${five(groups.length)}.safetensors`
    writeSafetensors(join(dir, file), new Map(group.map(name => [name, tensors.get(name)!])), { format: 'pt' })
    for (const name of group) weightMap[name] = file
  })
  const bytes = [...tensors.values()].reduce((n, t) => n + byteLength(t), 0)
  writeAtomically(join(dir, names.index), `${JSON.stringify({ metadata: { total_size: bytes }, weight_map: weightMap }, null, 1)}\n`)
  return { files: groups.length, bytes }
}
