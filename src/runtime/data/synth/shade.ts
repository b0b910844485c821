// The colour that a ray brings back: textures, sun and sky light, reflections, haze.
import type { Light } from './light.ts'
import type { Ellipsoid, Polygon, Primitive, Texture } from './mesh.ts'
import { hash2, noise2, noise3 } from './random.ts'

/** Textures without a pattern finer than a pixel: one sample of colour is as good as four. */
export const even: ReadonlySet<Texture> = new Set<Texture>(['plain', 'light', 'glass', 'grass', 'leaves', 'tiles', 'hood', 'bars'])

/** linear colour of the last call */
export const out = new Float64Array(3)

let r = 0
let g = 0
let b = 0
let gloss = 0
let nx = 0
let ny = 0
let nz = 0
let ballX = 0
let ballY = 0
let ballZ = 0
let glow = 0

function set(c: readonly number[], k: number): void {
  r = c[0] * k
  g = c[1] * k
  b = c[2] * k
}

/** How much of a pattern of the given period (metres) is left when a sample covers `footprint` metres. */
const visible = (period: number, footprint: number): number => Math.max(0, 1 - 1.6 * footprint / period)
const cell = (x: number, period: number): number => x / period - Math.floor(x / period)

function road(p: Polygon, u: number, v: number, foot: number): void {
  const m = p.material
  const seed = m.seed
  const clear = visible(0.5, foot)
  const tone = noise2(u * 0.12, v * 0.5, seed + 1)
  const grain = (clear > 0 ? 0.16 * clear * (noise2(u * 6, v * 6, seed) - 0.5) : 0) + 0.25 * (tone - 0.5)
  set(m.colour, (1 + grain) * (tone > 0.78 ? 0.86 : 1))
  const shape = m.shape
  if (shape[0] === 1) {
    for (const t of [-1.55, 1.55]) if (Math.abs(Math.abs(v - t) - 0.72) < 0.05) set([0.22, 0.22, 0.23], 1)
    return
  }
  let paint = 0
  if (shape[2] > shape[1] && u > shape[1] && u < shape[2]) paint = cell(v, 1) < 0.5 ? 1 : 0
  else {
    for (let i = 3; i < shape.length; i += 2) {
      const across = Math.abs(v - shape[i])
      if (across < 0.08 && (shape[i + 1] === 1 || cell(u, 9) < 0.5)) paint = 1
    }
  }
  if (paint > 0) {
    const worn = 0.55 + 0.4 * noise2(u * 3, v * 9, seed + 3)
    r += (0.62 - r) * worn
    g += (0.62 - g) * worn
    b += (0.6 - b) * worn
  }
}

function facade(p: Polygon, u: number, v: number, foot: number): void {
  const m = p.material
  const [pitch, storey, margin, sill] = m.shape
  const seed = m.seed
  const stain = 1 + 0.14 * (noise2(u * 0.5, v * 0.3, seed) - 0.5)
  set(m.colour, stain)
  if (v < 0.5) {
    set(m.colour, 0.55)
    return
  }
  const floor = Math.floor(v / storey)
  const shop = floor === 0 && hash2(seed, 1, 3) < 0.45
  const period = shop ? pitch * 1.6 : pitch
  const column = Math.floor(u / period)
  const x = cell(u, period)
  const y = cell(v, storey)
  const inset = shop ? 0.08 : margin
  const low = shop ? 0.12 : sill
  const clear = visible(0.6, foot)
  if (x > inset && x < 1 - inset && y > low && y < 0.82) {
    const frame = Math.min(x - inset, 1 - inset - x) * period < 0.09 || Math.abs(x - 0.5) * period < 0.035 || Math.min(y - low, 0.82 - y) * storey < 0.08
    const pane = hash2(column, floor, seed)
    if (frame) set(m.second, 0.5 + 0.5 * clear)
    else if (pane < 0.2) set([0.5, 0.47, 0.42], 0.5)
    else {
      set([0.035, 0.042, 0.05], 0.7 + pane)
      gloss = 0.35
    }
  } else if (y > 0.95 && clear > 0) set(m.second, 0.8)
}

function cabin(p: Polygon, u: number, v: number): void {
  const [edge, pillar, rear, back] = p.material.shape
  if (v > edge || Math.abs(u - pillar) < 0.06 || Math.abs(u - rear) < 0.05 || u < back) {
    set(p.material.colour, 1)
    gloss = 0.25
  } else {
    set(p.material.second, 1)
    gloss = 0.5
  }
}

function coach(p: Polygon, u: number, v: number): void {
  const [low, high, pitch, skirt] = p.material.shape
  const x = cell(u, pitch)
  const door = hash2(Math.floor(u / pitch), 5, p.material.seed) < 0.22
  gloss = 0.2
  if ((v > low && v < high && x > 0.06 && x < 0.94) || (door && v > low - 0.85 && v < high && Math.abs(x - 0.5) > 0.04 && x > 0.06 && x < 0.94)) {
    set([0.02, 0.024, 0.028], 1)
    gloss = 0.45
  } else if (v < skirt) set(p.material.second, 0.9)
  else if (v > low - 0.1 && v < high + 0.1) set([0.03, 0.03, 0.032], 1)
  else set(p.material.colour, 1)
}

