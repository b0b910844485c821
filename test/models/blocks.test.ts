// Blocks of the library against plain loops, where no published numbers exist: padding, small maps, several channel heads, several prompts, prompts of one kind only.
import { describe, expect, test } from 'vitest'
import { erf } from '../../src/compiler/ir/erf.ts'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import { elaborate } from '../../src/compiler/index.ts'
import { generatedImage } from '../support/generated.ts'
import { fileHost, generatedWeights } from '../support/models.ts'

interface Case { readonly H: number; readonly W: number; readonly window: number; readonly shifted: boolean; readonly T: number; readonly spatial: boolean; readonly channel: number | undefined; readonly side: number; readonly last: boolean }

const C = 6, heads = 2, ratio = 2

/** A model around one block; its x are the pixels of an image of 2 H x W with three channels, read as H x W with six. */
const text = ({ H, W, window, shifted, T, spatial, channel, side, last }: Case): string => `
import { SwinBlock } from "mtlc:lib/swin.mtl"
block Net() {
  let design = {count: ${T}, spatial: ${spatial}, channel: ${channel ?? 'none'}, side: ${side}}
  block_ = SwinBlock([${H}, ${W}], ${heads}, ${window}, ${shifted}, 0.0, ${ratio}, design, ${last})
  param prompts: [${Math.max(T, 1)}, ${C}] = normal(1)
  forward(image: [1, 3, _, _]) = block_(image |> reshape([1, ${C}, -1]) |> swap(1, 2), prompts[none])
}
model M {
  data cityscapes3d { image = ${2 * H} x ${W} }
  task depth = depth()
  net = Net()
  forward(image: [B, 3, H, W]) {
    let y = net(image)
    return {depth: image[:, ..1] + mean(y.x)}
  }
}`

type Rows = number[][]
const rows = (data: ArrayLike<number>, width: number): Rows => Array.from({ length: data.length / width }, (_, i) => Array.from({ length: width }, (_, j) => data[i * width + j]))
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((n, v, i) => n + v * b[i], 0)
const add = (a: Rows, b: Rows): Rows => a.map((r, i) => r.map((v, j) => v + b[i][j]))
const soft = (v: readonly number[]): number[] => { const m = Math.max(...v), e = v.map(x => Math.exp(x - m)), s = e.reduce((a, b) => a + b, 0); return e.map(x => x / s) }

/** The block from the description: returns x, prompts, spa_attn [heads][T][H][W] flat, chan_attn [T][C][side][side] flat. */
function reference(c: Case, weight: (name: string) => number[], x: Rows, prompts: Rows): Record<string, number[]> {
  const { H, W, T, side: n } = c
  const linear = (name: string, v: Rows): Rows => { const b = weight(`${name}.bias`), w = rows(weight(`${name}.weight`), v[0].length); return v.map(r => w.map((k, o) => dot(k, r) + b[o])) }
  const norm = (name: string, v: Rows): Rows => v.map(r => {
    const m = r.reduce((a, b) => a + b, 0) / C, variance = r.reduce((a, b) => a + (b - m) ** 2, 0) / C
    return r.map((e, i) => (e - m) / Math.sqrt(variance + 1e-5) * weight(`${name}.weight`)[i] + weight(`${name}.bias`)[i])
  })
  const mlp = (v: Rows): Rows => linear('mlp.fc2', linear('mlp.fc1', norm('norm2', v)).map(r => r.map(e => 0.5 * e * (1 + erf(e / Math.SQRT2)))))
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

const base: Case = { H: 8, W: 8, window: 4, shifted: false, T: 3, spatial: true, channel: 16, side: 1, last: false }

describe('SwinBlock', () => {
  test.each<[string, Case]>([
    ['whole windows', base],
    ['shifted', { ...base, shifted: true }],
    ['padded', { ...base, H: 6, W: 9 }],
    ['padded and shifted', { ...base, H: 6, W: 9, shifted: true }],
    ['an odd window, padded and shifted', { ...base, H: 5, W: 7, window: 3, shifted: true }],
    ['a map no larger than the window', { ...base, H: 3, W: 6, shifted: true }],
    ['four channel heads', { ...base, side: 2 }],
    ['six prompts', { ...base, T: 6, shifted: true, side: 2 }],
    ['no spatial prompts', { ...base, spatial: false, shifted: true }],
    ['no channel prompts', { ...base, channel: undefined, H: 6 }],
    ['the last block', { ...base, last: true }],
  ])('%s', (_, c) => {
    const { model, diagnostics } = elaborate('m.mtl', { read: path => path === 'm.mtl' ? text(c) : fileHost.read(path) }, { mode: 'infer', batch: 1 })
    expect(diagnostics.filter(d => d.severity === 'error').map(d => d.message)).toEqual([])
    const { program } = model!
    const weights = generatedWeights(program)
    const image = generatedImage([1, 3, 2 * c.H, c.W])
    const call = model!.calls.find(m => m.path === 'net.block_')!
    const found = interpret(program, { ...weights, image }, { outputs: [], values: call.outputs.map(o => o.value) }).values
    const weight = (name: string): number[] => Array.from((weights[`net.block_.${name}`] ?? { data: [] }).data)
    const pixels = rows(image.data, c.H * c.W)
    const expected = reference(c, weight, Array.from({ length: c.H * c.W }, (_, i) => pixels.map(r => r[i])), rows(weights['net.prompts'].data, C))
    for (const [field, values] of Object.entries(expected)) {
      const output = call.outputs.find(o => o.field === field)
      const data = output === undefined ? [] : found.get(output.value)!.data
      expect(data.length, field).toBe(values.length)
      const worst = values.reduce((m, v, i) => Math.max(m, Math.abs(v - data[i])), 0)
      expect(worst, field).toBeLessThan(1e-9)
    }
  })
})
