// Weights from any container we read, told apart by their first bytes.
import { closeSync, openSync, readSync } from 'node:fs'
import { readPytorch } from './pytorch/read.ts'
import { readSafetensors } from './safetensors.ts'
import { WeightsError, type StoredTensors } from './tensors.ts'

/** Reads .safetensors, and .pth / .pt (zip or legacy pickle). `module.` (left by data-parallel training) is stripped where every name has it. Throws WeightsError. */
export function readWeights(path: string): StoredTensors {
  const tensors = isPytorch(path) ? readPytorch(path) : readSafetensors(path).tensors
  const names = [...tensors.keys()]
  return names.length > 0 && names.every(n => n.startsWith('module.')) ? new Map([...tensors].map(([n, t]) => [n.slice(7), t])) : tensors
}

function isPytorch(path: string): boolean {
  const head = Buffer.alloc(2)
  try {
    const fd = openSync(path, 'r')
    try { readSync(fd, head, 0, 2, 0) } finally { closeSync(fd) }
  } catch (e) {
    const code = (e as NodeJS.ErrnoException).code
    throw new WeightsError(`${path}: cannot be read: ${code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'it is a folder' : (e as Error).message}`)
  }
  return head.toString('latin1') === 'PK' || head[0] === 0x80
}
