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

/** A zip file, or a pickle; the length of a safetensors header may begin like a pickle, but a brace follows it. */
function isPytorch(path: string): boolean {
  const file = new FileWindow(path)
  try {
    const head = file.read(0, Math.min(9, file.size))
    return head.toString('latin1', 0, 2) === 'PK' || (head[0] === 0x80 && head[8] !== 0x7b)
  } finally { file.close() }
}
