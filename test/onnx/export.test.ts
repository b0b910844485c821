// Files for others: parameters under their names, large weights in a second file, a dynamic batch, biases folded into products.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Builder } from '../../src/compiler/ir/builder.ts'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import type { OpAttrs, OpName } from '../../src/compiler/ir/ops.ts'
import type { Program, ValueId } from '../../src/compiler/ir/program.ts'
import type { Shape, TensorData } from '../../src/compiler/ir/types.ts'
import { SYMBOLIC_BATCH } from '../../src/compiler/targets/onnx/emitter.ts'
import { encodeModel, type EncodedModel } from '../../src/compiler/targets/onnx/encode.ts'
import { lowerProgram } from '../../src/compiler/targets/onnx/lower.ts'
import { runOnnxFile } from '../../src/runtime/engines/onnxruntime/onnx-file.ts'
import { expectClose } from './close.ts'
import { f32, ORIGIN } from './operators.ts'

const folder = mkdtempSync(join(tmpdir(), 'mtlc-onnx-'))
afterAll(() => rmSync(folder, { recursive: true }))

const shapes: Readonly<Record<string, Shape>> = { 'stem.weight': [8, 3, 5, 5], 'stem.bias': [8], 'mlp.weight': [41, 8], 'mlp.bias': [41], prompts: [2, 8] }
const weights = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, f32(shape, -0.5, 0.5)])) satisfies Record<string, TensorData>

/** image [B, 3, 8, 6] -> two maps and a table: convolution with bias, prompts joined to tokens, resizing, group norm, a batch-sized fill. */
function network(batch: number): Program {
  const b = new Builder()
  const op = <K extends OpName>(name: K, inputs: readonly ValueId[], attrs: OpAttrs[K]): ValueId => b.emit(name, inputs, attrs, ORIGIN)
  const image = b.input('image', 'input', { dtype: 'float32', shape: [batch, 3, 8, 6] }, ORIGIN)
  const p = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, b.input(name, 'parameter', { dtype: 'float32', shape }, ORIGIN)]))
  const conv = op('conv2d', [image, p['stem.weight']], { stride: [1, 1], pad: [2, 2, 2, 2], dilation: [1, 1], groups: 1 })
  const stem = op('add', [conv, op('reshape', [p['stem.bias']], { shape: [1, 8, 1, 1] })], {})
  const normal = op('groupNorm', [stem, p['stem.bias'], p['stem.bias']], { groups: 2, eps: 1e-5 })
  const tokens = op('transpose', [op('reshape', [normal], { shape: [batch, 8, 48] })], { perm: [0, 2, 1] })
  const prompts = op('broadcast', [op('reshape', [p.prompts], { shape: [1, 2, 8] })], { shape: [batch, 2, 8] })
  const joined = op('concat', [prompts, tokens], { axis: 1 })
  const shifted = op('add', [joined, op('fill', [], { dtype: 'float32', shape: [batch, 50, 8], value: 0.25 })], {})
  const hidden = op('add', [op('matmul', [shifted, p['mlp.weight']], { transA: false, transB: true, alpha: 1 }), p['mlp.bias']], {})
  const scores = op('softmax', [op('matmul', [hidden, hidden], { transA: false, transB: true, alpha: 0.1 })], { axis: 2 })
  const windows = op('reshape', [op('slice', [hidden], { start: [0, 2, 0], stop: [batch, 50, 41], step: [1, 1, 1] })], { shape: [batch * 4, 12, 41] })
  const sum = op('reduceMean', [windows], { axes: [1], keepDims: false })
  const map = op('resize2d', [normal], { mode: 'bilinear', size: [16, 12] })
  const numbers = op('cast', [op('iota', [], { shape: [batch, 1, 1, 1], axis: 0 })], { to: 'float32' })
  const ones = op('fill', [], { dtype: 'float32', shape: [batch, 8, 16, 12], value: 1 })
  b.output('semseg', 'prediction', map)
  b.output('depth', 'prediction', op('roll', [op('add', [op('concat', [map, ones], { axis: 1 }), numbers], {})], { shifts: [3], axes: [2] }))
  b.output('3ddet/cls/0', 'prediction', sum)
  b.output('scores', 'tap', scores)
  return b.finish('net')
}

const image = (batch: number): TensorData => f32([batch, 3, 8, 6])

async function expectSame(model: string | Uint8Array, batch: number): Promise<void> {
  const feeds = { image: image(batch) }
  const results = await runOnnxFile(model, feeds)
  const expected = interpret(network(batch), { ...feeds, ...weights }).outputs
  expect(Object.keys(results)).toEqual(['semseg', 'depth', '3ddet/cls/0', 'scores'])
  for (const [name, t] of Object.entries(results)) expectClose(t, expected[name], name)
}

