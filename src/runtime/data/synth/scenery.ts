// What stands still: ground, houses, trees, fences, walls, poles, signs, lights.
import { label } from './labels.ts'
import { inside, plain, rgb, turn } from './mesh.ts'
import type { Frame, Material, Mesh, Rgb } from './mesh.ts'
import type { Random } from './random.ts'
import { heightAt, placeOn } from './street.ts'
import type { Street } from './street.ts'

const groundLabel = { road: label.road, parking: label.parking, rails: label.railTrack, sidewalk: label.sidewalk, grass: label.terrain } as const

/** Roadway, kerbs, sidewalks and grass, piece by piece; the crossing street; a plain that closes the horizon. */
export function ground(mesh: Mesh, vehicle: Frame, street: Street, random: Random): void {
  const seed = random.below(1 << 30)
  const tone = random.range(0.75, 1.2)
  const scaled = ([r, g, b]: Rgb): Rgb => [r * tone, g * tone, b * tone]
  const asphalt: Material = { texture: 'road', colour: scaled(rgb(92, 92, 95)), seed, ground: true }
  const lines = street.lines.flatMap(l => [l.t, l.solid ? 1 : 0])
  const materials: Readonly<Record<keyof typeof groundLabel, Material>> = {
    road: { ...asphalt, shape: [0, 0, 0, ...lines] },
    parking: { ...asphalt, texture: 'paving', colour: scaled(rgb(104, 102, 100)), shape: [0.2] },
    rails: { ...asphalt, colour: scaled(rgb(100, 98, 94)), shape: [1, 0, 0] },
    sidewalk: { texture: 'paving', colour: scaled(rgb(140, 136, 130)), seed, shape: [random.range(0.3, 0.6)], ground: true },
    grass: { texture: 'grass', colour: random.pick([rgb(92, 108, 58), rgb(110, 112, 66), rgb(78, 100, 50)]), second: rgb(128, 116, 82), seed, ground: true },
  }
  const plainAsphalt: Material = { ...asphalt, shape: [0, 0, 0] }
  const { pieces, crossing } = street
  const quad = (i: number, s0: number, s1: number, t0: number, t1: number, h0: number, h1: number, material: Material): void => {
    const p = pieces[i]
    const mitre = (s: number): number => {
      const j = s === p.s ? i : s === pieces[i + 1]?.s ? i + 1 : 0
      return j === 0 ? p.heading : (pieces[j].heading + pieces[j - 1].heading) / 2
    }
    const corner = (s: number, t: number, h: number): [number, number, number] => {
      const d = s - p.s
      const m = mitre(s)
      const k = t / Math.cos(m - p.heading)
      return [p.x + d * Math.cos(p.heading) - k * Math.sin(m), p.y + d * Math.sin(p.heading) + k * Math.cos(m), p.z + d * p.slope + h]
    }
    const along: [number, number, number] = [Math.cos(p.heading), Math.sin(p.heading), p.slope]
    mesh.polygon(vehicle, [corner(s0, t0, h0), corner(s1, t0, h0), corner(s1, t1, h1), corner(s0, t1, h1)], material, undefined, {
      origin: [p.x - p.s * along[0], p.y - p.s * along[1], p.z - p.s * p.slope], along, up: [-Math.sin(p.heading), Math.cos(p.heading), 0],
    })
  }
  pieces.forEach((p, i) => {
    const s1 = pieces[i + 1]?.s ?? street.end
    const here = crossing && crossing[0] > p.s && crossing[0] < s1 ? crossing : undefined
    const parts = here ? [[p.s, here[0]], [here[1], s1]] : [[p.s, s1]]
    for (const [a, b] of parts) {
      // Zebra stripes lie across the ends of the parts that meet the crossing street.
      const zebra = here ? [a === here[1] ? a + 1 : b - 4, a === here[1] ? a + 4 : b - 1] : [0, 0]
      for (const strip of street.strips) {
        mesh.label = groundLabel[strip.kind]
        const material = strip.kind === 'road' ? { ...materials.road, shape: [0, ...zebra, ...lines] } : materials[strip.kind]
        quad(i, a, b, strip.t0, strip.t1, strip.height, strip.height, material)
      }
      mesh.label = label.sidewalk
      for (const t of street.kerbs) quad(i, a, b, t - 0.005, t + 0.005, t < 0 ? 0.12 : 0, t < 0 ? 0 : 0.12, plain(150, 148, 144))
    }
    if (here) {
      mesh.label = label.road
      quad(i, here[0], here[1], -140, 140, 0, 0, plainAsphalt)
      mesh.label = label.sidewalk
      for (const side of [0, 1] as const) {
        const [near, far] = side === 0 ? [-140, street.edges[0]] : [street.edges[1], 140]
        for (const [a, b] of [[here[0] - 2.2, here[0]], [here[1], here[1] + 2.2]]) quad(i, a, b, near, far, 0.121, 0.121, materials.sidewalk)
      }
    }
  })
  mesh.label = label.terrain
  const last = placeOn(street, street.end, 0)
  const far = inside(vehicle, last.point, turn(last.heading))
  mesh.polygon(far, [[-1, -900, -0.3], [900, -900, -0.3], [900, 900, -0.3], [-1, 900, -0.3]], materials.grass)
}

