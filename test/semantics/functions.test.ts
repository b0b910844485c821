// Built-in functions: types and shapes of what they emit, static results, and their complaints.
import { describe, expect, test } from 'vitest'
import { Builder } from '../../src/compiler/ir/builder.ts'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import type { DType, Shape } from '../../src/compiler/ir/types.ts'
import { functions } from '../../src/compiler/semantics/functions/index.ts'
import type { FunctionContext } from '../../src/compiler/semantics/functions/function.ts'
import { float, int, list, none, record, string, type Value } from '../../src/compiler/semantics/values.ts'

const origin = { path: '', span: undefined, phase: 'forward' } as const

class Failure extends Error {}

class Bench {
  readonly builder = new Builder()
  readonly context: FunctionContext
  constructor(mode: 'infer' | 'train' = 'train') {
    this.context = {
      builder: this.builder, mode, origin: () => origin,
      random: shape => this.tensor(shape, 'float32', 'random'),
      fail: (message, options) => { throw new Failure(`${options?.argument ?? ''}: ${message}${options?.hint === undefined ? '' : ` (${options.hint})`}`) },
    }
  }
  tensor(shape: Shape, dtype: DType = 'float32', role: 'input' | 'random' = 'input'): Value {
    const type = { dtype, shape }
    return { t: 'tensor', type, id: this.builder.input(`x${this.builder.inputs.length}`, role, type, origin) }
  }
  call(name: string, ...args: readonly (Value | number | boolean | string | readonly number[])[]): Value {
    const f = functions.get(name)
    if (f === undefined) throw new Error(`no function ${name}`)
    const values = args.map((a): Value => typeof a === 'number' ? (Number.isInteger(a) ? int(a) : float(a)) : typeof a === 'string' ? string(a) : typeof a === 'boolean' ? { t: 'bool', v: a } : Array.isArray(a) ? list(a.map(int)) : a as Value)
    const bound = new Map<string, Value>()
    f.params.forEach((p, i) => {
      if (p.rest === true) bound.set(p.name, list(values.slice(i)))
      else if (values[i] !== undefined) bound.set(p.name, values[i])
      else if (p.default !== undefined) bound.set(p.name, p.default)
      else throw new Error(`${name}: ${p.name} is missing`)
    })
    return f.call(bound, this.context)
  }
  shape(v: Value): Shape { if (v.t !== 'tensor') throw new Error(`${v.t} is no tensor`); return v.type.shape }
}

test('every function of the language exists', () => {
  const documented = `len min max sum abs floor ceil sqrt log int float str zip enumerate reverse keys values has is_int range
    zeros ones fill normal trunc_normal uniform kaiming_uniform kaiming_normal fan_in_uniform
    exp log sqrt abs sign floor erf sigmoid tanh relu gelu softplus sin cos square reciprocal pow where clamp cast mean amax softmax log_softmax
    reshape transpose swap flatten broadcast concat stack split pad roll flip repeat gather scatter_add one_hot iota tensor full random
    matmul linear conv2d conv_transpose2d deform_conv2d resize avg_pool2d layer_norm group_norm batch_norm stop_gradient
    cross_entropy smooth_l1 l1 bce_with_logits sigmoid_focal`.split(/\s+/)
  expect([...functions.keys()].sort()).toEqual([...new Set(documented)].sort())
})

describe('static results', () => {
  const b = new Bench()
  test.each<[string, readonly Parameters<Bench['call']>[1][], Value]>([
    ['min', [3, 1, 2], int(1)], ['max', [3, 1.5], float(3)], ['abs', [-2], int(2)], ['floor', [-0.5], int(-1)], ['ceil', [1.2], int(2)], ['sqrt', [9], float(3)],
    ['sum', [[1, 2, 3]], int(6)], ['len', [[1, 2]], int(2)], ['len', ['abc'], int(3)], ['int', [-2.7], int(-2)], ['float', [2], float(2)], ['str', [2.5], string('2.5')],
    ['range', [1, 8, 3], list([1, 4, 7].map(int))], ['reverse', [[1, 2]], list([2, 1].map(int))], ['is_int', [2.5], { t: 'bool', v: false }],
    ['has', [record({ a: int(1) }), 'a'], { t: 'bool', v: true }], ['keys', [record({ a: int(1) })], list([string('a')])], ['values', [record({ a: int(1) })], list([int(1)])],
    ['zip', [[1, 2], [3, 4]], list([list([int(1), int(3)]), list([int(2), int(4)])])], ['enumerate', [[7]], list([list([int(0), int(7)])])],
    ['trunc_normal', [0.02], { t: 'init', init: { kind: 'trunc_normal', mean: 0, std: 0.02, low: -2, high: 2 } }],
    ['fan_in_uniform', [27], { t: 'init', init: { kind: 'fan_in_uniform', fan: 27 } }],
  ])('%s', (name, args, expected) => expect(b.call(name, ...args)).toEqual(expected))
})

