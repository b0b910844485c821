// Where the files of a Cityscapes-3D data set lie, and which images a split has.
import { readdir, stat } from 'node:fs/promises'
import type { Dirent } from 'node:fs'
import { join } from 'node:path'
import { didYouMean } from '../../../compiler/diagnostics/suggest.ts'
import { dataError, reasonOf } from '../errors.ts'

/** Kinds of files: top folder and what follows `<city>_<seq>_<frame>` in the name. */
export const kinds = {
  image: { folder: 'leftImg8bit', suffix: '_leftImg8bit.png', package: 'leftImg8bit_trainvaltest.zip' },
  labels: { folder: 'gtFine', suffix: '_gtFine_labelIds.png', package: 'gtFine_trainvaltest.zip' },
  instances: { folder: 'gtFine', suffix: '_gtFine_instanceIds.png', package: 'gtFine_trainvaltest.zip' },
  disparity: { folder: 'disparity', suffix: '_disparity.png', package: 'disparity_trainvaltest.zip' },
  camera: { folder: 'camera', suffix: '_camera.json', package: 'camera_trainvaltest.zip' },
  boxes: { folder: 'gtBbox3d', suffix: '_gtBbox3d.json', package: 'gtBbox3d_trainvaltest.zip' },
} as const
export type Kind = keyof typeof kinds

const base = /^([^_]+)_(\d{6})_(\d{6})$/

/** The city of `<city>_<seq>_<frame>`. */
const cityOf = (id: string): string => id.slice(0, id.indexOf('_'))

/** `<root>/<folder>/<split>/<city>/<city>_<seq>_<frame><suffix>` */
export const pathOf = (root: string, split: string, id: string, kind: Kind): string => join(root, kinds[kind].folder, split, cityOf(id), id + kinds[kind].suffix)

async function list(path: string, expected: string, fix: string): Promise<Dirent[]> {
  try {
    return (await readdir(path, { withFileTypes: true })).filter(e => !e.name.startsWith('.'))
  } catch (error) {
    throw dataError(path, { found: reasonOf(error), expected, fix })
  }
}

/** Follows symbolic links, which people use to lay out large data sets. */
const isFolder = async (folder: string, entry: Dirent): Promise<boolean> => entry.isDirectory() || (entry.isSymbolicLink() && (await stat(join(folder, entry.name)).catch(() => undefined))?.isDirectory() === true)

const names = (entries: readonly Dirent[]): string => {
  if (entries.length === 0) return 'nothing'
  const shown = entries.slice(0, 8).map(e => e.name).sort().join(', ')
  return entries.length > 8 ? `${shown}, ... (${entries.length} entries)` : shown
}

/** The splits that have images and boxes, in the order train, val, others. Throws DataError where there is none. */
export async function splitsOf(root: string): Promise<string[]> {
  const found = async (kind: Kind): Promise<string[]> => (await list(join(root, kinds[kind].folder), `a folder with the splits, such as train and val`, `give the root of a data set, or unzip ${kinds[kind].package} there`)).map(e => e.name)
  const boxed = new Set(await found('boxes'))
  const splits = (await found('image')).filter(name => boxed.has(name))
  if (splits.length === 0) throw dataError(join(root, kinds.image.folder), { found: 'has no split that is also in gtBbox3d', expected: 'folders train and val in both', fix: `unzip ${kinds.image.package} and ${kinds.boxes.package} into ${root}` })
  const order = (name: string): number => ['train', 'val'].indexOf(name) >>> 0
  return splits.sort((a, b) => order(a) - order(b) || (a < b ? -1 : 1))
}