const plasters: readonly Rgb[] = [rgb(196, 186, 168), rgb(180, 164, 140), rgb(204, 198, 188), rgb(168, 150, 130), rgb(190, 172, 120), rgb(150, 128, 112), rgb(172, 176, 178), rgb(160, 96, 76), rgb(206, 178, 150), rgb(140, 146, 150)]
const roofs: readonly Rgb[] = [rgb(120, 62, 48), rgb(96, 58, 48), rgb(70, 70, 74), rgb(90, 84, 80)]

/** A house whose front lies along the local x axis from 0 to `width`, its body behind it (-y if `side` is -1: right of the street). */
export function house(mesh: Mesh, f: Frame, width: number, depth: number, height: number, side: number, random: Random): void {
  mesh.label = label.building
  const seed = random.below(1 << 30)
  const modern = random.chance(0.25)
  const storey = random.range(2.8, 3.5)
  const facade: Material = {
    texture: 'facade', colour: random.pick(plasters), second: random.pick([rgb(225, 222, 214), rgb(120, 110, 100), rgb(90, 92, 96)]), seed,
    shape: modern ? [random.range(1.6, 2.4), storey, 0.12, 0.2] : [random.range(2.2, 3.4), storey, random.range(0.26, 0.34), 0.24],
  }
  const [y0, y1] = side < 0 ? [-depth, 0] : [0, depth]
  const roof: Material = { texture: 'tiles', colour: random.pick(roofs), seed }
  const gable = !modern && random.chance(0.7)
  mesh.block(f, [0, width, y0, y1], -1, height, [facade, facade, facade, facade, gable ? undefined : roof, undefined])
  if (!gable) return
  const ridge = height + depth * random.range(0.25, 0.42)
  const [middle, eave] = [(y0 + y1) / 2, 0.35]
  const inner: [number, number, number] = [width / 2, middle, height]
  mesh.polygon(f, [[0, y0 - eave, height - 0.2], [width, y0 - eave, height - 0.2], [width, middle, ridge], [0, middle, ridge]], roof, inner)
  mesh.polygon(f, [[0, y1 + eave, height - 0.2], [width, y1 + eave, height - 0.2], [width, middle, ridge], [0, middle, ridge]], roof, inner)
  for (const x of [0, width]) mesh.polygon(f, [[x, y0, height], [x, y1, height], [x, middle, ridge]], { ...facade, texture: 'plain' }, inner)
  if (random.chance(0.6)) mesh.block(f, [width * 0.3, width * 0.3 + 0.6, middle - 0.3, middle + 0.3], ridge - 0.8, ridge + 0.9, plain(110, 66, 54))
}

const greens: readonly Rgb[] = [rgb(72, 96, 44), rgb(88, 106, 50), rgb(58, 84, 42), rgb(104, 112, 56), rgb(120, 104, 52)]
const leaves = (random: Random): Material => ({ texture: 'leaves', colour: random.pick(greens), seed: random.below(1 << 30) })

