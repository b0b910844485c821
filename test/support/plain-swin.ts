// The networks of the library from their description, in plain loops and double precision: what models are compared with where no published numbers exist.
import { erf } from '../../src/compiler/ir/erf.ts'

export type Rows = number[][]
/** Values of a parameter by the end of its name. */
export type Weight = (name: string) => ArrayLike<number>

/** `channel`: dimensions of the space in which prompts attend to channels, cut into `side` x `side` blocks; `spatial`: prompts join the windows. */
export interface BlockSizes {
  readonly H: number
  readonly W: number
  readonly C: number
  readonly heads: number
  readonly window: number
  readonly shifted: boolean
  readonly T: number
  readonly spatial: boolean
  readonly channel: number | undefined
  readonly side: number
  readonly last: boolean
}

export const rows = (data: ArrayLike<number>, width: number): Rows => Array.from({ length: data.length / width }, (_, i) => Array.from({ length: width }, (_, j) => data[i * width + j]))
export const dot = (a: readonly number[], b: readonly number[]): number => { let n = 0; for (let i = 0; i < a.length; i++) n += a[i] * b[i]; return n }
const add = (a: Rows, b: Rows): Rows => a.map((r, i) => r.map((v, j) => v + b[i][j]))
const soft = (v: readonly number[]): number[] => { const m = Math.max(...v), e = v.map(x => Math.exp(x - m)), s = e.reduce((a, b) => a + b, 0); return e.map(x => x / s) }
export const gelu = (e: number): number => 0.5 * e * (1 + erf(e / Math.SQRT2))

/** v W^T + b; without b where the parameter has none. */
export function affine(weight: Weight, name: string, v: Rows): Rows {
  const w = rows(weight(`${name}.weight`), v[0].length), b = weight(`${name}.bias`)
  return v.map(r => w.map((k, o) => dot(k, r) + (b.length > 0 ? b[o] : 0)))
}

export function layerNorm(weight: Weight, name: string, v: Rows): Rows {
  const scale = weight(`${name}.weight`), shift = weight(`${name}.bias`)
  return v.map(r => {
    const m = r.reduce((a, b) => a + b, 0) / r.length, variance = r.reduce((a, b) => a + (b - m) ** 2, 0) / r.length
    return r.map((e, i) => (e - m) / Math.sqrt(variance + 1e-5) * scale[i] + shift[i])
  })
}

/** A block from the description: x [H * W][C], prompts [T][C]; returns them flat, with spa_attn [heads][T][H][W] and chan_attn [T][C][side][side]. */
export function swinBlock(c: BlockSizes, weight: Weight, x: Rows, prompts: Rows): { x: number[]; prompts: number[]; spa_attn: number[]; chan_attn: number[] } {
  const { H, W, C, heads, T, side: n } = c
  const linear = (name: string, v: Rows): Rows => affine(weight, name, v)
  const norm = (name: string, v: Rows): Rows => layerNorm(weight, name, v)
  const mlp = (v: Rows): Rows => linear('mlp.fc2', linear('mlp.fc1', norm('norm2', v)).map(r => r.map(gelu)))
  const whole = Math.min(H, W) <= c.window, s = whole ? Math.min(H, W) : c.window, shift = c.shifted && !whole ? Math.floor(s / 2) : 0
  const PH = Math.ceil(H / s) * s, PW = Math.ceil(W / s) * s, hd = C / heads, inside = c.spatial ? T : 0
  const table = rows(weight('attn.relative_position_bias_table'), heads)
  const zero = Array.from({ length: C }, () => 0)
  const normed = norm('norm1', x), ps = norm('norm1', prompts)
  const band = (i: number, size: number): number => i < size - s ? 0 : i < size - shift ? 1 : 2
  const a: Rows = x.map(() => zero), spa = new Float64Array(heads * T * H * W)
  const heard: Rows = prompts.map(() => [...zero])
  const windows = (PH / s) * (PW / s)
  for (let wy = 0; wy < PH; wy += s) for (let wx = 0; wx < PW; wx += s) {
    // The place of token k of the window in the rolled map, and in the map before rolling.
    const at = Array.from({ length: s * s }, (_, k) => { const y = wy + Math.floor(k / s), x = wx + k % s; return { y, x, fromY: (y + shift) % PH, fromX: (x + shift) % PW } })
    const real = at.map(p => p.fromY < H && p.fromX < W)
    const tokens = [...ps.slice(0, inside), ...at.map((p, k) => real[k] ? normed[p.fromY * W + p.fromX] : zero)]
    const qkv = linear('attn.qkv', tokens)
    const mixed: Rows = tokens.map(() => [...zero])
    for (let h = 0; h < heads; h++) {
      const part = (r: readonly number[], which: number): number[] => r.slice(which * C + h * hd, which * C + (h + 1) * hd)
      for (let i = 0; i < tokens.length; i++) {
        const scores = tokens.map((_, j) => {
          const raw = dot(part(qkv[i], 0), part(qkv[j], 1))
          const q = at[i - inside], k = at[j - inside]
          if (i < inside && j >= inside && real[j - inside]) spa[((h * T + i) * H + k.fromY) * W + k.fromX] = raw
          if (i < inside || j < inside) return raw / Math.sqrt(hd)
          const bias = table[(q.y - k.y + s - 1) * (2 * s - 1) + q.x - k.x + s - 1][h]
          const apart = shift > 0 && (band(q.y, PH) !== band(k.y, PH) || band(q.x, PW) !== band(k.x, PW))
          return raw / Math.sqrt(hd) + bias + (apart ? -100 : 0)
        })
        soft(scores).forEach((p, j) => part(qkv[j], 2).forEach((v, d) => { mixed[i][h * hd + d] += p * v }))
      }
    }
    const out = linear('attn.proj', mixed)
    at.forEach((p, k) => { if (real[k]) a[p.fromY * W + p.fromX] = out[inside + k] })
    for (let t = 0; t < inside; t++) out[t].forEach((v, d) => { heard[t][d] += v / windows })
  }
  const y = add(x, a)
  let said = heard, chan: number[] = []
  if (c.channel !== undefined) {
    const D = c.channel, edge = Math.sqrt(D), block = edge / n
    const q = linear('chan_q', linear('token_trans', prompts))
    const kv = linear('chan_kv', Array.from({ length: C }, (_, ch) => a.map(r => r[ch])))
    chan = Array.from({ length: T * C * n * n }, () => 0)
    const mixed = q.map(() => Array.from({ length: D }, () => 0))
    for (let by = 0; by < n; by++) for (let bx = 0; bx < n; bx++) {
      const members = Array.from({ length: D }, (_, d) => d).filter(d => Math.floor(Math.floor(d / edge) / block) === by && Math.floor(d % edge / block) === bx)
      for (let t = 0; t < T; t++) {
        const raw = kv.map(r => dot(members.map(d => q[t][d]), members.map(d => r[d])))
        raw.forEach((v, ch) => { chan[((t * C + ch) * n + by) * n + bx] = v })
        soft(raw.map(v => v / Math.sqrt(D))).forEach((p, ch) => members.forEach(d => { mixed[t][d] += p * kv[ch][D + d] }))
      }
    }
    if (!c.last) said = add(heard, linear('token_trans1', linear('chan_proj', mixed)))
  }
  const p = add(prompts, said)
  return { x: add(y, mlp(y)).flat(), prompts: (c.last ? heard : add(p, mlp(p))).flat(), spa_attn: inside > 0 ? [...spa] : [], chan_attn: chan }
}
