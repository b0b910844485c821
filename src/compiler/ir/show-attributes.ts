// Attributes as text: for the printer, and as the identity of an operator in the passes.
import { showType, type TensorData } from './types.ts'

/** Constants of up to this many elements are printed in full. */
const printedElements = 8

const hashes = new WeakMap<TensorData['data'], string>()

/** 64 bits of FNV-1a over the elements of a tensor, as hexadecimal digits; computed once per array. */
const hashElements = (data: TensorData['data']): string => {
  const known = hashes.get(data)
  if (known !== undefined) return known
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const words = data.byteLength % 4 === 0 && data.byteOffset % 4 === 0 ? new Uint32Array(data.buffer, data.byteOffset, data.byteLength / 4) : bytes
  let low = 0x811c9dc5
  let high = 0x9e3779b9
  for (const word of words) {
    low = Math.imul(low ^ word, 0x01000193)
    high = Math.imul(high ^ word ^ (low >>> 15), 0x85ebca6b)
    low ^= low >>> 13
  }
  const hash = [high, low].map(n => (n >>> 0).toString(16).padStart(8, '0')).join('')
  hashes.set(data, hash)
  return hash
}

const showNumber = (n: number): string => Object.is(n, -0) ? '-0' : String(n)

const isTensor = (value: object): value is TensorData => 'dtype' in value

/** One attribute. Numbers keep all their digits; a constant of more than a few elements is its type and hash. */
const showAttribute = (value: unknown): string => {
  if (typeof value === 'number') return showNumber(value)
  if (Array.isArray(value)) return `[${value.map(showAttribute).join(', ')}]`
  if (typeof value === 'object' && value !== null && isTensor(value)) {
    return `${showType(value)} ${value.data.length <= printedElements ? `[${Array.from(value.data, showNumber).join(', ')}]` : `#${hashElements(value.data)}`}`
  }
  return String(value)
}

/** `{groups=1, stride=[1, 1]}`, in alphabetical order; empty without attributes. */
export const showAttributes = (attrs: object): string => {
  const entries = Object.entries(attrs)
  if (entries.length === 0) return ''
  if (entries.length > 1) entries.sort(([a], [b]) => a < b ? -1 : 1)
  return `{${entries.map(([name, value]) => `${name}=${showAttribute(value)}`).join(', ')}}`
}
