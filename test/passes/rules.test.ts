// What each pass and each rule of algebra does, as text before and after.
import { describe, expect, it } from 'vitest'
import { Builder } from '../../src/compiler/ir/builder.ts'
import type { OpAttrs, OpName } from '../../src/compiler/ir/ops.ts'
import { printProgram } from '../../src/compiler/ir/print.ts'
import type { Program, ValueId } from '../../src/compiler/ir/program.ts'
import type { DType, Shape } from '../../src/compiler/ir/types.ts'
import { verify } from '../../src/compiler/ir/verify.ts'
import { optimise, passes, type PassName } from '../../src/compiler/passes/index.ts'
import { origin } from '../ir/random-program.ts'

/** Builds programs tersely: `e` appends an operator. */
class Sketch {
  readonly b = new Builder()
  e<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K]): ValueId { return this.b.emit(op, inputs, attrs, origin) }
  x(...shape: number[]): ValueId { return this.b.input(`x${this.b.inputs.length}`, 'input', { dtype: 'float32', shape }, origin) }
  bool(...shape: number[]): ValueId { return this.b.input(`x${this.b.inputs.length}`, 'input', { dtype: 'bool', shape }, origin) }
  fill(value: number, shape: Shape = [], dtype: DType = 'float32'): ValueId { return this.e('fill', [], { dtype, shape, value }) }
  floats(...elements: number[]): ValueId { return this.e('constant', [], { value: { dtype: 'float32', shape: [elements.length], data: Float32Array.from(elements) } }) }
  ints(...elements: number[]): ValueId { return this.e('constant', [], { value: { dtype: 'int32', shape: [elements.length], data: Int32Array.from(elements) } }) }
}

const build = (make: (s: Sketch) => ValueId): Program => {
  const s = new Sketch()
  s.b.output('y', 'tap', make(s))
  return s.b.finish('p')
}

/** The nodes and the output of a program: one line each, without inputs, name and origins. */
const body = (program: Program): string[] => {
  verify(program)
  return printProgram(program, { origins: false }).split('\n').slice(1 + program.inputs.length, -1).map(line => line.trim().replace('tap "y" = ', 'y = '))
}
const after = (names: readonly PassName[], make: (s: Sketch) => ValueId): string[] => body(names.reduce((program, name) => passes[name](program), build(make)))
const simplified = (make: (s: Sketch) => ValueId): string[] => after(['simplify', 'dead-code'], make)

const product = { transA: false, transB: false, alpha: 1 }

