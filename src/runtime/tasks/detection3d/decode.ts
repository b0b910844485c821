// A detector's outputs -> detections (FCOS3D, section 3.4 of its paper, with the Cityscapes-3D settings of the report).
import type { Detection3dConfig } from '../../../compiler/tasks/spec.ts'
import type { Camera } from '../../data/dataset.ts'
import type { HostTensors } from '../../engines/engine.ts'
import { sensorToVehicle, type Vec3 } from '../../geometry.ts'
import { amodalBox } from '../../projection.ts'
import { rectangle, type Rectangle } from './bev.ts'
import { candidatesOf, directionOf, regressed, scoreOf, type Candidate } from './candidates.ts'
import type { Detection } from './detection.ts'
import { suppress } from './nms.ts'
import { angleFrom, rotationCodecs, type RotationCodec } from './rotation.ts'

/** Centre (metres) and angles (radians) of a candidate in the sensor frame S. */
interface Pose { readonly center: Vec3; readonly angles: Vec3 }

function poseOf(k: Candidate, { directionOffset }: RotationCodec, camera: Camera): Pose {
  const { stride } = k.maps.level
  const [u, v, z] = [k.x - regressed(k, 0) * stride, k.y - regressed(k, 1) * stride, regressed(k, 2)]
  const angle = (i: 0 | 1 | 2): number => angleFrom(regressed(k, 6 + i), directionOf(k, i), directionOffset)
  return { center: [((u - camera.u0) * z) / camera.fx, ((v - camera.v0) * z) / camera.fy, z], angles: [angle(0), angle(1), angle(2)] }
}

/** Length, width, height in metres. */
const dimensionsOf = (k: Candidate): Vec3 => [regressed(k, 3), regressed(k, 4), regressed(k, 5)]

/** The ground that a box covers, x right and z forward: its width lies along x and its length along z before it is turned. */
const footprint = (k: Candidate, { center, angles }: Pose, codec: RotationCodec): Rectangle =>
  rectangle(center[0], center[2], regressed(k, 4), regressed(k, 3), codec.birdsEyeAngle(angles, center))

/** Distances to the four sides -> x, y, w, h, cut at the borders of the image. */
function modalBox(k: Candidate, height: number, width: number): Detection['modal'] {
  const clamp = (v: number, most: number): number => Math.min(Math.max(v, 0), most)
  const side = (channel: number): number => regressed(k, channel) * k.maps.level.stride
  const [x1, y1] = [clamp(k.x - side(9), width), clamp(k.y - side(10), height)]
  return [x1, y1, Math.max(0, clamp(k.x + side(11), width) - x1), Math.max(0, clamp(k.y + side(12), height) - y1)]
}

/**
 * Detections of image `index` of a batch, by its outputs `<task>/{cls,bbox,dir,ctr}/<level>`; `camera` and `size` are those of the original image. Per class, what passes `config.score` suppresses what
 * it overlaps on the ground by more than `config.nms`; the classes follow one another, best score first, unless there are more than `config.maxPerImage`: then the best of all stay, best first.
 * Points whose regression is not finite, behind the camera or of no size give none.
 */
export function decodeDetections(outputs: HostTensors, index: number, config: Detection3dConfig, camera: Camera, task: string, size: { readonly height: number; readonly width: number }): Detection[] {
  const codec = rotationCodecs[config.rotation]
  const candidates = candidatesOf(outputs, index, config, task)
  const poses = candidates.map(k => poseOf(k, codec, camera))
  const footprints = candidates.map((k, i) => footprint(k, poses[i], codec))
  const found = config.classes.flatMap((label, c) => {
    const scores = new Float64Array(candidates.length)
    for (let i = 0; i < scores.length; i++) {
      const score = scoreOf(candidates[i], c)
      scores[i] = score > config.score ? score : NaN
    }
    // No more than maxPerImage of one class can be among the best of all.
    return suppress(footprints, scores, config.nms, config.maxPerImage).map(i => ({ label, i, score: scores[i] }))
  })
  if (found.length > config.maxPerImage) found.sort((a, b) => b.score - a.score).splice(config.maxPerImage)
  return found.map(({ label, i, score }) => {
    const { center, rotation } = sensorToVehicle(poses[i].center, codec.decode(poses[i].angles, poses[i].center), camera.sensorTIso8855)
    const dimensions = dimensionsOf(candidates[i])
    const [x1, y1, x2, y2] = amodalBox(center, dimensions, rotation, camera, size.width, size.height)
    return { label, score, center, dimensions, rotation, modal: modalBox(candidates[i], size.height, size.width), amodal: [x1, y1, x2 - x1, y2 - y1] as const }
  })
}
