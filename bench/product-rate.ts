// The machine's matrix-product rate in onnxruntime: a Gemm of 2048 x 2048 x 2048 on two threads, by wall clock and by processor time.
import * as ort from 'onnxruntime-node'
import { encodeGraph } from '../src/compiler/targets/onnx/encode.ts'

const n = 2048, value = { dtype: 'float32', dims: [n, n] } as const
const { model } = encodeGraph({
  name: 'product', opset: 21, initialisers: [], inputs: [{ name: 'a', ...value }, { name: 'b', ...value }], outputs: [{ name: 'y', dtype: 'float32', dims: [1, 1] }],
  nodes: [
    { op: 'Gemm', domain: '', name: 'gemm', doc: '', inputs: ['a', 'b'], outputs: ['c'], attributes: {} },
    { op: 'ReduceMax', domain: '', name: 'max', doc: '', inputs: ['c'], outputs: ['y'], attributes: {} },
  ],
}, Infinity)
const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 2, graphOptimizationLevel: 'disabled', extra: { session: { intra_op: { allow_spinning: '0' } } } })
const tensor = (): ort.Tensor => new ort.Tensor('float32', Float32Array.from({ length: n * n }, (_, i) => Math.sin(i)), [n, n])
const feeds = { a: tensor(), b: tensor() }
const rates: { wall: number; processor: number }[] = []
for (let i = 0; i < 12; i++) {
  const from = performance.now(), used = process.cpuUsage()
  await session.run(feeds)
  const { user, system } = process.cpuUsage(used), flops = 2 * n ** 3 / 1e9
  rates.push({ wall: flops / ((performance.now() - from) / 1e3), processor: flops / ((user + system) / 1e6) })
}
const median = (pick: (r: { wall: number; processor: number }) => number): number => rates.map(pick).sort((a, b) => a - b)[6]
console.log(`matrix products: ${median(r => r.wall).toFixed(0)} GFLOP/s by the clock (best ${Math.max(...rates.map(r => r.wall)).toFixed(0)}), ${median(r => r.processor).toFixed(0)} per second of one processor`)
