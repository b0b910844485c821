// What the user reads for each mistake of syntax: the source and the rendered messages.
import { expect, test } from 'vitest'
import { parseFile } from '../../src/compiler/syntax/parse.ts'
import { renderDiagnostic } from '../../src/compiler/diagnostics/render.ts'

const said = (text: string): string => parseFile('a.mtl', text).diagnostics.map(d => renderDiagnostic(d, () => text)).join('\n\n')

test('a string that is not closed', () => expect(said("block A() {\n  x = f(\"abc\n  y = 3\n}")).toMatchInlineSnapshot(`
  "error[unterminated-string]: this string is not closed
   --> a.mtl:2:9
    |
  2 |   x = f("abc
    |         ^^^^ begins here
  hint: a string ends with \`"\` on the line on which it begins; a line break is written \`\\n\`"
`))
test('a comment that is not closed', () => expect(said("block A() {\n  x = 3 /* never\n}")).toMatchInlineSnapshot(`
  "error[unterminated-comment]: this comment is not closed
   --> a.mtl:2:9
    |
  2 |   x = 3 /* never
    |         ^^ begins here
  hint: a comment that begins with \`/*\` ends with \`*/\`"
`))
test('a missing parenthesis', () => expect(said("block A() {\n  x = f(1, 2\n  y = g(3)\n}")).toMatchInlineSnapshot(`
  "error[unclosed-bracket]: \`(\` is never closed
   --> a.mtl:2:8
    |
  2 |   x = f(1, 2
    |        ^ opened here
  3 |   y = g(3)
    |   - \`)\` is missing before this
  hint: add \`)\`"
`))
test('a wrong closer', () => expect(said("block A() {\n  z = h[1)\n}")).toMatchInlineSnapshot(`
  "error[stray-bracket]: \`)\` closes nothing
   --> a.mtl:2:10
    |
  2 |   z = h[1)
    |          ^
    |        - open here
  hint: \`[\` is closed by \`]\`"
`))
test('a parenthesis missing in a header', () => expect(said("block A(n: int {\n  x = 1\n}\nblock B() {}")).toMatchInlineSnapshot(`
  "error[unclosed-bracket]: \`(\` is never closed
   --> a.mtl:1:8
    |
  1 | block A(n: int {
    |        ^ opened here
    |                - \`)\` is missing before this
  hint: add \`)\`"
`))
test('a stray brace', () => expect(said("block A() {\n  x = 1\n}\n}\nblock B() {}")).toMatchInlineSnapshot(`
  "error[stray-bracket]: \`}\` closes nothing
   --> a.mtl:4:1
    |
  4 | }
    | ^
  hint: remove it, or add the opening bracket"
`))
test('a missing brace, found by indentation', () => expect(said("block A() {\n  forward(x) {\n    let y = 1\n    return y\n\n  z = 3\n}\nblock B() { x = 2 }")).toMatchInlineSnapshot(`
  "error[unclosed-bracket]: \`{\` is never closed
   --> a.mtl:2:14
    |
  2 |   forward(x) {
    |              ^ opened here
  ...
  7 | }
    | - \`}\` is missing before this
  hint: add \`}\`"
`))
test('a brace missing at the end', () => expect(said("model M {\n  forward(x) = [1, 2")).toMatchInlineSnapshot(`
  "error[unclosed-bracket]: \`{\` is never closed
   --> a.mtl:1:9
    |
  1 | model M {
    |         ^ opened here
  hint: add \`}\`

  error[unclosed-bracket]: \`[\` is never closed
   --> a.mtl:2:16
    |
  2 |   forward(x) = [1, 2
    |                ^ opened here
  hint: add \`]\`"
`))
test('a missing equals sign', () => expect(said("block A() {\n  fc1 Linear(3)\n  fc2: Linear(3)\n}")).toMatchInlineSnapshot(`
  "error[missing-equals]: expected \`=\`, found the name \`Linear\`
   --> a.mtl:2:7
    |
  2 |   fc1 Linear(3)
    |       ^^^^^^ \`=\` is missing before this

  error[missing-equals]: expected \`=\`, found \`:\`
   --> a.mtl:3:6
    |
  3 |   fc2: Linear(3)
    |      ^ \`=\` is missing before this
  hint: a value is given with \`=\`"
`))
test('a doubled equals sign', () => expect(said("block A() {\n  x == Linear(3)\n}")).toMatchInlineSnapshot(`
  "error[double-equals]: expected \`=\`, found \`==\`
   --> a.mtl:2:5
    |
  2 |   x == Linear(3)
    |     ^^
  hint: \`=\` gives a value to a name, \`==\` compares"
`))
test('numbers that are none', () => expect(said("block A() {\n  x = [1_, 3ddet, 0x10, 1.5.2, 2e]\n  y = [12345678901234567890, 1e999]\n  z = .5\n}")).toMatchInlineSnapshot(`
  "error[bad-number]: \`1_\` is not a number
   --> a.mtl:2:8
    |
  2 |   x = [1_, 3ddet, 0x10, 1.5.2, 2e]
    |        ^^
  hint: numbers are written 12, 40_000, 0.5 or 2e-5

  error[bad-number]: \`3ddet\` is not a number
   --> a.mtl:2:12
    |
  2 |   x = [1_, 3ddet, 0x10, 1.5.2, 2e]
    |            ^^^^^
  hint: a name that begins with a digit is written as a string: "3ddet"

  error[bad-number]: \`0x10\` is not a number
   --> a.mtl:2:19
    |
  2 |   x = [1_, 3ddet, 0x10, 1.5.2, 2e]
    |                   ^^^^
  hint: numbers are written 12, 40_000, 0.5 or 2e-5

  error[bad-number]: \`1.5.2\` is not a number
   --> a.mtl:2:25
    |
  2 |   x = [1_, 3ddet, 0x10, 1.5.2, 2e]
    |                         ^^^^^
  hint: numbers are written 12, 40_000, 0.5 or 2e-5

  error[bad-number]: \`2e\` is not a number
   --> a.mtl:2:32
    |
  2 |   x = [1_, 3ddet, 0x10, 1.5.2, 2e]
    |                                ^^
  hint: numbers are written 12, 40_000, 0.5 or 2e-5

  error[literal-too-large]: the number \`12345678901234567890\` is too large
   --> a.mtl:3:8
    |
  3 |   y = [12345678901234567890, 1e999]
    |        ^^^^^^^^^^^^^^^^^^^^
  hint: ints go to 9_007_199_254_740_991, floats to 1.79e308

  error[literal-too-large]: the number \`1e999\` is too large
   --> a.mtl:3:30
    |
  3 |   y = [12345678901234567890, 1e999]
    |                              ^^^^^
  hint: ints go to 9_007_199_254_740_991, floats to 1.79e308

  error[expected]: expected an expression, found \`.\`
   --> a.mtl:4:7
    |
  4 |   z = .5
    |       ^
  hint: a number begins with a digit: 0.5"
`))
test('reserved words as names', () => expect(said("block model(if: int) {\n  data = 3\n  let for = 3\n}")).toMatchInlineSnapshot(`
  "error[reserved-word]: \`model\` is a reserved word, it cannot be a name here
   --> a.mtl:1:7
    |
  1 | block model(if: int) {
    |       ^^^^^ reserved
  hint: choose another name: \`model_\`

  error[reserved-word]: \`if\` is a reserved word, it cannot be a name here
   --> a.mtl:1:13
    |
  1 | block model(if: int) {
    |             ^^ reserved
  hint: choose another name: \`if_\`

  error[reserved-word]: \`data\` is a reserved word, it cannot be a name here
   --> a.mtl:2:3
    |
  2 |   data = 3
    |   ^^^^ reserved
  hint: as a string it is allowed: "data"

  error[reserved-word]: \`for\` is a reserved word, it cannot be a name here
   --> a.mtl:3:7
    |
  3 |   let for = 3
    |       ^^^ reserved
  hint: choose another name: \`for_\`"
`))
test('members outside', () => expect(said("let a = 3\nfc = Linear(3)\nblock A() {}")).toMatchInlineSnapshot(`
  "error[misplaced]: \`let\` cannot stand outside a block or a model
   --> a.mtl:1:1
    |
  1 | let a = 3
    | ^^^
  hint: \`let\` belongs in a block, a model or \`forward\`

  error[expected]: expected \`import\`, \`block\` or \`model\`, found the name \`fc\`
   --> a.mtl:2:1
    |
  2 | fc = Linear(3)
    | ^^"
`))
test('members in the wrong place', () => expect(said("block A() {\n  task a = b()\n  return 3\n}\nmodel M {\n  param x: [3] = zeros\n  forward(x) { state y: [] = zeros }\n}")).toMatchInlineSnapshot(`
  "error[misplaced]: \`task\` cannot stand here in a block
   --> a.mtl:2:3
    |
  2 |   task a = b()
    |   ^^^^
  hint: \`task\` belongs in a model

  error[misplaced]: \`return\` cannot stand here in a block
   --> a.mtl:3:3
    |
  3 |   return 3
    |   ^^^^^^
  hint: \`return\` belongs among the statements of \`forward\`

  error[misplaced]: \`param\` cannot stand here in a model
   --> a.mtl:6:3
    |
  6 |   param x: [3] = zeros
    |   ^^^^^
  hint: \`param\` belongs in a block

  error[misplaced]: \`state\` cannot stand among statements
   --> a.mtl:7:16
    |
  7 |   forward(x) { state y: [] = zeros }
    |                ^^^^^
  hint: \`state\` belongs in a block"
`))
test('unknown characters', () => expect(said("block A() {\n  x = 3 @ 4\n  y = a && b\n  z = 'hi'\n  w = 1 \u00d7 2 + \u0000\n}")).toMatchInlineSnapshot(`
  "error[unexpected-character]: unexpected character \`@\`
   --> a.mtl:2:9
    |
  2 |   x = 3 @ 4
    |         ^

  error[unexpected-character]: unexpected character \`&&\`
   --> a.mtl:3:9
    |
  3 |   y = a && b
    |         ^^
  hint: write \`and\`

  error[unexpected-character]: unexpected character \`'\`
   --> a.mtl:4:7
    |
  4 |   z = 'hi'
    |       ^
  hint: strings are written with double quotes: "..."

  error[unexpected-character]: unexpected character \`×\`
   --> a.mtl:5:9
    |
  5 |   w = 1 × 2 + �
    |         ^
  hint: a size is written with the letter x: 1024 x 2048"
`))
test('a missing arrow, a missing body', () => expect(said("block A() {\n  forward(x: [B, C]) [B, C] = x\n}\nblock B() {\n  forward(x: [B, C]) -> [B, C] x\n}")).toMatchInlineSnapshot(`
  "error[missing-arrow]: expected \`->\` before the result type
   --> a.mtl:2:22
    |
  2 |   forward(x: [B, C]) [B, C] = x
    |                      ^^^^^^ \`->\` is missing before this
  hint: forward(x: [B, C]) -> [B, C] = ...

  error[expected]: expected \`=\` or \`{\`, found the name \`x\`
   --> a.mtl:5:32
    |
  5 |   forward(x: [B, C]) -> [B, C] x
    |                                ^
  hint: write \`= EXPRESSION\`, or \`{\` on the same line"
`))
test('a condition without else, a condition among operators', () => expect(said("block A() {\n  x = if a then b\n  y = 1 + if a then b else c\n}")).toMatchInlineSnapshot(`
  "error[expected]: expected \`else\`, found the end of the line
   --> a.mtl:2:18
    |
  2 |   x = if a then b
    |                  ^
  hint: \`if c then a else b\` always has an \`else\`

  error[expected]: expected an expression, found the reserved word \`if\`
   --> a.mtl:3:11
    |
  3 |   y = 1 + if a then b else c
    |           ^^
  hint: put \`if c then a else b\` in parentheses"
`))
test('assignment to a field', () => expect(said("block A() {\n  forward(x) {\n    x.a = 3\n    return x\n  }\n}")).toMatchInlineSnapshot(`
  "error[bad-target]: only a plain name can be assigned to
   --> a.mtl:3:9
    |
  3 |     x.a = 3
    |         ^
  hint: build a new value and assign that: \`x = ...\`"
`))
test('missing commas and colons', () => expect(said("block A() {\n  x = f(a b)\n  y = [1 2]\n  z = {a = 1}\n  w = x[]\n}")).toMatchInlineSnapshot(`
  "error[expected]: expected \`,\` or \`)\`, found the name \`b\`
   --> a.mtl:2:11
    |
  2 |   x = f(a b)
    |           ^

  error[expected]: expected \`,\` or \`]\`, found the number 2
   --> a.mtl:3:10
    |
  3 |   y = [1 2]
    |          ^

  error[expected]: expected \`:\`, found \`=\`
   --> a.mtl:4:10
    |
  4 |   z = {a = 1}
    |          ^
  hint: the fields of a record are written \`name: value\`

  error[expected]: expected an index, found \`]\`
   --> a.mtl:5:9
    |
  5 |   w = x[]
    |         ^"
`))
test('two statements on a line', () => expect(said("block A() {\n  x = 1 y = 2\n}\nmodel M {\n  train { lr = 1, steps = 2 }\n}")).toMatchInlineSnapshot(`
  "error[not-separated]: expected the end of the member, found the name \`y\`
   --> a.mtl:2:9
    |
  2 |   x = 1 y = 2
    |         ^
  hint: begin a new line here, or write \`;\` between the two

  error[not-separated]: expected the end of the field, found \`,\`
   --> a.mtl:5:17
    |
  5 |   train { lr = 1, steps = 2 }
    |                 ^
  hint: entries of a body are separated by new lines or \`;\`"
`))
test('chained comparison, arithmetic after a pipe, order of arguments', () => expect(said("block A() {\n  x = a < b < c\n  y = x |> f + 1\n  z = f(k = 1, 2)\n}")).toMatchInlineSnapshot(`
  "error[chained-comparison]: comparisons cannot be chained
   --> a.mtl:2:13
    |
  2 |   x = a < b < c
    |             ^
  hint: write \`a < b and b < c\`

  error[pipe-target]: the right side of \`|>\` must be something that can be called
   --> a.mtl:3:12
    |
  3 |   y = x |> f + 1
    |            ^^^^^
  hint: \`|>\` binds weaker than arithmetic: write \`(x |> f) + 1\`

  error[positional-after-named]: a positional argument cannot follow a named one
   --> a.mtl:4:16
    |
  4 |   z = f(k = 1, 2)
    |                ^
  hint: positional arguments come first: \`f(x, k = 1)\`"
`))
test('imports', () => expect(said("import Linear from \"a\"\nimport { A } \"b\"\nimport { A as } from \"c\"\nimport { A, B } from d")).toMatchInlineSnapshot(`
  "error[expected]: expected \`{\`, found the name \`Linear\`
   --> a.mtl:1:8
    |
  1 | import Linear from "a"
    |        ^^^^^^
  hint: write \`import { Name } from "file.mtl"\`

  error[expected]: expected \`from\`, found the string "b"
   --> a.mtl:2:14
    |
  2 | import { A } "b"
    |              ^^^

  error[expected]: expected a name, found \`}\`
   --> a.mtl:3:15
    |
  3 | import { A as } from "c"
    |               ^

  error[expected]: expected a string, found the name \`d\`
   --> a.mtl:4:22
    |
  4 | import { A, B } from d
    |                      ^"
`))
test('rename rules and tasks', () => expect(said("model M {\n  rename { \"a\" = \"b\" }\n  task depth { weight = 1 }\n}")).toMatchInlineSnapshot(`
  "error[expected]: expected \`->\`, found \`=\`
   --> a.mtl:2:16
    |
  2 |   rename { "a" = "b" }
    |                ^
  hint: a rule is written "OLD" -> "NEW"

  error[missing-equals]: expected \`=\`, found \`{\`
   --> a.mtl:3:14
    |
  3 |   task depth { weight = 1 }
    |              ^ \`=\` is missing before this"
`))
test('variants', () => expect(said("model A = B { x = 1 }\nmodel C = D with {\n  a.b. = 1\n  param c: [1] = zeros\n  block E\n}")).toMatchInlineSnapshot(`
  "error[expected]: expected \`with\`, found \`{\`
   --> a.mtl:1:13
    |
  1 | model A = B { x = 1 }
    |             ^

  error[expected]: expected a name, found \`=\`
   --> a.mtl:3:8
    |
  3 |   a.b. = 1
    |        ^

  error[misplaced]: \`param\` cannot stand in a variant
   --> a.mtl:4:3
    |
  4 |   param c: [1] = zeros
    |   ^^^^^
  hint: \`param\` belongs in a block

  error[missing-equals]: expected \`=\`, found \`}\`
   --> a.mtl:6:1
    |
  6 | }
    | ^ \`=\` is missing before this"
`))
test('escapes and dimensions', () => expect(said("block A() {\n  x = \"a\\q\\u{110000}\"\n  param p: [*, _] = zeros\n}")).toMatchInlineSnapshot(`
  "error[bad-escape]: unknown escape \`\\q\` in a string
   --> a.mtl:2:9
    |
  2 |   x = "a\\q\\u{110000}"
    |         ^^
  hint: these exist: \\n \\t \\" \\\\ and \\u with a code point in braces

  error[bad-escape]: unknown escape \`\\u{110000}\` in a string
   --> a.mtl:2:11
    |
  2 |   x = "a\\q\\u{110000}"
    |           ^^^^^^^^^^
  hint: these exist: \\n \\t \\" \\\\ and \\u with a code point in braces

  error[dims-exact]: \`*\` cannot stand in the dimensions of a param
   --> a.mtl:3:13
    |
  3 |   param p: [*, _] = zeros
    |             ^
  hint: its shape must be known: write every dimension"
`))
test('strings as names', () => expect(said("block \"3d\"(3d: int) {\n  let \"q\" = 3\n}")).toMatchInlineSnapshot(`
  "error[quoted-name]: the name of a block cannot be a string
   --> a.mtl:1:7
    |
  1 | block "3d"(3d: int) {
    |       ^^^^
  hint: letters, digits and \`_\`, not beginning with a digit

  error[bad-number]: \`3d\` is not a number
   --> a.mtl:1:12
    |
  1 | block "3d"(3d: int) {
    |            ^^
  hint: a name that begins with a digit is written as a string: "3d"

  error[quoted-name]: the name of a local cannot be a string
   --> a.mtl:2:7
    |
  2 |   let "q" = 3
    |       ^^^
  hint: letters, digits and \`_\`, not beginning with a digit"
`))
test('a comment where a division was meant', () => {
  expect(said('block A() {\n  x = [a//2\n    b]\n}')).toMatchInlineSnapshot(`
    "error[expected]: expected \`,\` or \`]\`, found the name \`b\`
     --> a.mtl:3:5
      |
    3 |     b]
      |     ^
    hint: \`//\` begins a comment; floor division is \`div\`"
  `)
  expect(said('block A() {\n  x = f(a // 2)\n  y = if a then b//2 else c\n}')).toMatchInlineSnapshot(`
    "error[unclosed-bracket]: \`(\` is never closed
     --> a.mtl:2:8
      |
    2 |   x = f(a // 2)
      |        ^ opened here
    3 |   y = if a then b//2 else c
      |   - \`)\` is missing before this
    hint: \`//\` begins a comment; floor division is \`div\`

    error[expected]: expected \`else\`, found \`}\`
     --> a.mtl:4:1
      |
    4 | }
      | ^
    hint: \`//\` begins a comment; floor division is \`div\`"
  `)
  expect(said('block A() {\n  x = f(1 // the first of them\n    2)\n}')).not.toContain('floor division')
})
test('div as a name', () => expect(said('block A() {\n  x = 3\n  div = 4\n  forward(x, div) = x div\n}')).toMatchInlineSnapshot(`
  "error[reserved-word]: \`div\` is a reserved word, it cannot be a name here
   --> a.mtl:3:3
    |
  3 |   div = 4
    |   ^^^ reserved
  hint: as a string it is allowed: "div"

  error[expected]: expected an expression, found \`}\`
   --> a.mtl:5:1
    |
  5 | }
    | ^"
`))
test('an unfinished operation', () => expect(said("block A() {\n  x = y +\n}")).toMatchInlineSnapshot(`
  "error[expected]: expected an expression, found \`}\`
   --> a.mtl:3:1
    |
  3 | }
    | ^"
`))
