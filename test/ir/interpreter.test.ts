// The interpreter against values computed by hand, for every operator.
import { describe, expect, it } from 'vitest'
import { Builder } from '../../src/compiler/ir/builder.ts'
import { EvaluationError, interpret, toTensorData } from '../../src/compiler/ir/interpreter.ts'
import type { OpAttrs, OpName } from '../../src/compiler/ir/ops.ts'
import { sizeOf, type DType, type Shape, type TensorData } from '../../src/compiler/ir/types.ts'
import { opNames } from '../../src/compiler/rules/shape.ts'
import { origin } from './random-program.ts'

const tensor = (dtype: DType, shape: Shape, elements: readonly number[]): TensorData =>
  ({ dtype, shape, data: dtype === 'float32' ? Float32Array.from(elements) : dtype === 'int32' ? Int32Array.from(elements) : Uint8Array.from(elements) })
const f = (shape: Shape, ...elements: number[]): TensorData => tensor('float32', shape, elements)
const i = (shape: Shape, ...elements: number[]): TensorData => tensor('int32', shape, elements)
const m = (...elements: number[]): TensorData => tensor('bool', [elements.length], elements)
/** 1, 2, 3, ... */
const count = (...shape: number[]): TensorData => f(shape, ...Array.from({ length: sizeOf(shape) }, (_, k) => k + 1))

const run = <K extends OpName>(op: K, inputs: readonly TensorData[], attrs: OpAttrs[K]): number[] => {
  const b = new Builder()
  const operands = inputs.map((t, k) => b.input(`x${k}`, 'input', t, origin))
  b.output('y', 'tap', b.emit(op, operands, attrs, origin))
  return [...interpret(b.finish('p'), Object.fromEntries(inputs.map((t, k) => [`x${k}`, t]))).outputs.y.data]
}

type Case = { [K in OpName]: readonly [op: K, inputs: readonly TensorData[], attrs: OpAttrs[K], expected: readonly number[]] }[OpName]
const conv = { stride: [1, 1], pad: [0, 0, 0, 0], dilation: [1, 1], groups: 1 } as const
const product = { transA: false, transB: false, alpha: 1 }
const x3 = f([3], -1, 0, 2)
const ones = f([1, 1, 2, 2], 1, 1, 1, 1)

