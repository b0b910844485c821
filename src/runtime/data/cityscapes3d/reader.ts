// Cityscapes-3D from disk: lists a split and loads its samples, checking everything it reads.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { dataError } from '../errors.ts'
import type { Camera, Dataset, Sample } from '../dataset.ts'
import { hasEvaluated, parseBoxes, requireSameImage } from './boxes.ts'
import type { BoxFile } from './boxes.ts'
import { parseCamera } from './camera.ts'
import { readJson } from './json.ts'
import { kinds, listIds, pathOf, requireFiles } from './layout.ts'
import type { Kind } from './layout.ts'
import { readPng } from './png.ts'
import { chosenIds } from './split-file.ts'
import type { SplitList } from './split-file.ts'

export interface ReaderOptions {
  /** rows, columns of the images on disk */
  readonly image: readonly [number, number]
  readonly need: { readonly labels: boolean; readonly disparity: boolean; readonly boxes: boolean }
  /** 'required': the split `train` lists only images with a box of an evaluated class (other splits are listed whole, for evaluation) */
  readonly boxes: 'required' | 'optional'
  /** files of labels may be missing; what is missing is undefined in the sample */
  readonly partial?: boolean
}

export interface Cityscapes3d extends Dataset {
  /** how many images were left out for want of a box */
  readonly dropped: number
}

/** Highest label id in labelIds files. */
const highestLabel = 33
/** Box files read at the same time while a split is listed. */
const parallel = 16

/** What to do about a file that is broken. */
export const refetch = (kind: Kind): string => `unpack it again from ${kinds[kind].package}`

/** The boxes of an image and the camera of their file, for an image of the given size. Throws DataError. */
export async function readBoxFile(root: string, split: string, id: string, [height, width]: readonly [number, number]): Promise<Pick<BoxFile, 'camera' | 'boxes' | 'ignores'>> {
  const path = pathOf(root, split, id, 'boxes')
  const file = parseBoxes(await readJson(path, 'a JSON file of 3D boxes', refetch('boxes')))
  requireSameImage(path, file, height, width)
  return file
}

async function withBoxes(root: string, split: string, ids: readonly string[], image: readonly [number, number], partial: boolean): Promise<string[]> {
  const keep = new Array<boolean>(ids.length)
  let next = 0
  const work = async (): Promise<void> => {
    for (let i = next++; i < ids.length; i = next++) keep[i] = (partial && !existsSync(pathOf(root, split, ids[i], 'boxes'))) || hasEvaluated((await readBoxFile(root, split, ids[i], image)).boxes)
  }
  await Promise.all(Array.from({ length: parallel }, work))
  return ids.filter((_, i) => keep[i])
}

/** Throws DataError for a label id that there is not. */
export function checkLabels(path: string, labels: Uint8Array, width: number): void {
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] > highestLabel) {
      const hint = labels[i] === 255 ? 'this looks like a labelTrainIds file; use the labelIds file as published' : refetch('labels')
      throw dataError(path, { found: `the label id ${labels[i]} at column ${i % width}, row ${Math.floor(i / width)}`, expected: `label ids from 0 to ${highestLabel}`, fix: hint })
    }
  }
}

/** Throws DataError where the camera json and the sensor part of the box json disagree. */
export function requireSameCamera(path: string, camera: Camera, sensor: Camera): void {
  for (const name of ['fx', 'fy', 'baseline'] as const) {
    if (Math.abs(camera[name] / sensor[name] - 1) > 0.01) {
      throw dataError(path, { found: `${name} is ${camera[name]}, but ${sensor[name]} in the sensor part of the gtBbox3d file`, expected: 'the same calibration in both', fix: 'use the files of one data set; rescaled images need both calibrations rescaled' })
    }
  }
}

/** Loads the listed images of a split; openCityscapes3d without the listing. */
export function loadCityscapes3d(root: string, split: string, ids: readonly string[], options: ReaderOptions): Dataset {
  const { need, image: [height, width], partial = false } = options
  const load = async (index: number): Promise<Sample> => {
    if (!Number.isInteger(index) || index < 0 || index >= ids.length) throw new Error(`internal: sample ${index} of ${ids.length}`)
    const id = ids[index]
    const path = (kind: Kind): string => pathOf(root, split, id, kind)
    const has = (kind: Kind): boolean => !partial || existsSync(path(kind))
    const likeImage = `as ${id}${kinds.image.suffix}`
    const [image, labels, disparity, camera, boxes] = await Promise.all([
      readPng(path('image'), 'rgb8', height, width, "as the model's data.image", refetch('image')),
      need.labels && has('labels') ? readPng(path('labels'), 'gray8', height, width, likeImage, refetch('labels')) : undefined,
      need.disparity && has('disparity') ? readPng(path('disparity'), 'gray16', height, width, likeImage, refetch('disparity')) : undefined,
      need.disparity && has('disparity') ? readJson(path('camera'), 'a JSON file of the calibration', refetch('camera')).then(parseCamera) : undefined,
      need.boxes && has('boxes') ? readBoxFile(root, split, id, options.image) : undefined,
    ])
    if (labels) checkLabels(path('labels'), labels as Uint8Array, width)
    if (camera && boxes) requireSameCamera(path('camera'), camera, boxes.camera)
    return { id, height, width, image: image as Uint8Array, labelIds: labels as Uint8Array | undefined, disparity: disparity as Uint16Array | undefined, camera: boxes?.camera ?? camera, boxes: boxes?.boxes, ...(boxes && { ignores: boxes.ignores }) }
  }
  return { root, split, ids, load }
}

/** With partial labels: of each kind some. Throws DataError. */
async function requireLabels(root: string, split: string, ids: readonly string[], labels: readonly Kind[]): Promise<void> {
  for (const kind of labels) if (!ids.some(id => existsSync(pathOf(root, split, id, kind)))) throw dataError(join(root, kinds[kind].folder, split), { found: 'has none of the images\' labels', expected: `files *${kinds[kind].suffix} for some of them, as a task of the model learns from these`, fix: `unpack ${kinds[kind].package}, or leave the task out` })
}

/**
 * Opens a split of a data set in the layout of Cityscapes-3D. Ids are sorted by name. Images, and what `need` asks for, are checked to exist now and to be well-formed when loaded;
 * disparity and boxes bring the camera with them (of the box file, where both are read). `only`: the images to use. Every mistake is a DataError.
 */
export async function openCityscapes3d(root: string, split: string, options: ReaderOptions, only?: SplitList): Promise<Cityscapes3d> {
  const { need, partial = false } = options
  const listed = chosenIds(await listIds(root, split), split, only, join(root, kinds.image.folder, split))
  const companions: Kind[] = [...(need.labels ? ['labels'] as const : []), ...(need.disparity ? ['disparity', 'camera'] as const : []), ...(need.boxes ? ['boxes'] as const : [])]
  const labels = companions.filter(kind => kind !== 'camera')
  const all = partial ? listed.filter(id => labels.some(kind => existsSync(pathOf(root, split, id, kind)))) : listed
  if (partial) await requireLabels(root, split, all, labels)
  else await requireFiles(root, split, all, companions)
  const ids = need.boxes && options.boxes === 'required' && split === 'train' ? await withBoxes(root, split, all, options.image, partial) : all
  if (ids.length === 0) throw dataError(join(root, kinds.boxes.folder, split), { found: `none of its ${all.length} files has a box of a car, truck, bus, train, motorcycle or bicycle`, expected: 'at least one such image', fix: 'check the files, or set data.boxes = "optional" to train on images without boxes' })
  return { ...loadCityscapes3d(root, split, ids, options), dropped: all.length - ids.length }
}
