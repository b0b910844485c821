// TaskPrompter as in the report, hand-written in TensorFlow.js from the specification. Sizes follow from the shapes of the weights, which have their published names.
import { layers } from './layers.mjs'

const TASKS = ['semseg', 'depth', '3ddet'], DENSE = ['semseg', 'depth']

/** Kernels as tfjs has them: [kh, kw, in, out], products [in, out]. The two matrices that mix tokens and the tables stay as they are. */
const stored = (tf, name, value) => value.rank === 4 ? tf.transpose(value, [2, 3, 1, 0]) : value.rank === 2 && name.endsWith('.weight') && !name.endsWith('chan_kv.weight') ? tf.transpose(value) : value

export class TaskPrompter {
  /**
   * @param {typeof import('@tensorflow/tfjs-core')} tf
   * @param {Record<string, { shape: number[], data: Float32Array }>} weights
   * @param {{ groups: number, labels: [number, number] }} config groups of the 3D head's norms; size of the labels
   */
  constructor(tf, weights, config) {
    Object.assign(this, { tf, config, net: layers(tf), parameters: {}, statistics: {}, constants: new Map() })
    for (const [name, { shape, data }] of Object.entries(weights)) {
      if (/(relative_position_index|attn_mask|num_batches_tracked)$/.test(name)) continue
      const running = /running_(mean|var)$/.test(name)
      const value = tf.tidy(() => tf.keep(tf.clone(stored(tf, name, tf.tensor(data, shape, 'float32')))))
      ;(running ? this.statistics : this.parameters)[name] = tf.variable(value, !running, name)
      value.dispose()
    }
    this.depths = []
    for (let i = 0; this.has(`backbone.layers.${i}.blocks.0.norm1.weight`); i++) this.depths.push(Object.keys(this.parameters).filter(n => n.startsWith(`backbone.layers.${i}.blocks.`) && n.endsWith('.norm1.weight')).length)
  }

  has(name) { return name in this.parameters }
  p(name) { return this.parameters[name] }
  linear(x, name) { return this.net.linear(x, this.p(`${name}.weight`), this.p(`${name}.bias`)) }
  layerNorm(x, name) { return this.net.layerNorm(x, this.p(`${name}.weight`), this.p(`${name}.bias`)) }
  conv(x, name, stride = 1) { return this.net.conv(x, this.p(`${name}.weight`), this.p(`${name}.bias`), stride) }

  /** Moves the running statistics, as training does: the variance is made unbiased. */
  batchNorm(x, name) {
    const { tf } = this, { y, mean, variance } = this.net.batchNorm(x, this.p(`${name}.weight`), this.p(`${name}.bias`))
    const count = x.size / x.shape[3]
    for (const [key, value] of [['running_mean', mean], ['running_var', tf.mul(variance, count / (count - 1))]]) {
      const statistic = this.statistics[`${name}.${key}`]
      statistic.assign(tf.add(tf.mul(statistic, 0.9), tf.mul(value, 0.1)))
    }
    return y
  }

  constant(key, make) {
    if (!this.constants.has(key)) this.constants.set(key, this.tf.keep(make()))
    return this.constants.get(key)
  }

