// A street as a line with bends and slopes, its cross-section, and places (s along, t to the left) turned into points of frame V.
import type { Matrix3, Vec3 } from '../../geometry.ts'
import type { Random } from './random.ts'

/** A straight piece that starts at `s`; heading in radians from V's x axis, slope = rise per metre. */
export interface Piece { readonly s: number; readonly x: number; readonly y: number; readonly z: number; readonly heading: number; readonly slope: number }
export interface Place { readonly point: Vec3; readonly heading: number; readonly slope: number }

/** A strip of ground between t0 and t1 (left of the middle is positive), `height` above the roadway. */
export interface Strip { readonly kind: 'road' | 'parking' | 'rails' | 'sidewalk' | 'grass'; readonly t0: number; readonly t1: number; readonly height: number }
/** How cars stand beside the roadway, with respect to the kerb. */
export type Parking = 'parallel' | 'diagonal' | 'perpendicular'
/** Width in metres of a strip of parked cars. */
export const parkingWidth: Readonly<Record<Parking, number>> = { parallel: 2.1, diagonal: 4.9, perpendicular: 5.1 }

export interface Lane { readonly t: number; /** +1: as we drive, -1: towards us */ readonly direction: 1 | -1 }

export interface Street {
  readonly pieces: readonly Piece[]
  readonly start: number
  readonly end: number
  readonly strips: readonly Strip[]
  readonly lanes: readonly Lane[]
  /** t of lines between lanes; solid or dashed */
  readonly lines: readonly { readonly t: number; readonly solid: boolean }[]
  /** t of the kerbs, right and left */
  readonly kerbs: readonly [number, number]
  /** t of the outer edges of the sidewalks, right and left: where houses begin */
  readonly edges: readonly [number, number]
  readonly parking: readonly [Parking | undefined, Parking | undefined]
  readonly rails: boolean
  /** s of a crossing street's edges */
  readonly crossing: readonly [number, number] | undefined
}

const start = -25
const end = 330

