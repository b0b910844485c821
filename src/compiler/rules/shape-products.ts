// Shape rules of matrix products, convolutions and resizing.
import { convOutput, kernelSpan } from '../ir/convolution-geometry.ts'
import type { ConvAttrs, OpName } from '../ir/ops.ts'
import type { TensorType } from '../ir/types.ts'
import { broadcastShapes, checkArity, checkDType, checkMinRank, checkPositive, checkRank, checkShape, fail, showShape } from './shape-checks.ts'
import type { ShapeRule } from './shape-elementwise.ts'

const checkFloats = (inputs: readonly TensorType[], roles: readonly string[]): void => {
  checkArity(inputs, roles.length)
  roles.forEach((role, i) => checkDType(inputs[i], role, 'float32'))
}

const checkConvAttrs = (a: ConvAttrs): void => {
  for (const n of a.stride) checkPositive(n, 'the stride')
  for (const n of a.dilation) checkPositive(n, 'the dilation')
  for (const n of a.pad) if (!Number.isInteger(n) || n < 0) fail(`the padding must be non-negative integers, but has ${n}`)
  checkPositive(a.groups, 'the number of groups')
}

/** Height and width of the result; fails where the kernel does not fit. */
const checkedOutput = (size: readonly [number, number], kernel: readonly [number, number], a: ConvAttrs): [number, number] => {
  checkConvAttrs(a)
  for (const n of kernel) checkPositive(n, 'the kernel size')
  const output = convOutput(size, kernel, a)
  const name = ['height', 'width']
  output.forEach((n, i) => {
    if (n < 1) fail(`the kernel does not fit: it spans ${kernelSpan(kernel[i], a.dilation[i])} and the ${name[i]} with padding is ${size[i] + a.pad[i] + a.pad[i + 2]}`)
  })
  return output
}

const checkGroups = (channels: number, outputs: number, perGroup: number, groups: number): void => {
  if (channels % groups !== 0) fail(`${channels} input channels cannot be divided into ${groups} groups`)
  if (outputs % groups !== 0) fail(`${outputs} output channels cannot be divided into ${groups} groups`)
  if (channels !== perGroup * groups) {
    fail(`the input has ${channels} channels, but the weight takes ${groups === 1 ? perGroup : `${perGroup} x ${groups} groups = ${perGroup * groups}`}`)
  }
}

const spatial = (t: TensorType): [number, number] => [t.shape[2], t.shape[3]]

const checkGradientPlaces = (dy: TensorType, expected: readonly [number, number]): void => {
  const [h, w] = spatial(dy)
  if (h !== expected[0] || w !== expected[1]) fail(`the gradient is ${h} x ${w}, but this convolution gives ${expected[0]} x ${expected[1]}`)
}

const resized = (inputs: readonly TensorType[], size: readonly [number, number]): TensorType => {
  checkFloats(inputs, ['the operand'])
  const [x] = inputs
  checkRank(x, 'the operand', 4, '[B, C, H, W]')
  for (const n of [...size, ...spatial(x)]) checkPositive(n, 'the size')
  return { dtype: 'float32', shape: [x.shape[0], x.shape[1], ...size] }
}