const rules: readonly (readonly [name: string, make: (s: Sketch) => ValueId, expected: readonly string[]])[] = [
  ['x + 0', s => s.e('add', [s.fill(0), s.x(2)], {}), ['y = %a']],
  ['x + 0 that broadcasts', s => s.e('add', [s.x(2), s.fill(0, [3, 1])], {}), ['%b = fill() {dtype=float32, shape=[3, 1], value=0} : f32[3, 1]', '%c = add(%a, %b) : f32[3, 2]', 'y = %c']],
  ['x - 0', s => s.e('sub', [s.x(2), s.fill(0)], {}), ['y = %a']],
  ['x + -z', s => s.e('add', [s.x(2), s.e('neg', [s.x(2)], {})], {}), ['%c = sub(%a, %b) : f32[2]', 'y = %c']],
  ['-x + z', s => s.e('add', [s.e('neg', [s.x(2)], {}), s.x(2)], {}), ['%c = sub(%b, %a) : f32[2]', 'y = %c']],
  ['x - -z', s => s.e('sub', [s.x(2), s.e('neg', [s.x(2)], {})], {}), ['%c = add(%a, %b) : f32[2]', 'y = %c']],
  ['x * 1', s => s.e('mul', [s.x(2), s.floats(1)], {}), ['y = %a']],
  ['x * -1', s => s.e('mul', [s.x(2), s.fill(-1)], {}), ['%b = neg(%a) : f32[2]', 'y = %b']],
  ['x * 2 * 3', s => s.e('mul', [s.fill(3), s.e('mul', [s.x(2), s.fill(2)], {})], {}), ['%b = fill() {dtype=float32, shape=[], value=6} : f32[]', '%c = mul(%a, %b) : f32[2]', 'y = %c']],
  ['x * 0 stays, for NaN', s => s.e('mul', [s.x(2), s.fill(0)], {}), ['%b = fill() {dtype=float32, shape=[], value=0} : f32[]', '%c = mul(%a, %b) : f32[2]', 'y = %c']],
  ['x / 1', s => s.e('div', [s.x(2), s.fill(1)], {}), ['y = %a']],
  ['x ^ 1', s => s.e('pow', [s.x(2), s.fill(1)], {}), ['y = %a']],
  ['x ^ 2', s => s.e('pow', [s.x(2), s.fill(2)], {}), ['%b = mul(%a, %a) : f32[2]', 'y = %b']],
  ['--x', s => s.e('neg', [s.e('neg', [s.x(2)], {})], {}), ['y = %a']],
  ['-(x - z)', s => s.e('neg', [s.e('sub', [s.x(2), s.x(2)], {})], {}), ['%c = sub(%b, %a) : f32[2]', 'y = %c']],
  ['not not x', s => s.e('not', [s.e('not', [s.bool(2)], {})], {}), ['y = %a']],
  ['x and true, or false', s => s.e('or', [s.e('and', [s.bool(2), s.fill(1, [], 'bool')], {}), s.fill(0, [], 'bool')], {}), ['y = %a']],
  ['max(x, x)', s => { const x = s.x(2); return s.e('max', [x, x], {}) }, ['y = %a']],
  ['relu of relu', s => s.e('relu', [s.e('relu', [s.x(2)], {})], {}), ['%b = relu(%a) : f32[2]', 'y = %b']],
  ['cast to the same type', s => s.e('cast', [s.x(2)], { to: 'float32' }), ['y = %a']],
  ['cast of a cast of a bool', s => s.e('cast', [s.e('cast', [s.bool(2)], { to: 'int32' })], { to: 'float32' }), ['%b = cast(%a) {to=float32} : f32[2]', 'y = %b']],
  ['where with a known condition', s => s.e('where', [s.fill(0, [2], 'bool'), s.x(2), s.x(2)], {}), ['y = %b']],
  ['where with equal branches', s => { const x = s.x(2); return s.e('where', [s.bool(2), x, x], {}) }, ['y = %a']],
  ['(a . b) / 4', s => s.e('div', [s.e('matmul', [s.x(2, 3), s.x(3, 2)], product), s.fill(4)], {}), ['%c = matmul(%a, %b) {alpha=0.25, transA=false, transB=false} : f32[2, 2]', 'y = %c']],
  ['(a * 3) . -b', s => s.e('matmul', [s.e('mul', [s.x(2, 3), s.fill(3)], {}), s.e('neg', [s.x(3, 2)], {})], product), ['%c = matmul(%a, %b) {alpha=-3, transA=false, transB=false} : f32[2, 2]', 'y = %c']],
  ['a . transposed b', s => s.e('matmul', [s.x(5, 2, 3), s.e('transpose', [s.x(5, 4, 3)], { perm: [0, 2, 1] })], product), ['%c = matmul(%a, %b) {alpha=1, transA=false, transB=true} : f32[5, 2, 4]', 'y = %c']],
  ['transposed (a . b)', s => s.e('transpose', [s.e('matmul', [s.x(2, 3), s.x(3, 4)], product)], { perm: [1, 0] }), ['%c = matmul(%b, %a) {alpha=1, transA=true, transB=true} : f32[4, 2]', 'y = %c']],
  ['a . broadcast b', s => s.e('matmul', [s.x(5, 2, 3), s.e('broadcast', [s.x(3, 4)], { shape: [5, 3, 4] })], product), ['%c = matmul(%a, %b) {alpha=1, transA=false, transB=false} : f32[5, 2, 4]', 'y = %c']],
  ['transpose of transpose', s => s.e('transpose', [s.e('transpose', [s.x(2, 3, 4)], { perm: [1, 2, 0] })], { perm: [2, 0, 1] }), ['y = %a']],
  ['transpose of unit axes', s => s.e('transpose', [s.x(2, 1, 4)], { perm: [1, 0, 2] }), ['%b = reshape(%a) {shape=[1, 2, 4]} : f32[1, 2, 4]', 'y = %b']],
  ['reshape of reshape', s => s.e('reshape', [s.e('reshape', [s.x(2, 3)], { shape: [6] })], { shape: [3, 2] }), ['%b = reshape(%a) {shape=[3, 2]} : f32[3, 2]', 'y = %b']],
  ['reshape there and back', s => s.e('reshape', [s.e('reshape', [s.x(2, 3)], { shape: [6] })], { shape: [2, 3] }), ['y = %a']],
  ['reshape of a sum', s => s.e('reshape', [s.e('reduceSum', [s.x(2, 3)], { axes: [1], keepDims: true })], { shape: [2] }), ['%b = reduceSum(%a) {axes=[1], keepDims=false} : f32[2]', 'y = %b']],
  ['broadcast to the same shape', s => s.e('broadcast', [s.x(2)], { shape: [2] }), ['y = %a']],
  ['broadcast of unit axes', s => s.e('broadcast', [s.x(2)], { shape: [1, 2] }), ['%b = reshape(%a) {shape=[1, 2]} : f32[1, 2]', 'y = %b']],
  ['broadcast of broadcast', s => s.e('broadcast', [s.e('broadcast', [s.x(2)], { shape: [3, 2] })], { shape: [4, 3, 2] }), ['%b = broadcast(%a) {shape=[4, 3, 2]} : f32[4, 3, 2]', 'y = %b']],
  ['broadcast operand', s => s.e('add', [s.x(3, 2), s.e('broadcast', [s.x(2)], { shape: [3, 2] })], {}), ['%c = add(%a, %b) : f32[3, 2]', 'y = %c']],
  ['filled operand', s => s.e('max', [s.x(3, 2), s.fill(4, [3, 2])], {}), ['%b = fill() {dtype=float32, shape=[], value=4} : f32[]', '%c = max(%a, %b) : f32[3, 2]', 'y = %c']],
  ['slice of everything', s => s.e('slice', [s.x(3)], { start: [0], stop: [3], step: [1] }), ['y = %a']],
  ['reversal stays', s => s.e('slice', [s.x(3)], { start: [2], stop: [-1], step: [-1] }), ['%b = slice(%a) {start=[2], step=[-1], stop=[-1]} : f32[3]', 'y = %b']],
  ['slice of slice', s => s.e('slice', [s.e('slice', [s.x(20)], { start: [1], stop: [20], step: [2] })], { start: [2], stop: [9], step: [3] }), ['%b = slice(%a) {start=[5], step=[6], stop=[18]} : f32[3]', 'y = %b']],
  ['slice of one part', s => s.e('slice', [s.e('concat', [s.x(2), s.x(5)], { axis: 0 })], { start: [3], stop: [6], step: [1] }), ['%c = slice(%b) {start=[1], step=[1], stop=[4]} : f32[3]', 'y = %c']],
  ['pad by nothing', s => s.e('pad', [s.x(3)], { before: [0], after: [0], value: 1 }), ['y = %a']],
  ['roll of roll', s => s.e('roll', [s.e('roll', [s.x(4, 4)], { axes: [0, 1], shifts: [1, 1] })], { axes: [1], shifts: [-1] }), ['%b = roll(%a) {axes=[0, 1], shifts=[1, 0]} : f32[4, 4]', 'y = %b']],
  ['roll there and back', s => s.e('roll', [s.e('roll', [s.x(4)], { axes: [0], shifts: [1] })], { axes: [0], shifts: [3] }), ['y = %a']],
  ['concat of one', s => s.e('concat', [s.x(3)], { axis: 0 }), ['y = %a']],
  ['sum over nothing', s => s.e('reduceSum', [s.x(3)], { axes: [], keepDims: false }), ['y = %a']],
  ['mean over unit axes', s => s.e('reduceMean', [s.x(3, 1)], { axes: [1], keepDims: false }), ['%b = reshape(%a) {shape=[3]} : f32[3]', 'y = %b']],
  ['sum of a broadcast', s => s.e('reduceSum', [s.e('broadcast', [s.x(3, 1)], { shape: [3, 5] })], { axes: [1], keepDims: false }),
    ['%b = broadcast(%a) {shape=[3, 1]} : f32[3, 1]', '%c = reduceSum(%b) {axes=[1], keepDims=false} : f32[3]', '%d = fill() {dtype=float32, shape=[], value=5} : f32[]', '%e = mul(%c, %d) : f32[3]', 'y = %e']],
  ['operators on fills', s => s.e('reduceSum', [s.e('mul', [s.fill(3, [2, 4]), s.e('exp', [s.fill(0)], {})], {})], { axes: [1], keepDims: false }), ['%a = fill() {dtype=float32, shape=[2], value=12} : f32[2]', 'y = %a']],
]

