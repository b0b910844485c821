// JSON files of the data set, parsed with the position of a mistake.
import { dataError } from '../errors.ts'
import { JsonValue } from './json-value.ts'
import { readLimited } from './png.ts'

/** The largest published box file is under 100 kB. */
const largestJson = 16 << 20

const token = /[ \t\n\r]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/y

/** Offset of the first mistake in a text that JSON.parse refused; the engine's own message has it only sometimes. */
export function mistakeAt(text: string): number {
  // What may come next: a value, a key, or what follows a value.
  let expect: 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'after' = 'value'
  const open: ('{' | '[')[] = []
  token.lastIndex = 0
  for (;;) {
    const start = token.lastIndex
    const match = token.exec(text)
    const at = start + /^[ \t\n\r]*/.exec(text.slice(start, start + 4096))![0].length
    if (match === null) return at
    const [, mark, string] = match
    if (expect === 'colon') {
      if (mark !== ':') return at
      expect = 'value'
    } else if (expect.startsWith('value')) {
      if (mark === '{' || mark === '[') {
        open.push(mark)
        expect = mark === '{' ? 'key or }' : 'value or ]'
      } else if (mark === ']' && expect === 'value or ]') {
        open.pop()
        expect = 'after'
      } else if (mark !== undefined) return at
      else expect = 'after'
    } else if (expect.startsWith('key')) {
      if (string !== undefined) expect = 'colon'
      else if (mark === '}' && expect === 'key or }') {
        open.pop()
        expect = 'after'
      } else return at
    } else {
      const inside = open.at(-1)
      if (mark === ',' && inside !== undefined) expect = inside === '{' ? 'key' : 'value'
      else if (mark === (inside === '{' ? '}' : ']') && inside !== undefined) open.pop()
      else return at
    }
  }
}

/** Reads and parses a JSON file of at most 16 MiB. Throws DataError; a syntax error is given with line and column. */
export async function readJson(file: string, what: string, fix: string): Promise<JsonValue> {
  const text = new TextDecoder().decode(await readLimited(file, largestJson, what, fix))
  try {
    return new JsonValue(file, '', JSON.parse(text), fix)
  } catch {
    const at = text.trim() === '' ? text.length : mistakeAt(text)
    const before = text.slice(0, at)
    const line = before.split('\n').length
    const found = at >= text.length ? (text.trim() === '' ? 'is empty' : 'ends too early') : `is not JSON: ${JSON.stringify(text.slice(at, at + 16))} is not allowed there`
    throw dataError(`${file}:${line}:${at - before.lastIndexOf('\n')}`, { found, expected: what, fix })
  }
}
