// Interpretation of constants and elementwise operators.
import { erf, erfc } from './erf.ts'
import { allocate, floats, type Elements, type Kernel, type Value } from './interpreter-value.ts'
import type { OpName } from './ops.ts'
import { aroundAxis, broadcastStrides, forEachRow } from './strides.ts'
import { sameShape, sizeOf, type TensorType } from './types.ts'

type Rule = (inputs: readonly Value[], attrs: unknown, type: TensorType) => Elements

const unary = (f: (x: number) => number): Rule => ([v]) => {
  const x = floats(v)
  const y = new Float64Array(x.length)
  for (let i = 0; i < x.length; i++) y[i] = f(x[i])
  return y
}

const zip = (f: (a: number, b: number) => number, a: Value, b: Value, type: TensorType): Elements => {
  const x = a.data
  const y = b.data
  const z = allocate(type.dtype, sizeOf(type.shape))
  if (sameShape(a.shape, b.shape)) {
    for (let i = 0; i < z.length; i++) z[i] = f(x[i], y[i])
  } else if (y.length === 1) {
    const s = y[0]
    for (let i = 0; i < z.length; i++) z[i] = f(x[i], s)
  } else if (x.length === 1) {
    const s = x[0]
    for (let i = 0; i < z.length; i++) z[i] = f(s, y[i])
  } else {
    const strides = [broadcastStrides(a.shape, type.shape), broadcastStrides(b.shape, type.shape)]
    const [sx, sy] = strides.map(s => s.at(-1)!)
    const length = type.shape.at(-1)!
    forEachRow(type.shape, strides, (index, [ox, oy]) => {
      for (let i = 0; i < length; i++) z[index + i] = f(x[ox + i * sx], y[oy + i * sy])
    })
  }
  return z
}

/** int32 wraps around as the typed array that holds it does; where that is not enough (products), `int` computes. */
const binary = (f: (a: number, b: number) => number, int = f): Rule => ([a, b], _, type) => zip(a.dtype === 'int32' ? int : f, a, b, type)

const sigmoid = (x: number): number => x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))

const where: Rule = ([condition, a, b], _, type) => {
  const z = allocate(type.dtype, sizeOf(type.shape))
  const strides = [condition, a, b].map(v => broadcastStrides(v.shape, type.shape))
  const [sc, sa, sb] = strides.map(s => s.at(-1) ?? 0)
  const length = type.shape.at(-1) ?? 1
  forEachRow(type.shape, strides, (index, [oc, oa, ob]) => {
    for (let i = 0; i < length; i++) z[index + i] = condition.data[oc + i * sc] ? a.data[oa + i * sa] : b.data[ob + i * sb]
  })
  return z
}

export const elementwiseKernels = {
  constant: (_, { value }) => value.dtype === 'float32' ? Float64Array.from(value.data) : value.data.slice() as Int32Array | Uint8Array,
  fill: (_, { dtype, value }, type) => allocate(dtype, sizeOf(type.shape)).fill(value),
  iota: (_, { shape, axis }) => {
    const y = new Int32Array(sizeOf(shape))
    const [, size, inner] = aroundAxis(shape, axis)
    for (let i = 0; i < y.length; i++) y[i] = Math.floor(i / inner) % size
    return y
  },
  neg: unary(x => -x), exp: unary(Math.exp), log: unary(Math.log), sqrt: unary(Math.sqrt), abs: unary(Math.abs), sign: unary(Math.sign), floor: unary(Math.floor),
  erf: unary(erf), sigmoid: unary(sigmoid), tanh: unary(Math.tanh),
  relu: unary(x => x > 0 || Number.isNaN(x) ? x : 0),
  softplus: unary(x => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  sin: unary(Math.sin), cos: unary(Math.cos), reciprocal: unary(x => 1 / x),
  gelu: unary(x => x === -Infinity ? 0 : x * 0.5 * erfc(-x * Math.SQRT1_2)),
  not: ([v]) => {
    const y = new Uint8Array(v.data.length)
    for (let i = 0; i < y.length; i++) y[i] = v.data[i] ? 0 : 1
    return y
  },
  cast: ([v], { to }) => {
    const y = allocate(to, v.data.length)
    for (let i = 0; i < y.length; i++) y[i] = to === 'bool' ? (v.data[i] === 0 ? 0 : 1) : to === 'int32' ? Math.trunc(v.data[i]) : v.data[i]
    return y
  },
  stopGradient: ([v]) => v.data,
  add: binary((a, b) => a + b), sub: binary((a, b) => a - b), mul: binary((a, b) => a * b, Math.imul), div: binary((a, b) => a / b), mod: binary((a, b) => a % b),
  max: binary(Math.max), min: binary(Math.min), pow: binary(Math.pow),
  less: binary((a, b) => a < b ? 1 : 0), greater: binary((a, b) => a > b ? 1 : 0), equal: binary((a, b) => a === b ? 1 : 0),
  and: binary((a, b) => a & b), or: binary((a, b) => a | b),
  where,
} satisfies { [K in OpName]?: Kernel<K> }