  positionIndex(side) {
    return this.constant(`index ${side}`, () => {
      const n = side * side, at = new Int32Array(n * n)
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) at[i * n + j] = (Math.floor(i / side) - Math.floor(j / side) + side - 1) * (2 * side - 1) + i % side - j % side + side - 1
      return this.tf.tensor1d(at, 'int32')
    })
  }

  /** -100 between patches that the shift brought together, [windows, 1, L, L]. */
  shiftMask(rows, columns, side, shift, extra) {
    return this.constant(`mask ${[rows, columns, side, shift, extra]}`, () => {
      const band = (at, n) => at < n - side ? 0 : at < n - shift ? 1 : 2
      const length = extra + side * side, mask = new Float32Array(rows * columns * length * length)
      const label = (window, i) => 3 * band(Math.floor(window / columns) * side + Math.floor(i / side), rows * side) + band(window % columns * side + i % side, columns * side)
      for (let g = 0; g < rows * columns; g++) for (let i = 0; i < side * side; i++) for (let j = 0; j < side * side; j++) if (label(g, i) !== label(g, j)) mask[(g * length + extra + i) * length + extra + j] = -100
      return this.tf.tensor4d(mask, [rows * columns, 1, length, length])
    })
  }

  mlp(x, name) { return this.linear(this.net.gelu(this.linear(this.layerNorm(x, `${name}.norm2`), `${name}.mlp.fc1`)), `${name}.mlp.fc2`) }

  /** x [B, H, W, C], prompts [B, T, C]; also the affinities spa [B, H, W, heads, T] and chan [B, T, C]. */
  block(x, prompts, name, shifted, last) {
    const { tf, net } = this, [batch, H, W, C] = x.shape
    const table = this.p(`${name}.attn.relative_position_bias_table`), [entries, heads] = table.shape
    const side = (Math.sqrt(entries) + 1) / 2, area = side * side, shift = shifted && Math.min(H, W) > side ? side >> 1 : 0
    const rows = Math.ceil(H / side), columns = Math.ceil(W / side), count = rows * columns, T = prompts.shape[1], L = T + area, d = C / heads
    let y = this.layerNorm(x, `${name}.norm1`)
    if (rows * side > H || columns * side > W) y = tf.pad(y, [[0, 0], [0, rows * side - H], [0, columns * side - W], [0, 0]])
    if (shift) y = net.roll(y, -shift)
    const patches = tf.reshape(tf.transpose(tf.reshape(y, [batch, rows, side, columns, side, C]), [0, 1, 3, 2, 4, 5]), [batch, count, area, C])
    const heard = tf.tile(tf.expandDims(this.layerNorm(prompts, `${name}.norm1`), 1), [1, count, 1, 1])
    const windows = tf.concat([heard, patches], 2)
    const [q, k, v] = tf.unstack(tf.transpose(tf.reshape(this.linear(windows, `${name}.attn.qkv`), [batch * count, L, 3, heads, d]), [2, 0, 3, 1, 4]))
    const raw = tf.matMul(q, k, false, true)
    const bias = tf.transpose(tf.reshape(tf.gather(table, this.positionIndex(side)), [area, area, heads]), [2, 0, 1])
    let scores = tf.add(tf.mul(raw, d ** -0.5), tf.pad(bias, [[0, 0], [T, 0], [T, 0]]))
    if (shift) scores = tf.reshape(tf.add(tf.reshape(scores, [batch, count, heads, L, L]), this.shiftMask(rows, columns, side, shift, T)), [batch * count, heads, L, L])
    const mixed = tf.reshape(tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]), [batch, count, L, C])
    const out = this.linear(mixed, `${name}.attn.proj`)
    let a = tf.reshape(tf.transpose(tf.reshape(tf.slice(out, [0, 0, T, 0], [batch, count, area, C]), [batch, rows, columns, side, side, C]), [0, 1, 3, 2, 4, 5]), [batch, rows * side, columns * side, C])
    if (shift) a = net.roll(a, shift)
    if (rows * side > H || columns * side > W) a = tf.slice(a, [0, 0, 0, 0], [batch, H, W, C])

    let spa = tf.reshape(tf.transpose(tf.reshape(tf.slice(raw, [0, 0, 0, T], [batch * count, heads, T, area]), [batch, rows, columns, heads * T, side, side]), [0, 1, 4, 2, 5, 3]), [batch, rows * side, columns * side, heads * T])
    if (shift) spa = net.roll(spa, shift)
    if (rows * side > H || columns * side > W) spa = tf.slice(spa, [0, 0, 0, 0], [batch, H, W, heads * T])
    const told = [tf.mean(tf.slice(out, [0, 0, 0, 0], [batch, count, T, C]), 1)]

    const kvWeight = this.p(`${name}.chan_kv.weight`), width = kvWeight.shape[0] / 2
    const across = tf.matMul(tf.reshape(tf.transpose(tf.reshape(a, [batch, H * W, C]), [0, 2, 1]), [batch * C, H * W]), kvWeight, false, true)
    const [keys, values] = tf.split(tf.reshape(tf.add(across, this.p(`${name}.chan_kv.bias`)), [batch, C, 2 * width]), 2, 2)
    const query = this.linear(this.linear(prompts, `${name}.token_trans`), `${name}.chan_q`)
    const chan = tf.matMul(query, keys, false, true)
    if (!last) told.push(this.linear(this.linear(tf.matMul(tf.softmax(tf.mul(chan, width ** -0.5)), values), `${name}.chan_proj`), `${name}.token_trans1`))

    x = tf.add(x, a)
    x = tf.add(x, this.mlp(x, name))
    if (last) return { x, prompts: told[0], spa, chan }
    prompts = tf.addN([prompts, ...told])
    return { x, prompts: tf.add(prompts, this.mlp(prompts, name)), spa, chan }
  }

  merging({ x, prompts, spa, chan }, name) {
    const { tf } = this, [batch, H, W, C] = x.shape
    const merged = tf.reshape(tf.transpose(tf.reshape(x, [batch, H / 2, 2, W / 2, 2, C]), [0, 1, 3, 4, 2, 5]), [batch, H / 2, W / 2, 4 * C])
    return {
      x: this.linear(this.layerNorm(merged, `${name}.norm`), `${name}.reduction`), prompts: this.linear(prompts, `${name}.task_prompts_up`),
      spa: this.conv(spa, `${name}.spa_attn_ds`, 2), chan: this.linear(chan, `${name}.process_chan_attn`),
    }
  }

  /** Four levels of { x [B, H, W, C], spa [B, H, W, heads T], chan [B, T, C] }. */
  backbone(image) {
    const { tf, net } = this, kernel = this.p('backbone.patch_embed.proj.weight'), levels = []
    const x = this.layerNorm(net.conv(image, kernel, this.p('backbone.patch_embed.proj.bias'), kernel.shape[0], 0), 'backbone.patch_embed.norm')
    let state = { x, prompts: tf.tile(tf.expandDims(this.p('backbone.task_prompts'), 0), [x.shape[0], 1, 1]) }
    this.depths.forEach((depth, i) => {
      const final = i === this.depths.length - 1
      for (let j = 0; j < depth; j++) state = this.block(state.x, state.prompts, `backbone.layers.${i}.blocks.${j}`, j % 2 === 1, final && j === depth - 1)
      state = final ? { ...state, x: this.layerNorm(state.x, 'backbone.norm') } : this.merging(state, `backbone.layers.${i}.downsample`)
      levels.push(state)
    })
    return levels
  }

  decode(levels) {
    const { tf, net } = this
    return Object.fromEntries(TASKS.map((task, index) => {
      const maps = levels.map(({ x, spa, chan }, i) => {
        const [batch, H, W, C] = x.shape, heads = spa.shape[3] / TASKS.length
        const share = tf.slice(tf.reshape(spa, [batch, H, W, heads, TASKS.length]), [0, 0, 0, 0, index], [batch, H, W, heads, 1])
        const spatial = tf.add(tf.reshape(tf.mul(tf.reshape(x, [batch, H, W, heads, C / heads]), share), x.shape), x)
        const channel = tf.add(tf.mul(x, tf.reshape(tf.slice(chan, [0, index, 0], [batch, 1, C]), [batch, 1, 1, C])), x)
        const name = `backbone.fea_fuse.${i}.${task}`
        const y = tf.concat([this.conv(spatial, `backbone.fea_decode_spa.${i}.${task}.0`), this.conv(channel, `backbone.fea_decode_chan.${i}.${task}.0`)], 3)
        return this.conv(net.gelu(this.batchNorm(this.conv(this.conv(y, `${name}.0`), `${name}.1`), `${name}.2`)), `${name}.4`)
      })
      if (!DENSE.includes(task)) return [task, maps]
      return [task, this.conv(tf.concat(maps.map(m => net.bilinear(m, maps[0].shape.slice(1, 3))), 3), `backbone.multi_scale_fuse.${task}`)]
    }))
  }

  denseHead(x, task) {
    const name = `heads.${task}`
    return this.net.bilinear(this.conv(this.net.gelu(this.batchNorm(this.conv(x, `${name}.mt_proj.0`), `${name}.mt_proj.1`)), `${name}.linear_pred`), this.config.labels)
  }

  tower(x, name) {
    const y = this.has(`${name}.conv.conv_offset.weight`)
      ? this.net.deformConv(x, this.conv(x, `${name}.conv.conv_offset`), this.p(`${name}.conv.weight`), this.p(`${name}.conv.bias`))
      : this.conv(x, `${name}.conv`)
    return this.tf.relu(this.net.groupNorm(y, this.config.groups, this.p(`${name}.gn.weight`), this.p(`${name}.gn.bias`)))
  }

  /** Per level [B, points, channels] of cls, bbox, dir and ctr. */
  fcos3d(maps) {
    const { tf, net } = this, name = 'heads.3ddet'
    const merged = maps.map((m, i) => this.conv(m, `${name}.neck.lateral_convs.${i}.conv`))
    for (let i = merged.length - 2; i >= 0; i--) merged[i] = tf.add(merged[i], net.nearest(merged[i + 1], merged[i].shape.slice(1, 3)))
    const levels = merged.map((m, i) => this.conv(m, `${name}.neck.fpn_convs.${i}.conv`))
    levels.push(this.conv(levels.at(-1), `${name}.neck.fpn_convs.${levels.length}.conv`, 2))
    const points = x => tf.reshape(x, [x.shape[0], x.shape[1] * x.shape[2], x.shape[3]])
    const out = { cls: [], bbox: [], dir: [], ctr: [] }
    levels.forEach((x, i) => {
      let seen = x, felt = x
      for (let k = 0; k < 3; k++) [seen, felt] = [this.tower(seen, `${name}.cls_convs.${k}`), this.tower(felt, `${name}.reg_convs.${k}`)]
      for (let k = 0; k < 2; k++) seen = this.tower(seen, `${name}.conv_cls_prev.${k}`)
      out.cls.push(points(this.conv(seen, `${name}.conv_cls`)))
      const [offset, depth, size, rotation, sides] = [0, 1, 2, 3, 4].map(k => this.conv(this.tower(felt, `${name}.conv_reg_prevs.${k}.0`), `${name}.conv_regs.${k}`))
      const scale = k => this.p(`${name}.scales.${i}.${k}.scale`)
      out.bbox.push(points(tf.concat([tf.mul(offset, scale(0)), tf.exp(tf.mul(depth, scale(1))), tf.add(tf.exp(tf.mul(size, scale(2))), 1e-6), rotation, tf.relu(tf.mul(sides, scale(3)))], 3)))
      out.dir.push(points(this.conv(this.tower(felt, `${name}.conv_dir_cls_prev.0`), `${name}.conv_dir_cls`)))
      out.ctr.push(points(this.conv(this.tower(felt, `${name}.conv_centerness_prev.0`), `${name}.conv_centerness`)))
    })
    return Object.fromEntries(Object.entries(out).map(([key, parts]) => [key, tf.concat(parts, 1)]))
  }

  /** image [B, H, W, 3] -> semseg and depth [B, h, w, channels], 3ddet as points. */
  forward(image) {
    const features = this.decode(this.backbone(image))
    return { semseg: this.denseHead(features.semseg, 'semseg'), depth: this.denseHead(features.depth, 'depth'), '3ddet': this.fcos3d(features['3ddet']) }
  }
}
