// Sizes of memory as they are written: in `train { memory = "14GiB" }` and for --memory.

const units: Readonly<Record<string, number>> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, KIB: 2 ** 10, MIB: 2 ** 20, GIB: 2 ** 30, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }

/** "14GiB", "14G", "14.5 GB", "900MiB" -> bytes; undefined for anything else, and for nothing at all. */
export function parseMemorySize(text: string): number | undefined {
  const m = /^(\d{1,12}(?:\.\d{1,12})?)\s*([kmg]i?b?|b)$/i.exec(text.trim())
  const bytes = m === null ? 0 : Math.round(Number(m[1]) * units[m[2].toUpperCase()])
  return bytes > 0 ? bytes : undefined
}
