// Lowering of constants and elementwise operators.
import type { OpAttrs, OpName } from '../../ir/ops.ts'
import { sizeOf, type TensorType } from '../../ir/types.ts'
import type { Emitter, Operand } from './emitter.ts'

/** Emits the ONNX nodes of one IR node and returns the name of the result. */
export type Lowering<K extends OpName> = (e: Emitter, inputs: readonly Operand[], attrs: OpAttrs[K], type: TensorType) => string

type Plain = (e: Emitter, inputs: readonly Operand[]) => string
const as = (op: string): Plain => (e, inputs) => e.node(op, inputs.map(x => x.name))

const ONNX_TYPE = { float32: 1, int32: 6, bool: 9 } as const

/** x / 2 * (1 + erf(x / sqrt 2)); an operator of its own from opset 20. */
const gelu: Plain = (e, [x]) => {
  if (e.opset >= 20) return e.node('Gelu', [x.name])
  const cdf = e.node('Add', [e.node('Erf', [e.node('Mul', [x.name, e.scalar(Math.SQRT1_2)])]), e.scalar(1)])
  return e.node('Mul', [e.node('Mul', [x.name, e.scalar(0.5)]), cdf])
}

/** onnxruntime's Where has no bool kernel. */
const where: Plain = (e, [condition, a, b]) => {
  if (a.type.dtype !== 'bool') return e.node('Where', [condition.name, a.name, b.name])
  return e.node('Or', [e.node('And', [condition.name, a.name]), e.node('And', [e.node('Not', [condition.name]), b.name])])
}

export const elementwise = {
  constant: (e, _, { value }) => e.tensor(value),
  fill: (e, _, { dtype, shape, value }) => e.fill(value, dtype, shape),
  iota: (e, _, { shape, axis }) => {
    const line = e.tensor({ dtype: 'int32', shape: shape.map((d, i) => i === axis ? d : 1), data: Int32Array.from({ length: shape[axis] }, (_, i) => i) })
    return sizeOf(shape) === shape[axis] ? line : e.node('Expand', [line, e.shape(shape)])
  },
  neg: as('Neg'), exp: as('Exp'), log: as('Log'), sqrt: as('Sqrt'), abs: as('Abs'), sign: as('Sign'), floor: as('Floor'), erf: as('Erf'), sigmoid: as('Sigmoid'), tanh: as('Tanh'),
  relu: as('Relu'), softplus: as('Softplus'), sin: as('Sin'), cos: as('Cos'), reciprocal: as('Reciprocal'), not: as('Not'),
  gelu,
  cast: (e, [x], { to }) => x.type.dtype === to ? x.name : e.node('Cast', [x.name], { to: ONNX_TYPE[to] }),
  stopGradient: (_, [x]) => x.name,
  add: as('Add'), sub: as('Sub'), mul: as('Mul'), div: as('Div'), max: as('Max'), min: as('Min'), pow: as('Pow'),
  mod: (e, [a, b]) => e.node('Mod', [a.name, b.name], { fmod: 1 }),
  less: as('Less'), greater: as('Greater'), equal: as('Equal'), and: as('And'), or: as('Or'),
  where,
} satisfies { [K in OpName]?: Lowering<K> }
