// A whole street scene: the street, what lines it, its traffic and people, their shadows.
import { cameraToSensor, multiply, quaternionToMatrix, splitTransform, transform } from '../../geometry.ts'
import type { Vec3 } from '../../geometry.ts'
import { pedestrian, standing } from './cycles.ts'
import { label } from './labels.ts'
import { makeLight } from './light.ts'
import type { Light } from './light.ts'
import { Mesh, place } from './mesh.ts'
import type { Frame, Primitive } from './mesh.ts'
import { Random } from './random.ts'
import { boundary, bush, ground, house, lamp, onGround, railing, sign, trafficLight, tree } from './scenery.ts'
import { makeStreet } from './street.ts'
import type { Street } from './street.ts'
import { Traffic } from './traffic.ts'
import type { Vehicle } from './traffic.ts'

/** A convex polygon on the ground, in S, that light does not reach; `depth` 0..1, `sun`: only the sun's. */
export interface Shadow { readonly points: readonly number[]; readonly normal: Vec3; readonly depth: number; readonly sun: boolean }

export interface Scene {
  readonly primitives: readonly Primitive[]
  readonly shadows: readonly Shadow[]
  readonly vehicles: readonly Vehicle[]
  readonly light: Light
}

/** Corners of the convex hull, counter-clockwise (monotone chain). */
function hull(points: readonly (readonly [number, number])[]): readonly (readonly [number, number])[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1])
  const half = (list: readonly (readonly [number, number])[]): (readonly [number, number])[] => {
    const out: (readonly [number, number])[] = []
    for (const p of list) {
      while (out.length > 1) {
        const [a, b] = [out[out.length - 2], out[out.length - 1]]
        if ((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) > 0) break
        out.pop()
      }
      out.push(p)
    }
    return out.slice(0, -1)
  }
  return [...half(sorted), ...half(sorted.toReversed())]
}

class Shadows {
  readonly list: Shadow[] = []
  readonly #light: Light
  constructor(light: Light) {
    this.#light = light
  }

  /** `outline` in the x, y of a frame whose z axis is up and whose origin is on the ground. */
  flat(f: Frame, outline: readonly (readonly [number, number])[], depth: number, sun: boolean): void {
    this.list.push({ points: outline.flatMap(([x, y]) => place(f, [x, y, 0])), normal: [f.rotation[0][2], f.rotation[1][2], f.rotation[2][2]], depth, sun })
  }