function write(name: string, { model, external }: EncodedModel): string {
  writeFileSync(join(folder, name), model)
  if (external !== undefined) writeFileSync(join(folder, external.name), Buffer.concat(external.chunks))
  return join(folder, name)
}

describe('weights', () => {
  it('are initialisers under the names of the parameters', async () => {
    const { model, lowered, external } = encodeModel(network(2), { weights })
    expect(lowered.graph.inputs).toEqual([{ name: 'image', dtype: 'float32', dims: [2, 3, 8, 6] }])
    expect(lowered.graph.initialisers.map(t => t.name)).toEqual(expect.arrayContaining(Object.keys(weights)))
    expect(external).toBeUndefined()
    await expectSame(model, 2)
  })

  it('go to a second file, aligned, and come back', async () => {
    const encoded = encodeModel(network(2), { weights, external: 0, dataName: 'net.onnx.data' })
    // stem.weight 2400 bytes, up to the next multiple of 64, mlp.weight 1312
    expect(encoded.external).toMatchObject({ name: 'net.onnx.data', size: 2432 + 1312 })
    expect(encoded.external!.chunks.reduce((n, c) => n + c.length, 0)).toBe(encoded.external!.size)
    await expectSame(write('net.onnx', encoded), 2)
  })

  it('stay inside below the threshold', () => {
    expect(encodeModel(network(1), { weights, external: 1 << 20 }).external).toBeUndefined()
  })
})

describe('a dynamic batch', () => {
  for (const opset of [17, 21]) {
    it(`runs with any batch (opset ${opset})`, async () => {
      const { model, lowered } = encodeModel(network(SYMBOLIC_BATCH), { weights, opset, dynamicBatch: true })
      expect(lowered.graph.inputs[0].dims).toEqual(['N', 3, 8, 6])
      expect(lowered.graph.outputs.map(o => o.dims[0])).toEqual(['N', 'N', '4*N', 'N'])
      for (const batch of [1, 3]) await expectSame(model, batch)
    })
  }

  it('is refused where the program takes the batch apart', () => {
    const b = new Builder()
    const x = b.input('image', 'input', { dtype: 'float32', shape: [SYMBOLIC_BATCH, 2] }, ORIGIN)
    b.output('y', 'prediction', b.emit('slice', [x], { start: [1, 0], stop: [SYMBOLIC_BATCH, 2], step: [1, 1] }, ORIGIN))
    expect(() => encodeModel(b.finish('p'), { dynamicBatch: true })).toThrow('a slice along the batch cannot be exported with a dynamic batch')
  })
})

describe('what is lowered together', () => {
  const ops = (profile: 'training' | 'inference'): string[] => lowerProgram(network(2), { profile }).graph.nodes.map(n => n.op)

  it('biases go into Conv and Gemm, broadcasts and fills into the operator that reads them', () => {
    // One Gemm is the resize along the width.
    for (const [op, count] of [['Conv', 1], ['Gemm', 2], ['FusedMatMul', 1], ['Add', 3], ['Expand', 1]] as const) expect(ops('training').filter(o => o === op), op).toHaveLength(count)
    expect(ops('inference')).toContain('GroupNormalization')
    expect(ops('inference')).not.toContain('FusedMatMul')
  })

  it('results that are outputs come last, losses after all others, and a consumed one keeps its place', () => {
    const b = new Builder()
    const x = b.input('x', 'input', { dtype: 'float32', shape: [2] }, ORIGIN), w = b.input('w', 'parameter', { dtype: 'float32', shape: [2] }, ORIGIN), v = b.input('v', 'parameter', { dtype: 'float32', shape: [2] }, ORIGIN)
    const m = b.emit('mul', [x, w], {}, ORIGIN)
    const loss = b.emit('reduceSum', [m], { axes: [0], keepDims: false }, ORIGIN)
    b.output('v', 'parameter', b.emit('sub', [v, m], {}, ORIGIN))
    b.output('loss', 'loss', loss)
    b.output('w', 'parameter', b.emit('sub', [w, m], {}, ORIGIN))
    b.output('m', 'moment', m)
    b.output('same', 'tap', x)
    const { graph } = lowerProgram(b.finish('p'), { profile: 'training' })
    expect(graph.nodes.map(n => n.outputs[0])).toEqual(['m', 'next/w', 'next/v', 'same', 'loss'])
  })
})
