// The messages of expressions, whole, as the user reads them.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { evaluationMessages } from '../../src/compiler/diagnostics/catalogue-evaluation.ts'
import { expression, type Given } from './evaluate-support.ts'

const of = (text: string, ...inputs: Given[]): string => expression(text, { inputs }).report
const i32 = (...shape: number[]): Given => ({ dtype: 'int32', shape })

describe('operators', () => {
  it('static', () => {
    expect(of('1 + "a"')).toMatchInlineSnapshot(`
      "error[operand-type]: \`+\` does not take int 1 and string "a"
       --> test.mtl:1:58
        |
      1 | block Main() { forward(x: any = none, y: any = none) = 1 + "a" }
        |                                                          ^
      hint: make a string of the other one with \`str(...)\`"
    `)
    expect(of('-"a"')).toMatchInlineSnapshot(`
      "error[operand-type-unary]: \`-\` does not take string "a"
       --> test.mtl:1:56
        |
      1 | block Main() { forward(x: any = none, y: any = none) = -"a" }
        |                                                        ^^^^
        |                                                         --- string "a""
    `)
    expect(of('7 / 2')).toMatchInlineSnapshot(`
      "error[inexact-division]: 7 / 2 leaves a rest of 1
       --> test.mtl:1:58
        |
      1 | block Main() { forward(x: any = none, y: any = none) = 7 / 2 }
        |                                                          ^ int / int must be exact
      hint: use \`div\` to round down, or \`float(...)\` of one operand for a float"
    `)
    expect(of('7 div (1 - 1)')).toMatchInlineSnapshot(`
      "error[division-by-zero]: 7 div 0 has no value
       --> test.mtl:1:58
        |
      1 | block Main() { forward(x: any = none, y: any = none) = 7 div (1 - 1) }
        |                                                          ^^^ division by zero
        |                                                              ------- int 0"
    `)
    expect(of('2 ** 60')).toMatchInlineSnapshot(`
      "error[number-too-large]: the result of \`**\` is 1152921504606847000, beyond what an int holds exactly (2^53)
       --> test.mtl:1:58
        |
      1 | block Main() { forward(x: any = none, y: any = none) = 2 ** 60 }
        |                                                          ^^
      hint: write one operand as a float"
    `)
    expect(of('if 1 then 2 else 3')).toMatchInlineSnapshot(`
      "error[condition-type]: the condition is int 1, not true or false
       --> test.mtl:1:59
        |
      1 | block Main() { forward(x: any = none, y: any = none) = if 1 then 2 else 3 }
        |                                                           ^ not a bool"
    `)
  })
  it('tensors', () => {
    expect(of('x * y', [2, 3], [2, 4])).toMatchInlineSnapshot(`
      "error[operands-do-not-fit]: \`*\` does not take f32[2, 3] and f32[2, 4]: cannot broadcast [2, 3] with [2, 4]: axis 1 has 3 and 4
       --> test.mtl:1:58
        |
      1 | block Main() { forward(x: any = none, y: any = none) = x * y }
        |                                                          ^
        |                                                        - f32[2, 3]
        |                                                            - f32[2, 4]"
    `)
    expect(of('x + y', [2], i32(2))).toMatchInlineSnapshot(`
      "error[operands-do-not-fit]: \`+\` does not take f32[2] and i32[2]: the operands differ in type: f32[2] and i32[2]
       --> test.mtl:1:58
        |
      1 | block Main() { forward(x: any = none, y: any = none) = x + y }
        |                                                          ^
        |                                                        - f32[2]
        |                                                            - i32[2]
      hint: make the dtypes equal with \`cast(x, "float32")\`"
    `)
    expect(of('x * 0.5', i32(2))).toMatchInlineSnapshot(`
      "error[float-with-int-tensor]: \`*\` joins the float 0.5 with i32[2]
       --> test.mtl:1:58
        |
      1 | block Main() { forward(x: any = none, y: any = none) = x * 0.5 }
        |                                                          ^
        |                                                        - i32[2]
      hint: write \`cast(x, "float32")\` of the tensor, or an int"
    `)
    expect(of('x + 3_000_000_000', i32(2))).toMatchInlineSnapshot(`
      "error[operands-do-not-fit]: \`+\` does not take i32[2] and int 3000000000: 3000000000 is not a value of type int32
       --> test.mtl:1:58
        |
      1 | block Main() { forward(x: any = none, y: any = none) = x + 3_000_000_000 }
        |                                                          ^
        |                                                        - i32[2]"
    `)
    expect(of('if x > 0 then 1 else 2', [2])).toMatchInlineSnapshot(`
      "error[condition-is-tensor]: the condition is a tensor, bool[2]; it must be known when the model is compiled
       --> test.mtl:1:59
        |
      1 | block Main() { forward(x: any = none, y: any = none) = if x > 0 then 1 else 2 }
        |                                                           ^^^^^ a tensor
      hint: choose between tensors element by element with \`where(cond, a, b)\`"
    `)
    expect(of('not x', [2])).toMatchInlineSnapshot(`
      "error[operand-type-unary]: \`not\` does not take f32[2]
       --> test.mtl:1:56
        |
      1 | block Main() { forward(x: any = none, y: any = none) = not x }
        |                                                        ^^^^^
        |                                                            - f32[2]"
    `)
  })
})

