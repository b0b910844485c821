// Small networks that train: a step built by hand, and one that the compiler derives.
import { Builder } from '../../src/compiler/ir/builder.ts'
import type { OpAttrs, OpName } from '../../src/compiler/ir/ops.ts'
import type { Origin, Program, ValueId } from '../../src/compiler/ir/program.ts'
import type { Shape, TensorData } from '../../src/compiler/ir/types.ts'
import { optimise } from '../../src/compiler/passes/index.ts'
import { buildTrainingStep } from '../../src/compiler/training/step.ts'
import type { TrainSpec } from '../../src/compiler/tasks/spec.ts'
import { f32, i32 } from '../onnx/operators.ts'

export interface Training { readonly program: Program; readonly state: Readonly<Record<string, TensorData>>; readonly feeds: Readonly<Record<string, TensorData>> }

const origin = (path: string): Origin => ({ path, span: undefined, phase: 'forward' })
const F32 = (shape: Shape): { dtype: 'float32'; shape: Shape } => ({ dtype: 'float32', shape })
const zeros = (shape: Shape): TensorData => ({ ...f32(shape), data: f32(shape).data.map(() => 0) })

/** loss = mean((x . w)^2), w <- w - lr * gradient, count <- count + 1; w is read again after its gradient is known, by a metric. */
export function handMadeStep(): Training {
  const b = new Builder(), o = origin('net')
  const x = b.input('x', 'input', F32([4, 3]), o), w = b.input('net.weight', 'parameter', F32([3, 2]), o), count = b.input('net.count', 'state', { dtype: 'int32', shape: [] }, o)
  const lr = b.input('lr', 'scalar', F32([]), o), frozen = b.input('net.frozen', 'parameter', F32([2]), o)
  const y = b.emit('matmul', [x, w], { transA: false, transB: false, alpha: 1 }, o)
  const z = b.emit('add', [y, frozen], {}, o)
  const loss = b.emit('reduceMean', [b.emit('mul', [z, z], {}, o)], { axes: [0, 1], keepDims: false }, o)
  const gradient = b.emit('matmul', [x, z], { transA: true, transB: false, alpha: 2 / 8 }, o)
  const late = b.emit('matmul', [w, gradient], { transA: true, transB: false, alpha: 1 }, o)
  const scaled = b.emit('mul', [gradient, lr], {}, o)
  const next = b.emit('sub', [w, scaled], {}, o)
  b.output('loss', 'loss', loss)
  b.output('net.weight', 'parameter', next)
  b.output('net.count', 'state', b.emit('add', [count, b.emit('fill', [], { dtype: 'int32', shape: [], value: 1 }, o)], {}, o))
  b.output('late', 'metric', b.emit('reduceSum', [late], { axes: [0, 1], keepDims: false }, o))
  return {
    program: b.finish('hand'), feeds: { x: f32([4, 3]), lr: { dtype: 'float32', shape: [], data: Float32Array.of(0.1) } },
    state: { 'net.weight': f32([3, 2]), 'net.frozen': f32([2]), 'net.count': i32([], 3, 4) },
  }
}

