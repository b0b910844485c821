// Static values, tensor operators and indexing.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import type { TensorData } from '../../src/compiler/ir/types.ts'
import { elaborate, expression, listing, showDeep, valueOf } from './evaluate-support.ts'

fc.configureGlobal({ seed: 20 })

describe('static expressions', () => {
  it.each([
    ['1 + 2 * 3', '7'], ['7 div 2', '3'], ['-7 div 2', '-4'], ['-7 % 3', '2'], ['7 % -3', '-2'], ['6 / 3', '2'], ['1 / 2.0', '0.5'], ['2 ** 10', '1024'], ['2 ** -1', '0.5'],
    ['-2 ** 2', '-4'], ['1.5 * 2', '3.0'], ['1 == 1.0', 'true'], ['1 < 2 and 2 <= 2', 'true'], ['not (1 > 2)', 'true'], ['"a" + "b"', '"ab"'], ['"a" < "b"', 'true'],
    ['[1] + [2, 3]', '[1, 2, 3]'], ['[1, [2]] == [1, [2]]', 'true'], ['none == none', 'true'], ['1 != none', 'true'], ['64 x 128', '[64, 128]'],
    ['false and undefined_name', 'false'], ['true or undefined_name', 'true'], ['if 1 < 2 then "yes" else undefined_name', '"yes"'],
    ['0..4', '[0, 1, 2, 3]'], ['3..1', '[]'], ['[for i in 0..4: i * i]', '[0, 1, 4, 9]'], ['[for i, v in ["a", "b", "c"] if i != 1: v]', '["a", "c"]'],
    ['{for t in ["a", "b"]: 1}', '{a: 1, b: 1}'], ['{for t in [{name: "p", v: 1}, {name: "q", v: 2}]: t.v}', '{p: 1, q: 2}'], ['{for k, v in {a: 1, b: 2}: v + 1}', '{a: 2, b: 3}'],
    ['[for k, v in {a: 1, b: 2}: k]', '["a", "b"]'], ['{a: 1, "3d": 2}."3d"', '2'], ['{a: 1}["a"]', '1'],
    ['[1, 2, 3][-1]', '3'], ['[1, 2, 3][1..3]', '[2, 3]'], ['[1, 2, 3][..2]', '[1, 2]'], ['[1, 2, 3][-2..]', '[2, 3]'], ['[1, 2, 3, 4][::2]', '[1, 3]'], ['[1, 2, 3][::-1]', '[3, 2, 1]'],
    ['len([1, 2])', '2'], ['[1, 2] |> len', '2'], ['3 |> max(5)', '5'], ['training', 'false'],
  ])('%s = %s', (text, result) => { expect(valueOf(text)).toBe(result) })

  it('computes with ints as exact integers', () => {
    const small = fc.integer({ min: -1000, max: 1000 })
    fc.assert(fc.property(small, small.filter(b => b !== 0), (a, b) => {
      const [q, r] = [valueOf(`(${a}) div (${b})`), valueOf(`(${a}) % (${b})`)].map(Number)
      return q * b + r === a && (b > 0 ? r >= 0 && r < b : r <= 0 && r > b)
    }), { numRuns: 60 })
  })
})

