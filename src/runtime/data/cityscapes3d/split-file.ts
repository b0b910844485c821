// A list of images in a text file: the part of a split that is used.
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { dataError, reasonOf } from '../errors.ts'
import { kinds } from './layout.ts'

/** One image of a list: its id, the split if its line names one, and the line (from 1). */
export interface Listed { readonly id: string; readonly split: string | undefined; readonly line: number }
export interface SplitList { readonly file: string; readonly images: readonly Listed[] }

const suffixes = Object.values(kinds).map(k => k.suffix)
const fix = 'write one `<city>_<seq>_<frame>` per line, or a path such as train/<city>/<city>_<seq>_<frame>_leftImg8bit.png'

/** Reads a list: one id or relative path per line; empty lines and lines that begin with # do not count. Throws DataError. */
export function readSplitFile(file: string): SplitList {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw dataError(file, { found: reasonOf(error), expected: 'a list of images, one per line', fix })
  }
  const seen = new Map<string, number>()
  const images = text.split(/\r?\n/).flatMap((raw, i): Listed[] => {
    const entry = raw.trim()
    if (entry === '' || entry.startsWith('#')) return []
    const name = basename(entry)
    const suffix = suffixes.find(s => name.endsWith(s))
    const id = suffix === undefined ? name : name.slice(0, -suffix.length)
    if (!/^[^_\s]+_\d{6}_\d{6}$/.test(id)) throw dataError(`${file}:${i + 1}`, { found: `'${entry.length > 80 ? `${entry.slice(0, 77)}...` : entry}' names no image`, expected: 'an id or a path of an image', fix })
    const earlier = seen.get(id)
    if (earlier !== undefined) throw dataError(`${file}:${i + 1}`, { found: `${id} is listed a second time, first in line ${earlier}`, expected: 'every image once', fix: 'remove one of the lines' })
    seen.set(id, i + 1)
    // .../<split>/<city>/<file>
    const parts = entry.split(/[/\\]/)
    return [{ id, split: parts.length >= 3 ? parts[parts.length - 3] : undefined, line: i + 1 }]
  })
  if (images.length === 0) throw dataError(file, { found: 'lists no image', expected: 'at least one', fix })
  return { file, images }
}

/** Those of `ids` that the list names, in the order of `ids`; all without a list. `where` holds the images. Throws DataError for a listed image that is not there or of another split. */
export function chosenIds(ids: readonly string[], split: string, list: SplitList | undefined, where: string): readonly string[] {
  if (list === undefined) return ids
  const there = new Set(ids)
  for (const { id, split: named, line } of list.images) {
    if (named !== undefined && named !== split) throw dataError(`${list.file}:${line}`, { found: `${id} is of the split '${named}'`, expected: `images of '${split}', which is what is read`, fix: `choose the split ${named}, or list its images in a file of their own` })
  }
  const missing = list.images.filter(i => !there.has(i.id))
  if (missing.length > 0) throw dataError(`${list.file}:${missing[0].line}`, { found: `${missing[0].id} is not in ${where}${missing.length > 1 ? `; ${missing.length} of the ${list.images.length} listed are not` : ''}`, expected: `one of its ${ids.length} images`, fix: 'correct the line, or unpack the images that are missing' })
  const wanted = new Set(list.images.map(i => i.id))
  return ids.filter(id => wanted.has(id))
}