/** A random street through the place of the vehicle, which stands at s = 0 in the innermost lane of its direction, near the middle of it. */
export function makeStreet(random: Random): Street {
  const laneWidth = random.range(3, 3.6)
  const rails = random.chance(0.3)
  const own = random.chance(0.35) ? 2 : 1
  const oncoming = random.chance(0.25) ? 2 : 1
  const middle = rails ? 3.1 : 0
  const lanes: Lane[] = []
  const lines: { t: number; solid: boolean }[] = []
  for (let i = 0; i < own; i++) lanes.push({ t: -middle - (i + 0.5) * laneWidth, direction: 1 })
  for (let i = 0; i < oncoming; i++) lanes.push({ t: middle + (i + 0.5) * laneWidth, direction: -1 })
  if (!rails && random.chance(0.85)) lines.push({ t: 0, solid: random.chance(0.3) })
  if (own === 2) lines.push({ t: -middle - laneWidth, solid: false })
  if (oncoming === 2) lines.push({ t: middle + laneWidth, solid: false })
  const road = [-middle - own * laneWidth - 0.3, middle + oncoming * laneWidth + 0.3] as const
  const park = (): Parking | undefined => (random.chance(0.4) ? undefined : random.chance(0.55) ? 'parallel' : random.chance(0.5) ? 'diagonal' : 'perpendicular')
  const parking = [park(), park()] as const
  const space = (side: 0 | 1): number => (parking[side] === undefined ? 0 : parkingWidth[parking[side]])
  const kerbs = [road[0] - space(0), road[1] + space(1)] as const
  const verges = [random.chance(0.4) ? random.range(1.6, 4.5) : 0, random.chance(0.4) ? random.range(1.6, 4.5) : 0]
  const walks = [random.range(2.2, 5.5), random.range(2.2, 5.5)]
  const lawns = [kerbs[0] - verges[0], kerbs[1] + verges[1]] as const
  const edges = [lawns[0] - walks[0], lawns[1] + walks[1]] as const
  const parkingKind = random.chance(0.3) ? 'road' : 'parking'
  const strips: Strip[] = [
    { kind: 'grass', t0: -140, t1: edges[0], height: 0.1 },
    { kind: 'sidewalk', t0: edges[0], t1: lawns[0], height: 0.12 },
    { kind: 'grass', t0: lawns[0], t1: kerbs[0], height: 0.12 },
    { kind: parkingKind, t0: kerbs[0], t1: road[0], height: 0 },
    { kind: 'road', t0: road[0], t1: -middle, height: 0 },
    { kind: 'rails', t0: -middle, t1: middle, height: 0 },
    { kind: 'road', t0: middle, t1: road[1], height: 0 },
    { kind: parkingKind, t0: road[1], t1: kerbs[1], height: 0 },
    { kind: 'grass', t0: kerbs[1], t1: lawns[1], height: 0.12 },
    { kind: 'sidewalk', t0: lawns[1], t1: edges[1], height: 0.12 },
    { kind: 'grass', t0: edges[1], t1: 140, height: 0.1 },
  ]

  const heading = 0.012 * random.normal()
  const lateral = lanes[0].t + 0.15 * random.normal()
  const pieces: Piece[] = [{ s: start, x: lateral * Math.sin(heading) + start * Math.cos(heading), y: -lateral * Math.cos(heading) + start * Math.sin(heading), z: 0, heading, slope: 0 }]
  const bend = random.chance(0.5) ? 0 : 0.07 * random.normal()
  for (let s = random.range(22, 36); s < end - 20; s += random.range(24, 50)) {
    const last = pieces[pieces.length - 1]
    const d = s - last.s
    pieces.push({
      s, x: last.x + d * Math.cos(last.heading), y: last.y + d * Math.sin(last.heading), z: last.z + d * last.slope,
      heading: last.heading + bend + 0.015 * random.normal(), slope: Math.min(0.05, Math.max(-0.05, last.slope * 0.6 + 0.014 * random.normal())),
    })
  }
  let crossing: readonly [number, number] | undefined
  if (random.chance(0.6)) {
    const width = random.range(7, 12)
    const place = random.below(3)
    // Room for the crossing and its zebra stripes inside one piece, and in front of us.
    const room = pieces.slice(0, -1).map((p, i) => [Math.max(p.s + 5, 13), pieces[i + 1].s - width - 5] as const).filter(([low, high]) => high > low).slice(0, 3)
    const [low, high] = room[Math.min(place, room.length - 1)]
    const from = random.range(low, high)
    crossing = [from, from + width]
  }
  return { pieces, start, end, strips: strips.filter(s => s.t1 > s.t0), lanes, lines, kerbs, edges, parking, rails, crossing }
}

/** The place t metres left of the middle line at s, and the way the street runs there. */
export function placeOn(street: Street, s: number, t: number, height = 0): Place {
  let piece = street.pieces[0]
  for (const p of street.pieces) if (p.s <= s) piece = p
  const d = s - piece.s
  const [c, n] = [Math.cos(piece.heading), Math.sin(piece.heading)]
  return { point: [piece.x + d * c - t * n, piece.y + d * n + t * c, piece.z + d * piece.slope + height], heading: piece.heading, slope: piece.slope }
}

/** Height of the ground at t over the middle of the roadway. */
export const heightAt = (street: Street, t: number): number => street.strips.find(s => t >= s.t0 && t <= s.t1)?.height ?? 0

/** Rotation of something that stands on a slope, facing `heading`: columns forward, left, up in V. `slope` rises along `uphill`. */
export function standOn(heading: number, uphill: number, slope: number): Matrix3 {
  const n = Math.hypot(slope, 1)
  const up: Vec3 = [-slope * Math.cos(uphill) / n, -slope * Math.sin(uphill) / n, 1 / n]
  const level: Vec3 = [Math.cos(heading), Math.sin(heading), 0]
  const rise = level[0] * up[0] + level[1] * up[1]
  const raw: Vec3 = [level[0] - rise * up[0], level[1] - rise * up[1], -rise * up[2]]
  const size = Math.hypot(...raw)
  const f: Vec3 = [raw[0] / size, raw[1] / size, raw[2] / size]
  const left: Vec3 = [up[1] * f[2] - up[2] * f[1], up[2] * f[0] - up[0] * f[2], up[0] * f[1] - up[1] * f[0]]
  return [[f[0], left[0], up[0]], [f[1], left[1], up[1]], [f[2], left[2], up[2]]]
}