/** Convolution, batch normalisation with running statistics, attention-like products, layer norm, resizing, a table read by index; trained with Adam and clipping. */
export function derivedStep(clipNorm: number | 'none' = 1, more: Partial<TrainSpec> = {}): Training {
  const b = new Builder()
  const parameters: Record<string, TensorData> = {}
  const param = (name: string, shape: Shape, low = -0.5, high = 0.5): ValueId => {
    parameters[name] = f32(shape, low, high)
    return b.input(name, 'parameter', F32(shape), origin(name.split('.')[0]))
  }
  const op = <K extends OpName>(path: string, name: K, inputs: readonly ValueId[], attrs: OpAttrs[K]): ValueId => b.emit(name, inputs, attrs, origin(path))
  const image = b.input('image', 'input', F32([2, 3, 16, 12]), origin(''))
  const labels = b.input('target/a/labels', 'target', { dtype: 'int32', shape: [2, 8, 6] }, origin(''))
  const mean = b.input('bn.running_mean', 'state', F32([8]), origin('bn'))

  const conv = op('conv', 'conv2d', [image, param('conv.weight', [8, 3, 3, 3])], { stride: [2, 2], pad: [1, 1, 1, 1], dilation: [1, 1], groups: 1 })
  const batchMean = op('bn', 'reduceMean', [conv], { axes: [0, 2, 3], keepDims: false })
  const centred = op('bn', 'sub', [conv, op('bn', 'reshape', [batchMean], { shape: [1, 8, 1, 1] })], {})
  const variance = op('bn', 'reduceMean', [op('bn', 'mul', [centred, centred], {})], { axes: [0, 2, 3], keepDims: false })
  const normal = op('bn', 'batchNorm', [conv, param('bn.weight', [8], 0.5, 1.5), param('bn.bias', [8]), batchMean, variance], { eps: 1e-5 })
  const momentum = op('bn', 'fill', [], { dtype: 'float32', shape: [], value: 0.9 })
  b.output('bn.running_mean', 'state', op('bn', 'add', [op('bn', 'mul', [mean, momentum], {}), op('bn', 'mul', [batchMean, op('bn', 'fill', [], { dtype: 'float32', shape: [], value: 0.1 })], {})], {}))
  const active = op('mlp', 'gelu', [normal], {})

  const depthwise = op('dw', 'conv2d', [active, param('dw.weight', [8, 1, 3, 3])], { stride: [1, 1], pad: [1, 1, 1, 1], dilation: [1, 1], groups: 8 })
  const tokens = op('attn', 'transpose', [op('attn', 'reshape', [depthwise], { shape: [2, 8, 48] })], { perm: [0, 2, 1] })
  const normed = op('attn', 'layerNorm', [tokens, param('norm.weight', [8], 0.5, 1.5), param('norm.bias', [8])], { eps: 1e-5 })
  const q = op('attn', 'add', [op('attn', 'matmul', [normed, param('q.weight', [8, 8])], { transA: false, transB: true, alpha: 1 }), param('q.bias', [8])], {})
  const table = op('attn', 'gather', [param('attn.table', [5]), op('attn', 'constant', [], { value: { dtype: 'int32', shape: [48, 48], data: Int32Array.from({ length: 48 * 48 }, (_, i) => i * 7 % 5) } })], { axis: 0 })
  const scores = op('attn', 'add', [op('attn', 'matmul', [q, normed], { transA: false, transB: true, alpha: 0.35 }), table], {})
  const mixed = op('attn', 'matmul', [op('attn', 'softmax', [scores], { axis: 2 }), normed], { transA: false, transB: false, alpha: 1 })
  const rolled = op('attn', 'roll', [op('attn', 'reshape', [op('attn', 'transpose', [mixed], { perm: [0, 2, 1] })], { shape: [2, 8, 8, 6] })], { shifts: [2, -1], axes: [2, 3] })
  const grown = op('up', 'resize2d', [rolled], { mode: 'bilinear', size: [16, 12] })
  const shrunk = op('up', 'conv2d', [grown, param('up.weight', [5, 8, 2, 2])], { stride: [2, 2], pad: [0, 0, 0, 0], dilation: [1, 1], groups: 1 })
  const biased = op('up', 'add', [shrunk, op('up', 'reshape', [param('up.bias', [5])], { shape: [1, 5, 1, 1] })], {})
  const logp = op('loss', 'logSoftmax', [biased], { axis: 1 })
  const classes = op('loss', 'iota', [], { shape: [1, 5, 1, 1], axis: 1 })
  const hit = op('loss', 'cast', [op('loss', 'equal', [op('loss', 'reshape', [labels], { shape: [2, 1, 8, 6] }), classes], {})], { to: 'float32' })
  const loss = op('loss', 'neg', [op('loss', 'reduceMean', [op('loss', 'mul', [logp, hit], {})], { axes: [0, 1, 2, 3], keepDims: false })], {})
  b.output('loss', 'loss', loss)
  b.output('loss/a', 'loss', loss)
  const train = { optimizer: { kind: 'adam', lr: 1e-2, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 }, clipNorm: clipNorm === 'none' ? undefined : clipNorm, ...more } as unknown as TrainSpec
  const program = buildTrainingStep({ mode: 'train', program: b.finish('derived'), train })
  const state: Record<string, TensorData> = { ...parameters, 'bn.running_mean': zeros([8]) }
  for (const input of program.inputs) if (input.role === 'moment') state[input.name] = zeros(input.type.shape)
  return { program, state, feeds: { image: f32([2, 3, 16, 12]), 'target/a/labels': i32([2, 8, 6], 0, 5) } }
}

/** Four small parameters that Adam updates alike, a target and a frozen one: loss = mean((x w1 + b1) * scale + b2 - t)^2). */
export function groupedStep(): Training {
  const b = new Builder(), o = origin('net')
  const state: Record<string, TensorData> = {}
  const param = (name: string, shape: Shape): ValueId => {
    state[name] = f32(shape)
    return b.input(name, 'parameter', F32(shape), o)
  }
  const x = b.input('x', 'input', F32([4, 3]), o), t = b.input('t', 'target', F32([4, 2]), o)
  const product = b.emit('matmul', [x, param('net.weight', [3, 2])], { transA: false, transB: false, alpha: 1 }, o)
  const y = b.emit('add', [b.emit('mul', [b.emit('add', [product, param('net.bias', [2])], {}, o), param('net.scale', [2])], {}, o), param('net.shift', [2])], {}, o)
  const error = b.emit('sub', [y, t], {}, o)
  b.output('loss', 'loss', b.emit('reduceMean', [b.emit('mul', [error, error], {}, o)], { axes: [0, 1], keepDims: false }, o))
  const train = { optimizer: { kind: 'adam', lr: 1e-2, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 }, clipNorm: undefined } as unknown as TrainSpec
  const program = optimise(buildTrainingStep({ mode: 'train', program: b.finish('grouped'), train }), { differentiated: true })
  for (const input of program.inputs) if (input.role === 'moment') state[input.name] = zeros(input.type.shape)
  return { program, state, feeds: { x: f32([4, 3]), t: f32([4, 2]) } }
}