function texture(p: Polygon, u: number, v: number, foot: number): void {
  const m = p.material
  switch (m.texture) {
    case 'plain': set(m.colour, 1); return
    case 'light': set(m.colour, 1); glow = 0.5; return
    case 'glass': set(m.colour, 1); gloss = 0.5; return
    case 'road': road(p, u, v, foot); return
    case 'facade': facade(p, u, v, foot); return
    case 'cabin': cabin(p, u, v); return
    case 'coach': coach(p, u, v); return
    case 'paint': {
      const [sill, door1, door2] = m.shape
      const gap = foot < 0.03 && (Math.abs(u - door1) < 0.012 || Math.abs(u - door2) < 0.012)
      if (v < sill || gap) set(m.second, 1)
      else {
        set(m.colour, 1)
        gloss = 0.22
      }
      return
    }
    case 'paving': {
      const size = m.shape[0]
      const k = visible(size, foot)
      const joint = cell(u, size) < 0.06 || cell(v, size) < 0.06
      set(m.colour, (joint ? 1 - 0.3 * k : 1 + 0.16 * k * (hash2(Math.floor(u / size), Math.floor(v / size), m.seed) - 0.5)) * (0.92 + 0.16 * noise2(u * 0.3, v * 0.6, m.seed)))
      return
    }
    case 'grass': {
      const patchy = noise2(u * 0.15, v * 0.15, m.seed)
      const k = 0.75 + 0.5 * (visible(0.4, foot) * (noise2(u * 7, v * 7, m.seed + 1) - 0.5) + 0.5)
      for (let i = 0; i < 3; i++) out[i] = (m.colour[i] + (m.second[i] - m.colour[i]) * Math.max(0, patchy - 0.35)) * k
      set(out as unknown as number[], 1)
      return
    }
    case 'tiles': set(m.colour, 1 + 0.25 * visible(0.35, foot) * (cell(v, 0.35) - 0.5) + 0.2 * (noise2(u, v, m.seed) - 0.5)); return
    case 'bricks': {
      const row = Math.floor(v / 0.12)
      const k = visible(0.15, foot)
      const x = u / 0.3 + 0.5 * (row & 1)
      const joint = cell(v, 0.12) < 0.12 || x - Math.floor(x) < 0.06
      set(m.colour, joint ? 1 + 0.3 * k : 1 + 0.35 * k * (hash2(Math.floor(x), row, m.seed) - 0.5))
      return
    }
    case 'panels': {
      const k = visible(0.2, foot)
      const [low, high] = m.shape
      const stripe = high < 8 && hash2(m.seed, 1, 1) < 0.6 && Math.abs((v - low) / (high - low) - 0.5) < 0.16
      set(stripe ? m.second : m.colour, 1 - 0.12 * k * (cell(u, 0.6) < 0.06 ? 1 : 0))
      return
    }
    case 'wheel': {
      const radius = m.shape[0]
      const d = Math.hypot(u, v) / radius
      if (d > (m.shape[1] === 1 ? 0.88 : 0.66)) set(m.second, 1)
      else if (m.shape[1] === 1) set(m.colour, 0.55 + 0.3 * (cell(Math.atan2(v, u), Math.PI / 8) < 0.2 ? 1 : 0))
      else set(m.colour, d < 0.2 || cell(Math.atan2(v, u), 2 * Math.PI / 5) < 0.55 ? 1 : 0.3)
      return
    }
    case 'sign': {
      const d = Math.hypot(u, v)
      const edge = m.shape[0]
      set(d > edge ? m.second : m.colour, 1)
      if (m.seed !== 1 && d < edge * 0.75 && Math.abs(v) < 0.07) set(m.colour[1] > 0.5 ? [0.02, 0.02, 0.02] : [0.8, 0.8, 0.8], 1)
      glow = 0.06
      return
    }
    case 'bars': case 'leaves': case 'hood': set(m.colour, 1)
  }
}

/** x ** 64, 0 below 0.7. */
function power64(x: number): number {
  if (x < 0.7) return 0
  let p = x * x
  p *= p
  p *= p
  p *= p
  p *= p
  return p * p
}

/** The colour of the sky along a direction of S (not normalised), times k. */
export function sky(light: Light, x: number, y: number, z: number, k: number): void {
  const n = 1 / Math.sqrt(x * x + y * y + z * z)
  const up = (x * light.up[0] + y * light.up[1] + z * light.up[2]) * n
  const h = Math.max(0, up)
  const t = 1 - Math.exp(-3.2 * h)
  const far = 1 / (h + 0.12)
  const cloud = Math.max(0, noise2(x * n * far * 1.6, far * 1.3, light.seed) * 0.65 + noise2(x * n * far * 4, far * 3.2, light.seed + 1) * 0.35 - 0.45) * 1.8 * light.clouds
  const sunny = power64((x * light.sun[0] + y * light.sun[1] + z * light.sun[2]) * n) * 0.6 * Math.min(1, light.sunColour[0])
  for (let i = 0; i < 3; i++) {
    const clear = light.horizon[i] + (light.zenith[i] - light.horizon[i]) * t
    out[i] = k * (clear + (0.88 - clear) * Math.min(1, cloud) + sunny * light.sunColour[i] * 0.4)
  }
}