describe('simplify', () => {
  it.each(rules)('%s', (_, make, expected) => expect(simplified(make)).toEqual(expected))

  it('leaves a product that others read', () => {
    const lines = simplified(s => {
      const p = s.e('matmul', [s.x(2, 2), s.x(2, 2)], product)
      return s.e('add', [p, s.e('mul', [p, s.fill(3)], {})], {})
    })
    expect(lines.filter(line => line.includes('matmul'))).toEqual(['%c = matmul(%a, %b) {alpha=1, transA=false, transB=false} : f32[2, 2]'])
  })

  it('keeps id, origin and type of a rewritten node', () => {
    const program = build(s => s.e('pow', [s.x(2), s.fill(2)], {}))
    expect(passes.simplify(program).nodes.at(-1)).toEqual({ ...program.nodes.at(-1), op: 'mul', inputs: [0, 0], attrs: {} })
  })

  it('keeps stopGradient, which the pass of that name removes', () => {
    const make = (s: Sketch): ValueId => s.e('stopGradient', [s.e('stopGradient', [s.x(2)], {})], {})
    expect(simplified(make)).toHaveLength(3)
    expect(after(['stop-gradients'], make)).toEqual(['y = %a'])
  })
})

describe('common-subexpressions', () => {
  it('merges equal nodes, commuted operands and equal constants', () => {
    expect(after(['common-subexpressions'], s => {
      const [x, z] = [s.x(9), s.x(9)]
      const long = (): ValueId => s.floats(1, 2, 3, 4, 5, 6, 7, 8, 9)
      const sum = s.e('add', [s.e('mul', [x, z], {}), s.e('mul', [z, x], {})], {})
      return s.e('sub', [s.e('sub', [sum, long()], {}), long()], {})
    })).toEqual([
      '%c = mul(%a, %b) : f32[9]', '%d = add(%c, %c) : f32[9]', expect.stringContaining('%e = constant()'), '%f = sub(%d, %e) : f32[9]', '%g = sub(%f, %e) : f32[9]', 'y = %g',
    ])
  })
  it('keeps apart what differs in order, attributes or infinities', () => {
    expect(after(['common-subexpressions'], s => {
      const [x, z] = [s.x(2), s.x(2)]
      const fills = s.e('add', [s.fill(Infinity), s.e('add', [s.fill(-Infinity), s.e('add', [s.fill(0), s.fill(-0)], {})], {})], {})
      return s.e('add', [fills, s.e('add', [s.e('sub', [x, z], {}), s.e('sub', [z, x], {})], {})], {})
    }).length).toBe(4 + 3 + 4 + 1)
  })
})

