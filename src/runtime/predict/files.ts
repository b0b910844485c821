// The files of one image's predictions: pictures, the contact sheet, detections as json; all of them or none.
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { birdsEye } from '../draw/birds-eye.ts'
import { boxes3d } from '../draw/boxes.ts'
import { depthMap } from '../draw/depth.ts'
import { scaled } from '../draw/canvas.ts'
import { repeated, type Picture } from '../draw/picture.ts'
import { encodePicture } from '../draw/png.ts'
import { segmentationOverlay } from '../draw/segmentation.ts'
import { contactSheet, type Panel } from '../draw/sheet.ts'
import { DataError } from '../data/dataset.ts'
import { explain, writeAtomically } from '../files.ts'
import type { ModelFacts } from '../model-facts.ts'
import { predictionFileName, predictionJson } from '../tasks/detection3d/prediction-json.ts'
import { scaledCamera } from '../projection.ts'
import type { FoundCamera } from './calibration.ts'
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

/** Panels of a sheet are about this wide: smaller images are enlarged before they are drawn on, or lines and text would be blurred. */
const panelWidth = 1024
const mostEnlarged = { factor: 8, height: 8192 }

/** The same at a multiple of the size. */
function enlarged(d: Described, factor: number): Described {
  const { height, width } = d.image
  const again = (map: ArrayLike<number>): Float32Array => repeated(map, height, width, factor)
  return {
    ...d, image: scaled(d.image, height * factor, width * factor), camera: d.camera === undefined ? undefined : { ...d.camera, camera: scaledCamera(d.camera.camera, factor, factor) },
    predictions: d.predictions.map((p): Prediction => (p.kind === 'segmentation' ? { ...p, classes: again(p.classes) } : p.kind === 'depth' ? { ...p, values: again(p.values) } : p)),
  }
}

interface Drawing { readonly suffix: string; readonly caption: string; readonly picture: Picture; /** the same, of another size, for the side of a sheet */ readonly tall?: (height: number) => Picture }

/** The pictures of every task, in their order. */
function draw({ facts, image, predictions, camera, score }: Described): Drawing[] {
  const note = noteOf(camera)
  return predictions.flatMap((p, index): Drawing[] => {
    const [suffix, second] = suffixes(facts.tasks, index)
    const titled = (caption: string): string => (caption === p.task ? caption : `${caption} (${p.task})`)
    switch (p.kind) {
      case 'segmentation': return [{ suffix, caption: titled('segmentation'), picture: segmentationOverlay(image, p.classes, { classes: p.config.classes }) }]
      case 'depth': {
        const metric = p.config.quantity === 'depth'
        return [{ suffix, caption: titled(metric ? 'depth' : 'disparity'), picture: depthMap({ ...image, data: p.values }, { unit: metric ? 'metres' : 'pixels of disparity', max: p.config.max }) }]
      }
      case 'detection3d': {
        const drawn = p.detections.filter(d => d.score >= score)
        const halfView = Math.atan(image.width / 2 / camera!.camera.fx)
        return [
          { suffix, caption: `${titled('3D boxes')}, ${drawn.length} with a score from ${score}`, picture: boxes3d(image, drawn, camera!.camera, { note }) },
          { suffix: second, caption: titled('from above'), picture: birdsEye(drawn, [], { halfView, note }), tall: height => birdsEye(drawn, [], { height, width: Math.max(420, Math.round(0.58 * height)), halfView }) },
        ]
      }
    }
  })
}

const noteOf = (camera: FoundCamera | undefined): string | undefined => (camera === undefined ? undefined : `camera ${camera.source}`)

/** Everything that is written, by name, as bytes and text. */
export function renderFiles(described: Described): Map<string, Uint8Array | string> {
  const { facts, name, predictions, camera } = described
  const drawings = draw(described)
  const { height, width } = described.image
  const factor = Math.min(mostEnlarged.factor, Math.ceil(panelWidth / width), Math.max(1, Math.floor(mostEnlarged.height / height)))
  const large = factor > 1 ? enlarged(described, factor) : described
  const shown = factor > 1 ? draw(large) : drawings
  const wide = shown.filter(d => d.tall === undefined)
  const tall = shown.find(d => d.tall !== undefined)
  const side = tall === undefined ? undefined : (height: number): Panel => ({ caption: tall.caption, picture: tall.tall!(height) })
  const sheet = contactSheet([{ caption: 'image', picture: large.image }, ...wide], { title: `${name} by ${facts.name}`, note: noteOf(camera), panelWidth, side })
  const files = new Map<string, Uint8Array | string>([...drawings.map(d => [`${name}_${d.suffix}.png`, encodePicture(d.picture)] as const), [`${name}_sheet.png`, encodePicture(sheet)]])
  if (predictions.some(p => p.kind === 'detection3d')) files.set(predictionFileName(name), predictionJson(predictions.flatMap(p => (p.kind === 'detection3d' ? p.detections : []))))
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
