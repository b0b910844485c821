// JSON files of the data set: parsed with the position of a mistake, fields read with their path.
import { dataError } from '../errors.ts'
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

/** A value inside a JSON file, with the path that leads to it; every accessor throws DataError with that path. */
export class JsonValue {
  readonly file: string
  readonly path: string
  readonly value: unknown
  readonly fix: string

  constructor(file: string, path: string, value: unknown, fix: string) {
    this.file = file
    this.path = path
    this.value = value
    this.fix = fix
  }

  wrong(expected: string): never {
    throw dataError(this.file, { found: `${this.path || 'the top level'} is ${show(this.value)}`, expected, fix: this.fix })
  }

  private object(expected = 'an object'): Record<string, unknown> {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) this.wrong(expected)
    return this.value as Record<string, unknown>
  }

  has(name: string): boolean {
    return Object.hasOwn(this.object(), name)
  }

  field(name: string): JsonValue {
    const object = this.object(`an object with the field '${name}'`)
    const path = this.path ? `${this.path}.${name}` : name
    if (!Object.hasOwn(object, name)) throw dataError(this.file, { found: `the field ${path} is missing; ${this.path || 'the top level'} has ${Object.keys(object).slice(0, 12).join(', ') || 'no field'}`, expected: `the field '${name}'`, fix: this.fix })
    return new JsonValue(this.file, path, object[name], this.fix)
  }

  items(most: number): JsonValue[] {
    if (!Array.isArray(this.value)) this.wrong('a list')
    const list = this.value as unknown[]
    if (list.length > most) throw dataError(this.file, { found: `${this.path} has ${list.length} entries`, expected: `at most ${most}`, fix: this.fix })
    return list.map((item, i) => new JsonValue(this.file, `${this.path}[${i}]`, item, this.fix))
  }

  /** A finite number in [least, most]. */
  number(words = 'a finite number', least = -Infinity, most = Infinity): number {
    if (typeof this.value !== 'number' || !Number.isFinite(this.value) || this.value < least || this.value > most) this.wrong(words)
    return this.value as number
  }

  string(): string {
    if (typeof this.value !== 'string') this.wrong('a string')
    return this.value as string
  }

  /** A list of exactly `count` finite numbers, each in [least, most]. */
  numbers(count: number, words: string, least = -Infinity, most = Infinity): number[] {
    if (!Array.isArray(this.value) || this.value.length !== count) this.wrong(words)
    return this.items(count).map(item => item.number(words, least, most))
  }
}

function show(value: unknown): string {
  if (Array.isArray(value)) return value.length <= 6 && value.every(v => typeof v === 'number' || v === null) ? `[${value.map(String).join(', ')}]` : `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = typeof value === 'string' ? `'${value}'` : String(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
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