async function openSplit(root: string, split: string): Promise<string> {
  const top = await list(root, 'the folder of a Cityscapes-3D data set, with leftImg8bit, gtFine, disparity, camera and gtBbox3d in it', 'check the path given as --data; `mtlc data synth DIR` writes a synthetic data set')
  const images = join(root, kinds.image.folder)
  if (!top.some(e => e.name === kinds.image.folder)) {
    throw dataError(images, { found: `does not exist; ${root} holds ${names(top)}`, expected: 'the images, in leftImg8bit/<split>/<city>/', fix: `give the folder that holds leftImg8bit, or unzip ${kinds.image.package} there` })
  }
  const splits = await list(images, 'a folder with the splits', `unzip ${kinds.image.package} into ${root}`)
  if (!splits.some(e => e.name === split)) {
    throw dataError(join(images, split), { found: `does not exist; ${images} holds ${names(splits)}`, expected: `a folder for the split '${split}'`, fix: didYouMean(split, splits.map(e => e.name)) ?? `choose one of the splits there, or unzip ${kinds.image.package} into ${root}` })
  }
  return join(images, split)
}

async function imagesOf(folder: string, city: string): Promise<string[]> {
  const entries = await list(join(folder, city), 'a folder with the images of a city', 'check its permissions')
  const ids: string[] = []
  for (const { name } of entries) {
    if (!name.endsWith(kinds.image.suffix)) continue
    const id = name.slice(0, -kinds.image.suffix.length)
    const parts = base.exec(id)
    if (!parts) throw dataError(join(folder, city, name), { found: `the name '${id}' is not <city>_<seq>_<frame>`, expected: `six digits each for sequence and frame, and a city without underscore, as in ${city}_000000_000019${kinds.image.suffix}`, fix: 'rename the files of this image in every folder' })
    if (parts[1] !== city) throw dataError(join(folder, city, name), { found: `the name begins with '${parts[1]}' but the folder is '${city}'`, expected: 'the name of the city folder at the start of the name', fix: `move it to ${join(folder, parts[1])} or rename it` })
    ids.push(id)
  }
  if (ids.length === 0) throw dataError(join(folder, city), { found: `has no image; it holds ${names(entries)}`, expected: `files named ${city}_<seq>_<frame>${kinds.image.suffix}`, fix: 'remove the empty folder, or unpack its images again' })
  return ids
}

async function requireKind(root: string, split: string, ids: readonly string[], kind: Kind): Promise<void> {
  const { folder, suffix, package: zip } = kinds[kind]
  for (const city of new Set(ids.map(cityOf))) {
    const path = join(root, folder, split, city)
    const found = new Set((await list(path, `the ${folder} files of the images in ${join(root, kinds.image.folder, split, city)}`, `unzip ${zip} into ${root}`)).map(e => e.name))
    const wanted = ids.filter(id => cityOf(id) === city)
    const missing = wanted.filter(id => !found.has(id + suffix))
    if (missing.length > 0) {
      throw dataError(join(path, missing[0] + suffix), { found: `does not exist${missing.length > 1 ? `; ${missing.length} of the ${wanted.length} in this folder are missing` : ''}`, expected: 'one for every image', fix: `unzip ${zip} into ${root} again, or remove the images without it` })
    }
  }
}

/** Checks that the images have the files of these kinds beside them. Throws DataError for the first that has not. */
export async function requireFiles(root: string, split: string, ids: readonly string[], needed: readonly Kind[]): Promise<void> {
  for (const kind of needed) await requireKind(root, split, ids, kind)
}

/** Ids `<city>_<seq>_<frame>` of the images of a split, sorted by name. (The published code takes the order of the operating system.) Throws DataError. */
export async function listIds(root: string, split: string): Promise<readonly string[]> {
  const folder = await openSplit(root, split)
  const cities: string[] = []
  for (const entry of await list(folder, 'a folder with a folder per city', 'check its permissions')) if (await isFolder(folder, entry)) cities.push(entry.name)
  if (cities.length === 0) throw dataError(folder, { found: 'has no city folder', expected: `images in ${join(folder, '<city>')}`, fix: `unzip ${kinds.image.package} into ${root}` })
  return (await Promise.all(cities.map(city => imagesOf(folder, city)))).flat().sort()
}
