// TaskPrompter from its description, in plain loops and double precision: image to the dense predictions and the maps that the other tasks see.
import { affine, gelu, layerNorm, rows, swinBlock, type Rows, type Weight } from './plain-swin.ts'

/** One image or feature map, [C][H * W]. */
export interface Plane { readonly C: number; readonly H: number; readonly W: number; readonly data: Rows }

export interface NetworkSizes {
  readonly heads: readonly number[]
  readonly depths: readonly number[]
  readonly window: number
  readonly channel: number
  /** channel heads are `side` x `side` */
  readonly side: number
  readonly tasks: readonly string[]
  /** tasks with one map at the size of the labels */
  readonly dense: readonly string[]
  readonly labels: readonly [number, number]
  /** times that maps are enlarged before decoding, for dense tasks */
  readonly upsample: number
  readonly merge: 'concat' | 'sum'
  /** the second head: transposed convolution first */
  readonly upconv: boolean
}

const plane = (H: number, W: number, data: Rows): Plane => ({ C: data.length, H, W, data })
const zeros = (n: number): number[] => Array.from({ length: n }, () => 0)

/** weight [out][in][k][k], zero padding (k - 1) / 2. */
function conv(weight: Weight, name: string, x: Plane, stride = 1): Plane {
  const bias = weight(`${name}.bias`), flat = weight(`${name}.weight`)
  const out = bias.length, k = Math.sqrt(flat.length / out / x.C), reach = (k - 1) / 2
  const H = Math.ceil(x.H / stride), W = Math.ceil(x.W / stride)
  return plane(H, W, Array.from({ length: out }, (_, o) => {
    const sum = zeros(H * W).fill(bias[o])
    for (let c = 0; c < x.C; c++) for (let dy = 0; dy < k; dy++) for (let dx = 0; dx < k; dx++) {
      const w = flat[((o * x.C + c) * k + dy) * k + dx]
      for (let y = 0; y < H; y++) {
        const row = y * stride + dy - reach
        if (row < 0 || row >= x.H) continue
        for (let z = 0; z < W; z++) { const column = z * stride + dx - reach; if (column >= 0 && column < x.W) sum[y * W + z] += w * x.data[c][row * x.W + column] }
      }
    }
    return sum
  }))
}

/** Patches that do not overlap: kernel and stride agree. */
function patches(weight: Weight, name: string, x: Plane, size: number): Rows {
  const bias = weight(`${name}.bias`), flat = weight(`${name}.weight`)
  const tokens: Rows = []
  for (let y = 0; y < x.H; y += size) for (let z = 0; z < x.W; z += size) tokens.push(Array.from(bias, (b, o) => {
    let sum = b
    for (let c = 0; c < x.C; c++) for (let dy = 0; dy < size; dy++) for (let dx = 0; dx < size; dx++) sum += flat[((o * x.C + c) * size + dy) * size + dx] * x.data[c][(y + dy) * x.W + z + dx]
    return sum
  }))
  return tokens
}

/** 2 x 2 kernel, stride 2; weight [in][out][2][2]. */
function doubling(weight: Weight, name: string, x: Plane): Plane {
  const bias = weight(`${name}.bias`), flat = weight(`${name}.weight`), out = bias.length
  return plane(2 * x.H, 2 * x.W, Array.from(bias, (b, o) => zeros(4 * x.H * x.W).map((_, i) => {
    const y = Math.floor(i / (2 * x.W)), z = i % (2 * x.W)
    return x.data.reduce((n, map, c) => n + flat[((c * out + o) * 2 + y % 2) * 2 + z % 2] * map[(y >> 1) * x.W + (z >> 1)], b)
  })))
}

