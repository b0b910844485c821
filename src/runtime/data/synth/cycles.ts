// Two-wheelers and people: bicycles, motorcycles, riders, pedestrians.
import { inside, plain, rgb, turn } from './mesh.ts'
import type { Frame, Material, Mesh, Rgb } from './mesh.ts'
import type { Random } from './random.ts'
import { black, chrome, rubber } from './vehicles.ts'
import type { Shape } from './vehicles.ts'

const cloth = (colour: Rgb): Material => ({ texture: 'plain', colour })
const tops: readonly Rgb[] = [rgb(30, 32, 40), rgb(60, 64, 72), rgb(140, 30, 34), rgb(34, 60, 110), rgb(190, 186, 176), rgb(80, 92, 60), rgb(200, 150, 50), rgb(110, 70, 120), rgb(220, 110, 60), rgb(40, 110, 110)]
const bottoms: readonly Rgb[] = [rgb(28, 30, 36), rgb(44, 56, 84), rgb(70, 66, 60), rgb(110, 100, 84), rgb(90, 92, 96)]
const skins: readonly Rgb[] = [rgb(224, 180, 150), rgb(198, 150, 118), rgb(140, 96, 70), rgb(90, 62, 46)]
const hairs: readonly Rgb[] = [rgb(30, 24, 20), rgb(70, 48, 30), rgb(150, 116, 66), rgb(130, 128, 124)]

/** Wheels with their axles along y, filled as annotators fill them; frame, saddle and handlebar. */
export const bicycle: Shape = (mesh, f, [l, w, h], random, detail) => {
  const radius = Math.min(0.36, 0.2 * l, 0.33 * h)
  const [ground, rear, front] = [-h / 2, -l / 2 + radius, l / 2 - radius]
  const frame = cloth(random.pick([rgb(30, 32, 36), rgb(150, 30, 30), rgb(30, 70, 130), rgb(200, 200, 200), rgb(40, 100, 60)]))
  const disc: Material = { texture: 'wheel', colour: rgb(120, 120, 118), second: rgb(30, 30, 32), shape: [radius, 1] }
  for (const x of [rear, front]) mesh.wheel(f, x, ground + radius, radius, -0.022, 0.022, disc, rubber, detail + 2)
  const crank = [rear + 0.42 * (front - rear), 0, ground + 0.28] as const
  const saddle = [rear + 0.28 * (front - rear), 0, h / 2 - 0.12] as const
  const head = [front - 0.16, 0, h / 2 - 0.25] as const
  mesh.rod(f, crank, saddle, 0.045, frame)
  mesh.rod(f, crank, head, 0.05, frame)
  mesh.rod(f, [saddle[0], 0, saddle[2] - 0.12], head, 0.045, frame)
  mesh.rod(f, crank, [rear, 0, ground + radius], 0.035, frame)
  mesh.rod(f, saddle, [rear, 0, ground + radius], 0.035, frame)
  mesh.rod(f, head, [front, 0, ground + radius], 0.045, frame)
  mesh.rod(f, head, [head[0] - 0.04, 0, h / 2 - 0.04], 0.04, chrome)
  mesh.rod(f, [head[0] - 0.04, -w / 2, h / 2 - 0.02], [head[0] - 0.04, w / 2, h / 2 - 0.02], 0.04, black)
  mesh.block(f, [saddle[0] - 0.14, saddle[0] + 0.12, -0.08, 0.08], h / 2 - 0.12, h / 2 - 0.05, black)
  if (random.chance(0.5)) mesh.block(f, [rear - 0.1, saddle[0] - 0.16, -0.1, 0.1], ground + 2 * radius + 0.04, ground + 2 * radius + 0.08, black)
  mesh.block(f, [rear - 0.02, rear + 0.02, -0.04, 0.04], ground + 2 * radius + 0.02, ground + 2 * radius + 0.1, { texture: 'light', colour: rgb(180, 20, 16) })
}