describe('names, fields, indices', () => {
  it('names', () => {
    expect(of('relo(x)', [2])).toMatchInlineSnapshot(`
      "error[unknown-name]: unknown name \`relo\`
       --> test.mtl:1:56
        |
      1 | block Main() { forward(x: any = none, y: any = none) = relo(x) }
        |                                                        ^^^^ not defined here
      hint: did you mean \`relu\`?"
    `)
    expect(of('{abc: 1, def: 2}.abd')).toMatchInlineSnapshot(`
      "error[unknown-field]: record {abc, def} has no field \`abd\`
       --> test.mtl:1:73
        |
      1 | block Main() { forward(x: any = none, y: any = none) = {abc: 1, def: 2}.abd }
        |                                                                         ^^^ no such field
      hint: did you mean \`abc\`?"
    `)
    expect(of('{abc: 1, def: 2}["zzzzzz"]')).toMatchInlineSnapshot(`
      "error[unknown-field]: record {abc, def} has no field \`zzzzzz\`
       --> test.mtl:1:73
        |
      1 | block Main() { forward(x: any = none, y: any = none) = {abc: 1, def: 2}["zzzzzz"] }
        |                                                                         ^^^^^^^^ no such field
      hint: these exist: abc, def"
    `)
    expect(of('[1].abc')).toMatchInlineSnapshot(`
      "error[unknown-field]: list of 1 has no field \`abc\`
       --> test.mtl:1:60
        |
      1 | block Main() { forward(x: any = none, y: any = none) = [1].abc }
        |                                                            ^^^ no such field
      hint: items of a list are read by index, \`items[0]\`; its length is \`len(items)\`"
    `)
  })
  it('indices', () => {
    expect(of('[1, 2][2]')).toMatchInlineSnapshot(`
      "error[index-out-of-range]: index 2 is out of range: the list has 2 items
       --> test.mtl:1:63
        |
      1 | block Main() { forward(x: any = none, y: any = none) = [1, 2][2] }
        |                                                               ^ out of range
      hint: 0 to 1, or -2 to -1"
    `)
    expect(of('[1, 2][0..3]')).toMatchInlineSnapshot(`
      "error[slice-out-of-range]: range 0..3 goes beyond the list, whose size is 2
       --> test.mtl:1:63
        |
      1 | block Main() { forward(x: any = none, y: any = none) = [1, 2][0..3] }
        |                                                               ^^^^ out of range"
    `)
    expect(of('x[4]', [4])).toMatchInlineSnapshot(`
      "error[index-out-of-range]: index 4 is out of range: axis 0 of tensor f32[4] has 4 items
       --> test.mtl:1:58
        |
      1 | block Main() { forward(x: any = none, y: any = none) = x[4] }
        |                                                          ^ out of range
      hint: 0 to 3, or -4 to -1"
    `)
    expect(of('x[:, 3..9]', [4, 5])).toMatchInlineSnapshot(`
      "error[slice-out-of-range]: range 3..9 goes beyond axis 1 of tensor f32[4, 5], whose size is 5
       --> test.mtl:1:61
        |
      1 | block Main() { forward(x: any = none, y: any = none) = x[:, 3..9] }
        |                                                             ^^^^ out of range"
    `)
    expect(of('x[0, 0, 0]', [4, 5])).toMatchInlineSnapshot(`
      "error[too-many-indices]: 3 indices for tensor f32[4, 5] of rank 2
       --> test.mtl:1:56
        |
      1 | block Main() { forward(x: any = none, y: any = none) = x[0, 0, 0] }
        |                                                        ^^^^^^^^^^"
    `)
    expect(of('x[..., 0, ...]', [4, 5])).toMatchInlineSnapshot(`
      "error[two-ellipses]: \`...\` stands twice in one index
       --> test.mtl:1:66
        |
      1 | block Main() { forward(x: any = none, y: any = none) = x[..., 0, ...] }
        |                                                                  ^^^ the second one"
    `)
    expect(of('x[y]', [4], i32(2))).toMatchInlineSnapshot(`
      "error[index-type]: axis 0 of tensor f32[4] cannot be indexed with tensor i32[2]
       --> test.mtl:1:58
        |
      1 | block Main() { forward(x: any = none, y: any = none) = x[y] }
        |                                                          ^ here
      hint: take the elements that an int32 tensor names with \`gather(x, indices, axis)\`"
    `)
    expect(of('x[::0]', [4])).toMatchInlineSnapshot(`
      "error[slice-step]: the step of a range cannot be 0
       --> test.mtl:1:60
        |
      1 | block Main() { forward(x: any = none, y: any = none) = x[::0] }
        |                                                            ^ here"
    `)
    expect(of('5[0]')).toMatchInlineSnapshot(`
      "error[not-indexable]: int 5 cannot be indexed
       --> test.mtl:1:56
        |
      1 | block Main() { forward(x: any = none, y: any = none) = 5[0] }
        |                                                        ^"
    `)
    expect(of('[1, 2]["a"]')).toMatchInlineSnapshot(`
      "error[index-type]: the list cannot be indexed with string "a"
       --> test.mtl:1:63
        |
      1 | block Main() { forward(x: any = none, y: any = none) = [1, 2]["a"] }
        |                                                               ^^^ here"
    `)
  })
  it('iteration', () => {
    expect(of('[for i in 5: i]')).toMatchInlineSnapshot(`
      "error[not-iterable]: cannot iterate over int 5
       --> test.mtl:1:66
        |
      1 | block Main() { forward(x: any = none, y: any = none) = [for i in 5: i] }
        |                                                                  ^ not a list
      hint: write \`0..n\`"
    `)
    expect(of('0..1.5')).toMatchInlineSnapshot(`
      "error[range-end]: an end of a range is float 1.5, not an int
       --> test.mtl:1:59
        |
      1 | block Main() { forward(x: any = none, y: any = none) = 0..1.5 }
        |                                                           ^^^ here"
    `)
    expect(of('{for i in [1, 2]: i}')).toMatchInlineSnapshot(`
      "error[no-record-key]: int 1 gives no field name
       --> test.mtl:1:66
        |
      1 | block Main() { forward(x: any = none, y: any = none) = {for i in [1, 2]: i} }
        |                                                                  ^^^^^^ item of this
      hint: items must be strings or have a \`name\`; or iterate over a record: \`for k, v in r\`"
    `)
    expect(of('{for i in ["a", "a"]: i}')).toMatchInlineSnapshot(`
      "error[duplicate-key]: field \`a\` comes twice
       --> test.mtl:1:66
        |
      1 | block Main() { forward(x: any = none, y: any = none) = {for i in ["a", "a"]: i} }
        |                                                                  ^^^^^^^^^^ the second one"
    `)
    expect(of('0..1_000_000')).toMatchInlineSnapshot(`
      "error[limit-exceeded]: items of a range exceed the limit of 100,000
       --> test.mtl:1:56
        |
      1 | block Main() { forward(x: any = none, y: any = none) = 0..1_000_000 }
        |                                                        ^^^^^^^^^^^^ reached here"
    `)
  })
})

it('every message is shown in one of the two files', () => {
  const text = ['evaluate-messages-expressions', 'evaluate-messages-blocks'].map(f => readFileSync(new URL(`${f}.test.ts`, import.meta.url), 'utf8')).join('')
  expect(Object.keys(evaluationMessages).filter(code => !text.includes(`[${code}]: `))).toEqual([])
})
