// The camera of an image that is predicted, from parsed JSON, or assumed. Without files: the exported page needs it too.
import { parseCamera, parseSensor, sensorTransform } from '../data/cityscapes3d/camera.ts'
import type { JsonValue } from '../data/cityscapes3d/json-value.ts'
import type { Camera } from '../data/dataset.ts'
import { dataError } from '../data/errors.ts'
import type { Fit } from './fit.ts'

export interface FoundCamera { readonly camera: Camera; /** where it comes from, in words */ readonly source: string; readonly assumed: boolean }

/** Focal length of the recordings of Cityscapes per column of the image, and the height of their camera in metres. */
const cityscapes = { focal: 2262.52 / 2048, height: 1.22, ahead: 1.7, baseline: 0.209313 }

/** What to do about a calibration that cannot be read. */
export const calibrationFix = 'give the camera json of this image, with `extrinsic` and `intrinsic` as in Cityscapes, or leave it out'

/** Camera json, or the `sensor` of a box file. Throws DataError, also where the calibration cannot be of an image of this size. */
export function cameraFrom(json: JsonValue, image: string, { image: { height, width } }: Fit): Camera {
  const camera = json.has('sensor') ? parseSensor(json.field('sensor')) : parseCamera(json)
  const { u0, v0 } = camera
  if (u0 < 0 || v0 < 0 || u0 > width || v0 > height) {
    throw dataError(json.file, { found: `the principal point (${u0}, ${v0}) lies outside of ${image}, which is ${width} x ${height}`, expected: 'the calibration of an image of this size, in its pixels', fix: 'scale fx, fy, u0 and v0 with the image' })
  }
  return camera
}

/** A camera like that of Cityscapes at the model's size, looking level, the principal point in the middle. */
export function assumedCamera({ image: { height, width }, model }: Fit): FoundCamera {
  const focal = cityscapes.focal * model.width * Math.max(width / model.width, height / model.height)
  const mounting = { baseline: cityscapes.baseline, pitch: 0, roll: 0, yaw: 0, x: cityscapes.ahead, y: 0, z: cityscapes.height }
  const camera: Camera = { fx: focal, fy: focal, u0: (width - 1) / 2, v0: (height - 1) / 2, baseline: mounting.baseline, sensorTIso8855: sensorTransform(mounting) }
  return { camera, source: `assumed: focal length ${Math.round(camera.fx)} px, centre (${camera.u0}, ${camera.v0}), level, ${cityscapes.height} m above the ground`, assumed: true }
}
