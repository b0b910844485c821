// Box annotations: `<base>_gtBbox3d.json`.
import { dataError } from '../errors.ts'
import type { Box3d, Camera, IgnoreRegion } from '../dataset.ts'
import { parseSensor } from './camera.ts'
import type { JsonValue } from './json-value.ts'

/** The classes that the benchmark evaluates; caravan, trailer, dynamic and tunnel also occur. */
export const evaluatedClasses: readonly string[] = ['car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle']
const mostObjects = 10_000

export interface BoxFile { readonly camera: Camera; readonly boxes: readonly Box3d[]; readonly ignores: readonly IgnoreRegion[]; /** width, height that the file states for its image */ readonly image: readonly [number, number] | undefined }

type Four = [number, number, number, number]
const rectangle = (value: JsonValue): Four => {
  const box = value.numbers(4, '[x, y, width, height], 4 finite numbers') as Four
  if (box[2] < 0 || box[3] < 0) value.wrong('a width and a height that are not negative')
  return box
}

function parseBox(object: JsonValue): Box3d {
  const [flat, solid] = [object.field('2d'), object.field('3d')]
  const rotation = solid.field('rotation')
  const quaternion = rotation.numbers(4, 'a quaternion [w, x, y, z], 4 finite numbers') as Four
  if (Math.hypot(...quaternion) < 1e-6) rotation.wrong('a quaternion [w, x, y, z] of a length other than zero')
  if (solid.has('format') && solid.field('format').value !== 'CRS_ISO8855') solid.field('format').wrong("'CRS_ISO8855': boxes in the vehicle frame")
  const share = (name: string): number => (object.has(name) ? object.field(name).number('a number from 0 to 1', 0, 1) : 0)
  return {
    label: object.field('label').string(),
    center: solid.field('center').numbers(3, '[x, y, z] in metres, 3 finite numbers') as [number, number, number],
    dimensions: solid.field('dimensions').numbers(3, '[length, width, height] in metres, 3 positive numbers', Number.MIN_VALUE) as [number, number, number],
    rotation: quaternion,
    modal: rectangle(flat.field('modal')),
    amodal: rectangle(flat.field('amodal')),
    instanceId: object.has('instanceId') ? object.field('instanceId').number() : -1,
    occlusion: share('occlusion'),
    truncation: share('truncation'),
  }
}

/** Parses a box file; every object is kept, whatever its label. Throws DataError. */
export function parseBoxes(json: JsonValue): BoxFile {
  const camera = parseSensor(json.field('sensor'))
  const boxes = json.field('objects').items(mostObjects).map(parseBox)
  const image = json.has('imgWidth') && json.has('imgHeight') ? [json.field('imgWidth').number(), json.field('imgHeight').number()] as const : undefined
  const ignores = json.has('ignore') ? json.field('ignore').items(mostObjects).map((region): IgnoreRegion => ({ label: region.has('label') ? region.field('label').string() : '', box: rectangle(region.field('2d')) })) : []
  return { camera, boxes, ignores, image }
}

/** Boxes refer to pixels of one image size: a rescaled image with unscaled boxes would train to nonsense. Throws DataError. */
export function requireSameImage(file: string, { image }: BoxFile, height: number, width: number): void {
  if (image !== undefined && (image[0] !== width || image[1] !== height)) {
    throw dataError(file, { found: `its boxes and calibration are for an image of ${image[0]} x ${image[1]}`, expected: `${width} x ${height} (width x height), as the image beside it`, fix: 'use images of the published size, or scale boxes and calibration with them' })
  }
}

/** Whether a file has a box of a class that the benchmark evaluates. */
export const hasEvaluated = (boxes: readonly Box3d[]): boolean => boxes.some(b => evaluatedClasses.includes(b.label))