/** Wheels, engine, tank, seat, fork, handlebar with mirrors. */
export const motorcycle: Shape = (mesh, f, [l, w, h], random, detail) => {
  const radius = Math.min(0.32, 0.16 * l)
  const [ground, rear, front] = [-h / 2, -l / 2 + radius, l / 2 - radius]
  const colour = random.pick([rgb(150, 24, 24), rgb(26, 28, 32), rgb(30, 60, 130), rgb(200, 200, 196), rgb(60, 110, 50), rgb(210, 110, 20)])
  const paint: Material = { texture: 'paint', colour, second: rgb(24, 24, 26), shape: [-9, 9, 9] }
  const disc: Material = { texture: 'wheel', colour: rgb(120, 122, 124), second: rgb(22, 22, 24), shape: [radius] }
  for (const x of [rear, front]) mesh.wheel(f, x, ground + radius, radius, -0.07, 0.07, disc, rubber, detail)
  mesh.block(f, [rear + 0.3, front - 0.38, -0.2, 0.2], ground + 0.2, ground + 0.55, plain(60, 62, 66))
  mesh.prism(f, [[rear + 0.55, ground + 0.55], [front - 0.3, ground + 0.55], [front - 0.22, h / 2 - 0.3], [front - 0.5, h / 2 - 0.2], [rear + 0.6, ground + 0.78]], -0.17, 0.17, paint, paint)
  mesh.prism(f, [[-l / 2 + 0.12, ground + 0.72], [rear + 0.75, ground + 0.6], [rear + 0.8, ground + 0.8], [-l / 2 + 0.12, ground + 0.88]], -0.15, 0.15, black, black)
  mesh.rod(f, [front, -0.1, ground + radius], [front - 0.28, -0.1, h / 2 - 0.2], 0.06, chrome)
  mesh.rod(f, [front, 0.1, ground + radius], [front - 0.28, 0.1, h / 2 - 0.2], 0.06, chrome)
  mesh.rod(f, [front - 0.36, -w / 2, h / 2 - 0.18], [front - 0.36, w / 2, h / 2 - 0.18], 0.05, black)
  mesh.prism(f, [[front - 0.3, h / 2 - 0.35], [front - 0.1, h / 2 - 0.35], [front - 0.3, h / 2 - 0.02]], -0.14, 0.14, { texture: 'glass', colour: rgb(40, 46, 52) }, { texture: 'glass', colour: rgb(40, 46, 52) })
  for (const s of [-1, 1]) {
    mesh.rod(f, [front - 0.4, s * (w / 2 - 0.14), h / 2 - 0.16], [front - 0.4, s * (w / 2 - 0.14), h / 2], 0.03, black)
    mesh.block(f, [front - 0.43, front - 0.39, s > 0 ? w / 2 - 0.22 : -w / 2 + 0.06, s > 0 ? w / 2 - 0.06 : -w / 2 + 0.22], h / 2 - 0.09, h / 2, black)
  }
  mesh.rod(f, [-l / 2 + 0.16, -0.22, ground + 0.36], [rear + 0.7, -0.22, ground + 0.26], 0.1, chrome)
  mesh.block(f, [-l / 2 + 0.09, -l / 2 + 0.12, -0.07, 0.07], ground + 0.68, ground + 0.78, { texture: 'light', colour: rgb(190, 18, 14) })
  mesh.block(f, [-l / 2 + 0.08, -l / 2 + 0.11, -0.1, 0.1], ground + 0.46, ground + 0.62, plain(225, 225, 215))
  mesh.block(f, [front - 0.16, front - 0.1, -0.09, 0.09], h / 2 - 0.42, h / 2 - 0.25, { texture: 'light', colour: rgb(240, 238, 220) })
}

interface Dress { readonly top: Material; readonly trousers: Material; readonly skin: Material; readonly hair: Material }
const dress = (random: Random): Dress => ({ top: cloth(random.pick(tops)), trousers: cloth(random.pick(bottoms)), skin: cloth(random.pick(skins)), hair: cloth(random.pick(hairs)) })

function head(mesh: Mesh, f: Frame, x: number, z: number, size: number, d: Dress, helmet: Material | undefined): void {
  mesh.ellipsoid(f, [x, 0, z], [0.1 * size, 0.085 * size, 0.125 * size], d.skin)
  mesh.ellipsoid(f, [x - 0.02 * size, 0, z + 0.035 * size], helmet ? [0.14 * size, 0.125 * size, 0.125 * size] : [0.105 * size, 0.095 * size, 0.105 * size], helmet ?? d.hair)
}

/** A pedestrian at the frame's origin (between the feet), facing x. */
export function pedestrian(mesh: Mesh, f: Frame, height: number, random: Random): void {
  const d = dress(random)
  const k = height / 1.75
  const stride = random.chance(0.75) ? random.range(0.12, 0.34) * k : 0.03
  const swing = random.chance(0.5) ? 1 : -1
  for (const s of [-1, 1]) {
    mesh.limb(f, [0, 0.1 * s * k, 0.95 * k], [s * swing * stride, 0.1 * s * k, 0], 0.095 * k, d.trousers)
    mesh.limb(f, [0, 0.21 * s * k, 1.42 * k], [-s * swing * stride * 0.8 + 0.05, 0.25 * s * k, 0.78 * k], 0.065 * k, d.top)
  }
  mesh.ellipsoid(f, [0, 0, 1.17 * k], [0.15 * k, 0.22 * k, 0.36 * k], d.top)
  head(mesh, f, 0.02, 1.62 * k, k, d, undefined)
  if (random.chance(0.3)) mesh.ellipsoid(f, [-0.2 * k, 0, 1.22 * k], [0.12 * k, 0.16 * k, 0.24 * k], cloth(random.pick(tops)))
}

/** Someone riding; the frame is that of the vehicle's box, [l, w, h] its size. */
export function rider(mesh: Mesh, f: Frame, [l, , h]: readonly [number, number, number], motor: boolean, random: Random): void {
  const d = motor ? { ...dress(random), trousers: cloth(rgb(28, 28, 32)) } : dress(random)
  const seat = motor ? -h / 2 + 0.85 : h / 2 - 0.05
  const hip = motor ? -0.12 * l : -0.14 * l
  const lean = motor ? 0.22 : 0.28
  const pedal = -h / 2 + (motor ? 0.3 : 0.2)
  for (const s of [-1, 1]) {
    const knee = [hip + 0.38, 0.17 * s, (seat + pedal) / 2 + 0.16] as const
    mesh.limb(f, [hip, 0.11 * s, seat + 0.06], knee, 0.1, d.trousers)
    mesh.limb(f, knee, [hip + 0.2, 0.16 * s, motor || s > 0 ? pedal : pedal + 0.22], 0.075, d.trousers)
    mesh.limb(f, [hip + lean, 0.2 * s, seat + 0.52], [0.26 * l, 0.24 * s, h / 2 + (motor ? -0.12 : 0.04)], 0.06, d.top)
  }
  mesh.limb(f, [hip - 0.04, 0, seat - 0.04], [hip + lean + 0.06, 0, seat + 0.7], 0.2, d.top)
  head(mesh, f, hip + lean + 0.12, seat + 0.84, motor ? 1.15 : 1, d, motor || random.chance(0.5) ? cloth(random.pick(tops)) : undefined)
}

/** A frame at a point of another, turned about z. */
export const standing = (f: Frame, at: readonly [number, number, number], heading: number): Frame => inside(f, at, turn(heading))