export const productShapes = {
  matmul: (inputs, { transA, transB, alpha }) => {
    checkFloats(inputs, ['the left operand', 'the right operand'])
    const [a, b] = inputs
    checkMinRank(a, 'the left operand', 2)
    checkMinRank(b, 'the right operand', 2)
    if (!Number.isFinite(alpha)) fail(`alpha must be finite, but is ${alpha}`)
    const [rows, innerA] = transA ? [a.shape.at(-1)!, a.shape.at(-2)!] : [a.shape.at(-2)!, a.shape.at(-1)!]
    const [innerB, columns] = transB ? [b.shape.at(-1)!, b.shape.at(-2)!] : [b.shape.at(-2)!, b.shape.at(-1)!]
    if (innerA !== innerB) {
      const notes = [transA ? 'the left transposed' : '', transB ? 'the right transposed' : ''].filter(Boolean).join(' and ')
      fail(`the inner dimensions differ: ${innerA} and ${innerB} (${showShape(a.shape)} times ${showShape(b.shape)}${notes && `, ${notes}`})`)
    }
    return { dtype: 'float32', shape: [...broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns] }
  },
  conv2d: (inputs, a) => {
    checkFloats(inputs, ['the input', 'the weight'])
    const [x, weight] = inputs
    checkRank(x, 'the input', 4, '[B, C, H, W]')
    checkRank(weight, 'the weight', 4, '[O, C/groups, kh, kw]')
    const output = checkedOutput(spatial(x), spatial(weight), a)
    checkGroups(x.shape[1], weight.shape[0], weight.shape[1], a.groups)
    return { dtype: 'float32', shape: [x.shape[0], weight.shape[0], ...output] }
  },
  conv2dInputGrad: (inputs, a) => {
    checkFloats(inputs, ['the gradient', 'the weight'])
    const [dy, weight] = inputs
    checkRank(dy, 'the gradient', 4, '[B, O, H, W]')
    checkRank(weight, 'the weight', 4, '[O, C/groups, kh, kw]')
    for (const n of a.inputSize) checkPositive(n, 'the input size')
    const output = checkedOutput(a.inputSize, spatial(weight), a)
    if (dy.shape[1] !== weight.shape[0]) fail(`the gradient has ${dy.shape[1]} channels, but the weight gives ${weight.shape[0]}`)
    if (weight.shape[0] % a.groups !== 0) fail(`${weight.shape[0]} output channels cannot be divided into ${a.groups} groups`)
    checkGradientPlaces(dy, output)
    return { dtype: 'float32', shape: [dy.shape[0], weight.shape[1] * a.groups, ...a.inputSize] }
  },
  conv2dWeightGrad: (inputs, a) => {
    checkFloats(inputs, ['the input', 'the gradient'])
    const [x, dy] = inputs
    checkRank(x, 'the input', 4, '[B, C, H, W]')
    checkRank(dy, 'the gradient', 4, '[B, O, H, W]')
    const output = checkedOutput(spatial(x), a.kernel, a)
    checkGradientPlaces(dy, output)
    if (x.shape[0] !== dy.shape[0]) fail(`the batch sizes differ: ${x.shape[0]} and ${dy.shape[0]}`)
    checkGroups(x.shape[1], dy.shape[1], x.shape[1] / a.groups, a.groups)
    return { dtype: 'float32', shape: [dy.shape[1], x.shape[1] / a.groups, ...a.kernel] }
  },
  deformConv2d: (inputs, a) => {
    checkFloats(inputs, ['the input', 'the offset', 'the mask', 'the weight'])
    const [x, offset, mask, weight] = inputs
    checkRank(x, 'the input', 4, '[B, C, H, W]')
    checkRank(weight, 'the weight', 4, '[O, C, kh, kw]')
    if (a.groups !== 1) fail(`a deformable convolution has 1 group, but ${a.groups} are asked for`)
    const output = checkedOutput(spatial(x), spatial(weight), a)
    checkGroups(x.shape[1], weight.shape[0], weight.shape[1], 1)
    const taps = weight.shape[2] * weight.shape[3]
    checkShape(offset, 'the offset', [x.shape[0], 2 * taps, ...output], `batch, 2 per tap of the kernel, output height and width`)
    checkShape(mask, 'the mask', [x.shape[0], taps, ...output], `batch, 1 per tap of the kernel, output height and width`)
    return { dtype: 'float32', shape: [x.shape[0], weight.shape[0], ...output] }
  },
  resize2d: (inputs, { size }) => resized(inputs, size),
  resize2dGrad: (inputs, { size }) => resized(inputs, size),
} satisfies { [K in OpName]?: ShapeRule<K> }