describe('constant-folding', () => {
  it('computes what depends on constants alone', () => {
    expect(after(['constant-folding', 'dead-code'], s => {
      const table = s.e('gather', [s.floats(0.1, 0.2, 0.3), s.e('sub', [s.ints(2, 2, 2), s.e('iota', [], { shape: [3], axis: 0 })], {})], { axis: 0 })
      return s.e('add', [s.x(3), table], {})
    })).toEqual(['%b = constant() {value=f32[3] [0.30000001192092896, 0.20000000298023224, 0.10000000149011612]} : f32[3]', '%c = add(%a, %b) : f32[3]', 'y = %c'])
    expect(after(['constant-folding', 'dead-code'], s => s.e('add', [s.x(3), s.e('mul', [s.floats(1, 2, 3), s.fill(0.1)], {})], {}))).toEqual([
      '%b = constant() {value=f32[3] [0.10000000149011612, 0.20000000298023224, 0.30000001192092896]} : f32[3]', '%c = add(%a, %b) : f32[3]', 'y = %c',
    ])
  })
  it('keeps an index outside its axis for the engine to report', () => expect(after(['constant-folding'], s => s.e('gather', [s.floats(1), s.ints(1)], { axis: 0 })).length).toBe(4))
  it('stores the operand of a broadcast, and equal elements as a fill', () => {
    expect(after(['constant-folding', 'dead-code'], s => s.e('broadcast', [s.e('add', [s.floats(1, 2), s.floats(2, 1)], {})], { shape: [1000, 2] }))).toEqual([
      '%a = fill() {dtype=float32, shape=[2], value=3} : f32[2]', '%b = broadcast(%a) {shape=[1000, 2]} : f32[1000, 2]', 'y = %b',
    ])
  })
  it('leaves sources, large results and stopGradient', () => {
    expect(after(['constant-folding'], s => s.e('iota', [], { shape: [4], axis: 0 }))[0]).toContain('iota')
    expect(after(['constant-folding'], s => s.e('exp', [s.e('cast', [s.e('iota', [], { shape: [2 ** 22 + 1], axis: 0 })], { to: 'float32' })], {}))[2]).toContain('exp')
    expect(after(['constant-folding'], s => s.e('stopGradient', [s.floats(1, 2)], {}))[1]).toContain('stopGradient')
  })
})

