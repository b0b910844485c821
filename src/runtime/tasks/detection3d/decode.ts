// A detector's outputs -> detections (FCOS3D, section 3.4 of its paper, with the Cityscapes-3D settings of the report).
import type { Detection3dConfig } from '../../../compiler/tasks/spec.ts'
import type { Camera } from '../../data/dataset.ts'
import type { HostTensors } from '../../engines/engine.ts'
import { sensorToVehicle, type Quaternion, type Vec3 } from '../../geometry.ts'
import { amodalBox } from '../../projection.ts'
import type { Rectangle } from './bev.ts'
import { candidatesOf, type Candidate } from './candidates.ts'
import type { Detection } from './detection.ts'
import { suppress } from './nms.ts'
import { angleFrom, rotationCodecs } from './rotation.ts'

/** A candidate as a box of the sensor frame S: metres; length, width, height. */
interface Box { readonly center: Vec3; readonly size: Vec3; readonly rotation: Quaternion; /** on the ground of S: x right, z forward */ readonly footprint: Rectangle }

function boxOf({ x, y, stride, box, directions }: Candidate, { rotation }: Detection3dConfig, camera: Camera): Box {
  const codec = rotationCodecs[rotation]
  const [u, v, z] = [x - box[0] * stride, y - box[1] * stride, box[2]]
  const center: Vec3 = [((u - camera.u0) * z) / camera.fx, ((v - camera.v0) * z) / camera.fy, z]
  const angle = (i: 0 | 1 | 2): number => angleFrom(box[6 + i], directions[i], codec.directionOffset)
  const angles: Vec3 = [angle(0), angle(1), angle(2)]
  const [length, width, height] = [box[3], box[4], box[5]]
  return { center, size: [length, width, height], rotation: codec.decode(angles, center), footprint: { x: center[0], y: z, width, height: length, angle: codec.birdsEyeAngle(angles, center) } }
}

/** Distances to the four sides -> x, y, w, h, cut at the borders of the image. */
function modalBox({ x, y, stride, box }: Candidate, height: number, width: number): Detection['modal'] {
  const clamp = (v: number, most: number): number => Math.min(Math.max(v, 0), most)
  const [x1, y1] = [clamp(x - box[9] * stride, width), clamp(y - box[10] * stride, height)]
  return [x1, y1, Math.max(0, clamp(x + box[11] * stride, width) - x1), Math.max(0, clamp(y + box[12] * stride, height) - y1)]
}

/**
 * Detections of image `index` of a batch, by its outputs `<task>/{cls,bbox,dir,ctr}/<level>`; `camera` and `size` are those of the original image. Per class, what passes `config.score` suppresses what
 * it overlaps on the ground by more than `config.nms`; the classes follow one another, best score first, unless there are more than `config.maxPerImage`: then the best of all stay, best first.
 * Points whose outputs are not finite give no detection.
 */
export function decodeDetections(outputs: HostTensors, index: number, config: Detection3dConfig, camera: Camera, task: string, size: { readonly height: number; readonly width: number }): Detection[] {
  const candidates = candidatesOf(outputs, index, config, task)
  const boxes = candidates.map(c => boxOf(c, config, camera))
  const found = config.classes.flatMap((_, c) => {
    const passing = candidates.flatMap((k, i) => k.scores[c] > config.score ? [i] : [])
    // No more than maxPerImage of one class can be among the best of all.
    const kept = suppress(passing.map(i => boxes[i].footprint), passing.map(i => candidates[i].scores[c]), config.nms, config.maxPerImage)
    return kept.map(k => ({ c, i: passing[k], score: candidates[passing[k]].scores[c] }))
  })
  if (found.length > config.maxPerImage) found.sort((a, b) => b.score - a.score).splice(config.maxPerImage)
  return found.map(({ c, i, score }) => {
    const { center, rotation } = sensorToVehicle(boxes[i].center, boxes[i].rotation, camera.sensorTIso8855)
    const dimensions = boxes[i].size
    const [x1, y1, x2, y2] = amodalBox(center, dimensions, rotation, camera, size.width, size.height)
    return { label: config.classes[c], score, center, dimensions, rotation, modal: modalBox(candidates[i], size.height, size.width), amodal: [x1, y1, x2 - x1, y2 - y1] as const }
  })
}
