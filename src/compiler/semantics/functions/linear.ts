// Products, convolutions, resizing and pooling.
import { sizeOf } from '../../ir/types.ts'
import { type Call, define, type ParamSketch, type Tensor } from './call.ts'
import type { BuiltinFunction } from './function.ts'

/** x [*, in] with weight [out, in]; the leading axes are merged so that the product and its gradients are single matrix products. */
function linear(c: Call): Tensor {
  const x = c.tensor('x', 'float32'), weight = c.tensor('weight', 'float32'), bias = c.optionalTensor('bias', 'float32')
  const dims = x.type.shape, [out, width] = weight.type.shape
  if (weight.type.shape.length !== 2) return c.fail(`\`weight\` must be [out, in], but it has the shape [${weight.type.shape.join(', ')}]`, 'weight')
  if (dims.length === 0 || dims[dims.length - 1] !== width) return c.fail(`the last axis of \`x\` [${dims.join(', ')}] must have ${width} elements, as weight [${out}, ${width}] says`, 'x')
  const rows = sizeOf(dims.slice(0, -1))
  const product = c.emit('matmul', [c.reshape(x, [rows, width]), weight], { transA: false, transB: true, alpha: 1 })
  return c.reshape(bias === undefined ? product : c.add(product, bias), [...dims.slice(0, -1), out])
}

/** Padding: one int, [rows, columns], or [top, left, bottom, right]. */
function padding(c: Call): [number, number, number, number] {
  const p = c.intOrInts('padding')
  if (p.length === 1) return [p[0], p[0], p[0], p[0]]
  if (p.length === 2) return [p[0], p[1], p[0], p[1]]
  return p.length === 4 ? [p[0], p[1], p[2], p[3]] : c.fail(`\`padding\` must be one int, two (rows, columns) or four (top, left, bottom, right), but it has ${p.length}`, 'padding')
}

function nchw(c: Call, name: string): Tensor {
  const x = c.tensor(name, 'float32')
  return x.type.shape.length === 4 ? x : c.fail(`\`${name}\` must have 4 axes, but its shape is [${x.type.shape.join(', ')}]`, name)
}

/** Adds bias [C] to y [B, C, H, W]. */
function withBias(c: Call, y: Tensor): Tensor {
  const bias = c.optionalTensor('bias', 'float32')
  if (bias === undefined) return y
  const channels = y.type.shape[1]
  if (bias.type.shape.length !== 1 || bias.type.shape[0] !== channels) return c.fail(`\`bias\` must be [${channels}], but it is [${bias.type.shape.join(', ')}]`, 'bias')
  return c.add(y, c.reshape(bias, [1, channels, 1, 1]))
}

const attrs = (c: Call, groups: number) => ({ stride: c.pair('stride'), pad: padding(c), dilation: c.pair('dilation'), groups })
const geometry: readonly ParamSketch[] = [['bias', null], ['stride', 1], ['padding', 0]]

/** The transposed convolution is the gradient of a convolution with the same weight [in, out, kh, kw] with respect to its input. */
function convTranspose(c: Call): Tensor {
  const x = nchw(c, 'x'), weight = nchw(c, 'weight'), stride = c.pair('stride'), pad = padding(c)
  const [, , h, w] = x.type.shape, [, , kh, kw] = weight.type.shape
  const inputSize: [number, number] = [(h - 1) * stride[0] - pad[0] - pad[2] + kh, (w - 1) * stride[1] - pad[1] - pad[3] + kw]
  if (inputSize[0] < 1 || inputSize[1] < 1) return c.fail(`the result would have the size ${inputSize[0]} x ${inputSize[1]}`, 'padding')
  return withBias(c, c.emit('conv2dInputGrad', [x, weight], { stride, pad, dilation: [1, 1], groups: 1, inputSize }))
}

/** Mean over windows; rows and columns that fill no window are dropped. */
function avgPool(c: Call): Tensor {
  const x = nchw(c, 'x'), [kh, kw] = c.pair('kernel'), [sh, sw] = c.isNone('stride') ? [kh, kw] : c.pair('stride')
  const [b, channels, h, w] = x.type.shape
  if (kh < 1 || kw < 1 || kh > h || kw > w) return c.fail(`a window of ${kh} x ${kw} does not fit into ${h} x ${w}`, 'kernel')
  if (sh < 1 || sw < 1) return c.fail(`the stride ${sh} x ${sw} must be positive`, 'stride')
  const oh = Math.floor((h - kh) / sh) + 1, ow = Math.floor((w - kw) / sw) + 1
  if (sh === kh && sw === kw) {
    const cropped = oh * kh === h && ow * kw === w ? x : c.slice(c.slice(x, 2, 0, oh * kh), 3, 0, ow * kw)
    return c.emit('reduceMean', [c.reshape(cropped, [b, channels, oh, kh, ow, kw])], { axes: [3, 5], keepDims: false })
  }
  const taps: Tensor[] = []
  for (let i = 0; i < kh; i++) for (let j = 0; j < kw; j++) taps.push(c.slice(c.slice(x, 2, i, i + (oh - 1) * sh + 1, sh), 3, j, j + (ow - 1) * sw + 1, sw))
  return c.scale(taps.reduce((a, t) => c.add(a, t)), 1 / (kh * kw))
}

export const products: readonly BuiltinFunction[] = [
  define('matmul', ['a', 'b', ['trans_a', false], ['trans_b', false]], c =>
    c.emit('matmul', [c.tensor('a', 'float32'), c.tensor('b', 'float32')], { transA: c.bool('trans_a'), transB: c.bool('trans_b'), alpha: 1 })),
  define('linear', ['x', 'weight', ['bias', null]], linear),
  define('conv2d', ['x', 'weight', ...geometry, ['dilation', 1], ['groups', 1]], c => withBias(c, c.emit('conv2d', [nchw(c, 'x'), nchw(c, 'weight')], attrs(c, c.count('groups'))))),
  define('conv_transpose2d', ['x', 'weight', ...geometry], convTranspose),
  define('deform_conv2d', ['x', 'offset', 'mask', 'weight', ...geometry, ['dilation', 1]], c =>
    withBias(c, c.emit('deformConv2d', (['x', 'offset', 'mask', 'weight'] as const).map(n => nchw(c, n)), attrs(c, 1)))),
  define('resize', ['x', 'size', ['mode', 'bilinear']], c => {
    const x = nchw(c, 'x'), size = c.pair('size'), mode = c.string('mode', ['bilinear', 'nearest'])
    if (size[0] < 1 || size[1] < 1) return c.fail(`the size ${size[0]} x ${size[1]} must be positive`, 'size')
    return x.type.shape[2] === size[0] && x.type.shape[3] === size[1] ? x : c.emit('resize2d', [x], { mode, size })
  }),
  define('avg_pool2d', ['x', 'kernel', ['stride', null]], avgPool),
]
