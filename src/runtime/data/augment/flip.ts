// A scene seen in a mirror: left and right change places in the image, in the camera and in the world.
import { matrixToQuaternion, quaternionToMatrix, splitTransform, type Matrix3 } from '../../geometry.ts'
import type { Box3d, Camera, Sample } from '../dataset.ts'

type Box2d = readonly [number, number, number, number]

/** Rows of `width` pixels of `channels` values in reverse order. */
function mirrored<T extends Uint8Array | Uint16Array>(map: T, width: number, channels: number): T {
  const out = map.slice() as T
  for (let row = 0; row < map.length; row += width * channels) {
    for (let x = 0; x < width; x++) for (let c = 0; c < channels; c++) out[row + x * channels + c] = map[row + (width - 1 - x) * channels + c]
  }
  return out
}

/** Frames C and V have y to the left: the mirror is F = diag(1, -1, 1) in both, and a rotation R becomes F R F, a rotation again. */
const reflect = (m: Matrix3): Matrix3 => [[m[0][0], -m[0][1], m[0][2]], [-m[1][0], m[1][1], -m[1][2]], [m[2][0], -m[2][1], m[2][2]]]

function mirroredCamera(camera: Camera, width: number): Camera {
  const { rotation, translation: [x, y, z] } = splitTransform(camera.sensorTIso8855)
  const [a, b, c] = reflect(rotation)
  return { ...camera, u0: width - 1 - camera.u0, sensorTIso8855: [[...a, x], [...b, -y], [...c, z]] }
}

/** Coordinates are those of pixel centres, 0 to width - 1. */
const mirroredBox2d = ([x, y, w, h]: Box2d, width: number): Box2d => [width - 1 - x - w, y, w, h]

/** Boxes are symmetric themselves, so only where they stand and where they head to changes: yaw and roll turn around, pitch stays. */
const mirroredBox = (box: Box3d, width: number): Box3d => ({
  ...box, center: [box.center[0], -box.center[1], box.center[2]], rotation: matrixToQuaternion(reflect(quaternionToMatrix(box.rotation))),
  modal: mirroredBox2d(box.modal, width), amodal: mirroredBox2d(box.amodal, width),
})

/** The mirrored sample. Twice gives the sample again, boxes' rotations up to the sign of the quaternion. */
export function flip(sample: Sample): Sample {
  const { width } = sample
  return {
    ...sample,
    image: mirrored(sample.image, width, 3),
    labelIds: sample.labelIds && mirrored(sample.labelIds, width, 1),
    disparity: sample.disparity && mirrored(sample.disparity, width, 1),
    camera: sample.camera && mirroredCamera(sample.camera, width),
    boxes: sample.boxes?.map(b => mirroredBox(b, width)),
    ...(sample.ignores === undefined ? {} : { ignores: sample.ignores.map(r => ({ ...r, box: mirroredBox2d(r.box, width) })) }),
  }
}
