// Functions of static values: lists, records, numbers, strings.
import { bool, describe, float, int, list, string, type Value } from '../values.ts'
import { type Call, define } from './call.ts'
import type { BuiltinFunction } from './function.ts'

/** The most items that range() may make (docs: limits). */
const MOST_ITEMS = 100_000

type RecordValue = Extract<Value, { t: 'record' }>
const recordOf = (c: Call, name: string): RecordValue => {
  const v = c.value(name)
  return v.t === 'record' ? v : c.fail(`\`${name}\` must be a record, but it is ${describe(v)}`, name)
}

function length(c: Call): Value {
  const x = c.value('x')
  if (x.t === 'list') return int(x.items.length)
  if (x.t === 'record') return int(x.fields.size)
  if (x.t === 'string') return int([...x.v].length)
  return c.fail(`\`x\` must be a list, a record or a string, but it is ${describe(x)}`, 'x', x.t === 'tensor' ? 'the sizes of a tensor are x.shape' : undefined)
}

function text(value: Value): string {
  switch (value.t) {
    case 'int': return String(value.v)
    case 'float': return Number.isInteger(value.v) ? value.v.toFixed(1) : String(value.v)
    case 'bool': return String(value.v)
    case 'string': return value.v
    case 'list': return `[${value.items.map(text).join(', ')}]`
    case 'record': return `{${[...value.fields].map(([k, v]) => `${k}: ${text(v)}`).join(', ')}}`
    default: return describe(value)
  }
}

function number(c: Call): number {
  const x = c.value('x')
  if (x.t === 'int' || x.t === 'float') return x.v
  if (x.t === 'bool') return x.v ? 1 : 0
  return c.fail(`\`x\` must be a number or true or false, but it is ${describe(x)}`, 'x', x.t === 'tensor' ? 'convert a tensor with cast(x, "int32")' : undefined)
}

function range(c: Call): Value {
  const a = c.int('a'), b = c.int('b'), step = c.int('step')
  if (step === 0) return c.fail('`step` must not be 0', 'step')
  const count = Math.max(0, Math.ceil((b - a) / step))
  if (count > MOST_ITEMS) return c.fail(`the range has ${count} items, and ${MOST_ITEMS} is the limit`, 'b')
  return list(Array.from({ length: count }, (_, i) => int(a + i * step)))
}

function zip(c: Call): Value {
  const a = c.items('a'), b = c.items('b')
  if (a.length !== b.length) return c.fail(`\`a\` has ${a.length} items and \`b\` has ${b.length}`, 'b')
  return list(a.map((x, i) => list([x, b[i]])))
}

export const statics: readonly BuiltinFunction[] = [
  define('len', ['x'], length),
  define('ceil', ['x'], c => int(Math.ceil(c.number('x')))),
  define('int', ['x'], c => int(Math.trunc(number(c)))),
  define('float', ['x'], c => float(number(c))),
  define('str', ['x'], c => string(text(c.value('x')))),
  define('zip', ['a', 'b'], zip),
  define('enumerate', ['a'], c => list(c.items('a').map((x, i) => list([int(i), x])))),
  define('reverse', ['list'], c => list([...c.items('list')].toReversed())),
  define('keys', ['record'], c => list([...recordOf(c, 'record').fields.keys()].map(string))),
  define('values', ['record'], c => list([...recordOf(c, 'record').fields.values()])),
  define('has', ['record', 'key'], c => {
    const key = c.value('key')
    return key.t === 'string' ? bool(recordOf(c, 'record').fields.has(key.v)) : c.fail(`\`key\` must be a string, but it is ${describe(key)}`, 'key')
  }),
  define('is_int', ['x'], c => bool(c.value('x').t === 'int')),
  define('range', ['a', 'b', ['step', 1]], range),
]
