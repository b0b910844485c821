// Weights from any container we read, told apart by their first bytes.
import { FileWindow } from './file-window.ts'
import { readPytorch } from './pytorch/read.ts'
import { readSafetensors } from './safetensors.ts'
import type { StoredTensors } from './tensors.ts'

/** Lists .safetensors, and .pth / .pt (zip or legacy pickle); the tensors read themselves when they are used. `module.` (left by data-parallel training) is stripped where every name has it. Throws WeightsError. */
export function readWeights(path: string): StoredTensors {
  const tensors = isPytorch(path) ? readPytorch(path) : readSafetensors(path).tensors
  const names = [...tensors.keys()]
  return names.length > 0 && names.every(n => n.startsWith('module.')) ? new Map([...tensors].map(([n, t]) => [n.slice(7), t])) : tensors
}

function isPytorch(path: string): boolean {
  const file = new FileWindow(path)
  try {
    const head = file.read(0, Math.min(2, file.size))
    return head.toString('latin1') === 'PK' || head[0] === 0x80
  } finally { file.close() }
}
