// The kernels of tfjs that each operator is made of: what a backend must register.
import type { OpName } from '../../ir/ops.ts'
import type { Backend } from './emitter.ts'

const VIEW = ['Reshape', 'Identity'] as const
const MOVE = [...VIEW, 'Transpose'] as const
/** Of two or more tensors, brought to one order of axes and broadcast. */
const ELEMENTWISE = MOVE
const REDUCTION = [...VIEW, 'Cast'] as const
const SLICE = [...VIEW, 'Slice', 'StridedSlice', 'Reverse', 'Cast', 'Fill'] as const
const CONVOLUTION = [...MOVE, 'BatchMatMul', 'PadV2', 'Slice', 'StridedSlice', 'SplitV', 'Concat', 'Add'] as const
const PRODUCT = [...MOVE, 'BatchMatMul', 'Multiply', 'Tile'] as const

/** On every backend. */
const portable = {
  constant: VIEW, fill: [...VIEW, 'Fill', 'Cast'], iota: [...VIEW, 'Tile'],
  neg: ['Neg'], exp: ['Exp'], log: ['Log'], sqrt: ['Sqrt'], abs: ['Abs'], sign: ['Sign'], floor: ['Floor'], erf: ['Erf'], sigmoid: ['Sigmoid'], tanh: ['Tanh'],
  relu: ['Relu'], softplus: ['Softplus'], sin: ['Sin'], cos: ['Cos'], reciprocal: ['Reciprocal'],
  gelu: ['Multiply', 'Erf', 'Add'],
  not: ['LogicalNot'],
  cast: [...VIEW, 'Cast', 'NotEqual'],
  stopGradient: VIEW,
  add: [...ELEMENTWISE, 'Add'], sub: [...ELEMENTWISE, 'Sub'], mul: [...ELEMENTWISE, 'Multiply', 'Square'],
  div: [...ELEMENTWISE, 'RealDiv', 'FloorDiv', 'Multiply', 'Sub', 'NotEqual', 'Less', 'LogicalAnd', 'Cast', 'Add'],
  mod: [...ELEMENTWISE, 'Mod', 'Sign', 'Abs', 'FloorDiv', 'Multiply', 'Sub', 'NotEqual', 'Less', 'LogicalAnd', 'Cast', 'Add'],
  max: [...ELEMENTWISE, 'Maximum'], min: [...ELEMENTWISE, 'Minimum'], pow: [...ELEMENTWISE, 'Pow', 'Cast'],
  less: [...ELEMENTWISE, 'Less'], greater: [...ELEMENTWISE, 'Greater'], equal: [...ELEMENTWISE, 'Equal'],
  and: [...ELEMENTWISE, 'LogicalAnd'], or: [...ELEMENTWISE, 'LogicalOr'],
  where: [...ELEMENTWISE, 'Select', 'Tile', 'LogicalAnd', 'LogicalOr', 'LogicalNot'],
  reduceSum: [...REDUCTION, 'Sum'], reduceMean: [...REDUCTION, 'Mean'], reduceMax: [...REDUCTION, 'Max'],
  softmax: [...MOVE, 'Softmax'],
  logSoftmax: [...MOVE, 'Max', 'Sub', 'Exp', 'Sum', 'Log'],
  layerNorm: [...MOVE, 'Mean', 'Cast', 'Sub', 'Square', 'Add', 'Sqrt', 'Reciprocal', 'Multiply'],
  groupNorm: [...MOVE, 'Mean', 'Cast', 'Sub', 'Square', 'Add', 'Sqrt', 'Reciprocal', 'Multiply'],
  batchNorm: [...MOVE, 'FusedBatchNorm'],
  reshape: MOVE, transpose: MOVE, broadcast: [...MOVE, 'Tile', 'Cast'],
  slice: SLICE, pad: [...VIEW, 'PadV2', 'Cast'], concat: [...MOVE, 'Concat'], roll: [...VIEW, 'Slice', 'Concat'], after: VIEW,
  gather: [...MOVE, 'GatherV2', 'Cast'], scatterAdd: [...MOVE, 'ScatterNd', 'Add'],
  matmul: [...PRODUCT, '_FusedMatMul', 'Add'],
  conv2d: [...CONVOLUTION, 'Conv2D', 'FusedConv2D', '_FusedMatMul', 'DepthwiseConv2dNative'],
  conv2dInputGrad: [...CONVOLUTION, 'Conv2DBackpropInput'],
  conv2dWeightGrad: CONVOLUTION,
  deformConv2d: [...PRODUCT, 'Slice', 'Floor', 'Cast', 'Minimum', 'Maximum', 'Equal', 'Add', 'Sub', 'GatherV2'],
  resize2d: [...VIEW, 'BatchMatMul', 'GatherV2'],
  resize2dGrad: [...VIEW, 'BatchMatMul'],
} satisfies { readonly [K in OpName]: readonly string[] }

/** Instead or besides, on a backend. */
const special: { readonly [B in Backend]?: { readonly [K in OpName]?: readonly string[] } } = {
  tensorflow: { conv2dWeightGrad: ['Conv2DBackpropFilter'] },
  cpu: { conv2dWeightGrad: ['Conv2DBackpropFilter'] },
}

/** The kernels that nodes of this operator may run on a backend; undefined: in a module for any backend. */
export const kernelsOf = (op: OpName, backend?: Backend): readonly string[] => [...portable[op], ...(backend === undefined ? undefined : special[backend]?.[op]) ?? []]
