// Ground truth and predictions of the 3D metric from two folders of json files, with every reason to doubt the result named.
import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { evaluatedClasses, parseBoxes } from '../data/cityscapes3d/boxes.ts'
import type { JsonValue } from '../data/cityscapes3d/json-value.ts'
import { readJson } from '../data/cityscapes3d/json.ts'
import { dataError, reasonOf } from '../data/errors.ts'
import type { Detection } from '../tasks/detection3d/detection.ts'
import { isBehind, type ScoredImage } from './matching.ts'

/** Something that the metric passes over as the official tool does, but that a person should know: what it is and does, how many there are (`of` how many), and where. */
export interface Finding { readonly text: string; readonly count: number; readonly of?: number; readonly places: readonly string[] }

export interface DetectionFolders {
  /** one per ground-truth file, sorted by path */
  readonly images: readonly ScoredImage[]
  readonly findings: readonly Finding[]
  /** images without a prediction file */
  readonly missing: number
  /** sizes of images that the ground truth states, as "width x height" */
  readonly sizes: readonly string[]
}

const together = 32
const mostObjects = 100_000
const truthSuffix = '_gtBbox3d.json'
const splitFix = 'give the folder of a split, such as gtBbox3d/val'
const truthFix = 'use the gtBbox3d files as published'
const predictionFix = 'write predictions as {"objects": [{"2d": {"modal", "amodal"}, "3d": {"center", "dimensions", "rotation"}, "label", "score"}]}, as `mtlc eval` does'

/** All json files below a folder, sorted by path; symbolic links are followed, hidden files and results.json are not read. */
async function jsonFiles(folder: string, expected: string, fix: string): Promise<string[]> {
  const found: string[] = []
  const visited = new Set<string>()
  const walk = async (path: string): Promise<void> => {
    const real = await realpath(path)
    if (visited.has(real)) return
    visited.add(real)
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue
      const child = join(path, entry.name)
      const kind = entry.isSymbolicLink() ? await stat(child).catch(() => entry) : entry
      if (kind.isDirectory()) await walk(child)
      else if (entry.name.endsWith('.json') && entry.name !== 'results.json') found.push(child)
    }
  }
  try {
    await walk(folder)
  } catch (error) {
    throw dataError((error as NodeJS.ErrnoException).path ?? folder, { found: reasonOf(error), expected, fix })
  }
  if (found.length === 0) throw dataError(folder, { found: 'holds no json file', expected, fix })
  return found.sort((a, b) => (a < b ? -1 : 1))
}

/** The image that a file belongs to: its name up to the last underscore. */
const keyOf = (path: string): string => basename(path).slice(0, Math.max(0, basename(path).lastIndexOf('_')))

function byImage(files: readonly string[], fix: string): Map<string, string> {
  const known = new Map<string, string>()
  for (const file of files) {
    const key = keyOf(file)
    const earlier = known.get(key)
    if (earlier !== undefined) throw dataError(file, { found: `belongs to the image '${key}', as ${earlier} does`, expected: 'one file for every image (the name up to the last underscore names the image)', fix })
    known.set(key, file)
  }
  return known
}

async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < items.length; at += together) results.push(...await Promise.all(items.slice(at, at + together).map(work)))
  return results
}

const four = (value: JsonValue): [number, number, number, number] => {
  const box = value.numbers(4, '[x, y, width, height], 4 finite numbers') as [number, number, number, number]
  if (box[2] < 0 || box[3] < 0) value.wrong('a width and a height that are not negative')
  return box
}

interface TruthFile { readonly image: Omit<ScoredImage, 'predictions'>; readonly size: string | undefined; readonly behind: readonly string[] }

async function readTruth(file: string, labels: readonly string[]): Promise<TruthFile> {
  const json = await readJson(file, 'a JSON file of 3D boxes', truthFix)
  json.field('ignore')
  const { camera, boxes, ignores, image } = parseBoxes(json)
  json.field('objects').items(mostObjects).forEach((object, i) => { if (labels.includes(boxes[i].label)) object.field('score') })
  const behind = boxes.flatMap((box, i) => (labels.includes(box.label) && isBehind(box, camera) ? [`${file}: objects[${i}]`] : []))
  return { image: { id: keyOf(file), groundTruth: boxes, ignores, camera }, size: image?.join(' x '), behind }
}

interface PredictionFile { readonly objects: readonly Detection[]; readonly malformed: readonly string[]; readonly otherLabels: readonly string[] }

/** Keys that are missing are a reason to pass over an object, as in the official tool; a value of a wrong kind is an error. */
function missingKey(object: JsonValue): string | undefined {
  const absent = ['2d', '3d', 'score'].find(name => !object.has(name))
  if (absent !== undefined) return absent
  const [flat, solid] = [object.field('2d'), object.field('3d')]
  const part = ['center', 'dimensions', 'rotation'].find(name => !solid.has(name))
  if (part !== undefined) return `3d.${part}`
  return flat.has('amodal') || (flat.has('bbox') && flat.has('bboxVis')) ? undefined : '2d.amodal'
}

function parsePrediction(object: JsonValue): Detection {
  const [flat, solid] = [object.field('2d'), object.field('3d')]
  const legacy = flat.has('bbox') && flat.has('bboxVis')
  const amodal = four(flat.field(legacy ? 'bbox' : 'amodal'))
  const rotation = solid.field('rotation')
  const quaternion = rotation.numbers(4, 'a quaternion [w, x, y, z], 4 finite numbers') as [number, number, number, number]
  if (Math.hypot(...quaternion) < 1e-6) rotation.wrong('a quaternion [w, x, y, z] of a length other than zero')
  return {
    label: object.field('label').string(), score: object.field('score').number('a number from 0 to 1', 0, 1),
    center: solid.field('center').numbers(3, '[x, y, z] in metres, 3 finite numbers') as [number, number, number],
    dimensions: solid.field('dimensions').numbers(3, '[length, width, height] in metres, 3 positive numbers', Number.MIN_VALUE) as [number, number, number],
    rotation: quaternion, amodal,
    modal: legacy ? four(flat.field('bboxVis')) : flat.has('modal') ? four(flat.field('modal')) : amodal,
  }
}

