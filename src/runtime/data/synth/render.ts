// From a scene to what the data set holds: image, label ids, instances, disparity and boxes, all from the same surfaces.
import type { Camera } from '../dataset.ts'
import { label } from './labels.ts'
import { draw, gridOf, scan } from './raster.ts'
import type { View } from './raster.ts'
import { hash2, noise2 } from './random.ts'
import type { Scene } from './scene.ts'
import { out, shade, sky } from './shade.ts'

export interface Rendered {
  /** RGB, HWC */
  readonly image: Uint8Array
  readonly labelIds: Uint8Array
  readonly instanceIds: Uint16Array
  /** 1 / Z in 1 / metres through the centre of each pixel, 0 for sky and our own bonnet */
  readonly inverseDepth: Float32Array
  readonly disparity: Uint16Array
  /** samples of each instance if nothing stood before it */
  readonly alone: ReadonlyMap<number, number>
}

/** Height of our own bonnet at a column, as a fraction of the image; 0 where it does not show. */
const hoodAt = (hood: number, x: number): number => (hood === 0 ? 0 : hood * (1 - 0.9 * (2 * x - 1) ** 4))

/** How dark the ground is: [sun taken away, sky taken away] in 0..255 per sample. */
function castShadows(scene: Scene, view: View): { readonly sun: Uint8Array; readonly sky: Uint8Array } {
  const { grid, inverseDepth, primitive } = view
  const [sun, dim] = [new Uint8Array(inverseDepth.length), new Uint8Array(inverseDepth.length)]
  for (const s of scene.shadows) {
    const target = s.sun ? sun : dim
    const value = Math.round(255 * s.depth)
    scan(s.points, s.normal, grid, (row, from, to, slope, base) => {
      for (let x = from; x < to; x++) {
        const i = row * grid.width + x
        if (target[i] >= value || primitive[i] === 0) continue
        const inverse = base + slope * x
        // Surfaces within a few per cent of the shadow's plane belong to the ground that it falls on.
        if (Math.abs(inverse - inverseDepth[i]) < 0.06 * inverseDepth[i] && scene.primitives[primitive[i] - 1].material.ground) target[i] = value
      }
    })
  }
  return { sun, sky: dim }
}

/** Display value of a linear one: a soft shoulder, then gamma 1 / 2.2. */
const curve = Float32Array.from({ length: 4096 }, (_, i) => {
  const x = i / 1024
  return 255 * Math.min(1, (x * (1 + x / 9)) / (1 + 0.55 * x)) ** (1 / 2.2)
})

function paint(scene: Scene, view: View, height: number, width: number, per: number, hood: number): Uint8Array {
  const { grid, inverseDepth, primitive } = view
  const { light } = scene
  const shadows = castShadows(scene, view)
  const image = new Uint8Array(3 * height * width)
  const pixel = 1 / grid.fx
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let [r, g, b] = [0, 0, 0]
      for (let j = 0; j < per * per; j++) {
        const row = y * per + (j / per | 0)
        const column = x * per + j % per
        const i = row * grid.width + column
        const [dx, dy] = [(column - grid.u0) / grid.fx, (row - grid.v0) / grid.fy]
        const bonnet = hoodAt(hood, column / grid.width)
        const below = row / grid.height - (1 - bonnet)
        if (bonnet > 0 && below > 0) {
          const shine = 0.25 * Math.exp(-below * 60) + 0.05
          for (let k = 0; k < 3; k++) out[k] = 0.02 + shine * light.horizon[k] * (0.8 + 0.3 * dx)
        } else if (primitive[i] === 0) sky(light, dx, dy, 1, 1.15)
        else shade(scene.primitives[primitive[i] - 1], light, dx, dy, 1 / inverseDepth[i], shadows.sun[i] / 255, shadows.sky[i] / 255, pixel)
        r += out[0]
        g += out[1]
        b += out[2]
      }
      const k = 1024 * light.exposure / (per * per)
      const at = 3 * (y * width + x)
      // The mean of four hashes is nearly Gaussian.
      const noise = (c: number): number => light.noise * 3.4 * (hash2(x, y, light.seed + c) + hash2(x, y, light.seed + c + 7) - 1)
      const grain = noise(0)
      image[at] = Math.max(0, Math.min(255, curve[Math.min(4095, r * k | 0)] + grain + 0.4 * noise(1) + 0.5))
      image[at + 1] = Math.max(0, Math.min(255, curve[Math.min(4095, g * k | 0)] + grain + 0.4 * noise(2) + 0.5))
      image[at + 2] = Math.max(0, Math.min(255, curve[Math.min(4095, b * k | 0)] + grain + 0.4 * noise(3) + 0.5))
    }
  }
  return image
}

/**
 * Disparity as stereo matching would leave it: round(256 d + 1), and 0 (no measurement) at the sky, where the right camera sees something nearer instead, beyond its left
 * border, where d does not fit 16 bits, and in patches here and there.
 */
export function disparityOf(inverseDepth: Float32Array, height: number, width: number, camera: Camera, seed: number): Uint16Array {
  const disparity = new Uint16Array(height * width)
  const right = new Float32Array(width)
  const scale = 2048 / width
  for (let y = 0; y < height; y++) {
    right.fill(0)
    for (let x = 0; x < width; x++) {
      const d = camera.baseline * camera.fx * inverseDepth[y * width + x]
      const to = Math.round(x - d)
      if (to >= 0 && right[to] < d) right[to] = d
    }
    for (let x = 0; x < width; x++) {
      const d = camera.baseline * camera.fx * inverseDepth[y * width + x]
      const to = Math.round(x - d)
      const p = Math.round(256 * d + 1)
      const hidden = to < 0 || right[to] > d * 1.02 + 1
      const patchy = noise2(x * scale / 60, y * scale / 40, seed) * noise2(x * scale / 14, y * scale / 14, seed + 1) > 0.66
      disparity[y * width + x] = d > 0 && p < 65536 && !hidden && !patchy ? p : 0
    }
  }
  return disparity
}

/** Renders a scene at height x width with the camera. `hood`: height of our own bonnet as a fraction of the image. Small images take four samples of colour per pixel; labels and depth are those of the pixel's centre. */
export function render(scene: Scene, camera: Camera, height: number, width: number, hood: number): Rendered {
  const alone = new Map<number, number>()
  const view = draw(scene.primitives, gridOf(camera, height, width, 1), alone)
  const per = width <= 768 ? 2 : 1
  const image = paint(scene, per === 1 ? view : draw(scene.primitives, gridOf(camera, height, width, per)), height, width, per, hood)
  const labelIds = new Uint8Array(height * width)
  const instanceIds = new Uint16Array(height * width)
  const { inverseDepth, primitive } = view
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x
      const bonnet = y / height > 1 - hoodAt(hood, x / width)
      if (bonnet) inverseDepth[i] = 0
      const p = scene.primitives[primitive[i] - 1]
      labelIds[i] = bonnet ? label.ego : p === undefined ? label.sky : p.label
      instanceIds[i] = bonnet || p === undefined ? labelIds[i] : p.instance || p.label
    }
  }
  return { image, labelIds, instanceIds, inverseDepth, disparity: disparityOf(inverseDepth, height, width, camera, scene.light.seed + 11), alone }
}
