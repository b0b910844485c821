// Fields of parsed JSON, read with their path for messages.
import { dataError } from '../errors.ts'

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