async function readPredictions(file: string, labels: readonly string[]): Promise<PredictionFile> {
  const json = await readJson(file, 'a JSON file of predicted 3D boxes', predictionFix)
  const objects: Detection[] = []
  const malformed: string[] = []
  const otherLabels: string[] = []
  for (const object of json.field('objects').items(mostObjects)) {
    if (!object.has('label')) { malformed.push(`${file}: ${object.path} has no label`); continue }
    const label = object.field('label').string()
    if (!labels.includes(label)) { otherLabels.push(label); continue }
    const missing = missingKey(object)
    if (missing === undefined) objects.push(parsePrediction(object))
    else malformed.push(`${file}: ${object.path} has no ${missing}`)
  }
  return { objects, malformed, otherLabels }
}

async function requireApart(gt: string, predictions: string): Promise<void> {
  const [a, b] = await Promise.all([gt, predictions].map(path => realpath(path).catch(() => path)))
  const inside = (inner: string, outer: string): boolean => { const way = relative(outer, inner); return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) }
  const fix = 'give the folder that holds the predictions alone'
  if (a === b) throw dataError(predictions, { found: 'is the folder of the ground truth', expected: 'predictions, which are to be judged by it', fix })
  if (inside(a, b)) throw dataError(predictions, { found: `holds the ground truth ${gt} too, which would be read as predictions`, expected: 'two folders apart from each other', fix })
  if (inside(b, a)) throw dataError(predictions, { found: `lies inside the ground truth ${gt}, which would take it for annotations`, expected: 'two folders apart from each other', fix })
}

const finding = (text: string, places: readonly string[]): Finding[] => (places.length === 0 ? [] : [{ text, count: places.length, places }])

/** A file named <base>.json is keyed by its name without the frame number. */
const nameHint = (files: readonly string[], images: ReadonlySet<string>): string => {
  const bare = files.find(f => images.has(basename(f, '.json')))
  return bare === undefined ? 'check that both folders are of the same split' : `rename ${basename(bare)} to ${basename(bare, '.json')}_predBbox3d.json, and the others likewise: the image is what stands before the last underscore`
}

/**
 * Reads all ground truth below `gt` and the predictions for it below `predictions`. What the official tool passes over (missing files, files without ground truth, objects without a key)
 * is passed over and returned as findings; what would make the result meaningless throws DataError: no file, two files for an image, damaged json, values that are no numbers, boxes
 * without size, no prediction file that fits, one folder for both.
 */
export async function readDetectionFolders(gt: string, predictions: string, labels: readonly string[]): Promise<DetectionFolders> {
  await requireApart(gt, predictions)
  const given = await jsonFiles(gt, 'ground truth, files named <base>_gtBbox3d.json', splitFix)
  const stray = given.find(f => !f.endsWith(truthSuffix))
  if (stray !== undefined && given.some(f => f.endsWith(truthSuffix))) throw dataError(stray, { found: 'is among the ground truth', expected: `nothing but files named <base>${truthSuffix}`, fix: splitFix })
  const truthFiles = byImage(given, 'give the folder of one split, without copies')
  const files = byImage(await jsonFiles(predictions, 'predictions, files named <base>_predBbox3d.json', 'give the folder that `mtlc eval` wrote detections to; an image without detections needs a file with {"objects": []}'), 'remove the file that is not meant')
  const matching = [...files].filter(([key]) => truthFiles.has(key)).map(([, file]) => file)
  if (matching.length === 0) throw dataError(predictions, { found: `none of its ${files.size} json files belongs to one of the ${truthFiles.size} images of the ground truth; it has ${basename([...files.values()][0])}, the ground truth ${basename([...truthFiles.values()][0])}`, expected: 'files named <base>_predBbox3d.json', fix: nameHint([...files.values()], new Set(truthFiles.keys())) })
  const truth = await inTurns([...truthFiles.values()], file => readTruth(file, labels))
  const predicted = new Map(await inTurns(matching, async file => [keyOf(file), await readPredictions(file, labels)] as const))
  const missing = [...truthFiles.keys()].filter(key => !files.has(key))
  const all = [...predicted.values()]
  const unknown = all.flatMap(p => p.otherLabels).filter(label => !evaluatedClasses.includes(label))
  return {
    images: truth.map(({ image }) => ({ ...image, predictions: predicted.get(image.id)?.objects ?? [] })),
    missing: missing.length,
    sizes: [...new Set(truth.flatMap(t => (t.size === undefined ? [] : [t.size])))],
    findings: [
      ...finding('images without a prediction file, counted as images without detections', missing).map(f => ({ ...f, of: truth.length })),
      ...finding('prediction files of images that the ground truth does not have, not read', [...files].filter(([key]) => !truthFiles.has(key)).map(([, file]) => file)),
      ...finding('predictions that lack a key, passed over', all.flatMap(p => p.malformed)),
      ...finding('predictions of labels that the benchmark does not evaluate, passed over', unknown).map(f => ({ ...f, places: [...new Set(unknown)].sort().map(label => `'${label}': ${unknown.filter(l => l === label).length}`) })),
      ...finding('boxes of the ground truth that lie behind the camera (is the calibration that of the images?)', truth.flatMap(t => t.behind)),
    ],
  }
}