describe('shapes', () => {
  const b = new Bench()
  const x = b.tensor([2, 6, 8, 4]), labels = b.tensor([2, 8, 4], 'int32')
  test.each<[string, () => Value, Shape]>([
    ['gelu', () => b.call('gelu', x), [2, 6, 8, 4]],
    ['max with a number', () => b.call('max', x, 0), [2, 6, 8, 4]],
    ['sum of tensors', () => b.call('sum', list([x, b.tensor([6, 1, 4])])), [2, 6, 8, 4]],
    ['mean', () => b.call('mean', x), []],
    ['amax', () => b.call('amax', x, [-1, 1], true), [2, 1, 8, 1]],
    ['reshape', () => b.call('reshape', x, [2, -1, 16]), [2, 12, 16]],
    ['transpose', () => b.call('transpose', x, [0, 2, 3, 1]), [2, 8, 4, 6]],
    ['swap', () => b.call('swap', x, 1, -1), [2, 4, 8, 6]],
    ['flatten', () => b.call('flatten', x, 2, -1), [2, 6, 32]],
    ['concat', () => b.call('concat', list([x, x]), 1), [2, 12, 8, 4]],
    ['stack', () => b.call('stack', list([x, x]), -1), [2, 6, 8, 4, 2]],
    ['pad', () => b.call('pad', x, [0, 0, 1, 0], [0, 0, 0, 2]), [2, 6, 9, 6]],
    ['roll', () => b.call('roll', x, [-1, 1], [2, 3]), [2, 6, 8, 4]],
    ['flip', () => b.call('flip', x, -1), [2, 6, 8, 4]],
    ['repeat', () => b.call('repeat', x, 3, 1), [2, 18, 8, 4]],
    ['gather', () => b.call('gather', x, b.tensor([5, 3], 'int32'), 2), [2, 6, 5, 3, 4]],
    ['scatter_add', () => b.call('scatter_add', b.tensor([5], 'int32'), b.tensor([2, 5, 3]), 9, 1), [2, 9, 3]],
    ['one_hot', () => b.call('one_hot', labels, 7), [2, 8, 4, 7]],
    ['linear', () => b.call('linear', x, b.tensor([5, 4]), b.tensor([5])), [2, 6, 8, 5]],
    ['conv2d', () => b.call('conv2d', x, b.tensor([10, 3, 3, 3]), b.tensor([10]), 2, 1, 1, 2), [2, 10, 4, 2]],
    ['conv_transpose2d', () => b.call('conv_transpose2d', x, b.tensor([6, 3, 2, 2]), b.tensor([3]), 2), [2, 3, 16, 8]],
    ['deform_conv2d', () => b.call('deform_conv2d', x, b.tensor([2, 18, 8, 4]), b.tensor([2, 9, 8, 4]), b.tensor([5, 6, 3, 3]), none, 1, 1), [2, 5, 8, 4]],
    ['resize', () => b.call('resize', x, [3, 5]), [2, 6, 3, 5]],
    ['avg_pool2d', () => b.call('avg_pool2d', x, 3), [2, 6, 2, 1]],
    ['avg_pool2d with stride', () => b.call('avg_pool2d', x, 3, 1), [2, 6, 6, 2]],
    ['cross_entropy', () => b.call('cross_entropy', x, labels, 255), []],
    ['smooth_l1', () => b.call('smooth_l1', x, x, 0.1), [2, 6, 8, 4]],
    ['sigmoid_focal', () => b.call('sigmoid_focal', x, x), [2, 6, 8, 4]],
    ['random', () => b.call('random', [2, 1]), [2, 1]],
    ['full', () => b.call('full', [3, 2], 1.5), [3, 2]],
  ])('%s', (_, make, shape) => expect(b.shape(make())).toEqual(shape))

  test('split by sizes and by count', () => {
    const shapes = (v: Value): readonly Shape[] => v.t === 'list' ? v.items.map(i => b.shape(i)) : []
    expect(shapes(b.call('split', x, [1, 5], 1))).toEqual([[2, 1, 8, 4], [2, 5, 8, 4]])
    expect(shapes(b.call('split', x, 2))).toEqual([[2, 6, 8, 2], [2, 6, 8, 2]])
  })
  test('tensor takes its dtype from its items', () => {
    expect(b.call('tensor', list([list([int(1), int(2)])]))).toMatchObject({ type: { dtype: 'int32', shape: [1, 2] } })
    expect(b.call('tensor', list([int(1), float(0.5)]))).toMatchObject({ type: { dtype: 'float32', shape: [2] } })
  })
})

