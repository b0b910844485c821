// From a scene to what the data set holds: image, label ids, instances, disparity and boxes, all from the same surfaces.
import type { Camera } from '../dataset.ts'
import { label } from './labels.ts'
import { draw, gridOf, scan } from './raster.ts'
import type { View } from './raster.ts'
import { hash2, noise2 } from './random.ts'
import type { Scene } from './scene.ts'
import { even, out, shade, sky } from './shade.ts'

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
const hoodAt = (hood: number, x: number): number => (hood === 0 ? 0 : hood * (1 - 0.9 * (2 * x - 1) * (2 * x - 1) * (2 * x - 1) * (2 * x - 1)))

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

const clamp = (v: number): number => (v < 0 ? 0 : v > 255 ? 255 : v)

/** Display value of a linear one: a soft shoulder, then gamma 1 / 2.2. */
const curve = Float32Array.from({ length: 4096 }, (_, i) => {
  const x = i / 1024
  return 255 * Math.min(1, (x * (1 + x / 9)) / (1 + 0.55 * x)) ** (1 / 2.2)
})

/** Leaves the linear colour of sample (column, row) in `out`. `hoods`: height of the bonnet by column of samples. */
function lookAt(scene: Scene, view: View, shadows: { readonly sun: Uint8Array; readonly sky: Uint8Array }, hoods: Float64Array, column: number, row: number): void {
  const { grid, inverseDepth, primitive } = view
  const dx = (column - grid.u0) / grid.fx
  const dy = (row - grid.v0) / grid.fy
  const below = row / grid.height - 1 + hoods[column]
  const i = row * grid.width + column
  if (hoods[column] > 0 && below > 0) {
    const shine = 0.25 * Math.exp(-below * 60) + 0.05
    for (let k = 0; k < 3; k++) out[k] = 0.02 + shine * scene.light.horizon[k] * (0.8 + 0.3 * dx)
  } else if (primitive[i] === 0) sky(scene.light, dx, dy, 1, 1.15)
  else shade(scene.primitives[primitive[i] - 1], scene.light, dx, dy, 1 / inverseDepth[i], shadows.sun[i] / 255, shadows.sky[i] / 255, 1 / grid.fx)
}

/** How many of the samples of a pixel need a colour of their own: all at outlines, two in patterns, one elsewhere. */
function samplesOf(scene: Scene, view: View, per: number, x: number, y: number): number {
  if (per === 1) return 1
  const at = y * 2 * view.grid.width + 2 * x
  const { primitive } = view
  const p = primitive[at]
  if (p !== primitive[at + 1] || p !== primitive[at + view.grid.width] || p !== primitive[at + view.grid.width + 1]) return 4
  return p === 0 || even.has(scene.primitives[p - 1].material.texture) ? 1 : 2
}

function paint(scene: Scene, view: View, height: number, width: number, per: number, hood: number): Uint8Array {
  const { light } = scene
  const shadows = castShadows(scene, view)
  const image = new Uint8Array(3 * height * width)
  const hoods = Float64Array.from({ length: view.grid.width }, (_, x) => hoodAt(hood, x / view.grid.width))
  const { seed } = light
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let r = 0
      let g = 0
      let b = 0
      const samples = samplesOf(scene, view, per, x, y)
      for (let j = 0; j < samples; j++) {
        // Two samples lie on the pixel's diagonal.
        const k = samples === 2 ? 3 * j : j
        lookAt(scene, view, shadows, hoods, x * per + (k & 1), y * per + (k >> 1))
        r += out[0]
        g += out[1]
        b += out[2]
      }
      const k = 1024 * light.exposure / samples
      const at = 3 * (y * width + x)
      // The sum of two uniform draws is near enough to a bell; one for brightness, a weaker one for each colour.
      const strength = 3.4 * light.noise
      const grain = strength * (hash2(x, y, seed) + hash2(x, y, seed + 7) - 1) + 0.5
      image[at] = clamp(curve[Math.min(4095, r * k | 0)] + grain + 0.5 * strength * (hash2(x, y, seed + 1) - 0.5))
      image[at + 1] = clamp(curve[Math.min(4095, g * k | 0)] + grain + 0.5 * strength * (hash2(x, y, seed + 2) - 0.5))
      image[at + 2] = clamp(curve[Math.min(4095, b * k | 0)] + grain + 0.5 * strength * (hash2(x, y, seed + 3) - 0.5))
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
  const hoods = Float64Array.from({ length: width }, (_, x) => hoodAt(hood, x / width))
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x
      const bonnet = y / height > 1 - hoods[x]
      if (bonnet) inverseDepth[i] = 0
      const p = scene.primitives[primitive[i] - 1]
      labelIds[i] = bonnet ? label.ego : p === undefined ? label.sky : p.label
      instanceIds[i] = bonnet || p === undefined ? labelIds[i] : p.instance || p.label
    }
  }
  return { image, labelIds, instanceIds, inverseDepth, disparity: disparityOf(inverseDepth, height, width, camera, scene.light.seed + 11), alone }
}
