// Writes generated weights of a published name list as .safetensors, tensor by tensor: node generate.js LIST OUT [prefix to take off].
import { readFileSync } from 'node:fs'
import { bytesView, LazyTensor, type StoredTensor } from '../../src/runtime/weights/tensors.ts'
import { writeSafetensors } from '../../src/runtime/weights/safetensors.ts'
import { generatedParameter } from '../support/generated.ts'

const [list, out] = process.argv.slice(2)
const tensors = new Map<string, StoredTensor>()
for (const line of readFileSync(list, 'utf8').split('\n')) {
  if (line === '' || line.startsWith('#')) continue
  const [name, shapeText, dtype] = line.split('\t')
  const shape = JSON.parse(shapeText) as number[]
  if (dtype === 'float32' && !name.endsWith('attn_mask')) tensors.set(name, new LazyTensor('F32', shape, () => bytesView(generatedParameter(name, shape).data as Float32Array)))
}
writeSafetensors(out, tensors, { format: 'pt' })
