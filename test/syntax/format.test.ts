// The formatter: meaning and comments stay, formatting twice changes nothing.
import { describe, expect, test } from 'vitest'
import { readdirSync, readFileSync } from 'node:fs'
import { formatFile, lineLength } from '../../src/compiler/syntax/format.ts'
import { parseFile } from '../../src/compiler/syntax/parse.ts'
import { dump } from './dump.ts'

const root = new URL('../../', import.meta.url)
const files = ['test/fixtures/syntax', 'models', 'models/lib', 'models/variants'].flatMap(folder =>
  readdirSync(new URL(`${folder}/`, root)).filter(f => f.endsWith('.mtl')).map(f => `${folder}/${f}`))
const read = (name: string): string => readFileSync(new URL(name, root), 'utf8')
/** Text without blanks, separators and trailing commas: everything else must survive. */
const essence = (text: string): string => [...text.replace(/[;,](?=\s*(?:\/\/[^\n]*\s*)*[)\]}\n])/g, '').replace(/[\s,;]/g, '')].toSorted().join('')

describe.each(files)('%s', name => {
  const text = read(name)
  const once = formatFile(text).text!
  test('means the same', () => expect(dump(parseFile('x', once).ast)).toBe(dump(parseFile('x', text).ast)))
  test('is a fixed point', () => expect(formatFile(once).text).toBe(once))
  test('keeps every comment', () => expect(essence(once)).toBe(essence(text)))
  test('fits', () => expect(once.split('\n').filter(l => l.length > lineLength && !l.includes('//') && !l.includes('/*'))).toEqual([]))
})

test('the layout of everything', () => expect(formatFile(read('test/fixtures/syntax/layout.mtl')).text).toMatchInlineSnapshot(`
  "/* what a file
     looks like before formatting */

  import { A, B as C } from "a.mtl"
  import { D } from "b.mtl"

  block Tower(  /// channels of every map
    width: int,  // trailing
    depth: int = 4,
    norm: block? = none
  ) {
    require width % 2 == 0, "width {width} is odd"
    layers = [for i in 0..depth: [Conv(width, kernel = 3), norm, gelu]]  // a tower
    table = {a: 1, "3ddet": [-1, -2], data: data.image}
    /* inline */ pad = 3

    // before the state
    state seen: [] int = zeros
    forward(x: [*, C, _], y: list[any]? = none) -> {x: [*, C], "3d": record} {
      let big = x
        |> layers[0](1)
        |> some_function_with_a_long_name(first_argument = 1, second_argument = 2)
        |> another_function_with_a_long_name(x)
      let sum = first_summand_with_a_long_name * 2
        + second_summand_with_a_long_name ** 2
        + third_summand_with_a_long_name div 2
        + fourth
      let q = big  // the pipeline follows
        |> flatten(1, -1)  // second
        // own line
        |> softmax
      let call = conv2d(
        x,
        weight,
        bias,
        stride = stride,
        padding = if padding == none then kernel div 2 else padding,
        dilation = [1, 1]
      )
      if not training { return {x: x} } else if C > 3 and y != none or false {
        x = x[..., 1..3, :, ::2, none, -1, ..2, 1.., 0..8..2]
      } else {}
      // nothing follows
      for i, v in [1, 2] { update seen = seen + 1; x = x.y."3".0.1 }  // loop
      return {
        x: x,  // the map
        // own
        y: (y)
      }
      // the end
    }
  }

  model V = M with {
    a.b.0 = off
    tasks."3ddet".weight = 2
    rename { "a" -> "b"; "c" -> "d" }
  }
  // last words
  "
`))
test('no text with mistakes', () => { const { text, diagnostics } = formatFile('block A( {'); expect(text).toBeUndefined(); expect(diagnostics).not.toEqual([]) })
test('empty files', () => { expect(formatFile('').text).toBe(''); expect(formatFile('\n\n// a\n\n\n// b').text).toBe('// a\n\n// b\n') })

test('keeps the head of a comprehension together', () => {
  const { text } = formatFile(`block B() {\n  forward(levels: list) = [for i, level in levels: record_of_a_long_name(level, position_of_it_in_the_list = i, something_else_of_length = 1)]\n}\n`)
  expect(text).toMatchInlineSnapshot(`
    "block B() {
      forward(levels: list) = [
        for i, level in levels: record_of_a_long_name(level, position_of_it_in_the_list = i, something_else_of_length = 1)
      ]
    }
    "
  `)
})
test('constant() is a schedule, although constant begins a member', () => {
  expect(formatFile('model M = N with { train.schedule = constant() }\n').text).toBe('model M = N with { train.schedule = constant() }\n')
})
