// Annotated boxes -> what the assignment needs: everything in the sensor frame and in original pixels.
import { vehicleToSensor, type Vec3 } from '../../geometry.ts'
import { DataError, type Sample } from '../../data/dataset.ts'
import { rotationCodecs } from './rotation.ts'

export interface ParsedBox {
  /** index into the task's classes */
  readonly label: number
  /** metres, frame S */
  readonly center: Vec3
  /** projected centre in pixels of the original image (may lie outside), and depth in metres */
  readonly projected: Vec3
  /** length, width, height in metres */
  readonly size: Vec3
  /** radians, by the task's rotation encoding */
  readonly angles: Vec3
  /** x1, y1, x2, y2 in pixels */
  readonly modal: readonly [number, number, number, number]
}

/** Boxes of the given classes, in order of the file. A box whose centre lies behind the image plane cannot be projected and is left out. */
export function parseBoxes(sample: Sample, classes: readonly string[], rotation: keyof typeof rotationCodecs): ParsedBox[] {
  if (sample.boxes === undefined || sample.camera === undefined) throw new DataError(`${sample.id}: the detection task needs gtBbox3d boxes with their sensor, and this sample has none`)
  const { fx, fy, u0, v0, sensorTIso8855 } = sample.camera
  const codec = rotationCodecs[rotation]
  return sample.boxes.flatMap(box => {
    const label = classes.indexOf(box.label)
    if (label < 0) return []
    const { center, rotation: orientation } = vehicleToSensor(box.center, box.rotation, sensorTIso8855)
    const [x, y, z] = center
    if (z <= 0) return []
    const [left, top, width, height] = box.modal
    return [{ label, center, projected: [(fx * x) / z + u0, (fy * y) / z + v0, z] as const, size: box.dimensions, angles: codec.encode(orientation, center), modal: [left, top, left + width, top + height] as const }]
  })
}