/** Sets the normal at a point of an ellipsoid, and the point on the unit ball. */
function ballNormal(p: Ellipsoid, x: number, y: number, z: number): void {
  const qx = x - p.center[0]
  const qy = y - p.center[1]
  const qz = z - p.center[2]
  const m0 = p.toBall[0]
  const m1 = p.toBall[1]
  const m2 = p.toBall[2]
  ballX = m0[0] * qx + m0[1] * qy + m0[2] * qz
  ballY = m1[0] * qx + m1[1] * qy + m1[2] * qz
  ballZ = m2[0] * qx + m2[1] * qy + m2[2] * qz
  nx = m0[0] * ballX + m1[0] * ballY + m2[0] * ballZ
  ny = m0[1] * ballX + m1[1] * ballY + m2[1] * ballZ
  nz = m0[2] * ballX + m1[2] * ballY + m2[2] * ballZ
  const n = 1 / (Math.sqrt(nx * nx + ny * ny + nz * nz) || 1)
  nx *= n
  ny *= n
  nz *= n
}

/** Writes into `out` the light from a primitive met at depth z by the ray (dx, dy, 1); `shade` 0..1 takes the sun away, `dim` 0..1 the sky. */
export function shade(p: Primitive, light: Light, dx: number, dy: number, z: number, shadeOf: number, dim: number, pixel: number): void {
  gloss = 0
  glow = 0
  const px = dx * z
  const py = dy * z
  let wrap = 0
  const m = p.material
  if (p.kind === 'polygon') {
    nx = p.normal[0]
    ny = p.normal[1]
    nz = p.normal[2]
    const t = p.uv
    const u = px * t[0] + py * t[1] + z * t[2] + t[3]
    const v = px * t[4] + py * t[5] + z * t[6] + t[7]
    const facing = Math.abs(nx * dx + ny * dy + nz)
    if (m.texture === 'leaves') set(m.colour, 0.45 + 0.9 * noise3(u * 2.5, v * 2.5, 0, m.seed))
    else texture(p, u, v, z * pixel / Math.max(0.08, facing))
  } else {
    ballNormal(p, px, py, z)
    if (m.texture === 'leaves') {
      const fine = visible(0.35, z * pixel)
      const coarse = noise3(ballX * 3.2, ballY * 3.2, ballZ * 3.2, m.seed)
      set(m.colour, 0.5 + 0.85 * (fine > 0 ? 0.6 * coarse + 0.4 * noise3(ballX * 9, ballY * 9, ballZ * 9, m.seed + 1) : coarse))
      wrap = 0.35
    } else set(m.colour, 1)
  }
  const lambert = Math.max(0, (nx * light.sun[0] + ny * light.sun[1] + nz * light.sun[2] + wrap) / (1 + wrap)) * (1 - shadeOf)
  const hemi = 0.5 + 0.5 * (nx * light.up[0] + ny * light.up[1] + nz * light.up[2])
  const ambient = 1 - dim
  r *= lambert * light.sunColour[0] + ambient * (light.bounceColour[0] + (light.skyColour[0] - light.bounceColour[0]) * hemi) + glow * 2
  g *= lambert * light.sunColour[1] + ambient * (light.bounceColour[1] + (light.skyColour[1] - light.bounceColour[1]) * hemi) + glow * 2
  b *= lambert * light.sunColour[2] + ambient * (light.bounceColour[2] + (light.skyColour[2] - light.bounceColour[2]) * hemi) + glow * 2
  if (gloss > 0) {
    const d = nx * dx + ny * dy + nz
    const rx = dx - 2 * d * nx
    const ry = dy - 2 * d * ny
    const rz = 1 - 2 * d * nz
    const length = Math.sqrt(rx * rx + ry * ry + rz * rz)
    const up = (rx * light.up[0] + ry * light.up[1] + rz * light.up[2]) / length
    const grazing = 1 - Math.min(1, Math.abs(d) / Math.sqrt(dx * dx + dy * dy + 1))
    const mirror = gloss * (0.25 + 0.75 * grazing * grazing * grazing)
    const bright = up > 0.12 ? 1 : up > 0 ? 0.45 : 0.16
    const glint = power64((rx * light.sun[0] + ry * light.sun[1] + rz * light.sun[2]) / length) * (1 - shadeOf) * gloss * 2
    r += mirror * bright * light.horizon[0] + glint * light.sunColour[0]
    g += mirror * bright * light.horizon[1] + glint * light.sunColour[1]
    b += mirror * bright * light.horizon[2] + glint * light.sunColour[2]
  }
  const clear = Math.exp(-z * light.haze)
  out[0] = light.horizon[0] + (r - light.horizon[0]) * clear
  out[1] = light.horizon[1] + (g - light.horizon[1]) * clear
  out[2] = light.horizon[2] + (b - light.horizon[2]) * clear
}
