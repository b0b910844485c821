// One image of a data set and the files beside it, looked at as training would: every mistake found, none thrown.
import { existsSync } from 'node:fs'
import { vehicleToSensor } from '../../geometry.ts'
import { evaluatedClasses, hasEvaluated, parseBoxes, requireSameImage } from '../cityscapes3d/boxes.ts'
import { parseCamera } from '../cityscapes3d/camera.ts'
import { readJson } from '../cityscapes3d/json.ts'
import { pathOf } from '../cityscapes3d/layout.ts'
import type { Kind } from '../cityscapes3d/layout.ts'
import { pngSize, readPng } from '../cityscapes3d/png.ts'
import type { PngKind } from '../cityscapes3d/png.ts'
import { checkLabels, refetch, requireSameCamera } from '../cityscapes3d/reader.ts'
import { DataError } from '../dataset.ts'
import type { Box3d, Camera } from '../dataset.ts'

/** Plain data: it travels to worker threads. `image`: rows and columns that most images have. */
export interface CheckSetup { readonly root: string; readonly split: string; readonly image: readonly [number, number] }

/** `error`: training or evaluation would stop at it. `warning`: they go on, without what is wrong. */
export interface Problem { readonly level: 'error' | 'warning'; readonly kind: Kind; readonly what: string; readonly message: string }
export interface Inspection { readonly id: string; readonly present: readonly Kind[]; readonly problems: readonly Problem[]; /** boxes of evaluated classes */ readonly boxes: number; readonly evaluated: boolean; /** pixels with a disparity, of all */ readonly measured: number }

const known = new Set([...evaluatedClasses, 'caravan', 'trailer', 'dynamic', 'tunnel'])

/** What is odd about a box without making its file unreadable. */
function oddities(box: Box3d, { sensorTIso8855 }: Camera, [height, width]: readonly [number, number]): { readonly what: string; readonly found: string }[] {
  const found: { what: string; found: string }[] = []
  const note = (what: string, text: string): void => { found.push({ what, found: text }) }
  if (!known.has(box.label)) note('unknown class of a box', `is of the class '${box.label}'`)
  if (!evaluatedClasses.includes(box.label)) return found
  const { center } = vehicleToSensor(box.center, box.rotation, sensorTIso8855)
  if (center[2] <= 0) note('box behind the camera', `has its centre ${(-center[2]).toFixed(2)} m behind the camera, and is not trained on`)
  for (const name of ['modal', 'amodal'] as const) {
    const [x, y, w, h] = box[name]
    if (w === 0 || h === 0) note('empty 2D box', `has an empty ${name} box [${box[name].join(', ')}]`)
    // Far outside only: hulls of real annotations overstep the image by a few pixels.
    if (x < -0.01 * width || y < -0.01 * height || x + w > 1.01 * width || y + h > 1.01 * height) note('2D box outside the image', `has the ${name} box [${box[name].join(', ')}] outside the image of ${width} x ${height}`)
  }
  return found
}

/** Looks at an image and at every file beside it. */
export async function inspect({ root, split, image }: CheckSetup, id: string): Promise<Inspection> {
  const [height, width] = image
  const problems: Problem[] = []
  const present: Kind[] = []
  const attempt = async <T>(kind: Kind, what: string, work: (path: string) => Promise<T> | T): Promise<T | undefined> => {
    const path = pathOf(root, split, id, kind)
    try {
      return await work(path)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      problems.push({ level: 'error', kind, what, message: error.message })
      return undefined
    }
  }
  const there = (kind: Kind): boolean => {
    if (!existsSync(pathOf(root, split, id, kind))) return false
    present.push(kind)
    return true
  }
  const png = (kind: Kind, format: PngKind) => !there(kind) ? undefined : attempt(kind, 'unreadable file', async path => {
    const [h, w] = await pngSize(path)
    if (h !== height || w !== width) return void problems.push({ level: 'error', kind, what: 'other size', message: `${path}: is ${w} x ${h} and most images are ${width} x ${height} (width x height)\n  fix: use the files as published, or rescale all of them alike` })
    return readPng(path, format, height, width, 'as most images', refetch(kind))
  })
  await png('image', 'rgb8')
  const labels = await png('labels', 'gray8')
  if (labels) await attempt('labels', 'label id out of range', path => checkLabels(path, labels as Uint8Array, width))
  await png('instances', 'gray16')
  const disparity = await png('disparity', 'gray16')
  let measured = 0
  if (disparity) for (const p of disparity) if (p > 1) measured++
  if (disparity && measured === 0) problems.push({ level: 'warning', kind: 'disparity', what: 'no measurement', message: `${pathOf(root, split, id, 'disparity')}: has no measured pixel` })
  const camera = there('camera') ? await attempt('camera', 'unusable calibration', async path => parseCamera(await readJson(path, 'a JSON file of the calibration', refetch('camera')))) : undefined
  const file = there('boxes') ? await attempt('boxes', 'unusable boxes', async path => parseBoxes(await readJson(path, 'a JSON file of 3D boxes', refetch('boxes')))) : undefined
  if (file) {
    await attempt('boxes', 'boxes for another size', path => requireSameImage(path, file, height, width))
    if (camera) await attempt('camera', 'two calibrations', path => requireSameCamera(path, camera, file.camera))
    file.boxes.forEach((box, i) => {
      for (const { what, found } of oddities(box, file.camera, image)) problems.push({ level: 'warning', kind: 'boxes', what, message: `${pathOf(root, split, id, 'boxes')}: objects[${i}] ${found}` })
    })
  }
  const boxes = file?.boxes.filter(b => evaluatedClasses.includes(b.label)).length ?? 0
  return { id, present, problems, boxes, evaluated: file !== undefined && hasEvaluated(file.boxes), measured: disparity ? measured / disparity.length : 0 }
}
