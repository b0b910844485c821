// Which vehicles there are, how large, and where they stand: in lanes, parked, crossing; none inside another.
import { matrixToQuaternion, multiply, normalised, quaternionToMatrix } from '../../geometry.ts'
import type { Matrix3, Quaternion, Vec3 } from '../../geometry.ts'
import { bicycle, motorcycle, rider } from './cycles.ts'
import { label } from './labels.ts'
import { inside } from './mesh.ts'
import type { Frame, Mesh } from './mesh.ts'
import type { Random } from './random.ts'
import { heightAt, placeOn, standOn } from './street.ts'
import type { Street } from './street.ts'
import { bus, car, carTypes, tram, truck } from './vehicles.ts'
import type { Shape, Size } from './vehicles.ts'

export type VehicleClass = 'car' | 'truck' | 'bus' | 'train' | 'motorcycle' | 'bicycle'

/** A vehicle as annotated: its parameters carry exactly the digits that the json will. */
export interface Vehicle { readonly class: VehicleClass; readonly type: string; readonly center: Vec3; readonly size: Size; readonly rotation: Quaternion; readonly instance: number }

interface Model { readonly class: VehicleClass; readonly type: string; readonly size: Size; readonly shape: Shape }

const round = (v: number, digits: number): number => {
  const scale = 10 ** digits
  return Math.round(v * scale) / scale
}

const carSizes: Readonly<Record<string, readonly [readonly [number, number], readonly [number, number], readonly [number, number]]>> = {
  'Sedan': [[4.4, 5.0], [1.76, 1.92], [1.4, 1.5]],
  'Mid Size Car': [[4.1, 4.5], [1.72, 1.84], [1.43, 1.53]],
  'Small Size Car': [[3.5, 4.0], [1.6, 1.72], [1.42, 1.54]],
  'Station Wagon': [[4.4, 4.9], [1.74, 1.88], [1.44, 1.56]],
  'SUV': [[4.2, 4.9], [1.8, 1.98], [1.62, 1.82]],
  'Small Van': [[4.4, 5.2], [1.8, 2.0], [1.8, 2.15]],
}

function modelOf(kind: VehicleClass, random: Random): Model {
  const size = (l: readonly [number, number], w: readonly [number, number], h: readonly [number, number]): Size => [round(random.range(...l), 2), round(random.range(...w), 2), round(random.range(...h), 2)]
  switch (kind) {
    case 'car': {
      const type = random.pick(carTypes)
      return { class: kind, type, size: size(...carSizes[type]), shape: car(type) }
    }
    case 'truck': return random.chance(0.5)
      ? { class: kind, type: 'Small Size Truck', size: size([5.4, 7], [2.1, 2.35], [2.6, 3.2]), shape: truck }
      : { class: kind, type: 'Mid Size Truck', size: size([7.5, 13], [2.4, 2.55], [3.3, 4]), shape: truck }
    case 'bus': return { class: kind, type: 'Urban Bus (Solo)', size: random.chance(0.75) ? size([11, 12.5], [2.48, 2.58], [2.95, 3.3]) : size([16, 18.2], [2.48, 2.58], [2.95, 3.3]), shape: bus }
    case 'train': return { class: kind, type: 'Tram', size: size([16, 34], [2.3, 2.65], [3.5, 3.9]), shape: tram }
    case 'motorcycle': return { class: kind, type: 'Motorbike', size: size([1.95, 2.3], [0.72, 0.92], [1.15, 1.4]), shape: motorcycle }
    case 'bicycle': return { class: kind, type: 'Bicycle', size: size([1.62, 1.85], [0.48, 0.66], [0.98, 1.14]), shape: bicycle }
  }
}

/** Rectangles on the ground that are taken: centre, heading, half length, half width. */
type Footprint = readonly [number, number, number, number, number]
function apart(a: Footprint, b: Footprint): boolean {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]]
  const reach = ([, , heading, hl, hw]: Footprint, angle: number): number => hl * Math.abs(Math.cos(heading - angle)) + hw * Math.abs(Math.sin(heading - angle))
  return [a[2], a[2] + Math.PI / 2, b[2], b[2] + Math.PI / 2].some(angle => Math.abs(dx * Math.cos(angle) + dy * Math.sin(angle)) > reach(a, angle) + reach(b, angle))
}

/** Places vehicles in a street and draws them. */
export class Traffic {
  readonly vehicles: Vehicle[] = []
  readonly #taken: Footprint[]
  readonly #counts = new Map<number, number>()
  readonly #mesh: Mesh
  readonly #frame: Frame
  readonly #street: Street
  readonly #random: Random
  readonly #pixelsPerRadian: number

  constructor(mesh: Mesh, vehicleFrame: Frame, street: Street, random: Random, pixelsPerRadian: number) {
    this.#mesh = mesh
    this.#frame = vehicleFrame
    this.#street = street
    this.#random = random
    this.#pixelsPerRadian = pixelsPerRadian
    // Our own vehicle, with room in front of the bonnet.
    this.#taken = [[2.4, 0, 0, 4.2, 1.2]]
  }

  /** The next instance id of a label. */
  instance(id: number): number {
    const k = this.#counts.get(id) ?? 0
    this.#counts.set(id, k + 1)
    return id * 1000 + k
  }