function batchNorm(weight: Weight, name: string, x: Plane): Plane {
  const [scale, shift, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map(part => weight(`${name}.${part}`))
  return { ...x, data: x.data.map((map, c) => map.map(v => (v - mean[c]) / Math.sqrt(variance[c] + 1e-5) * scale[c] + shift[c])) }
}

const activated = (x: Plane): Plane => ({ ...x, data: x.data.map(map => map.map(gelu)) })

/** Bilinear, half-pixel centres, edges repeated. */
function resize(x: Plane, [H, W]: readonly [number, number]): Plane {
  const taps = (from: number, to: number): (readonly [number, number, number])[] => Array.from({ length: to }, (_, i) => {
    const at = Math.max(0, (i + 0.5) * from / to - 0.5), low = Math.floor(at)
    return [low, Math.min(low + 1, from - 1), at - low] as const
  })
  const ys = taps(x.H, H), xs = taps(x.W, W)
  return plane(H, W, x.data.map(map => ys.flatMap(([a, b, v]) => xs.map(([c, d, u]) => (1 - v) * ((1 - u) * map[a * x.W + c] + u * map[a * x.W + d]) + v * ((1 - u) * map[b * x.W + c] + u * map[b * x.W + d])))))
}

const joined = (a: Plane, b: Plane): Plane => plane(a.H, a.W, [...a.data, ...b.data])
const summed = (a: Plane, b: Plane): Plane => ({ ...a, data: a.data.map((map, c) => map.map((v, i) => v + b.data[c][i])) })
const transposed = (x: Rows): Rows => x[0].map((_, i) => x.map(r => r[i]))

interface Level { readonly x: Plane; /** [heads][T][H * W] */ readonly spatial: readonly Rows[]; /** [T][C][side * side] */ readonly channel: readonly Rows[] }

function backbone(sizes: NetworkSizes, weight: Weight, image: Plane): Level[] {
  const { depths, heads, window, channel, side } = sizes
  const T = sizes.tasks.length
  const under = (name: string): Weight => part => weight(`${name}.${part}`)
  let [H, W] = [image.H / 4, image.W / 4]
  let x = layerNorm(weight, 'patch_embed.norm', patches(weight, 'patch_embed.proj', image, 4))
  let prompts = rows(weight('task_prompts'), x[0].length)
  return depths.map((depth, i) => {
    const final = i === depths.length - 1
    let C = x[0].length
    let [spatial, chan]: Rows[][] = [[], []]
    for (let j = 0; j < depth; j++) {
      const y = swinBlock({ H, W, C, heads: heads[i], window, shifted: j % 2 === 1, T, spatial: true, channel, side, last: final && j === depth - 1 }, under(`layers.${i}.blocks.${j}`), x, prompts)
      x = rows(y.x, C)
      prompts = rows(y.prompts, C)
      spatial = Array.from({ length: heads[i] }, (_, h) => rows(y.spa_attn, H * W).slice(h * T, (h + 1) * T))
      chan = Array.from({ length: T }, (_, t) => rows(y.chan_attn, side * side).slice(t * C, (t + 1) * C))
    }
    if (final) x = layerNorm(weight, 'norm', x)
    else {
      const name = `layers.${i}.downsample`
      const merged: Rows = []
      for (let y = 0; y < H; y += 2) for (let z = 0; z < W; z += 2) merged.push([0, W, 1, W + 1].flatMap(step => x[y * W + z + step]))
      x = affine(weight, `${name}.reduction`, layerNorm(weight, `${name}.norm`, merged))
      prompts = affine(weight, `${name}.task_prompts_up`, prompts)
      chan = chan.map(map => transposed(affine(weight, `${name}.process_chan_attn`, transposed(map))))
      const { data } = conv(weight, `${name}.spa_attn_ds`, plane(H, W, spatial.flat()), 2)
      spatial = Array.from({ length: heads[i] }, (_, h) => data.slice(h * T, (h + 1) * T))
      H /= 2; W /= 2; C *= 2
    }
    return { x: plane(H, W, transposed(x)), spatial, channel: chan }
  })
}

/** Both branches of a task at a level, fused. */
function decoded(sizes: NetworkSizes, weight: Weight, { x, spatial, channel }: Level, i: number, t: number): Plane {
  const { side } = sizes
  const task = sizes.tasks[t], group = x.C / spatial.length, dense = sizes.dense.includes(task)
  const bySpace = { ...x, data: x.data.map((map, c) => map.map((v, k) => v * spatial[Math.floor(c / group)][t][k] + v)) }
  const block = (k: number): number => Math.floor(Math.floor(k / x.W) / (x.H / side)) * side + Math.floor(k % x.W / (x.W / side))
  const byChannel = { ...x, data: x.data.map((map, c) => map.map((v, k) => v * channel[t][c][block(k)] + v)) }
  const [a, b] = dense && sizes.upsample > 1 ? [bySpace, byChannel].map(m => resize(m, [sizes.upsample * m.H, sizes.upsample * m.W])) : [bySpace, byChannel]
  const name = `fea_fuse.${i}.${task}`
  const y = conv(weight, `${name}.1`, conv(weight, `${name}.0`, joined(conv(weight, `fea_decode_spa.${i}.${task}.0`, a), conv(weight, `fea_decode_chan.${i}.${task}.0`, b))))
  return conv(weight, `${name}.4`, activated(batchNorm(weight, `${name}.2`, y)))
}

/** `weight` takes published names. Dense predictions by task, and for the other tasks their maps as TASK/LEVEL. */
export function network(sizes: NetworkSizes, weight: Weight, image: Plane): Record<string, Plane> {
  const inside: Weight = name => weight(`backbone.${name}`)
  const levels = backbone(sizes, inside, image)
  return Object.fromEntries(sizes.tasks.flatMap((task, t): [string, Plane][] => {
    const maps = levels.map((level, i) => decoded(sizes, inside, level, i, t))
    if (!sizes.dense.includes(task)) return maps.map((map, i) => [`${task}/${i}`, map])
    const same = maps.map(map => resize(map, [maps[0].H, maps[0].W]))
    const x = conv(inside, `multi_scale_fuse.${task}`, same.reduce(sizes.merge === 'sum' ? summed : joined))
    const head = (part: string): string => `heads.${task}.${part}`
    const first = activated(batchNorm(weight, head('mt_proj.1'), sizes.upconv ? doubling(weight, head('mt_proj.0'), x) : conv(weight, head('mt_proj.0'), x)))
    const last = sizes.upconv ? activated(batchNorm(weight, head('mt_proj.4'), conv(weight, head('mt_proj.3'), first))) : first
    return [[task, resize(conv(weight, head('linear_pred'), last), sizes.labels)]]
  }))
}