describe('dead-code', () => {
  it('removes what no output reads, and keeps inputs', () => {
    const program = build(s => {
      const x = s.x(2)
      s.e('exp', [s.e('neg', [x], {})], {})
      return s.e('abs', [x], {})
    })
    const swept = passes['dead-code'](program)
    expect(body(swept)).toEqual(['%b = abs(%a) : f32[2]', 'y = %b'])
    expect(swept.inputs).toEqual(program.inputs)
  })
})

describe('optimise', () => {
  const attention = (s: Sketch): ValueId => {
    const [q, k, bias] = [s.x(2, 4, 8), s.x(2, 4, 8), s.x(4, 4)]
    const scores = s.e('matmul', [s.e('mul', [s.e('stopGradient', [q], {}), s.fill(0.5)], {}), s.e('transpose', [k], { perm: [0, 2, 1] })], product)
    return s.e('softmax', [s.e('add', [scores, s.e('broadcast', [bias], { shape: [2, 4, 4] })], {})], { axis: 2 })
  }
  it('brings attention to its core', () => expect(body(optimise(build(attention), { differentiated: true }))).toEqual([
    '%d = matmul(%a, %b) {alpha=0.5, transA=false, transB=true} : f32[2, 4, 4]', '%e = add(%d, %c) : f32[2, 4, 4]', '%f = softmax(%e) {axis=2} : f32[2, 4, 4]', 'y = %f',
  ]))
  it('stops after a pass, and tells of each', () => {
    const seen: string[] = []
    const until = optimise(build(attention), { until: 'constant-folding', onPass: name => seen.push(name) })
    expect(seen).toEqual(['simplify', 'linear-order', 'siblings', 'common-subexpressions', 'constant-folding'])
    expect(until.nodes.length).toBeGreaterThan(optimise(build(attention)).nodes.length)
  })
})