describe('complaints', () => {
  const b = new Bench('infer')
  const x = b.tensor([2, 6]), i = b.tensor([2], 'int32')
  test.each<[() => Value, string]>([
    [() => b.call('softmax', x, 2), 'axis: axis 2 does not exist: the tensor has 2 axes'],
    [() => b.call('reshape', x, [5, -1]), 'dims: 12 elements of [2, 6] do not divide into [5, -1]'],
    [() => b.call('gelu', i), 'x: `x` must be float32, but it is i32[2] (convert it: cast(x, "float32"))'],
    [() => b.call('max', i, 0.5), 'values: 0.5 is a float, and the tensor it joins is int32 (convert the tensor with cast(x, "float32"))'],
    [() => b.call('linear', x, b.tensor([3, 5])), 'x: the last axis of `x` [2, 6] must have 5 elements, as weight [3, 5] says'],
    [() => b.call('split', x, [2, 3]), 'sizes: the sizes [2, 3] add up to 5, and axis 1 has 6'],
    [() => b.call('random', [1]), ': random numbers exist only in training (guard the call with: if training)'],
    [() => b.call('cross_entropy', x, b.tensor([3], 'int32')), 'labels: `labels` is [3], and logits [2, 6] need [2]'],
    [() => b.call('len', x), '`x` must be a list, a record or a string'],
    [() => b.call('tensor', list([list([int(1)]), int(2)])), 'differ in shape'],
    [() => b.call('pow', 2, 3), 'write a ** b'],
    [() => b.call('range', 0, 1_000_000, 1), '100000 is the limit'],
  ])('%#', (call, message) => expect(call).toThrow(message))
})

