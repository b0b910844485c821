// The text of emitted modules: readable, with names and places of the source, and nothing kept longer than it is read.
import { describe, expect, it } from 'vitest'
import { Builder } from '../../src/compiler/ir/builder.ts'
import type { Origin, Program, ValueId } from '../../src/compiler/ir/program.ts'
import { emitModule } from '../../src/compiler/targets/tfjs/index.ts'
import { Emitter } from '../../src/compiler/rules/gradient-language.ts'
import { operatorCases } from '../onnx/operators.ts'
import { programCases } from './cases.ts'
import { importModule } from './modules.ts'

const at = (path: string, start: number): Origin => ({ path, span: { file: 'net.mtl', start, end: start + 1 }, phase: 'forward' })
const place = ({ file, start }: { readonly file: string; readonly start: number }): string => `${file}:${start}`

/** Two convolutions, a residual, pooling and a linear layer. */
function network(): Program {
  const b = new Builder(), top = at('', 1)
  const input = (name: string, role: 'input' | 'parameter', shape: number[]): ValueId => b.input(name, role, { dtype: 'float32', shape }, top)
  const image = input('image', 'input', [2, 3, 8, 8])
  const [w1, b1, w2, head, bias] = [input('stem.weight', 'parameter', [4, 3, 3, 3]), input('stem.bias', 'parameter', [4]), input('body.weight', 'parameter', [4, 4, 3, 3]), input('head.weight', 'parameter', [5, 4]), input('head.bias', 'parameter', [5])]
  const conv = { stride: [1, 1], pad: [1, 1, 1, 1], dilation: [1, 1], groups: 1 } as const
  const stem = new Emitter(b, at('stem', 3)), body = new Emitter(b, at('stages.0.body', 7)), top2 = new Emitter(b, at('head', 12))
  const x = stem.op('relu', [stem.add(stem.op('conv2d', [image, w1], conv), stem.perChannel(b1, 4))], {})
  const y = body.add(body.scale(body.op('conv2d', [x, w2], conv), 0.5), x)
  const pooled = top2.mean(y, [2, 3])
  b.output('features', 'prediction', y)
  b.output('classes', 'prediction', top2.add(top2.matmul(pooled, head, { transB: true }), bias))
  return b.finish('network')
}