describe('tensor operators', () => {
  it('broadcasts as NumPy does', () => {
    const dim = fc.integer({ min: 1, max: 4 })
    const pair = fc.array(fc.tuple(dim, fc.constantFrom('same', 'left', 'right')), { maxLength: 4 })
    fc.assert(fc.property(pair, fc.integer({ min: 0, max: 4 }), (dims, drop) => {
      const left = dims.map(([d, how]) => (how === 'left' ? 1 : d))
      const right = dims.map(([d, how]) => (how === 'right' ? 1 : d)).slice(Math.min(drop, dims.length))
      const { value } = expression('x + y', { inputs: [left, right] })
      const expected = dims.map(([d, how], i) => (i < Math.min(drop, dims.length) ? left[i] : how === 'same' ? d : Math.max(left[i], right[i - Math.min(drop, dims.length)])))
      return value.t === 'tensor' && JSON.stringify(value.type.shape) === JSON.stringify(expected)
    }), { numRuns: 60 })
  })

  it('gives a static number the dtype of the tensor', () => {
    expect(listing(expression('2 * x + 0.5', { inputs: [[2]] }).builder)).toMatchInlineSnapshot(`
      "%1 = fill() {"dtype":"float32","shape":[],"value":2}: f32[]
      %2 = mul(%1, input0): f32[2]
      %3 = fill() {"dtype":"float32","shape":[],"value":0.5}: f32[]
      %4 = add(%2, %3): f32[2]"
    `)
    expect(listing(expression('x div 2', { inputs: [{ dtype: 'int32', shape: [2] }] }).builder)).toMatchInlineSnapshot(`
      "%1 = fill() {"dtype":"int32","shape":[],"value":2}: i32[]
      %2 = mod(input0, %1): i32[2]
      %3 = add(%2, %1): i32[2]
      %4 = mod(%3, %1): i32[2]
      %5 = sub(input0, %4): i32[2]
      %6 = div(%5, %1): i32[2]"
    `)
  })

  it('squares by multiplication and compares by what there is', () => {
    expect(listing(expression('x ** 2 >= 1', { inputs: [[2]] }).builder)).toMatchInlineSnapshot(`
      "%1 = mul(input0, input0): f32[2]
      %2 = fill() {"dtype":"float32","shape":[],"value":1}: f32[]
      %3 = less(%1, %2): bool[2]
      %4 = not(%3): bool[2]"
    `)
  })

  it('compares a tensor with none statically', () => {
    expect(showDeep(expression('[x == none, x != none, y == none]', { inputs: [[2]] }).value)).toBe('[false, true, true]')
  })

  it('reads shape and dtype', () => {
    expect(showDeep(expression('[x.shape, x.dtype]', { inputs: [[2, 3]] }).value)).toBe('[[2, 3], "float32"]')
  })
})

describe('numbers', () => {
  const numbers = (text: string, dtype: 'float32' | 'int32', x: readonly number[], y: readonly number[] = []): number[] => {
    const data = (v: readonly number[]): TensorData => ({ dtype, shape: [v.length], data: dtype === 'int32' ? Int32Array.from(v) : Float32Array.from(v) })
    const e = expression(text, { inputs: [{ dtype, shape: [x.length] }, { dtype, shape: [y.length] }] })
    if (e.value.t !== 'tensor') throw new Error(e.report)
    e.builder.output('result', 'tap', e.value.id)
    return [...interpret(e.builder.finish('test'), { input0: data(x), input1: data(y) }).outputs.result.data]
  }

  it('of % and div on tensors are those of static ints', () => {
    const small = fc.integer({ min: -20, max: 20 })
    fc.assert(fc.property(fc.array(fc.tuple(small, small.filter(b => b !== 0)), { minLength: 1, maxLength: 8 }), fc.constantFrom('int32' as const, 'float32' as const), (pairs, dtype) => {
      const [a, b] = [pairs.map(p => p[0]), pairs.map(p => p[1])]
      expect(numbers('x div y', dtype, a, b).map(v => v + 0)).toEqual(pairs.map(([p, q]) => Math.floor(p / q) + 0))
      expect(numbers('x % y', dtype, a, b).map(v => v + 0)).toEqual(pairs.map(([p, q]) => p - Math.floor(p / q) * q + 0))
    }), { numRuns: 40 })
  })

  it('of comparisons, powers, negation and reversal', () => {
    expect(numbers('x <= 2', 'float32', [1, 2, 3])).toEqual([1, 1, 0])
    expect(numbers('x != 2', 'int32', [1, 2, 3])).toEqual([1, 0, 1])
    expect(numbers('not (x > 1) or x == 3', 'float32', [1, 2, 3])).toEqual([1, 0, 1])
    expect(numbers('-x ** 2 + x ** 3', 'float32', [1, 2, 3])).toEqual([0, 4, 18])
    expect(numbers('-x', 'int32', [1, -2])).toEqual([-1, 2])
    expect(numbers('x[-1..0..-2]', 'float32', [1, 2, 3, 4])).toEqual([4, 2])
    expect(numbers('1 - x / 2', 'float32', [1, 2])).toEqual([0.5, 0])
  })
})

