// Lowering of softmax and of layer, group and batch normalisation.
import type { OpName } from '../../ir/ops.ts'
import type { Lowering } from './elementwise.ts'
import type { Emitter } from './emitter.ts'
import { direct } from './reduce.ts'

/** A vector of one value per channel, shaped to stand at axis 1 of a tensor of rank `rank`. */
const perChannel = (e: Emitter, vector: string, channels: number, rank: number): string => e.reshape(vector, [channels, ...Array.from({ length: rank - 2 }, () => 1)])

/** onnxruntime's softmax along any axis but the last transposes twice; reductions along it do not. */
const along = (e: Emitter, op: 'ReduceMax' | 'ReduceSum', x: string, axis: number): string => direct(e, op, x, { axes: [axis], keepDims: true })

export const normalisation = {
  softmax: (e, [x], { axis }) => {
    if (!e.fast || axis === x.type.shape.length - 1) return e.node('Softmax', [x.name], { axis })
    const exponentials = e.node('Exp', [e.node('Sub', [x.name, along(e, 'ReduceMax', x.name, axis)])])
    return e.node('Div', [exponentials, along(e, 'ReduceSum', exponentials, axis)])
  },
  logSoftmax: (e, [x], { axis }) => {
    if (!e.fast || axis === x.type.shape.length - 1) return e.node('LogSoftmax', [x.name], { axis })
    const shifted = e.node('Sub', [x.name, along(e, 'ReduceMax', x.name, axis)])
    return e.node('Sub', [shifted, e.node('Log', [along(e, 'ReduceSum', e.node('Exp', [shifted]), axis)])])
  },
  layerNorm: (e, [x, weight, bias], { eps }) => e.node('LayerNormalization', [x.name, weight.name, bias.name], { axis: -1, epsilon: { float: eps } }),
  /** GroupNormalization takes a value per channel only from opset 21; before, groups are normalised as instances. */
  groupNorm: (e, [x, weight, bias], { groups, eps }) => {
    if (e.opset >= 21 && !e.fast) return e.node('GroupNormalization', [x.name, weight.name, bias.name], { num_groups: groups, epsilon: { float: eps } })
    const shape = x.type.shape
    const grouped = e.node('Reshape', [x.name, e.ints([0, groups, -1])])
    const normal = e.node('InstanceNormalization', [grouped, e.filled(1, 'float32', [groups]), e.filled(0, 'float32', [groups])], { epsilon: { float: eps } })
    const scaled = e.node('Mul', [e.reshape(normal, shape), perChannel(e, weight.name, shape[1], shape.length)])
    return e.node('Add', [scaled, perChannel(e, bias.name, shape[1], shape.length)])
  },
  batchNorm: (e, inputs, { eps }) => e.node('BatchNormalization', inputs.map(x => x.name), { epsilon: { float: eps } }),
} satisfies { [K in OpName]?: Lowering<K> }