describe('an emitted module', () => {
  it('reads like this', () => {
    expect(emitModule(network(), { place }).source).toMatchInlineSnapshot(`
      "// network: a program of tensors as calls of TensorFlow.js, written by mtlc.

      export const inputs = [
        { name: 'image', role: 'input', dtype: 'float32', shape: [2, 3, 8, 8] },
        { name: 'stem.weight', role: 'parameter', dtype: 'float32', shape: [4, 3, 3, 3] },
        { name: 'stem.bias', role: 'parameter', dtype: 'float32', shape: [4] },
        { name: 'body.weight', role: 'parameter', dtype: 'float32', shape: [4, 4, 3, 3] },
        { name: 'head.weight', role: 'parameter', dtype: 'float32', shape: [5, 4] },
        { name: 'head.bias', role: 'parameter', dtype: 'float32', shape: [5] },
      ]

      export const outputs = [
        { name: 'features', role: 'prediction', dtype: 'float32', shape: [2, 4, 8, 8] },
        { name: 'classes', role: 'prediction', dtype: 'float32', shape: [2, 5] },
      ]

      // Made once by the caller: those with data are written here, the others come with the module.
      export const constants = [
        { name: '0.5', dtype: 'float32', shape: [], data: [0.5] },
      ]

      // Tensors in, tensors out. \`given\`: the inputs by name, \`constants\` by name. The results are the caller's; everything else that is made here is disposed of at its last use.
      export function run(tf, given, constants) {
        // stem net.mtl:3
        const stem_1 = tf.transpose(given['image'], [0, 2, 3, 1])
        const stem_2 = tf.transpose(given['stem.weight'], [2, 3, 1, 0])
        const stem_3 = tf.fused.conv2d({ x: stem_1, filter: stem_2, strides: [1, 1], pad: 'same', bias: given['stem.bias'] })
        stem_1.dispose(); stem_2.dispose()
        const stem_4 = tf.relu(stem_3)
        stem_3.dispose()

        // stages.0.body net.mtl:7
        const body_1 = tf.transpose(given['body.weight'], [2, 3, 1, 0])
        const body_2 = tf.conv2d(stem_4, body_1, [1, 1], 'same')
        body_1.dispose()
        const body_3 = tf.mul(body_2, constants['0.5'])
        body_2.dispose()
        const body_4 = tf.add(body_3, stem_4)
        body_3.dispose(); stem_4.dispose()

        // head net.mtl:12
        const head_1 = tf.mean(body_4, [1, 2])
        const head_2 = tf.matMul(head_1, given['head.weight'], false, true)
        head_1.dispose()
        const head_3 = tf.add(head_2, given['head.bias'])
        head_2.dispose()

        // results
        const result_1 = tf.transpose(body_4, [0, 3, 1, 2])
        body_4.dispose()

        return {
          'features': result_1,
          'classes': head_3,
        }
      }
      "
    `)
  })

  it('lists inputs, outputs and constants', async () => {
    const emitted = emitModule(network()), module = await importModule(emitted.source)
    expect(module.inputs.map(i => `${i.role} ${i.name} ${i.dtype}[${i.shape.join()}]`)).toEqual([
      'input image float32[2,3,8,8]', 'parameter stem.weight float32[4,3,3,3]', 'parameter stem.bias float32[4]', 'parameter body.weight float32[4,4,3,3]', 'parameter head.weight float32[5,4]', 'parameter head.bias float32[5]'])
    expect(module.outputs.map(o => `${o.role} ${o.name} ${o.dtype}[${o.shape.join()}]`)).toEqual(['prediction features float32[2,4,8,8]', 'prediction classes float32[2,5]'])
    expect(module.constants.map(c => c.name)).toEqual([...emitted.constants.keys()])
  })

  it('has the chosen outputs only, and nothing that is for others', () => {
    const { source } = emitModule(network(), { outputs: ['features'] })
    expect(source).toContain("'features':")
    expect(source).not.toContain('classes')
    expect(source).not.toContain("given['head.weight']")
  })

  it('keeps maps with channels last between convolutions', () => {
    // The image, two weights, and the one map that is an output as it stands in the program.
    expect(emitModule(network()).source.match(/tf\.transpose/g)).toHaveLength(4)
  })

  it('does not depend on the ids of values', () => {
    const program = network(), moved = (v: ValueId): ValueId => v + 100
    const renumbered: Program = {
      ...program, inputs: program.inputs.map(i => ({ ...i, id: moved(i.id) })), nodes: program.nodes.map(n => ({ ...n, id: moved(n.id), inputs: n.inputs.map(moved) }) as typeof n), outputs: program.outputs.map(o => ({ ...o, value: moved(o.value) })),
    }
    expect(emitModule(renumbered).source).toBe(emitModule(program).source)
  })

  it('reads each tensor before it disposes of it, disposes of each once, and keeps no other than results', () => {
    for (const program of [network(), ...programCases.map(c => c.program), ...operatorCases.map(c => c.program)]) {
      const { source } = emitModule(program), body = source.slice(source.indexOf('export function run'))
      const made = [...body.matchAll(/^ {2}const (?:(\w+)|\[(.+?)\]) = /gm)].flatMap(m => m[1] ?? m[2].split(', '))
      const disposed = [...body.matchAll(/(\w+)\.dispose\(\)/g)].map(m => m[1])
      const returned = [...body.slice(body.indexOf('return {')).matchAll(/: (\w+),$/gm)].map(m => m[1])
      expect(new Set(disposed).size).toBe(disposed.length)
      expect([...disposed, ...returned].sort()).toEqual([...made].sort())
      for (const name of disposed) expect(body.lastIndexOf(`${name}.dispose()`)).toBeGreaterThan(Math.max(...[...body.matchAll(new RegExp(`\\b${name}\\b(?!\\.dispose)`, 'g'))].map(m => m.index)))
    }
  })
})
