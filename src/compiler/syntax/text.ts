// Values of literals: escapes of strings, digits of numbers.

const escape = /\\(?:u\{([0-9a-fA-F]{1,6})\}|(.)?)/gs
const simple: Readonly<Record<string, string>> = { n: '\n', t: '\t', '"': '"', '\\': '\\' }
const scalar = (hex: string): boolean => { const code = parseInt(hex, 16); return code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF) }

/** Contents of a string literal with its quotes (the closing one may be missing); unknown escapes stand for themselves. */
export function unescape(image: string): string {
  const inner = image.slice(1, image.length > 1 && image.endsWith('"') ? -1 : undefined)
  return inner.replace(escape, (whole, hex: string | undefined, char: string | undefined) => {
    if (hex !== undefined) return scalar(hex) ? String.fromCodePoint(parseInt(hex, 16)) : whole
    return simple[char ?? ''] ?? whole
  })
}

/** Escapes of a string literal that mean nothing, with their offsets in the literal. */
export function badEscapes(image: string): { offset: number; text: string }[] {
  const bad: { offset: number; text: string }[] = []
  for (const match of image.matchAll(escape)) {
    const [text, hex, char] = match
    if (hex !== undefined ? !scalar(hex) : char !== undefined && simple[char] === undefined) bad.push({ offset: match.index, text })
  }
  return bad
}

export const number = (image: string): number => Number(image.replaceAll('_', ''))

/** `1024 x 2048` -> [1024, 2048] */
export function size(image: string): [rows: number, columns: number] {
  const [rows, columns] = image.split('x').map(s => number(s.trim()))
  return [rows, columns]
}
