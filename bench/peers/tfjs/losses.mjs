// The losses of the three tasks in TensorFlow.js, with targets as the project's task codecs make them. Points without an object are masked: their number is not known to a synchronous program.

/** @param {typeof import('@tensorflow/tfjs-core')} tf */
export const losses = tf => {
  const crossEntropy = (logits, labels) => {
    const classes = logits.shape.at(-1), flat = tf.reshape(labels, [-1])
    // The label of a pixel that does not count is no class: its row is zero.
    const wanted = tf.oneHot(flat, classes), valid = tf.sum(wanted)
    return tf.div(tf.neg(tf.sum(tf.mul(wanted, tf.logSoftmax(tf.reshape(logits, [-1, classes]))))), tf.maximum(valid, 1))
  }

  const l1 = (x, y, ignore) => {
    const valid = tf.cast(tf.notEqual(y, ignore), 'float32')
    return tf.div(tf.sum(tf.mul(tf.abs(tf.sub(x, y)), valid)), tf.maximum(tf.sum(valid), 1))
  }

  const bce = (x, t) => tf.add(tf.sub(tf.relu(x), tf.mul(x, t)), tf.log1p(tf.exp(tf.neg(tf.abs(x)))))

  /** Quadratic up to beta, then linear; without a comparison, which has no gradient in tfjs. */
  const smoothL1 = (x, y, beta) => {
    const d = tf.abs(tf.sub(x, y)), near = tf.minimum(d, beta)
    return tf.add(tf.mul(tf.square(near), 0.5 / beta), tf.sub(d, near))
  }

  /** cls [B, P, K], bbox [B, P, 13], dir [B, P, 6], ctr [B, P, 1]; the sum of eight terms. Every image has boxes or is left out. */
  const fcos3d = ({ cls, bbox, dir, ctr }, target) => {
    const [batch, points, classes] = cls.shape, beta = 1 / 9
    const seen = tf.cast(tf.greater(target.has_boxes, 0.5), 'float32'), kept = tf.reshape(seen, [batch, 1, 1])
    const positive = tf.mul(tf.cast(tf.less(target.label, classes), 'float32'), tf.reshape(seen, [batch, 1]))
    const number = tf.sum(positive), count = tf.maximum(number, 1), mask = tf.reshape(positive, [batch, points, 1])
    const wanted = tf.reshape(tf.oneHot(tf.reshape(target.label, [-1]), classes), cls.shape)
    const probability = tf.sigmoid(cls), other = tf.sub(1, wanted)
    const miss = tf.add(tf.mul(tf.sub(1, probability), wanted), tf.mul(probability, other))
    const focal = tf.mul(tf.add(tf.mul(wanted, 0.25), tf.mul(other, 0.75)), tf.square(miss))
    const classLoss = tf.div(tf.mul(tf.sum(tf.mul(tf.mul(bce(cls, wanted), focal), kept)), 5), tf.maximum(tf.add(number, tf.sum(seen)), 1))
    const part = (x, from, n) => tf.slice(x, [0, 0, from], [batch, points, n])
    const weights = tf.tensor1d([1, 1, 0.2, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1])
    const boxLoss = tf.sum(tf.mul(tf.mul(smoothL1(bbox, target.box, beta), weights), mask))
    const a = part(bbox, 6, 3), b = part(target.box, 6, 3)
    const turn = tf.mul(tf.sum(tf.mul(smoothL1(tf.mul(tf.sin(a), tf.cos(b)), tf.mul(tf.cos(a), tf.sin(b)), beta), mask)), 5)
    const bins = tf.reshape(tf.oneHot(tf.reshape(target.direction, [-1]), 2), [batch, points, 3, 2])
    const side = tf.neg(tf.sum(tf.mul(tf.mul(tf.logSoftmax(tf.reshape(dir, [batch, points, 3, 2])), bins), tf.reshape(positive, [batch, points, 1, 1]))))
    const centre = tf.sum(tf.mul(bce(tf.reshape(ctr, [batch, points]), target.centerness), positive))
    return tf.add(classLoss, tf.div(tf.addN([boxLoss, turn, side, centre]), count))
  }

  /** semseg, depth, 3ddet and their weighted sum. */
  return (out, target, { semsegWeight, depthIgnore }) => {
    const semseg = crossEntropy(out.semseg, target['semseg/labels']), depth = l1(out.depth, target['depth/depth'], depthIgnore)
    const boxes = fcos3d(out['3ddet'], Object.fromEntries(Object.entries(target).filter(([k]) => k.startsWith('3ddet/')).map(([k, v]) => [k.slice(6), v])))
    return { semseg, depth, '3ddet': boxes, loss: tf.addN([tf.mul(semseg, semsegWeight), depth, boxes]) }
  }
}
