// The camera of an image that is predicted: from a file, from the data set around the image, or assumed.
import { existsSync } from 'node:fs'
import { basename, dirname, resolve, sep } from 'node:path'
import { parseCamera, parseSensor, sensorTransform } from '../data/cityscapes3d/camera.ts'
import { readJson } from '../data/cityscapes3d/json.ts'
import { kinds, pathOf } from '../data/cityscapes3d/layout.ts'
import type { Camera } from '../data/dataset.ts'
import { dataError } from '../data/errors.ts'
import type { Fit } from './fit.ts'

export interface FoundCamera { readonly camera: Camera; /** where it comes from, in words */ readonly source: string; readonly assumed: boolean }

/** Focal length of the recordings of Cityscapes per column of the image, and the height of their camera in metres. */
const cityscapes = { focal: 2262.52 / 2048, height: 1.22, ahead: 1.7, baseline: 0.209313 }

/** `<root>/camera/<split>/<city>/<id>_camera.json` of an image at `<root>/leftImg8bit/<split>/<city>/<id>_leftImg8bit.png`, if it exists. */
export function siblingCamera(image: string): string | undefined {
  const { folder, suffix } = kinds.image
  const path = resolve(image)
  const split = dirname(dirname(path))
  if (!path.endsWith(suffix) || basename(dirname(split)) !== folder) return undefined
  const camera = pathOf(dirname(dirname(split)), basename(split), basename(path).slice(0, -suffix.length), 'camera')
  return camera.includes(`${sep}${basename(dirname(path))}${sep}`) && existsSync(camera) ? camera : undefined
}

/** Camera json, or the `sensor` of a box file. Throws DataError, also where the calibration cannot be of an image of this size. */
async function readCamera(path: string, image: string, { image: { height, width } }: Fit): Promise<Camera> {
  const fix = 'give the camera json of this image, with `extrinsic` and `intrinsic` as in Cityscapes, or leave out --camera'
  const json = await readJson(path, 'a JSON file of the calibration', fix)
  const camera = json.has('sensor') ? parseSensor(json.field('sensor')) : parseCamera(json)
  const { u0, v0 } = camera
  if (u0 < 0 || v0 < 0 || u0 > width || v0 > height) {
    throw dataError(path, { found: `the principal point (${u0}, ${v0}) lies outside of ${image}, which is ${width} x ${height}`, expected: 'the calibration of an image of this size, in its pixels', fix: 'scale fx, fy, u0 and v0 with the image' })
  }
  return camera
}

/** A camera like that of Cityscapes at the model's size, looking level, the principal point in the middle. */
function assumedCamera({ image: { height, width }, model }: Fit): Camera {
  const focal = cityscapes.focal * model.width * Math.max(width / model.width, height / model.height)
  const mounting = { baseline: cityscapes.baseline, pitch: 0, roll: 0, yaw: 0, x: cityscapes.ahead, y: 0, z: cityscapes.height }
  return { fx: focal, fy: focal, u0: (width - 1) / 2, v0: (height - 1) / 2, baseline: mounting.baseline, sensorTIso8855: sensorTransform(mounting) }
}

/** `given`: the file named by the user. Throws DataError. */
export async function cameraOf(image: string, given: string | undefined, fit: Fit): Promise<FoundCamera> {
  const file = given ?? siblingCamera(image)
  if (file !== undefined) return { camera: await readCamera(file, image, fit), source: `from ${given === undefined ? basename(file) : given}`, assumed: false }
  const camera = assumedCamera(fit)
  return { camera, source: `assumed: focal length ${Math.round(camera.fx)} px, centre (${camera.u0}, ${camera.v0}), level, ${cityscapes.height} m above the ground`, assumed: true }
}
