// The four-wheeled and rail vehicles: shapes that fill their 3D box, touch all its faces and never leave it.
import { plain, rgb } from './mesh.ts'
import type { Frame, Material, Mesh, Rgb } from './mesh.ts'
import type { Random } from './random.ts'

/** Length, width, height in metres. */
export type Size = readonly [number, number, number]
/** Draws a vehicle whose box is centred on the frame's origin. `detail`: corners of a wheel. */
export type Shape = (mesh: Mesh, frame: Frame, size: Size, random: Random, detail: number) => void

export const black = plain(22, 22, 24)
export const rubber = plain(28, 28, 30)
export const chrome = plain(150, 152, 156)
const plate = plain(225, 225, 215)
const lamp = (r: number, g: number, b: number): Material => ({ texture: 'light', colour: rgb(r, g, b) })
const red = lamp(190, 18, 14)
const white = lamp(235, 235, 220)
const amber = lamp(255, 170, 40)
const glass: Material = { texture: 'glass', colour: rgb(30, 36, 42) }
const wheelDisc: Material = { texture: 'wheel', colour: rgb(135, 138, 142), second: rgb(24, 24, 26), shape: [0.31] }

const paints: readonly Rgb[] = [
  rgb(28, 28, 30), rgb(40, 42, 46), rgb(120, 124, 128), rgb(165, 168, 170), rgb(218, 220, 220), rgb(230, 230, 226), rgb(24, 38, 78), rgb(38, 66, 120),
  rgb(130, 20, 22), rgb(160, 30, 26), rgb(60, 70, 60), rgb(92, 78, 62), rgb(176, 150, 60), rgb(20, 84, 74), rgb(190, 92, 30),
]

function wheels(mesh: Mesh, f: Frame, [l, w, h]: Size, axles: readonly number[], radius: number, width: number, detail: number): void {
  const disc: Material = { ...wheelDisc, shape: [radius] }
  for (const x of axles) {
    for (const side of [-1, 1]) mesh.wheel(f, x * l, -h / 2 + radius, radius, side * (w / 2), side * (w / 2 - width), disc, rubber, detail)
  }
}

interface CarBody { readonly hood: number; readonly belt: number; readonly front: readonly [number, number]; readonly rear: readonly [number, number] }
/** Fractions of length from the centre: where the hood ends, where windscreen and rear window start and end; belt: fraction of height. */
const carBodies: Readonly<Record<string, CarBody>> = {
  'Sedan': { hood: 0.2, belt: 0.6, front: [0.22, 0.06], rear: [-0.36, -0.2] },
  'Mid Size Car': { hood: 0.22, belt: 0.6, front: [0.24, 0.08], rear: [-0.47, -0.36] },
  'Small Size Car': { hood: 0.25, belt: 0.58, front: [0.28, 0.12], rear: [-0.48, -0.4] },
  'Station Wagon': { hood: 0.2, belt: 0.6, front: [0.22, 0.08], rear: [-0.485, -0.42] },
  'SUV': { hood: 0.22, belt: 0.62, front: [0.24, 0.12], rear: [-0.485, -0.44] },
  'Small Van': { hood: 0.34, belt: 0.56, front: [0.37, 0.22], rear: [-0.49, -0.475] },
}
export const carTypes: readonly string[] = Object.keys(carBodies)