  /** The shadow that the sun throws of a block [x0, x1, y0, y1] from z0 to z1 over the frame's ground. */
  block(f: Frame, [x0, x1, y0, y1]: readonly [number, number, number, number], z0: number, z1: number): void {
    const s = this.#light.sun
    const r = f.rotation
    const local = [0, 1, 2].map(j => r[0][j] * s[0] + r[1][j] * s[1] + r[2][j] * s[2])
    if (local[2] < 0.1 || Math.max(...this.#light.sunColour) < 0.05) return
    const [kx, ky] = [-local[0] / local[2], -local[1] / local[2]]
    const corners = [z0, z1].flatMap(z => [[x0, y0], [x1, y0], [x1, y1], [x0, y1]].map(([x, y]): [number, number] => [x + kx * z, y + ky * z]))
    this.flat(f, hull(corners), 0.85, true)
  }
}

const ellipse = (rx: number, ry: number): readonly (readonly [number, number])[] => Array.from({ length: 10 }, (_, i) => [rx * Math.cos(i * Math.PI / 5), ry * Math.sin(i * Math.PI / 5)] as const)

function line(mesh: Mesh, vehicle: Frame, street: Street, shadows: Shadows, random: Random): void {
  const urban = random.next()
  const blocked = (s: number, width: number): boolean => street.crossing !== undefined && s + width > street.crossing[0] - 3 && s < street.crossing[1] + 3
  for (const side of [0, 1] as const) {
    const sign_ = side === 0 ? -1 : 1
    const edge = street.edges[side]
    const setback = random.chance(0.45) ? 0 : random.range(2, 7)
    for (let s = -22; s < street.end - 30;) {
      const width = random.range(9, 24)
      if (blocked(s, width)) {
        s = s < street.crossing![0] - 3 - 9 && !blocked(s, 8.5) ? s : street.crossing![1] + 3
        if (blocked(s, 8.5)) { s += 3; continue }
      }
      const w = blocked(s, width) ? 8.5 : width
      const f = onGround(vehicle, street, s, edge + sign_ * setback)
      if (random.chance(0.25 + 0.7 * urban)) {
        const depth = random.range(9, 14)
        const height = random.range(5, 9) + urban * random.range(0, 12)
        house(mesh, f, w, depth, height, sign_, random)
        shadows.block(f, side === 0 ? [0, w, -depth, 0] : [0, w, 0, depth], 0, height)
        if (setback > 0 && random.chance(0.9)) boundary(mesh, onGround(vehicle, street, s, edge + sign_ * 0.2), w, random)
      } else {
        if (random.chance(0.8)) boundary(mesh, onGround(vehicle, street, s, edge + sign_ * 0.3), w, random)
        for (let i = 0; i < 3; i++) {
          const at = onGround(vehicle, street, s + random.range(0, w), edge + sign_ * random.range(3, 16))
          if (random.chance(0.6)) tree(mesh, at, random.range(5, 13), random)
          else bush(mesh, at, random.range(0.8, 2.4), random)
        }
      }
      s += w + (random.chance(0.3) ? random.range(1, 6) : 0)
    }
    const planted = random.chance(0.55)
    const step = random.range(9, 18)
    for (let s = random.range(0, 12); s < 150; s += step) {
      if (blocked(s, 1)) continue
      const t = street.kerbs[side] + sign_ * random.range(0.5, 0.8)
      const f = onGround(vehicle, street, s, t)
      if (planted && random.chance(0.75)) {
        const height = random.range(4.5, 9)
        tree(mesh, f, height, random)
        shadows.block(f, [-0.2 * height, 0.2 * height, -0.2 * height, 0.2 * height], 0.45 * height, 0.9 * height)
      }
      if (random.chance(0.4)) {
        const g = onGround(vehicle, street, s + 3, t)
        sign(mesh, random.chance(0.7) ? g : standing(g, [0, 0, 0], Math.PI), random)
        shadows.block(g, [-0.03, 0.03, -0.03, 0.03], 0, 2.6)
      }
    }
    const lampStep = random.range(22, 35)
    if (random.chance(0.8)) {
      for (let s = random.range(3, lampStep); s < 170; s += lampStep) {
        const f = onGround(vehicle, street, s, street.kerbs[side] + sign_ * 0.45)
        lamp(mesh, f, random.range(6, 8.5), -sign_ * 1.6)
        shadows.block(f, [-0.08, 0.08, -0.08, 0.08], 0, 7)
      }
    }
  }
  for (const side of [0, 1] as const) {
    if (street.parking[side] !== undefined || !random.chance(0.4)) continue
    const from = random.range(6, 40)
    const length = random.range(8, 30)
    for (let s = from; s < from + length; s += 2) if (!blocked(s, 3)) railing(mesh, onGround(vehicle, street, s, street.kerbs[side] + (side === 0 ? -0.25 : 0.25)), 2)
  }
  const signals = street.crossing ? [street.crossing[0] - 1.4] : random.chance(0.4) ? [random.range(12, 45)] : []
  for (const s of signals) {
    const reach = -street.lanes[0].t
    if (random.chance(0.5)) trafficLight(mesh, onGround(vehicle, street, s, street.kerbs[0] - 0.5), Math.max(1, -0.5 - street.kerbs[0] - reach), random)
    trafficLight(mesh, onGround(vehicle, street, s, street.kerbs[0] - 0.6), 0, random)
    trafficLight(mesh, onGround(vehicle, street, s, street.kerbs[1] + 0.5), 0, random)
  }
  for (let i = 0; i < 40; i++) {
    const f = onGround(vehicle, street, street.end - random.range(0, 50), random.range(-130, 130))
    if (random.chance(0.6)) tree(mesh, f, random.range(8, 18), random)
    else house(mesh, f, random.range(12, 30), 12, random.range(6, 20), -1, random)
  }
}

function people(mesh: Mesh, vehicle: Frame, street: Street, traffic: Traffic, shadows: Shadows, density: number, random: Random): void {
  const count = Math.round(density * random.range(0, 30))
  for (let i = 0; i < count; i++) {
    const side = random.below(2)
    const crossing = random.chance(0.12)
    const s = 5 + 55 * random.next() ** 1.5
    const t = crossing ? random.range(street.kerbs[0], street.kerbs[1]) : street.kerbs[side] + (street.edges[side] - street.kerbs[side]) * random.range(0.25, 0.95)
    const way = crossing ? Math.PI / 2 : 0
    const f = onGround(vehicle, street, s, t, way + (random.chance(0.5) ? Math.PI : 0) + random.range(-0.3, 0.3))
    if (Math.hypot(f.origin[0], f.origin[2]) < 5) continue
    mesh.label = label.person
    mesh.instance = traffic.instance(label.person)
    const height = random.chance(0.12) ? random.range(1.0, 1.45) : random.range(1.55, 1.92)
    pedestrian(mesh, f, height, random)
    mesh.instance = 0
    shadows.block(f, [-0.15, 0.15, -0.2, 0.2], 0, height)
    shadows.flat(f, ellipse(0.32, 0.32), 0.45, false)
  }
}

/** Makes the scene of a seed as a camera mounted on the vehicle will see it: V -> camera frame as 3x4. Lens and size of the image do not matter to it. */
export function makeScene(seed: number, sensorTIso8855: readonly (readonly number[])[]): Scene {
  const random = new Random(seed)
  const { rotation, translation } = splitTransform(sensorTIso8855)
  const vehicle: Frame = { rotation: multiply(cameraToSensor, rotation), origin: transform(cameraToSensor, translation) }
  const light = makeLight(vehicle.rotation, random.fork())
  const shadows = new Shadows(light)
  const mesh = new Mesh()
  const street = makeStreet(random.fork())
  const density = random.chance(0.04) ? 0 : random.range(0.15, 1)
  ground(mesh, vehicle, street, random.fork())
  const traffic = new Traffic(mesh, vehicle, street, random.fork())
  traffic.fill(density)
  line(mesh, vehicle, street, shadows, random.fork())
  people(mesh, vehicle, street, traffic, shadows, density, random.fork())
  for (const v of traffic.vehicles) {
    const [l, w, h] = v.size
    // The box frame shifted down to the ground it stands on.
    const r: Frame = { rotation: multiply(vehicle.rotation, quaternionToMatrix(v.rotation)), origin: place(vehicle, v.center) }
    const f: Frame = { rotation: r.rotation, origin: place(r, [0, 0, -h / 2 + 0.01]) }
    shadows.block(f, [-l / 2, l / 2, -w / 2, w / 2], 0.1, h * 0.92)
    shadows.flat(f, [[-l / 2, -w / 2], [l / 2, -w / 2], [l / 2, w / 2], [-l / 2, w / 2]].map(([x, y]) => [x * 1.02 + Math.sign(x) * 0.06, y + Math.sign(y) * 0.1] as const), 0.4, false)
    shadows.flat(f, [[-l / 2, -w / 2], [l / 2, -w / 2], [l / 2, w / 2], [-l / 2, w / 2]].map(([x, y]) => [x * 0.97, y * 0.92] as const), 0.75, false)
  }
  return { primitives: mesh.primitives, shadows: shadows.list, vehicles: traffic.vehicles, light }
}