describe('tensor indexing', () => {
  const index = (items: string, shape: readonly number[]): string => {
    const { builder, report } = expression(`x[${items}]`, { inputs: [shape] })
    return report || listing(builder)
  }

  it('takes elements, ranges and new axes', () => {
    expect(index('0', [4, 5])).toMatchInlineSnapshot(`
      "%1 = slice(input0) {"start":[0,0],"stop":[1,5],"step":[1,1]}: f32[1, 5]
      %2 = reshape(%1) {"shape":[5]}: f32[5]"
    `)
    expect(index(':, 1..3', [4, 5])).toMatchInlineSnapshot(`"%1 = slice(input0) {"start":[0,1],"stop":[4,3],"step":[1,1]}: f32[4, 2]"`)
    expect(index('..., -1', [4, 5, 6])).toMatchInlineSnapshot(`
      "%1 = slice(input0) {"start":[0,0,5],"stop":[4,5,6],"step":[1,1,1]}: f32[4, 5, 1]
      %2 = reshape(%1) {"shape":[4,5]}: f32[4, 5]"
    `)
    expect(index('none, ::2, ..-1', [4, 5])).toMatchInlineSnapshot(`
      "%1 = slice(input0) {"start":[0,0],"stop":[4,4],"step":[2,1]}: f32[2, 4]
      %2 = reshape(%1) {"shape":[1,2,4]}: f32[1, 2, 4]"
    `)
    expect(index('::-1', [4])).toMatchInlineSnapshot(`"%1 = slice(input0) {"start":[3],"stop":[-1],"step":[-1]}: f32[4]"`)
    expect(index('...', [4])).toBe('')
  })

  it('has the shape that NumPy gives', () => {
    const axis = fc.integer({ min: 1, max: 6 }).chain(size => fc.oneof(
      fc.tuple(fc.integer({ min: -size, max: size - 1 }), fc.constant(size)).map(([i]) => ({ size, text: `${i}`, out: [] as number[] })),
      fc.tuple(fc.integer({ min: 0, max: size }), fc.integer({ min: 0, max: size })).map(([a, b]) => ({ size, text: `${Math.min(a, b)}..${Math.max(a, b)}`, out: [Math.abs(a - b)] })),
      fc.integer({ min: 1, max: 3 }).map(k => ({ size, text: `::${k}`, out: [Math.ceil(size / k)] })),
      fc.constant({ size, text: ':', out: [size] }),
    ))
    fc.assert(fc.property(fc.array(axis, { minLength: 1, maxLength: 4 }), axes => {
      const { value, report } = expression(`x[${axes.map(a => a.text).join(', ')}]`, { inputs: [axes.map(a => a.size)] })
      return report === '' && value.t === 'tensor' && JSON.stringify(value.type.shape) === JSON.stringify(axes.flatMap(a => a.out))
    }), { numRuns: 80 })
  })
})

describe('statements', () => {
  it('unrolls loops, assigns locals of outer scopes, takes lists and records apart', () => {
    const { value, report } = elaborate(`block Main() {
      forward() {
        let total = 0
        for i, v in [10, 20] { let twice = v * 2; total = total + i + twice }
        let a, b = [1, 2]
        let {p, q} = {p: 3, q: 4}
        if total > 60 { total = total + 100 } else { total = 0 }
        return [total, a, b, p, q]
      }
    }`)
    expect(report || showDeep(value)).toBe('[161, 1, 2, 3, 4]')
  })
})