/** A car of the given type of body. */
export const car = (type: string): Shape => (mesh, f, size, random, detail) => {
  const [l, w, h] = size
  const body = carBodies[type]
  const colour = random.pick(paints)
  const bottom = -h / 2 + 0.13 * h
  const belt = -h / 2 + body.belt * h
  const paint: Material = { texture: 'paint', colour, second: rgb(26, 27, 29), shape: [bottom + 0.1, 0.03 * l, -0.24 * l] }
  const bumper = { ...paint, shape: [bottom + 0.16, 9, 9] }
  const cabin: Material = { texture: 'cabin', colour, second: rgb(32, 38, 44), shape: [h / 2 - 0.075 * h, 0.03 * l, -0.22 * l, body.rear[0] * l + 0.16] }
  const [nose, tail] = [l / 2 - 0.02, -l / 2 + 0.02]
  mesh.prism(f, [[tail + 0.12, bottom], [nose - 0.2, bottom], [nose, bottom + 0.14], [nose, belt - 0.27 * h * (1 - body.belt) * 2], [nose - 0.1, belt - 0.13 * h], [body.hood * l, belt], [tail + 0.06, belt], [tail, belt - 0.12], [tail, bottom + 0.14]], -w / 2 + 0.012, w / 2 - 0.012, paint, bumper)
  const lower = [body.rear[0] * l, body.front[0] * l, -w / 2 + 0.04, w / 2 - 0.04] as const
  const upper = [body.rear[1] * l, body.front[1] * l, -w / 2 + 0.2, w / 2 - 0.2] as const
  mesh.frustum(f, lower, belt - 0.01, upper, h / 2, [glass, glass, cabin, cabin, { ...paint, shape: [-9, 9, 9] }, undefined])
  wheels(mesh, f, size, [0.5 - 0.84 / l, -0.5 + 0.8 / l], 0.2 * h + 0.02, 0.2, detail)
  const quad = (x: number, y0: number, y1: number, z0: number, z1: number, m: Material): void => mesh.polygon(f, [[x, y0, z0], [x, y1, z0], [x, y1, z1], [x, y0, z1]], m, [0, 0, 0])
  for (const s of [-1, 1]) {
    quad(-l / 2, s * (w / 2 - 0.06), s * (w / 2 - 0.34), belt - 0.2 * h, belt - 0.08 * h, red)
    quad(l / 2, s * (w / 2 - 0.08), s * (w / 2 - 0.42), belt - 0.25 * h, belt - 0.16 * h, white)
  }
  quad(-l / 2, -0.26, 0.26, bottom + 0.16 * h, bottom + 0.24 * h, plate)
  quad(l / 2, -0.26, 0.26, bottom + 0.08 * h, bottom + 0.15 * h, plate)
  quad(l / 2, -w / 2 + 0.45, w / 2 - 0.45, belt - 0.25 * h, belt - 0.15 * h, black)
}

/** A lorry: a cab in front of a box, or of a low flatbed with a tarpaulin. */
export const truck: Shape = (mesh, f, size, random, detail) => {
  const [l, w, h] = size
  const cab = Math.min(2.1, 0.32 * l)
  const roof = Math.min(h / 2 - 0.06, -h / 2 + 2.75)
  const colour = random.pick(paints)
  const cabPaint: Material = { texture: 'paint', colour, second: rgb(26, 27, 29), shape: [-h / 2 + 0.75, l / 2 - 0.45 * cab, 9] }
  const load: Material = { texture: 'panels', colour: random.pick([rgb(225, 225, 222), rgb(200, 202, 205), rgb(40, 70, 130), rgb(190, 60, 30), rgb(60, 110, 70), rgb(215, 190, 60)]), second: random.pick([rgb(180, 30, 30), rgb(240, 240, 240), rgb(40, 60, 110)]), seed: random.below(1 << 30), shape: [-h / 2 + 1.0, h / 2] }
  const floor = -h / 2 + 0.95
  const nose = l / 2 - 0.03
  mesh.frustum(f, [l / 2 - cab, nose, -w / 2 + 0.03, w / 2 - 0.03], -h / 2 + 0.42, [l / 2 - cab, nose - 0.16, -w / 2 + 0.06, w / 2 - 0.06], roof, [cabPaint, cabPaint, cabPaint, cabPaint, cabPaint, undefined])
  const wide = w / 2 - 0.12
  mesh.frustum(f, [nose - 0.2, nose - 0.012, -wide, wide], roof - 1.15, [nose - 0.3, nose - 0.13, -wide, wide], roof - 0.25, [glass, undefined, undefined, undefined, undefined, undefined])
  for (const s of [-1, 1]) {
    const y = s * (w / 2 - 0.02)
    mesh.polygon(f, [[nose - 0.4, y, roof - 1.05], [nose - 1.1, y, roof - 1.05], [nose - 1.1, y, roof - 0.3], [nose - 0.55, y, roof - 0.3]], glass, [0, 0, 0])
    mesh.polygon(f, [[l / 2, s * (w / 2 - 0.1), -h / 2 + 0.6], [l / 2, s * (w / 2 - 0.5), -h / 2 + 0.6], [l / 2, s * (w / 2 - 0.5), -h / 2 + 0.8], [l / 2, s * (w / 2 - 0.1), -h / 2 + 0.8]], white, [0, 0, 0])
    mesh.polygon(f, [[-l / 2, s * (w / 2 - 0.1), -h / 2 + 0.68], [-l / 2, s * (w / 2 - 0.45), -h / 2 + 0.68], [-l / 2, s * (w / 2 - 0.45), -h / 2 + 0.84], [-l / 2, s * (w / 2 - 0.1), -h / 2 + 0.84]], red, [0, 0, 0])
  }
  mesh.block(f, [-l / 2 + 0.01, l / 2 - cab - 0.18, -w / 2, w / 2], floor, h / 2, load)
  mesh.block(f, [-l / 2 + 0.02, nose - 0.1, -w / 2 + 0.25, w / 2 - 0.25], -h / 2 + 0.45, floor, black)
  mesh.block(f, [-l / 2 + 0.05, -l / 2 + 0.12, -w / 2 + 0.1, w / 2 - 0.1], -h / 2 + 0.42, -h / 2 + 0.6, chrome)
  const rear = l > 9 ? [-0.5 + 1.3 / l, -0.5 + 2.6 / l, 0.5 - 1.3 / l] : [-0.5 + 1.4 / l, 0.5 - 1.1 / l]
  wheels(mesh, f, size, rear, 0.48, 0.32, detail)
}