/** A broad-leaved tree or, sometimes, a conifer; the trunk belongs to the vegetation. */
export function tree(mesh: Mesh, f: Frame, height: number, random: Random): void {
  mesh.label = label.vegetation
  const bark = plain(84, 70, 56)
  const crown = leaves(random)
  const stem = height * random.range(0.28, 0.42)
  mesh.limb(f, [0, 0, -0.5], [random.range(-0.2, 0.2), random.range(-0.2, 0.2), stem + 1.2], 0.035 * height * 0.7, bark)
  if (random.chance(0.2)) {
    for (let i = 0; i < 3; i++) mesh.ellipsoid(f, [0, 0, height * (0.35 + 0.22 * i)], [0.2 * height * (1 - 0.25 * i), 0.2 * height * (1 - 0.25 * i), 0.24 * height], crown, 0.9)
    return
  }
  const spread = height * random.range(0.24, 0.36)
  const blobs = 4 + random.below(4)
  for (let i = 0; i < blobs; i++) {
    const angle = 2 * Math.PI * i / blobs + random.range(-0.4, 0.4)
    const out = i === 0 ? 0 : spread * random.range(0.3, 0.6)
    const r = spread * random.range(0.5, 0.8)
    mesh.ellipsoid(f, [out * Math.cos(angle), out * Math.sin(angle), stem + (height - stem) * random.range(0.3, 0.7)], [r, r, r * random.range(0.7, 1)], crown, 0.9)
  }
}

/** A bush of the given size. */
export function bush(mesh: Mesh, f: Frame, size: number, random: Random): void {
  mesh.label = label.vegetation
  mesh.ellipsoid(f, [0, 0, size * 0.35], [size * random.range(0.7, 1.2), size * 0.7, size * 0.6], leaves(random), 0.7)
}

/** A boundary of `length` along local x: railing, wooden fence, wall or hedge. */
export function boundary(mesh: Mesh, f: Frame, length: number, random: Random): void {
  const kind = random.below(6)
  const height = random.range(1, 2.2)
  if (kind === 0) {
    mesh.label = label.fence
    mesh.polygon(f, [[0, 0, 0], [length, 0, 0], [length, 0, height], [0, 0, height]], { texture: 'bars', colour: rgb(64, 66, 66), shape: [0.14, 0.08, height] })
  } else if (kind < 3) {
    mesh.label = label.fence
    mesh.block(f, [0, length, -0.04, 0.04], -0.2, height, { texture: 'panels', colour: rgb(120, 92, 64), second: rgb(88, 66, 46), seed: random.below(1 << 30), shape: [9, 10] })
  } else if (kind < 5) {
    mesh.label = label.wall
    mesh.block(f, [0, length, -0.15, 0.15], -0.3, height, { texture: 'bricks', colour: random.pick([rgb(150, 84, 64), rgb(168, 160, 148), rgb(130, 126, 120)]), seed: random.below(1 << 30) })
  } else {
    mesh.label = label.vegetation
    mesh.block(f, [0, length, -0.4, 0.4], -0.2, height, leaves(random))
  }
}

/** A pedestrian railing of `length` along local x, as it stands at kerbs: two panels of bars between posts. */
export function railing(mesh: Mesh, f: Frame, length: number): void {
  mesh.label = label.fence
  const metal = plain(96, 100, 104)
  const height = 1.05
  mesh.polygon(f, [[0, 0, 0.12], [length, 0, 0.12], [length, 0, height], [0, 0, height]], { texture: 'bars', colour: rgb(120, 124, 128), shape: [0.12, 0.075, height] })
  for (const z of [0.12, height]) mesh.block(f, [0, length, -0.03, 0.03], z - 0.04, z + 0.04, metal)
  mesh.block(f, [-0.05, 0.05, -0.05, 0.05], -0.1, height + 0.08, metal)
}

/** A street lamp with an arm of `reach` towards local +y. */
export function lamp(mesh: Mesh, f: Frame, height: number, reach: number): void {
  mesh.label = label.pole
  const metal = plain(112, 116, 118)
  mesh.rod(f, [0, 0, 0], [0, 0, height], 0.16, metal)
  mesh.rod(f, [0, 0, height - 0.05], [0, reach, height + 0.15], 0.1, metal)
  mesh.block(f, [-0.14, 0.14, Math.min(reach, reach * 1.3), Math.max(reach, reach * 1.3)], height + 0.06, height + 0.2, plain(190, 190, 186))
}

