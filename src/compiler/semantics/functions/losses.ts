// Losses, expanded into primitives.
import { type Call, define, type Tensor } from './call.ts'
import type { BuiltinFunction } from './function.ts'

/**
 * Sum over valid pixels of -log softmax(logits)[label], divided by their number (0 when there are none). The label is picked by comparison with an iota,
 * which every engine has; a label that is neither a class nor `ignore` counts as a pixel of loss 0.
 */
function crossEntropy(c: Call): Tensor {
  const logits = c.tensor('logits', 'float32'), labels = c.tensor('labels', 'int32')
  const [batch, classes, ...rest] = logits.type.shape
  const wanted = [batch, ...rest]
  if (logits.type.shape.length < 2) return c.fail(`\`logits\` must be [B, classes, ...], but it is [${logits.type.shape.join(', ')}]`, 'logits')
  if (labels.type.shape.length !== wanted.length || labels.type.shape.some((d, i) => d !== wanted[i])) {
    return c.fail(`\`labels\` is [${labels.type.shape.join(', ')}], and logits [${logits.type.shape.join(', ')}] need [${wanted.join(', ')}]`, 'labels')
  }
  const classIndex = c.emit('iota', [], { shape: [1, classes, ...rest.map(() => 1)], axis: 1 })
  const chosen = c.emit('equal', [c.reshape(labels, [batch, 1, ...rest]), classIndex], {})
  const picked = c.emit('where', [chosen, c.emit('logSoftmax', [logits], { axis: 1 }), c.fill(0)], {})
  const total = (x: Tensor): Tensor => c.emit('reduceSum', [x], { axes: x.type.shape.map((_, i) => i), keepDims: false })
  if (c.isNone('ignore')) return c.scale(total(picked), -1 / wanted.reduce((n, d) => n * d, 1))
  const ignore = c.int('ignore')
  const valid = c.emit('cast', [c.emit('not', [c.emit('equal', [labels, c.fill(ignore, 'int32')], {})], {})], { to: 'float32' })
  const counted = ignore >= 0 && ignore < classes ? c.mul(picked, c.reshape(valid, [batch, 1, ...rest])) : picked
  return c.emit('neg', [c.div(total(counted), c.emit('max', [total(valid), c.fill(1)], {}))], {})
}

const both = (c: Call, a: string, b: string): [Tensor, Tensor] => [c.tensor(a, 'float32'), c.operands([a, b], [c.tensor(a, 'float32'), c.value(b)])[1]]

/** (1 - t) x + softplus(-x): finite for every x, and its gradient is sigmoid(x) - t everywhere. */
const bce = (c: Call, x: Tensor, t: Tensor): Tensor => c.add(c.mul(c.sub(c.fill(1), t), x), c.emit('softplus', [c.emit('neg', [x], {})], {}))

/** Focal loss (Lin et al. 2017): alpha_t (1 - p_t)^gamma times the cross-entropy. */
function focal(c: Call): Tensor {
  const [x, t] = both(c, 'x', 't'), alpha = c.number('alpha'), gamma = c.number('gamma')
  const p = c.emit('sigmoid', [x], {})
  const other = c.sub(c.fill(1), t)
  const miss = c.add(c.mul(c.sub(c.fill(1), p), t), c.mul(p, other))
  const focus = gamma === 2 ? c.mul(miss, miss) : c.emit('pow', [miss, c.fill(gamma)], {})
  return c.mul(c.mul(c.add(c.scale(t, alpha), c.scale(other, 1 - alpha)), focus), bce(c, x, t))
}

export const losses: readonly BuiltinFunction[] = [
  define('cross_entropy', ['logits', 'labels', ['ignore', null]], crossEntropy),
  define('l1', ['x', 'y'], c => c.emit('abs', [c.sub(...both(c, 'x', 'y'))], {})),
  define('smooth_l1', ['x', 'y', ['beta', 1]], c => {
    const d = c.emit('abs', [c.sub(...both(c, 'x', 'y'))], {}), beta = c.number('beta')
    if (beta <= 0) return c.fail(`\`beta\` must be positive, but it is ${beta}`, 'beta', 'l1(x, y) is the limit of beta = 0')
    return c.emit('where', [c.emit('less', [d, c.fill(beta)], {}), c.scale(c.mul(d, d), 0.5 / beta), c.sub(d, c.fill(0.5 * beta))], {})
  }),
  define('bce_with_logits', ['x', 't'], c => bce(c, ...both(c, 'x', 't'))),
  define('sigmoid_focal', ['x', 't', ['alpha', 0.25], ['gamma', 2]], focal),
]
