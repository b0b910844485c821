// Layers in TensorFlow.js as its users write them: maps are NHWC, gradients come from tf.variableGrads.

/** @param {typeof import('@tensorflow/tfjs-core')} tf */
export const layers = tf => {
  const square = tf.square

  /** x [..., in] with a weight [in, out] and a bias [out]. */
  const linear = (x, weight, bias) => {
    const flat = tf.matMul(tf.reshape(x, [-1, x.shape.at(-1)]), weight)
    return tf.reshape(bias === undefined ? flat : tf.add(flat, bias), [...x.shape.slice(0, -1), weight.shape[1]])
  }

  /** Kernel [kh, kw, in, out]. TensorFlow knows `same`, which is half the kernel on each side at stride 1 only, and `valid`. */
  const conv = (x, kernel, bias, stride = 1, pad = kernel.shape[0] >> 1) => {
    const apart = stride !== 1 && pad !== 0
    const padded = apart ? tf.pad(x, [[0, 0], [pad, pad], [pad, pad], [0, 0]]) : x
    return tf.add(tf.conv2d(padded, kernel, stride, stride === 1 ? 'same' : 'valid'), bias)
  }

  /** (x - mean) / sqrt(var + eps) over `axes`. */
  const normalise = (x, axes, eps = 1e-5) => {
    const centred = tf.sub(x, tf.mean(x, axes, true))
    return tf.mul(centred, tf.rsqrt(tf.add(tf.mean(square(centred), axes, true), eps)))
  }

  const layerNorm = (x, weight, bias) => tf.add(tf.mul(normalise(x, [x.rank - 1]), weight), bias)

  const groupNorm = (x, groups, weight, bias) => {
    const [b, h, w, c] = x.shape
    return tf.add(tf.mul(tf.reshape(normalise(tf.reshape(x, [b, h * w, groups, c / groups]), [1, 3]), x.shape), weight), bias)
  }

  /** With the statistics of the batch; they are returned for the running ones. */
  const batchNorm = (x, weight, bias) => {
    const { mean, variance } = tf.moments(x, [0, 1, 2])
    return { y: tf.batchNorm(x, mean, variance, bias, weight, 1e-5), mean, variance }
  }

  /** exact */
  const gelu = x => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1))

  const matrices = new Map()
  /** Rows are the weights of one output of a bilinear resizing with half-pixel centres. */
  const interpolation = (to, from) => {
    const key = `${to} ${from}`
    if (!matrices.has(key)) {
      const weights = new Float32Array(to * from)
      for (let i = 0; i < to; i++) {
        const at = Math.max((i + 0.5) * from / to - 0.5, 0), low = Math.min(Math.floor(at), from - 1), high = Math.min(low + 1, from - 1)
        weights[i * from + low] += 1 - (at - low)
        weights[i * from + high] += at - low
      }
      matrices.set(key, tf.keep(tf.tensor2d(weights, [to, from])))
    }
    return matrices.get(key)
  }

  /** The kernel's own gradient on tfjs-node ignores the half-pixel centres, so this one has its own: the transposed matrices. */
  const bilinear = (x, [rows, columns]) => {
    const [, h, w] = x.shape
    if (h === rows && w === columns) return x
    const down = interpolation(rows, h), across = interpolation(columns, w)
    return tf.customGrad(map => ({
      value: tf.image.resizeBilinear(map, [rows, columns], false, true),
      gradFunc: dy => {
        const [b, , , c] = map.shape
        const narrow = tf.matMul(tf.tile(tf.expandDims(across, 0), [b * rows, 1, 1]), tf.reshape(dy, [b * rows, columns, c]), true)
        return tf.reshape(tf.matMul(tf.tile(tf.expandDims(down, 0), [b, 1, 1]), tf.reshape(narrow, [b, rows, w * c]), true), map.shape)
      },
    }))(x)
  }

  /** Nearest neighbour to a multiple of the size. */
  const nearest = (x, size) => x.shape[1] === size[0] && x.shape[2] === size[1] ? x : tf.image.resizeNearestNeighbor(x, size)

  /** Cyclic, by `shift` rows and columns of [b, h, w, c]. */
  const roll = (x, shift) => {
    const [b, h, w, c] = x.shape, at = [(h - shift) % h, (w - shift) % w]
    const y = tf.concat([tf.slice(x, [0, at[0], 0, 0], [b, h - at[0], w, c]), tf.slice(x, [0, 0, 0, 0], [b, at[0], w, c])], 1)
    return tf.concat([tf.slice(y, [0, 0, at[1], 0], [b, h, w - at[1], c]), tf.slice(y, [0, 0, 0, 0], [b, h, at[1], c])], 2)
  }

  const grids = new Map()
  /** Where the nine taps look without an offset, [h, w, 9] rows and columns. */
  const taps = (h, w) => {
    const key = `${h} ${w}`
    if (!grids.has(key)) {
      const [ys, xs] = [new Float32Array(h * w * 9), new Float32Array(h * w * 9)]
      for (let i = 0; i < ys.length; i++) {
        const k = i % 9, x = Math.floor(i / 9) % w, y = Math.floor(i / 9 / w)
        ys[i] = y + Math.floor(k / 3) - 1
        xs[i] = x + k % 3 - 1
      }
      grids.set(key, [ys, xs].map(v => tf.keep(tf.tensor3d(v, [h, w, 9]))))
    }
    return grids.get(key)
  }

  const offsets = new Map()
  const batchOffsets = (b, hw) => {
    const key = `${b} ${hw}`
    if (!offsets.has(key)) offsets.set(key, tf.keep(tf.tensor4d(Int32Array.from({ length: b }, (_, i) => i * hw), [b, 1, 1, 1], 'int32')))
    return offsets.get(key)
  }

  /** The gradient is zero, of floor as of anything that is an index. */
  const whole = x => tf.customGrad(v => ({ value: tf.floor(v), gradFunc: dy => tf.zerosLike(dy) }))(x)

  /**
   * Rows [b * h * w, c] of the map at whole coordinates (tops and lefts, moved and kept inside). tf.gather's own gradient fails where the indices depend on variables, as they do here, so this one adds
   * the rows up itself.
   */
  const rowsAt = ([h, w], first, down, across) => tf.customGrad((rows, top, left, save) => {
    const place = (v, move, high) => tf.cast(tf.clipByValue(tf.add(v, move + 1), 0, high), 'int32')
    const index = tf.reshape(tf.add(tf.add(tf.mul(place(top, down, h - 1), tf.scalar(w, 'int32')), place(left, across, w - 1)), first), [-1])
    save([index])
    return { value: tf.gather(rows, index), gradFunc: (dy, [at]) => [tf.unsortedSegmentSum(dy, at, rows.shape[0]), tf.zerosLike(top), tf.zerosLike(left)] }
  })

  /**
   * DCNv2, 3 x 3: four gathers of rows [c] from the map in a frame of zeros, weighted by closeness and mask, then one product.
   * `guide` [b, h, w, 27]: dy and dx of each tap by turns, then the masks' logits.
   */
  const deformConv = (x, guide, kernel, bias) => {
    const [b, h, w, c] = x.shape, [ph, pw] = [h + 2, w + 2]
    const [dy, dx] = tf.unstack(tf.reshape(tf.slice(guide, [0, 0, 0, 0], [b, h, w, 18]), [b, h, w, 9, 2]), 4)
    const mask = tf.sigmoid(tf.slice(guide, [0, 0, 0, 18], [b, h, w, 9]))
    const [ys, xs] = taps(h, w), y = tf.add(dy, ys), z = tf.add(dx, xs)
    const top = whole(y), left = whole(z), fy = tf.sub(y, top), fx = tf.sub(z, left)
    const rows = tf.reshape(tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]), [b * ph * pw, c]), first = batchOffsets(b, ph * pw)
    const corner = (down, across, weight) => tf.mul(rowsAt([ph, pw], first, down, across)(rows, top, left), tf.reshape(tf.mul(weight, mask), [-1, 1]))
    const ny = tf.sub(1, fy), nx = tf.sub(1, fx)
    const sampled = tf.addN([corner(0, 0, tf.mul(ny, nx)), corner(0, 1, tf.mul(ny, fx)), corner(1, 0, tf.mul(fy, nx)), corner(1, 1, tf.mul(fy, fx))])
    const out = kernel.shape[3]
    return tf.add(tf.reshape(tf.matMul(tf.reshape(sampled, [b * h * w, 9 * c]), tf.reshape(kernel, [9 * c, out])), [b, h, w, out]), bias)
  }

  return { linear, conv, layerNorm, groupNorm, batchNorm, gelu, bilinear, nearest, roll, deformConv }
}
