// The files of one image's predictions: pictures, the contact sheet, detections as json; all of them or none.
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { birdsEye } from '../draw/birds-eye.ts'
import { boxes3d } from '../draw/boxes.ts'
import { depthMap } from '../draw/depth.ts'
import { encodePicture, type Picture } from '../draw/picture.ts'
import { segmentationOverlay } from '../draw/segmentation.ts'
import { contactSheet, type Panel } from '../draw/sheet.ts'
import { DataError } from '../data/dataset.ts'
import { explain, writeAtomically } from '../files.ts'
import type { ModelFacts } from '../model-facts.ts'
import { predictionFileName, predictionJson } from '../tasks/detection3d/prediction-json.ts'
import type { FoundCamera } from './camera.ts'
import type { Prediction } from './predict.ts'

/** Of an image file: its name without folder, extension and the `_leftImg8bit` of Cityscapes. */
export const nameOf = (path: string): string => basename(path).replace(/\.[^.]+$/, '').replace(/_leftImg8bit$/, '')

const endings = { segmentation: ['semseg'], depth: ['depth'], detection3d: ['boxes', 'bev'] } as const

/** Tasks of one kind after the first have their own name in those of their files. */
function suffixes(tasks: ModelFacts['tasks'], index: number): string[] {
  const { config: { kind }, name } = tasks[index]
  const first = tasks.findIndex(t => t.config.kind === kind) === index
  return endings[kind].map(e => (first ? e : `${e}-${name}`))
}

/** Names of the files that an image gets, in the order in which they are written. */
export function fileNames(facts: ModelFacts, name: string): string[] {
  const json = facts.tasks.filter(t => t.config.kind === 'detection3d').length
  return [...facts.tasks.flatMap((_, i) => suffixes(facts.tasks, i).map(s => `${name}_${s}.png`)), `${name}_sheet.png`, ...(json === 0 ? [] : [predictionFileName(name)])]
}

/** Every image writes files of its own, and none over an image that is read. Throws DataError. */
export function checkNames(facts: ModelFacts, images: readonly string[], out: string): void {
  const taken = new Map<string, string>()
  const inputs = new Map(images.map(i => [resolve(i), i]))
  for (const image of images) {
    for (const file of fileNames(facts, nameOf(image))) {
      const other = taken.get(file)
      if (other !== undefined) throw new DataError(`${other} and ${image} would both be drawn to ${join(out, file)}\n  fix: give them different names, or predict them into different folders`)
      taken.set(file, image)
      const read = inputs.get(resolve(out, file))
      if (read !== undefined) throw new DataError(`${join(out, file)} would be written over ${read}, which is to be predicted\n  fix: choose another folder for --out`)
    }
  }
}

export interface Described { readonly facts: ModelFacts; readonly name: string; readonly image: Picture; readonly predictions: readonly Prediction[]; readonly camera: FoundCamera | undefined; /** least score of a box that is drawn */ readonly score: number }

/** Everything that is written, by name, as bytes and text. */
export function renderFiles({ facts, name, image, predictions, camera, score }: Described): Map<string, Uint8Array | string> {
  const files = new Map<string, Uint8Array | string>()
  const panels: Panel[] = [{ caption: 'image', picture: image }]
  let side: ((height: number) => Panel) | undefined
  const note = camera === undefined ? undefined : `camera ${camera.source}`
  predictions.forEach((p, index) => {
    const [ending, second] = suffixes(facts.tasks, index)
    const titled = (caption: string): string => (caption === p.task ? caption : `${caption} (${p.task})`)
    const add = (suffix: string, caption: string, picture: Picture): void => {
      files.set(`${name}_${suffix}.png`, encodePicture(picture))
      if (suffix === ending) panels.push({ caption, picture })
    }
    switch (p.kind) {
      case 'segmentation': return add(ending, titled('segmentation'), segmentationOverlay(image, p.classes, { classes: p.config.classes }))
      case 'depth': {
        const metric = p.config.quantity === 'depth'
        return add(ending, titled(metric ? 'depth' : 'disparity'), depthMap({ ...image, data: p.values }, { unit: metric ? 'metres' : 'pixels of disparity', max: p.config.max }))
      }
      case 'detection3d': {
        const drawn = p.detections.filter(d => d.score >= score)
        const caption = `${titled('3D boxes')}, ${drawn.length} with a score from ${score}`
        const halfView = Math.atan(image.width / 2 / camera!.camera.fx)
        const above = (size: { readonly height?: number; readonly width?: number; readonly note?: string }): Picture => birdsEye(drawn, [], { ...size, halfView })
        add(ending, caption, boxes3d(image, drawn, camera!.camera, { note }))
        add(second, titled('from above'), above({ note }))
        side ??= height => ({ caption: titled('from above'), picture: above({ height, width: Math.max(420, Math.round(0.58 * height)) }) })
      }
    }
  })
  files.set(`${name}_sheet.png`, encodePicture(contactSheet(panels, { title: `${name} by ${facts.name}`, note, side })))
  const detections = predictions.flatMap(p => (p.kind === 'detection3d' ? p.detections : []))
  if (predictions.some(p => p.kind === 'detection3d')) files.set(predictionFileName(name), predictionJson(detections))
  return files
}

/** Writes all files beside their places, then moves them there. Throws FileError, and leaves none of them then. */
export function writeTogether(out: string, files: ReadonlyMap<string, Uint8Array | string>): string[] {
  const folder = join(out, `.${process.pid}.tmp`)
  const paths = [...files.keys()].map(name => join(out, name))
  try {
    for (const [name, content] of files) writeAtomically(join(folder, name), content, { durable: false })
    const blocked = paths.find(p => existsSync(p) && statSync(p).isDirectory())
    if (blocked !== undefined) throw explain(blocked, Object.assign(new Error(), { code: 'EISDIR' }))
    for (const [i, name] of [...files.keys()].entries()) try { renameSync(join(folder, name), paths[i]) } catch (error) { throw explain(paths[i], error) }
    return paths
  } finally { rmSync(folder, { recursive: true, force: true }) }
}

/** Makes the folder and a trial in it, before anything is computed. Throws FileError. */
export function requireWritable(out: string): void {
  const trial = join(out, `.${process.pid}.tmp`)
  writeAtomically(join(trial, 'trial'), '', { durable: false })
  rmSync(trial, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
}