describe('values', () => {
  const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
  const numbers = (shape: Shape, at: (i: number) => number): Value => {
    const nested = (dims: Shape, start: number): Value => dims.length === 0 ? float(at(start)) : list(Array.from({ length: dims[0] }, (_, i) => nested(dims.slice(1), start * dims[0] + i)))
    return nested(shape, 0)
  }
  const run = (make: (b: Bench, t: (shape: Shape, at: (i: number) => number) => Value) => Value): number[] => {
    const b = new Bench()
    const v = make(b, (shape, at) => b.call('tensor', numbers(shape, at)))
    if (v.t !== 'tensor') throw new Error('no tensor')
    b.builder.output('y', 'tap', v.id)
    return Array.from(interpret(b.builder.finish('test'), {}).outputs.y.data)
  }
  const ints = (b: Bench, v: Value): Value => b.call('cast', v, 'int32')
  const close = (found: readonly number[], expected: readonly number[]): void => {
    expect(found.length).toBe(expected.length)
    expected.forEach((e, i) => expect(found[i]).toBeCloseTo(e, 6))
  }
  const seq = (i: number): number => i

  test.each<[string, Parameters<typeof run>[0], readonly number[]]>([
    ['split takes consecutive parts', (b, t) => { const parts = b.call('split', t([2, 3], seq), [1, 2]); return parts.t === 'list' ? parts.items[1] : none }, [1, 2, 4, 5]],
    ['stack on a new last axis', (b, t) => b.call('stack', list([t([2], seq), t([2], i => 10 + i)]), 1), [0, 10, 1, 11]],
    ['flip', (b, t) => b.call('flip', t([2, 3], seq), 1), [2, 1, 0, 5, 4, 3]],
    ['repeat tiles the whole tensor', (b, t) => b.call('repeat', t([2, 2], seq), 2, 1), [0, 1, 0, 1, 2, 3, 2, 3]],
    ['swap', (b, t) => b.call('swap', t([2, 3], seq), 0, 1), [0, 3, 1, 4, 2, 5]],
    ['clamp', (b, t) => b.call('clamp', t([4], i => i - 2), -1, 0.5), [-1, -1, 0, 0.5]],
    ['one_hot', (b, t) => b.call('one_hot', ints(b, t([2], i => 2 * i)), 3), [1, 0, 0, 0, 0, 1]],
    ['avg_pool2d by whole windows', (b, t) => b.call('avg_pool2d', t([1, 1, 2, 5], seq), 2), [3, 5]],
    ['avg_pool2d with a stride of its own', (b, t) => b.call('avg_pool2d', t([1, 1, 3, 3], seq), 2, 1), [2, 3, 5, 6]],
    ['linear with more than one leading axis', (b, t) => b.call('linear', t([1, 2, 2], seq), t([3, 2], seq), t([3], i => 10 * i)), [1, 13, 25, 3, 23, 43]],
    ['conv2d adds the bias to each channel', (b, t) => b.call('conv2d', t([1, 1, 2, 2], seq), t([2, 1, 1, 1], i => i + 1), t([2], i => 10 * i)), [0, 1, 2, 3, 10, 12, 14, 16]],
    ['conv_transpose2d spreads each pixel', (b, t) => b.call('conv_transpose2d', t([1, 1, 1, 2], i => i + 1), t([1, 1, 2, 2], seq), t([1], () => 100), 2), [100, 101, 100, 102, 102, 103, 104, 106]],
    ['smooth_l1 is quadratic below beta', (b, t) => b.call('smooth_l1', t([3], i => [0, 0.5, 3][i]), t([3], () => 0), 1), [0, 0.125, 2.5]],
    ['l1', (b, t) => b.call('l1', t([2], i => i), 0.25), [0.25, 0.75]],
    ['bce_with_logits', (b, t) => b.call('bce_with_logits', t([4], i => [-80, -1, 2, 80][i]), t([4], i => [0, 0.3, 1, 1][i])), [0, 0.3 * softplus(1) + 0.7 * softplus(-1), softplus(-2), 0]],
    ['sigmoid_focal', (b, t) => b.call('sigmoid_focal', t([2], i => [0.5, -0.3][i]), t([2], i => 1 - i)), [0.25 * (1 - sigmoid(0.5)) ** 2 * softplus(-0.5), 0.75 * sigmoid(-0.3) ** 2 * softplus(-0.3)]],
    ['sum of a list of tensors', (b, t) => b.call('sum', list([t([2], seq), t([2], seq), t([1], () => 1)])), [1, 3]],
  ])('%s', (_, make, expected) => close(run(make), expected))

  test('cross_entropy: mean over the pixels that count', () => {
    const logits = (i: number): number => Math.sin(3 * i)
    const labels = [0, 255, 2, 1]
    const nll = (p: number): number => Math.log([0, 1, 2].reduce((s, k) => s + Math.exp(logits(k * 4 + p)), 0)) - logits(labels[p] * 4 + p)
    const loss = (given: readonly number[], ignore: number): number[] => run((b, t) => b.call('cross_entropy', t([1, 3, 2, 2], logits), ints(b, t([1, 2, 2], i => given[i])), ignore))
    close(loss(labels, 255), [(nll(0) + nll(2) + nll(3)) / 3])
    close(loss([0, 1, 2, 1], 1), [(nll(0) + nll(2)) / 2])
    close(loss([255, 255, 255, 255], 255), [0])
  })
})