const cases: readonly Case[] = [
  ['constant', [], { value: x3 }, [-1, 0, 2]],
  ['fill', [], { dtype: 'int32', shape: [2], value: 7 }, [7, 7]],
  ['iota', [], { shape: [2, 3], axis: 1 }, [0, 1, 2, 0, 1, 2]],
  ['iota', [], { shape: [2, 2, 1], axis: 0 }, [0, 0, 1, 1]],
  ['neg', [x3], {}, [1, -0, -2]],
  ['exp', [x3], {}, [Math.exp(-1), 1, Math.exp(2)]],
  ['log', [f([2], 1, 4)], {}, [0, Math.log(4)]],
  ['sqrt', [f([2], 4, 2)], {}, [2, Math.SQRT2]],
  ['abs', [x3], {}, [1, 0, 2]],
  ['sign', [x3], {}, [-1, 0, 1]],
  ['floor', [f([2], -0.5, 2.5)], {}, [-1, 2]],
  ['erf', [f([3], 0.5, -1, 2.5)], {}, [0.5204998778130465, -0.8427007929497149, 0.9995930479825550]],
  ['sigmoid', [f([3], 0, 2, -800)], {}, [0.5, 1 / (1 + Math.exp(-2)), 0]],
  ['tanh', [f([1], 1)], {}, [Math.tanh(1)]],
  ['relu', [x3], {}, [0, 0, 2]],
  ['softplus', [f([3], 0, 800, -800)], {}, [Math.LN2, 800, 0]],
  ['sin', [f([1], 1)], {}, [Math.sin(1)]],
  ['cos', [f([1], 1)], {}, [Math.cos(1)]],
  ['reciprocal', [f([1], 4)], {}, [0.25]],
  ['gelu', [f([4], 1, -1, 0, 10)], {}, [0.8413447460685429, -0.15865525393145707, 0, 10]],
  ['not', [m(0, 1)], {}, [1, 0]],
  ['cast', [f([3], -1.5, 0, 2.5)], { to: 'int32' }, [-1, 0, 2]],
  ['cast', [f([3], -1.5, 0, 2.5)], { to: 'bool' }, [1, 0, 1]],
  ['cast', [m(0, 1)], { to: 'float32' }, [0, 1]],
  ['stopGradient', [x3], {}, [-1, 0, 2]],
  ['after', [x3, f([1], 7)], {}, [-1, 0, 2]],
  ['add', [f([2, 1], 1, 2), f([2], 10, 20)], {}, [11, 21, 12, 22]],
  ['sub', [f([2, 2], 1, 2, 3, 4), f([], 1)], {}, [0, 1, 2, 3]],
  ['mul', [i([2], 65537, 3), i([2], 65537, -4)], {}, [131073, -12]],
  ['div', [i([3], 7, -7, 6), i([], 2)], {}, [3, -3, 3]],
  ['div', [f([1], 1), f([1], 4)], {}, [0.25]],
  ['mod', [i([2], 7, -7), i([], 3)], {}, [1, -1]],
  ['mod', [f([2], 5.5, -5.5), f([], 2)], {}, [1.5, -1.5]],
  ['max', [x3, f([], 1)], {}, [1, 1, 2]],
  ['min', [f([], 1), x3], {}, [-1, 0, 1]],
  ['pow', [f([2], 2, 9), f([2], 3, 0.5)], {}, [8, 3]],
  ['less', [x3, f([], 0)], {}, [1, 0, 0]],
  ['greater', [x3, f([], 0)], {}, [0, 0, 1]],
  ['equal', [i([2], 1, 2), i([2], 1, 3)], {}, [1, 0]],
  ['and', [m(0, 1, 1), m(1, 0, 1)], {}, [0, 0, 1]],
  ['or', [m(0, 1, 0), m(1, 0, 0)], {}, [1, 1, 0]],
  ['where', [m(1, 0), f([2, 1], 1, 2), f([2], 8, 9)], {}, [1, 9, 2, 9]],
  ['reduceSum', [count(2, 3)], { axes: [0], keepDims: false }, [5, 7, 9]],
  ['reduceSum', [count(2, 2, 2)], { axes: [0, 2], keepDims: true }, [14, 22]],
  ['reduceMean', [count(2, 3)], { axes: [0, 1], keepDims: false }, [3.5]],
  ['reduceMax', [count(2, 3)], { axes: [1], keepDims: false }, [3, 6]],
  ['softmax', [f([2, 2], 0, 1000, Math.fround(Math.log(3)), 0)], { axis: 1 }, [0, 1, 0.75, 0.25]],
  ['softmax', [f([2, 2], 0, 5, 0, 5)], { axis: 0 }, [0.5, 0.5, 0.5, 0.5]],
  ['logSoftmax', [f([2], 0, 0)], { axis: 0 }, [-Math.LN2, -Math.LN2]],
  ['layerNorm', [f([2, 2], 1, 3, 5, 5), f([2], 2, 3), f([2], 0, 1)], { eps: 0.25 }, [-2 / Math.sqrt(1.25), 3 / Math.sqrt(1.25) + 1, 0, 1]],
  ['groupNorm', [f([1, 2, 2], 1, 3, 5, 5), f([2], 2, 3), f([2], 0, 1)], { groups: 2, eps: 0.25 }, [-2 / Math.sqrt(1.25), 2 / Math.sqrt(1.25), 1, 1]],
  ['batchNorm', [f([1, 2, 2], 1, 3, 5, 5), f([2], 2, 3), f([2], 0, 1), f([2], 1, 4), f([2], 3, 0)], { eps: 1 }, [0, 2, 4, 4]],
  ['reshape', [count(2, 3)], { shape: [3, 2] }, [1, 2, 3, 4, 5, 6]],
  ['transpose', [count(2, 3)], { perm: [1, 0] }, [1, 4, 2, 5, 3, 6]],
  ['transpose', [count(2, 1, 3)], { perm: [2, 0, 1] }, [1, 4, 2, 5, 3, 6]],
  ['broadcast', [f([2, 1], 1, 2)], { shape: [2, 2, 2] }, [1, 1, 2, 2, 1, 1, 2, 2]],
  ['slice', [count(3, 3)], { start: [0, 2], stop: [3, -1], step: [2, -1] }, [3, 2, 1, 9, 8, 7]],
  ['pad', [count(1, 2)], { before: [1, 0], after: [0, 1], value: 9 }, [9, 9, 9, 1, 2, 9]],
  ['concat', [count(2, 1), count(2, 2)], { axis: 1 }, [1, 1, 2, 2, 3, 4]],
  ['roll', [count(2, 3)], { shifts: [1, -1], axes: [0, 1] }, [5, 6, 4, 2, 3, 1]],
  ['gather', [count(2, 3), i([2], 2, 0)], { axis: 1 }, [3, 1, 6, 4]],
  ['gather', [count(2, 3), i([], 1)], { axis: 0 }, [4, 5, 6]],
  ['scatterAdd', [i([3], 2, 0, 2), count(2, 3)], { axis: 1, size: 4 }, [2, 0, 4, 0, 5, 0, 10, 0]],
  ['matmul', [count(2, 3), count(3, 2)], product, [22, 28, 49, 64]],
  ['matmul', [count(3, 2), count(2, 3)], { transA: true, transB: true, alpha: 0.5 }, [11, 24.5, 14, 32]],
  ['matmul', [count(2, 1, 2), count(2, 1)], product, [5, 11]],
  ['conv2d', [count(1, 1, 3, 3), ones], conv, [12, 16, 24, 28]],
  ['conv2d', [count(1, 1, 3, 3), ones], { ...conv, stride: [2, 1], pad: [1, 0, 0, 0] }, [3, 5, 24, 28]],
  ['conv2d', [count(1, 1, 3, 3), ones], { ...conv, dilation: [2, 2] }, [20]],
  ['conv2d', [count(1, 2, 1, 2), f([2, 1, 1, 1], 2, 3)], { ...conv, groups: 2 }, [2, 4, 9, 12]],
  ['conv2dInputGrad', [count(1, 1, 2, 2), count(1, 1, 2, 2)], { ...conv, stride: [2, 2], inputSize: [4, 4] }, [1, 2, 2, 4, 3, 4, 6, 8, 3, 6, 4, 8, 9, 12, 12, 16]],
  ['conv2dWeightGrad', [count(1, 1, 3, 3), f([1, 1, 2, 2], 1, 0, 0, 1)], { ...conv, kernel: [2, 2] }, [6, 8, 12, 14]],
  ['deformConv2d', [count(1, 1, 2, 2), f([1, 2, 2, 2], 0, 0.5, 0, 1, 0, -0.5, 0.5, 0), f([1, 1, 2, 2], 1, 1, 0.5, 1), f([1, 1, 1, 1], 2)], conv, [2, 5, 3.5, 0]],
  ['resize2d', [count(1, 1, 1, 2)], { mode: 'bilinear', size: [1, 4] }, [1, 1.25, 1.75, 2]],
  ['resize2d', [count(1, 1, 2, 2)], { mode: 'nearest', size: [3, 4] }, [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4]],
  ['resize2dGrad', [count(1, 1, 1, 4)], { mode: 'bilinear', size: [1, 2] }, [1 + 1.5 + 0.75, 0.5 + 2.25 + 4]],
]

