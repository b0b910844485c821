// Weights of an exported model: safetensors files, and the index that says which tensor lies in which.
import type { DType } from '../../compiler/ir/types.ts'
import { LoadError, readBytes } from './files.ts'

/** `model.safetensors.index.json`, in the form in which large models are published. */
export interface WeightsIndex { readonly metadata: { readonly total_size: number }; readonly weight_map: Readonly<Record<string, string>> }

export interface Weight { readonly dtype: DType; readonly shape: readonly number[]; readonly data: Float32Array | Int32Array | Uint8Array }

const dtypes: Readonly<Record<string, DType>> = { F32: 'float32', I32: 'int32', BOOL: 'bool' }

/** The tensors of one file, as views of it. Throws LoadError. */
export function parseSafetensors(name: string, file: ArrayBuffer): Map<string, Weight> {
  const bad = (what: string): never => { throw new LoadError(`${name} is damaged: ${what}. Export the model again`) }
  if (file.byteLength < 8) bad(`it has ${file.byteLength} bytes`)
  const length = Number(new DataView(file).getBigUint64(0, true))
  if (8 + length > file.byteLength) bad('it ends inside its header')
  let header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>
  try { header = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, length))) as typeof header } catch { return bad('its header is no JSON') }
  return new Map(Object.entries(header).filter(([tensor]) => tensor !== '__metadata__').map(([tensor, { dtype: stored, shape, data_offsets: [begin, end] }]) => {
    const dtype = dtypes[stored] ?? bad(`${tensor} is of ${stored}`)
    if (8 + length + end > file.byteLength) bad(`it ends inside ${tensor}`)
    const kind = dtype === 'float32' ? Float32Array : dtype === 'int32' ? Int32Array : Uint8Array
    return [tensor, { dtype, shape, data: new kind(file, 8 + length + begin, (end - begin) / kind.BYTES_PER_ELEMENT) }]
  }))
}

/** File by file, so that `take` can let go of one before the next is there. `onBytes` gets how many bytes of the whole are loaded. Throws LoadError. */
export async function readWeights(index: WeightsIndex, base: URL, take: (name: string, weight: Weight) => void, onBytes?: (bytes: number) => void): Promise<void> {
  let before = 0
  for (const file of new Set(Object.values(index.weight_map))) {
    const bytes = await readBytes(new URL(file, base), n => onBytes?.(before + n))
    before += bytes.byteLength
    onBytes?.(before)
    for (const [name, weight] of parseSafetensors(file, bytes)) take(name, weight)
  }
}
