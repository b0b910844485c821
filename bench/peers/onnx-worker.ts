// A live process that runs the network as PyTorch exported it (peers/worker.py export) in onnxruntime with its own graph optimisations: an inference for every line, answers as JSON.
import * as ort from 'onnxruntime-node'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { readSafetensors, writeSafetensors } from '../../src/runtime/weights/safetensors.ts'
import { bytesView, toFloat32, type StoredTensor } from '../../src/runtime/weights/tensors.ts'

const [folder] = process.argv.slice(2)
const tell = (answer: object): void => { process.stdout.write(`${JSON.stringify(answer)}\n`) }
const stored = readSafetensors(join(folder, 'feeds.safetensors')).tensors.get('image')!
const image = new ort.Tensor('float32', toFloat32(stored), [...stored.shape])
const session = await ort.InferenceSession.create(join(folder, 'peer.onnx'), { intraOpNumThreads: 2, graphOptimizationLevel: 'all', logSeverityLevel: 4, extra: { session: { intra_op: { allow_spinning: '0' } } } })
const { torch, exporter } = JSON.parse(readFileSync(join(folder, 'export.json'), 'utf8')) as { torch: string; exporter: string }
tell({ ready: true, torch, exporter, runtime: ort.env.versions.node ?? ort.env.versions.common })

for await (const line of createInterface({ input: process.stdin })) {
  const from = performance.now(), used = process.cpuUsage()
  const found = await session.run({ image })
  const ms = performance.now() - from, { user, system } = process.cpuUsage(used)
  if (line === 'check') {
    const tensors = Object.entries(found).map(([name, t]): [string, StoredTensor] => [name, { dtype: 'F32', shape: t.dims, bytes: bytesView(t.data as Float32Array) }])
    writeSafetensors(join(folder, 'peer.safetensors'), new Map(tensors))
  }
  tell({ ms, cpu: (user + system) / 1000, peak: process.resourceUsage().maxRSS / 1024 })
}