  /** Puts a vehicle of the class at (s, t), turned by `heading` from the street; false if the place is taken or the camera stands in it. */
  put(kind: VehicleClass, s: number, t: number, heading: number, ridden = false): boolean {
    const random = this.#random
    const model = modelOf(kind, random)
    const [l, w, h] = model.size
    const at = placeOn(this.#street, s, t, heightAt(this.#street, t))
    const way = at.heading + heading
    const footprint: Footprint = [at.point[0], at.point[1], way, l / 2 + 0.25, w / 2 + 0.12]
    if (Math.hypot(at.point[0], at.point[1]) > 135 || !this.#taken.every(other => apart(footprint, other))) return false
    this.#taken.push(footprint)

    const sway = (x: number): number => x * random.normal()
    const [pitch, roll] = kind === 'bicycle' || kind === 'motorcycle' ? [sway(0.004), ridden ? sway(0.03) : 0.12 * (random.chance(0.5) ? 1 : -1) * random.next()] : [sway(0.006), sway(0.006)]
    const small: Matrix3 = multiply([[Math.cos(pitch), 0, Math.sin(pitch)], [0, 1, 0], [-Math.sin(pitch), 0, Math.cos(pitch)]], [[1, 0, 0], [0, Math.cos(roll), -Math.sin(roll)], [0, Math.sin(roll), Math.cos(roll)]])
    const rotation = matrixToQuaternion(multiply(standOn(way, at.heading, at.slope), small)).map(q => round(q, 8)) as unknown as Quaternion
    const m = quaternionToMatrix(normalised(rotation))
    const center = [0, 1, 2].map(i => round(at.point[i] + m[i][2] * h / 2, 3)) as unknown as Vec3
    const id = label[kind]
    const vehicle: Vehicle = { class: kind, type: model.type, center, size: model.size, rotation, instance: this.instance(id) }
    this.vehicles.push(vehicle)
    const frame = inside(this.#frame, center, m)
    this.#mesh.label = id
    this.#mesh.instance = vehicle.instance
    const pixels = this.#pixelsPerRadian * h / Math.max(1, Math.hypot(...center))
    model.shape(this.#mesh, frame, model.size, random.fork(), pixels > 60 ? 14 : pixels > 14 ? 10 : 6)
    if (ridden) {
      this.#mesh.label = label.rider
      this.#mesh.instance = this.instance(label.rider)
      rider(this.#mesh, frame, model.size, kind === 'motorcycle', random.fork())
    }
    this.#mesh.instance = 0
    return true
  }

  /** Fills the street; `density` 0 leaves it empty, 1 is a busy street. */
  fill(density: number): void {
    const [random, street] = [this.#random, this.#street]
    if (density === 0) return
    if (street.rails && random.chance(0.65)) {
      const direction = random.chance(0.5) ? 1 : -1
      this.put('train', random.range(22, 75), direction > 0 ? -1.55 : 1.55, direction > 0 ? 0 : Math.PI)
    }
    for (const lane of street.lanes) {
      let s = lane.t > -4 && lane.direction > 0 ? random.range(12, 40) : random.range(-6, 25)
      while (s < 125) {
        const kind = this.#driven()
        const long = kind === 'bus' ? 9 : kind === 'truck' ? 7 : 3
        const slow = kind === 'bicycle' || kind === 'motorcycle'
        const drift = 0.2 * random.normal()
        const t = lane.t + (slow ? -lane.direction * random.range(0.3, 1) : drift)
        this.put(kind, s + long, t, (lane.direction > 0 ? 0 : Math.PI) + 0.02 * random.normal(), slow && random.chance(0.9))
        s += long + random.range(6, 45) / (0.35 + density)
      }
    }
    for (const side of [0, 1] as const) {
      const sign = side === 0 ? -1 : 1
      if (street.parking[side]) {
        for (let s = random.range(-4, 8); s < 110; s += random.range(5.2, 8)) {
          if (this.#nearCrossing(s, 4) || !random.chance(0.35 + 0.55 * density)) continue
          const kind = random.chance(0.9) ? 'car' : random.pick(['truck', 'motorcycle', 'car'] as const)
          this.put(kind, s + 2.5, street.kerbs[side] - sign * 1.05, (sign < 0 === random.chance(0.9) ? 0 : Math.PI) + 0.03 * random.normal())
        }
      }
      for (let s = random.range(4, 25); s < 90; s += random.range(8, 38)) {
        if (!random.chance(0.6)) continue
        const t = street.kerbs[side] + sign * random.range(0.5, Math.max(0.6, Math.abs(street.edges[side] - street.kerbs[side]) - 0.4))
        const count = random.chance(0.4) ? 2 + random.below(3) : 1
        const heading = random.chance(0.5) ? random.range(-0.3, 0.3) : Math.PI / 2 + random.range(-0.4, 0.4)
        const kind = random.chance(0.78) ? 'bicycle' : 'motorcycle'
        for (let i = 0; i < count; i++) this.put(kind, s + i * (Math.abs(heading) > 1 ? 0.9 : 2.1), t, heading + 0.1 * random.normal())
      }
    }
    if (street.crossing && random.chance(0.8)) {
      const middle = (street.crossing[0] + street.crossing[1]) / 2
      for (const way of [-1, 1]) {
        for (let t = random.range(-30, 20); t < 40; t += random.range(12, 40)) {
          const kind = this.#driven()
          this.put(kind, middle + way * 2.1, t, way * Math.PI / 2 + 0.05 * random.normal(), (kind === 'bicycle' || kind === 'motorcycle') && random.chance(0.9))
        }
      }
    }
  }

  #nearCrossing(s: number, margin: number): boolean {
    const c = this.#street.crossing
    return c !== undefined && s > c[0] - margin - 5 && s < c[1] + margin
  }

  #driven(): VehicleClass {
    const x = this.#random.next()
    return x < 0.66 ? 'car' : x < 0.77 ? 'truck' : x < 0.85 ? 'bus' : x < 0.91 ? 'motorcycle' : 'bicycle'
  }
}
