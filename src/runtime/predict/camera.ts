// Where the camera of an image that is predicted is found: in a file that is named, or in the data set around the image.
import { existsSync } from 'node:fs'
import { basename, dirname, resolve, sep } from 'node:path'
import { readJson } from '../data/cityscapes3d/json.ts'
import { kinds, pathOf } from '../data/cityscapes3d/layout.ts'
import { assumedCamera, calibrationFix, cameraFrom, type FoundCamera } from './calibration.ts'
import type { Fit } from './fit.ts'

/** `<root>/camera/<split>/<city>/<id>_camera.json` of an image at `<root>/leftImg8bit/<split>/<city>/<id>_leftImg8bit.png`, if it exists. */
export function siblingCamera(image: string): string | undefined {
  const { folder, suffix } = kinds.image
  const path = resolve(image)
  const split = dirname(dirname(path))
  if (!path.endsWith(suffix) || basename(dirname(split)) !== folder) return undefined
  const camera = pathOf(dirname(dirname(split)), basename(split), basename(path).slice(0, -suffix.length), 'camera')
  return camera.includes(`${sep}${basename(dirname(path))}${sep}`) && existsSync(camera) ? camera : undefined
}

/** `given`: the file named by the user. Throws DataError. */
export async function cameraOf(image: string, given: string | undefined, fit: Fit): Promise<FoundCamera> {
  const file = given ?? siblingCamera(image)
  if (file === undefined) return assumedCamera(fit)
  const camera = cameraFrom(await readJson(file, 'a JSON file of the calibration', calibrationFix), image, fit)
  return { camera, source: `from ${given === undefined ? basename(file) : given}`, assumed: false }
}
