// Which vehicles there are, how large, and where they stand: in lanes, parked, crossing; none inside another.
import { matrixToQuaternion, multiply, normalised, quaternionToMatrix } from '../../geometry.ts'
import type { Matrix3, Quaternion, Vec3 } from '../../geometry.ts'
import { bicycle, motorcycle, rider } from './cycles.ts'
import { label } from './labels.ts'
import { inside } from './mesh.ts'
import type { Frame, Mesh } from './mesh.ts'
import type { Random } from './random.ts'
import { heightAt, parkingWidth, placeOn, standOn } from './street.ts'
import type { Parking, Street } from './street.ts'
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

  constructor(mesh: Mesh, vehicleFrame: Frame, street: Street, random: Random) {
    this.#mesh = mesh
    this.#frame = vehicleFrame
    this.#street = street
    this.#random = random
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
    // The angle that it fills decides, not the pixels: a scene is the same at every size of image.
    const angle = h / Math.max(1, Math.hypot(...center))
    model.shape(this.#mesh, frame, model.size, random.fork(), angle > 0.05 ? 16 : angle > 0.02 ? 10 : 6)
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
    if (street.rails) {
      for (const direction of [1, -1]) if (random.chance(0.6)) this.put('train', random.range(20, 70), direction > 0 ? -1.55 : 1.55, direction > 0 ? 0 : Math.PI)
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
      const style = street.parking[side]
      if (style !== undefined) this.#park(style, street.kerbs[side] - sign * parkingWidth[style] / 2, sign, density)
      for (let s = random.range(4, 25); s < 90; s += random.range(6, 28)) {
        if (!random.chance(0.6)) continue
        const t = street.kerbs[side] + sign * random.range(0.5, Math.max(0.6, Math.abs(street.edges[side] - street.kerbs[side]) - 0.4))
        const count = random.chance(0.5) ? 2 + random.below(4) : 1
        const heading = random.chance(0.5) ? random.range(-0.3, 0.3) : Math.PI / 2 + random.range(-0.4, 0.4)
        const kind = random.chance(0.72) ? 'bicycle' : 'motorcycle'
        for (let i = 0; i < count; i++) this.put(kind, s + i * (Math.abs(heading) > 1 ? 0.9 : 2.1), t, heading + 0.1 * random.normal())
      }
    }
    if (street.crossing && random.chance(0.8)) {
      const middle = (street.crossing[0] + street.crossing[1]) / 2
      for (const way of [-1, 1]) {
        for (let t = random.range(-30, 20); t < 40; t += random.range(12, 40)) {
          const kind = this.#driven()
          // Some of them turn.
          const turn = random.chance(0.3) ? random.range(-0.9, 0.9) : 0.05 * random.normal()
          this.put(kind, middle + way * 2.1, t, way * Math.PI / 2 + turn, (kind === 'bicycle' || kind === 'motorcycle') && random.chance(0.9))
        }
      }
    }
  }

  /** A row of parked vehicles, its middle at t. */
  #park(style: Parking, t: number, sign: number, density: number): void {
    const random = this.#random
    const [shortest, longest] = style === 'parallel' ? [5.2, 8] : style === 'diagonal' ? [3.4, 4.4] : [2.6, 3.3]
    for (let s = random.range(-4, 8); s < 110; s += random.range(shortest, longest)) {
      if (this.#nearCrossing(s, 4) || !random.chance((style === 'parallel' ? 0.35 : 0.2) + 0.5 * density)) continue
      const parallel = style === 'parallel'
      const kind = random.chance(0.86) ? 'car' : random.pick(parallel ? ['truck', 'motorcycle', 'motorcycle'] as const : ['motorcycle', 'car'] as const)
      const along = sign < 0 === random.chance(parallel ? 0.9 : 1) ? 0 : Math.PI
      // Noses to the kerb, some the other way round; our kerb lies to the right, the other one to the left of us and to the right of those who come.
      const out = random.chance(0.25) ? Math.PI : 0
      const angle = parallel ? 0 : out - (style === 'diagonal' ? 0.87 : Math.PI / 2)
      this.put(kind, s + 2.5, t, along + angle + 0.03 * random.normal())
    }
  }

  #nearCrossing(s: number, margin: number): boolean {
    const c = this.#street.crossing
    return c !== undefined && s > c[0] - margin - 5 && s < c[1] + margin
  }

  #driven(): VehicleClass {
    const x = this.#random.next()
    return x < 0.6 ? 'car' : x < 0.7 ? 'truck' : x < 0.78 ? 'bus' : x < 0.9 ? 'motorcycle' : 'bicycle'
  }
}