/** A city bus: one long box with a band of windows. */
export const bus: Shape = (mesh, f, size, random, detail) => {
  const [l, w, h] = size
  const colour = random.pick([rgb(215, 165, 30), rgb(170, 26, 26), rgb(225, 225, 220), rgb(40, 80, 150), rgb(30, 110, 70)])
  const top = h / 2 - 0.22
  const side: Material = { texture: 'coach', colour, second: random.pick([rgb(235, 235, 230), colour, rgb(60, 62, 66)]), shape: [-h / 2 + 1.15, top - 0.32, 1.55, -h / 2 + 0.6], seed: random.below(1 << 30) }
  const end: Material = { ...side, texture: 'paint', second: rgb(30, 31, 33), shape: [-h / 2 + 0.5, 9, 9] }
  mesh.block(f, [-l / 2 + 0.015, l / 2 - 0.015, -w / 2 + 0.01, w / 2 - 0.01], -h / 2 + 0.28, top, [end, end, side, side, end, undefined])
  const quad = (x: number, y0: number, y1: number, z0: number, z1: number, m: Material): void => mesh.polygon(f, [[x, y0, z0], [x, y1, z0], [x, y1, z1], [x, y0, z1]], m, [0, 0, 0])
  quad(l / 2, -w / 2 + 0.12, w / 2 - 0.12, -h / 2 + 0.95, top - 0.45, glass)
  quad(l / 2 - 0.005, -w / 2 + 0.3, w / 2 - 0.3, top - 0.4, top - 0.1, black)
  quad(l / 2, -0.75, 0.75, top - 0.36, top - 0.16, amber)
  quad(-l / 2, -w / 2 + 0.25, w / 2 - 0.25, -h / 2 + 1.6, top - 0.3, glass)
  quad(-l / 2, -w / 2 + 0.45, w / 2 - 0.45, -h / 2 + 0.6, -h / 2 + 1.25, black)
  for (const s of [-1, 1]) {
    quad(-l / 2, s * (w / 2 - 0.06), s * (w / 2 - 0.26), -h / 2 + 0.8, -h / 2 + 1.4, red)
    quad(l / 2, s * (w / 2 - 0.12), s * (w / 2 - 0.55), -h / 2 + 0.5, -h / 2 + 0.75, white)
  }
  mesh.block(f, [-0.3 * l, 0.25 * l, -w / 2 + 0.4, w / 2 - 0.4], top, h / 2, plain(190, 192, 192))
  const axles = l > 13 ? [0.5 - 2.7 / l, 0, -0.5 + 2.6 / l] : [0.5 - 2.7 / l, -0.5 + 3.1 / l]
  wheels(mesh, f, size, axles, 0.47, 0.3, detail)
}

