// One detected object, as decoded from a network's outputs and as prediction files hold it.
import type { Quaternion, Vec3 } from '../../geometry.ts'

export interface Detection {
  readonly label: string
  /** 0 to 1 */
  readonly score: number
  /** metres, frame V */
  readonly center: Vec3
  /** length, width, height in metres */
  readonly dimensions: Vec3
  /** w, x, y, z: object -> V */
  readonly rotation: Quaternion
  /** x, y, w, h in pixels of the original image: the visible part */
  readonly modal: readonly [number, number, number, number]
  /** x, y, w, h in pixels of the original image: the projected 3D box */
  readonly amodal: readonly [number, number, number, number]
}
