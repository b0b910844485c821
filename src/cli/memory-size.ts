// Sizes of memory as they are typed on the command line.
import { InvalidArgumentError } from 'commander'

const units: Readonly<Record<string, number>> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, KIB: 2 ** 10, MIB: 2 ** 20, GIB: 2 ** 30, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }

/** "14GiB", "14G", "14.5 GB", "900MiB" -> bytes. */
export function memorySize(text: string): number {
  const m = /^(\d+(?:\.\d+)?)\s*([kmg]i?b?|b)$/i.exec(text.trim())
  if (m === null || Number(m[1]) === 0) throw new InvalidArgumentError('a size such as 14GiB or 900MiB is expected.')
  return Number(m[1]) * units[m[2].toUpperCase()]
}
