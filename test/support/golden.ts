// Golden tensors: whole, or every N-th element of the flattened tensor.
import { readSafetensors } from '../../src/runtime/weights/safetensors.ts'
import { toFloat32, toInt32 } from '../../src/runtime/weights/tensors.ts'

export interface Golden { readonly name: string; readonly every: number; readonly values: Float32Array }

/** All float tensors under a prefix (`tap/`, `out/`, `grad64/`), by name. */
export function goldens(path: string, prefix: string): Golden[] {
  return [...readSafetensors(path).tensors].filter(([name, t]) => name.startsWith(prefix) && !name.endsWith('@shape') && t.dtype === 'F32').map(([name, t]) => {
    const [base, every] = name.split('@every_')
    return { name: base, every: every === undefined ? 1 : Number(every), values: toFloat32(t) }
  })
}

export const goldenInts = (path: string, name: string): Int32Array => toInt32(readSafetensors(path).tensors.get(name)!)

/** Largest difference, divided by the largest golden value; Infinity when the sizes do not agree. */
export function relativeDifference(found: ArrayLike<number>, { every, values }: Golden): number {
  if (Math.ceil(found.length / every) !== values.length) return Infinity
  let [worst, scale] = [0, 0]
  for (let i = 0; i < values.length; i++) {
    const d = Math.abs(found[i * every] - values[i])
    if (!(d <= worst)) worst = d
    scale = Math.max(scale, Math.abs(values[i]))
  }
  return worst / (scale || 1)
}