describe('interpret', () => {
  it.each(cases.map(c => [`${c[0]}(${c[1].map(t => `[${t.shape.join(', ')}]`).join(', ')})`, c] as const))('%s', (_, [op, inputs, attrs, expected]) => {
    const actual = run(op, inputs, attrs as never)
    expect(actual.length).toBe(expected.length)
    // Operands are float32, and some of the expected values are not.
    actual.forEach((x, k) => expect(Math.abs(x - expected[k])).toBeLessThan(op === 'softmax' ? 1e-7 : 1e-14))
  })

  it('has a test for every operator', () => expect(new Set(cases.map(([op]) => op))).toEqual(new Set(opNames)))

  it('gives convolution and its gradients as adjoints of each other', () => {
    const attrs = { stride: [2, 1], pad: [1, 0, 2, 1], dilation: [1, 2], groups: 2 } as const
    const wave = (shape: Shape, k: number): TensorData => f(shape, ...Array.from({ length: sizeOf(shape) }, (_, n) => Math.sin(k * n + k)))
    const [x, w] = [wave([2, 4, 5, 6], 1), wave([6, 2, 3, 2], 2)]
    const dy = wave([2, 6, 3, 5], 3)
    const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => Array.from(a).reduce((n, v, k) => n + v * b[k], 0)
    const forward = dot(run('conv2d', [x, w], attrs), dy.data)
    expect(dot(run('conv2dInputGrad', [dy, w], { ...attrs, inputSize: [5, 6] }), x.data)).toBeCloseTo(forward, 10)
    expect(dot(run('conv2dWeightGrad', [x, dy], { ...attrs, kernel: [3, 2] }), w.data)).toBeCloseTo(forward, 10)
  })

  it('samples a deformable convolution without offsets as a convolution', () => {
    const attrs = { ...conv, stride: [2, 1], pad: [1, 1, 1, 1] } as const
    const [x, w] = [count(2, 3, 5, 5), count(2, 3, 3, 3)]
    const zeros = f([2, 18, 3, 5], ...Array.from({ length: 2 * 18 * 15 }, () => 0))
    const full = f([2, 9, 3, 5], ...Array.from({ length: 2 * 9 * 15 }, () => 1))
    expect(run('deformConv2d', [x, zeros, full, w], attrs)).toEqual(run('conv2d', [x, w], attrs))
  })

  it('runs only what is wanted, and gives any value', () => {
    const b = new Builder()
    const x = b.input('x', 'input', { dtype: 'float32', shape: [2] }, origin)
    const unfed = b.input('unfed', 'input', { dtype: 'float32', shape: [2] }, origin)
    const doubled = b.emit('add', [x, x], {}, origin)
    b.output('y', 'tap', b.emit('exp', [doubled], {}, origin))
    b.output('z', 'tap', b.emit('exp', [unfed], {}, origin))
    const program = b.finish('p')
    const { outputs, values } = interpret(program, { x: Float64Array.of(0, 1) }, { outputs: ['y'], values: [doubled] })
    expect(Object.keys(outputs)).toEqual(['y'])
    expect([...values.get(doubled)!.data]).toEqual([0, 2])
    expect(() => interpret(program, { x: Float64Array.of(0, 1) })).toThrow("no value is given for the input 'unfed' : f32[2]")
    expect(() => interpret(program, {}, { outputs: ['w'] })).toThrow("the program has no output 'w'")
    expect(() => interpret(program, { x: Float64Array.of(1) }, { outputs: ['y'] })).toThrow("'x' is f32[2], but 1 elements are given")
    expect(() => interpret(program, { x: i([2], 1, 2) }, { outputs: ['y'] })).toThrow("'x' is f32[2], but i32[2] is given")
  })

  it('rounds each node in float32', () => {
    const b = new Builder()
    const third = b.emit('div', [b.emit('fill', [], { dtype: 'float32', shape: [], value: 1 }, origin), b.emit('fill', [], { dtype: 'float32', shape: [], value: 3 }, origin)], {}, origin)
    b.output('y', 'tap', b.emit('mul', [third, third], {}, origin))
    const program = b.finish('p')
    expect(interpret(program, {}).outputs.y.data[0]).toBe((1 / 3) * (1 / 3))
    const { y } = interpret(program, {}, { precision: 'float32' }).outputs
    expect(y.data[0]).toBe(Math.fround(Math.fround(1 / 3) ** 2))
    expect(toTensorData(y)).toEqual({ dtype: 'float32', shape: [], data: Float32Array.of(y.data[0]) })
  })

  it('refuses indices outside their axis', () => {
    expect(() => run('gather', [count(2), i([1], 2)], { axis: 0 })).toThrow(new EvaluationError('gather: index 2 lies outside an axis of 2'))
    expect(() => run('scatterAdd', [i([1], -1), count(1)], { axis: 0, size: 2 })).toThrow(new EvaluationError('scatterAdd: index -1 lies outside an axis of 2'))
  })
})
