// Annotations of a rendered scene: gtBbox3d and camera json, as the rendering shows them.
import { amodalBox, boxCorners, pointToSensor, projectedHull } from '../../projection.ts'
import type { Camera } from '../dataset.ts'
import type { Extrinsic } from '../cityscapes3d/camera.ts'
import type { Primitive } from './mesh.ts'
import { draw } from './raster.ts'
import type { Rendered } from './render.ts'
import type { Scene } from './scene.ts'
import type { Vehicle } from './traffic.ts'

type Rectangle = [number, number, number, number]

/** Visible pixels of each instance and their hull [xmin, ymin, xmax, ymax]. */
function visibleHulls(instanceIds: Uint16Array, height: number, width: number): ReadonlyMap<number, { readonly pixels: number; readonly hull: Rectangle }> {
  const found = new Map<number, { pixels: number; hull: Rectangle }>()
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const id = instanceIds[y * width + x]
      if (id < 1000) continue
      const seen = found.get(id)
      if (!seen) found.set(id, { pixels: 1, hull: [x, y, x, y] })
      else {
        seen.pixels++
        if (x < seen.hull[0]) seen.hull[0] = x
        if (x > seen.hull[2]) seen.hull[2] = x
        seen.hull[3] = y
      }
    }
  }
  return found
}

const tenths = (v: number): number => Math.round(10 * Math.min(1, Math.max(0, v))) / 10

/** Share of a vehicle's outline beyond the borders of the image, counted over its surroundings of one image size on each side. */
function truncation(primitives: readonly Primitive[], vehicle: Vehicle, camera: Camera, height: number, width: number): number {
  const hull = projectedHull(boxCorners(vehicle.center, vehicle.size, vehicle.rotation).map(p => pointToSensor(p, camera.sensorTIso8855)), camera)
  if (!hull || (hull[0] >= 0 && hull[1] >= 0 && hull[2] <= width - 1 && hull[3] <= height - 1)) return 0
  const [x0, y0] = [Math.max(hull[0], -width), Math.max(hull[1], -height)]
  const [x1, y1] = [Math.min(hull[2], 2 * width), Math.min(hull[3], 2 * height)]
  const side = 96
  const [kx, ky] = [side / Math.max(1, x1 - x0), side / Math.max(1, y1 - y0)]
  const grid = { width: side, height: side, fx: camera.fx * kx, fy: camera.fy * ky, u0: (camera.u0 - x0) * kx, v0: (camera.v0 - y0) * ky }
  const view = draw(primitives.filter(p => p.instance === vehicle.instance), grid)
  let [all, inImage] = [0, 0]
  for (let i = 0; i < side * side; i++) {
    if (view.primitive[i] === 0) continue
    all++
    const [u, v] = [x0 + (i % side) / kx, y0 + Math.floor(i / side) / ky]
    if (u >= -0.5 && v >= -0.5 && u < width - 0.5 && v < height - 0.5) inImage++
  }
  return all === 0 ? 0 : 1 - inImage / all
}

/** The smallest side, in pixels, of a visible hull that is annotated as a box; less goes to the regions that the evaluation ignores. */
const smallest = 2

/** `<base>_gtBbox3d.json`: vehicles that are seen, nearest first. */
export function boxJson(scene: Scene, rendered: Rendered, camera: Camera, height: number, width: number): object {
  const seen = visibleHulls(rendered.instanceIds, height, width)
  const near = [...scene.vehicles].sort((a, b) => Math.hypot(...a.center) - Math.hypot(...b.center))
  const objects: object[] = []
  const ignore: object[] = []
  for (const v of near) {
    const visible = seen.get(v.instance)
    if (!visible) continue
    const [x0, y0, x1, y1] = visible.hull
    const modal: Rectangle = [x0, y0, x1 - x0, y1 - y0]
    if (x1 - x0 + 1 < smallest || y1 - y0 + 1 < smallest) {
      ignore.push({ '2d': modal, label: v.class, instanceId: v.instance })
      continue
    }
    const [a, b, c, d] = amodalBox(v.center, v.size, v.rotation, camera, width, height).map(Math.trunc)
    objects.push({
      '2d': { modal, amodal: [a, b, c - a, d - b] },
      '3d': { center: v.center, dimensions: v.size, rotation: v.rotation, type: v.type, format: 'CRS_ISO8855' },
      occlusion: tenths(1 - visible.pixels / rendered.alone.get(v.instance)!),
      truncation: tenths(truncation(scene.primitives, v, camera, height, width)),
      instanceId: v.instance, label: v.class, score: 1,
    })
  }
  const { fx, fy, u0, v0, baseline, sensorTIso8855 } = camera
  return { imgWidth: width, imgHeight: height, sensor: { sensor_T_ISO_8855: sensorTIso8855, fx, fy, u0, v0, baseline }, objects, ignore }
}

/** `<base>_camera.json` */
export const cameraJson = (extrinsic: Extrinsic, { fx, fy, u0, v0 }: Camera): object => ({ extrinsic, intrinsic: { fx, fy, u0, v0 } })