/** A tram: modules with dark joints between, tapered ends, a skirt close to the rails and a pantograph. */
export const tram: Shape = (mesh, f, size, random) => {
  const [l, w, h] = size
  const [colour, second] = random.pick([[rgb(225, 222, 210), rgb(175, 30, 30)], [rgb(222, 190, 40), rgb(235, 235, 230)], [rgb(60, 120, 80), rgb(235, 235, 225)], [rgb(200, 205, 210), rgb(40, 70, 140)]] as const)
  const roof = h / 2 - 0.45
  const modules = Math.max(2, Math.round(l / 7))
  const step = l / modules
  const side: Material = { texture: 'coach', colour, second, shape: [-h / 2 + 1.25, roof - 0.35, 1.8, -h / 2 + 0.95], seed: random.below(1 << 30) }
  const end: Material = { texture: 'paint', colour: second, second: rgb(40, 40, 42), shape: [-h / 2 + 0.4, 9, 9] }
  for (let i = 0; i < modules; i++) {
    const x0 = -l / 2 + i * step + (i === 0 ? 0.6 : 0.18)
    const x1 = -l / 2 + (i + 1) * step - (i === modules - 1 ? 0.6 : 0.18)
    mesh.block(f, [x0, x1, -w / 2, w / 2], -h / 2 + 0.25, roof, [end, end, side, side, end, undefined])
    mesh.block(f, [x0 + 0.8, x1 - 0.8, -w / 2 + 0.35, w / 2 - 0.35], roof, roof + 0.28, plain(150, 152, 155))
    mesh.block(f, [x0 + 0.5 * (x1 - x0) - 1.1, x0 + 0.5 * (x1 - x0) + 1.1, -w / 2 + 0.1, w / 2 - 0.1], -h / 2, -h / 2 + 0.3, black)
    if (i > 0) mesh.block(f, [x0 - 0.4, x0, -w / 2 + 0.12, w / 2 - 0.12], -h / 2 + 0.35, roof - 0.1, black)
  }
  for (const s of [-1, 1]) {
    // The lamps reach the face of the box; the front stands a little behind them.
    const [root, tip, lamps] = [s * (l / 2 - 0.6), s * (l / 2 - 0.03), s * l / 2]
    const narrow = w / 2 - 0.3
    const low = -h / 2 + 0.3
    const corner = (x: number, y: number, z: number): [number, number, number] => [x, y, z]
    const inner = corner(root, 0, 0)
    const lean = tip - s * 0.25
    mesh.polygon(f, [corner(tip, -narrow, low), corner(tip, narrow, low), corner(tip, narrow, -h / 2 + 1.2), corner(tip, -narrow, -h / 2 + 1.2)], end, inner, { along: [0, 1, 0] })
    mesh.polygon(f, [corner(tip, -narrow, -h / 2 + 1.2), corner(tip, narrow, -h / 2 + 1.2), corner(lean, narrow, roof), corner(lean, -narrow, roof)], glass, inner)
    for (const t of [-1, 1]) mesh.polygon(f, [corner(root, t * w / 2, low), corner(tip, t * narrow, low), corner(tip, t * narrow, -h / 2 + 1.2), corner(lean, t * narrow, roof), corner(root, t * w / 2, roof)], { ...end, colour }, inner)
    mesh.polygon(f, [corner(root, -w / 2, roof), corner(root, w / 2, roof), corner(lean, narrow, roof), corner(lean, -narrow, roof)], { ...end, colour }, inner)
    for (const t of [-1, 1]) mesh.block(f, [Math.min(tip, lamps), Math.max(tip, lamps), t > 0 ? narrow - 0.45 : -narrow + 0.1, t > 0 ? narrow - 0.1 : -narrow + 0.45], -h / 2 + 0.75, -h / 2 + 0.95, s > 0 ? white : red)
  }
  mesh.rod(f, [0, 0, roof + 0.2], [0.7, 0, h / 2 - 0.2], 0.06, black)
  mesh.rod(f, [0.7, 0, h / 2 - 0.2], [0.2, 0, h / 2 - 0.04], 0.05, black)
  mesh.rod(f, [0.2, -0.6, h / 2 - 0.025], [0.2, 0.6, h / 2 - 0.025], 0.05, black)
}
