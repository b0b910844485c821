// The IR as text, and the invariants of programs.
import { describe, expect, it } from 'vitest'
import { Builder } from '../../src/compiler/ir/builder.ts'
import { printProgram, variableName } from '../../src/compiler/ir/print.ts'
import type { Node, Program } from '../../src/compiler/ir/program.ts'
import { verify } from '../../src/compiler/ir/verify.ts'
import { origin } from './random-program.ts'

const stem = { path: 'backbone.stem', span: undefined, phase: 'forward' } as const

const example = (first = 0): Program => {
  const b = new Builder()
  for (let k = 0; k < first; k++) b.input(`unused${k}`, 'input', { dtype: 'float32', shape: [] }, origin)
  b.inputs.length = 0
  const x = b.input('image', 'input', { dtype: 'float32', shape: [1, 3, 8, 8] }, stem)
  const w = b.input('conv.weight', 'parameter', { dtype: 'float32', shape: [4, 3, 3, 3] }, stem, { kind: 'trunc_normal', mean: 0, std: 0.02, low: -2, high: 2 })
  const n = b.input('steps', 'state', { dtype: 'int32', shape: [] }, origin, { kind: 'constant', value: 0 })
  const y = b.emit('conv2d', [x, w], { stride: [2, 2], pad: [1, 1, 1, 1], dilation: [1, 1], groups: 1 }, stem)
  const scale = b.emit('constant', [], { value: { dtype: 'float32', shape: [4, 1, 1], data: Float32Array.of(1, -0, 0.1, -Infinity) } }, stem)
  const long = b.emit('constant', [], { value: { dtype: 'int32', shape: [16], data: Int32Array.from({ length: 16 }, (_, k) => k) } }, { ...stem, phase: 'loss' })
  b.output('semseg', 'prediction', b.emit('relu', [b.emit('mul', [y, scale], {}, stem)], {}, stem))
  b.output('steps', 'state', b.emit('add', [n, b.emit('fill', [], { dtype: 'int32', shape: [], value: 1 }, origin)], {}, { path: '', span: undefined, phase: 'update' }))
  b.output('long', 'tap', long)
  return b.finish('example')
}

describe('printProgram', () => {
  it('prints inputs, nodes with their origin, and outputs', () => expect(printProgram(example())).toBe(`program example
  input %a = "image" : f32[1, 3, 8, 8]
  parameter %b = "conv.weight" : f32[4, 3, 3, 3] init trunc_normal(mean=0, std=0.02, low=-2, high=2)
  state %c = "steps" : i32[] init constant(value=0)
  %d = conv2d(%a, %b) {dilation=[1, 1], groups=1, pad=[1, 1, 1, 1], stride=[2, 2]} : f32[1, 4, 4, 4]  // backbone.stem forward
  %e = constant() {value=f32[4, 1, 1] [1, -0, 0.10000000149011612, -Infinity]} : f32[4, 1, 1]  // backbone.stem forward
  %f = constant() {value=i32[16] #HASH} : i32[16]  // backbone.stem loss
  %g = mul(%d, %e) : f32[1, 4, 4, 4]  // backbone.stem forward
  %h = relu(%g) : f32[1, 4, 4, 4]  // backbone.stem forward
  %i = fill() {dtype=int32, shape=[], value=1} : i32[]  // model forward
  %j = add(%c, %i) : i32[]  // update
  prediction "semseg" = %h
  state "steps" = %j
  tap "long" = %f
`.replace('HASH', /#([0-9a-f]{16})/.exec(printProgram(example()))![1])))

  it('prints the same whatever the ids', () => expect(printProgram(example(5))).toBe(printProgram(example())))
  it('leaves origins out where asked', () => expect(printProgram(example(), { origins: false })).not.toContain('//'))
  it('counts variables as columns of a sheet', () => expect([0, 25, 26, 51, 52, 701, 702].map(variableName)).toEqual(['a', 'z', 'aa', 'az', 'ba', 'zz', 'aaa']))
  it('tells long constants apart', () => {
    const print = (last: number): string => {
      const b = new Builder()
      b.emit('constant', [], { value: { dtype: 'bool', shape: [9], data: Uint8Array.of(0, 1, 0, 1, 0, 1, 0, 1, last) } }, origin)
      return printProgram(b.finish('p'))
    }
    expect(print(0)).not.toBe(print(1))
    expect(print(0)).toBe(print(0))
  })
})

describe('verify', () => {
  const good = example()
  const patched = (op: string, patch: object): Program => ({ ...good, nodes: good.nodes.map(n => n.op === op ? { ...n, ...patch } as Node : n) })
  const id = (op: string): number => good.nodes.find(n => n.op === op)!.id

  it('accepts what the builder builds', () => expect(() => verify(good)).not.toThrow())
  it.each<[string, Program, string]>([
    ['an id used twice', patched('relu', { id: id('mul') }), `node ${id('mul')} (relu of backbone.stem) redefines value ${id('mul')}`],
    ['an input redefined', { ...good, inputs: [...good.inputs, { ...good.inputs[0], name: 'again' }] }, "input 'again' redefines value 0"],
    ['a use before the definition', { ...good, nodes: good.nodes.toReversed() }, `reads value ${id('fill')} before its definition`],
    ['a wrong type', patched('relu', { type: { dtype: 'float32', shape: [1] } }), 'has the type f32[1], but its operands give f32[1, 4, 4, 4]'],
    ['operands that do not fit', patched('add', { inputs: [2, 0] }), 'the operands differ in type: i32[] and f32[1, 3, 8, 8]'],
    ['an output of nothing', { ...good, outputs: [{ name: 'y', role: 'tap', value: 99 }] }, "output 'y' is value 99, which is not defined"],
    ['two outputs of one name', { ...good, outputs: [...good.outputs, good.outputs[0]] }, "two outputs are called prediction 'semseg'"],
    ['two inputs of one name', { ...good, inputs: [...good.inputs, { ...good.inputs[0], id: 99 }] }, "two inputs are called input 'image'"],
    ['an update of nothing', { ...good, outputs: [{ name: 'image', role: 'state', value: 0 }] }, "output 'image' updates a state that is not an input"],
    ['an update of another type', { ...good, outputs: [{ name: 'steps', role: 'state', value: 0 }] }, "output 'steps' is f32[1, 3, 8, 8], but the state is i32[]"],
  ])('refuses %s', (_, program, message) => {
    expect(() => verify(program)).toThrow('internal: program example: ')
    expect(() => verify(program)).toThrow(message)
  })
})