/** A traffic sign that faces local -x. `shape` of the texture: 0 round, 1 triangle, 2 square, 3 octagon. */
export function sign(mesh: Mesh, f: Frame, random: Random): void {
  const height = random.range(2.2, 2.9)
  mesh.label = label.pole
  mesh.rod(f, [0, 0, 0], [0, 0, height + 0.1], 0.07, plain(140, 142, 144))
  mesh.label = label.trafficSign
  const count = random.chance(0.3) ? 2 : 1
  for (let i = 0; i < count; i++) {
    const form = random.below(4)
    const r = random.range(0.38, 0.55)
    const z = height - 0.5 - 1.1 * i
    const corners = form === 1 ? 3 : form === 2 ? 4 : form === 3 ? 8 : 12
    const phase = form === 1 ? Math.PI / 2 : Math.PI / corners
    const [colour, second] = form === 2 ? [random.pick([rgb(24, 70, 150), rgb(235, 190, 30), rgb(235, 235, 230)]), rgb(240, 240, 240)] : form === 3 ? [rgb(180, 20, 24), rgb(180, 20, 24)] : random.pick([[rgb(240, 240, 238), rgb(190, 20, 24)], [rgb(24, 70, 150), rgb(24, 70, 150)]] as const)
    const outline = Array.from({ length: corners }, (_, k): [number, number, number] => [-0.06, r * Math.cos(phase + 2 * Math.PI * k / corners), z + r * Math.sin(phase + 2 * Math.PI * k / corners)])
    mesh.polygon(f, outline, { texture: 'sign', colour, second, shape: [0.72 * r * (form === 1 ? 0.6 : 1)], seed: form }, undefined, { origin: [-0.06, 0, z], along: [0, 1, 0] })
  }
}

/** A traffic light that faces local -x. */
export function trafficLight(mesh: Mesh, f: Frame, reach: number, random: Random): void {
  mesh.label = label.pole
  const metal = plain(80, 86, 82)
  const height = reach === 0 ? 2.4 : 5.2
  mesh.rod(f, [0, 0, 0], [0, 0, height + 0.9], 0.14, metal)
  if (reach !== 0) mesh.rod(f, [0, 0, height + 0.8], [0, reach, height + 0.8], 0.1, metal)
  mesh.label = label.trafficLight
  const y = reach === 0 ? 0.42 : reach
  // A dark board with a white rim behind the lamps, as beside bright roads.
  const [low, high] = [height - 0.25, height + 1.15]
  const board = (x: number, half: number, grow: number, m: Material): void => mesh.polygon(f, [[x, y - half, low - grow], [x, y + half, low - grow], [x, y + half, high + grow], [x, y - half, high + grow]], m)
  board(-0.02, 0.4, 0.06, plain(225, 225, 220))
  board(-0.05, 0.34, 0, plain(24, 26, 25))
  mesh.block(f, [-0.16, 0.16, y - 0.17, y + 0.17], height - 0.05, height + 0.95, plain(28, 32, 30))
  const lit = random.below(3)
  const colours = [rgb(40, 230, 120), rgb(255, 190, 40), rgb(255, 40, 30)]
  for (let i = 0; i < 3; i++) {
    const m: Material = i === lit ? { texture: 'light', colour: colours[i] } : plain(44, 46, 46)
    const z = height + 0.15 + 0.3 * i
    mesh.polygon(f, Array.from({ length: 8 }, (_, k): [number, number, number] => [-0.17, y + 0.11 * Math.cos(k * Math.PI / 4), z + 0.11 * Math.sin(k * Math.PI / 4)]), m)
  }
}

/** A frame on the ground of a street at (s, t), x along the street. */
export function onGround(vehicle: Frame, street: Street, s: number, t: number, heading = 0): Frame {
  const place = placeOn(street, s, t, heightAt(street, t))
  return inside(vehicle, place.point, turn(place.heading + heading))
}
