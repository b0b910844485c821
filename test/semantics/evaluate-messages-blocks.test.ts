// The messages of calls, signatures, members, statements and limits, whole, as the user reads them.
import { describe, expect, it } from 'vitest'
import { elaborate, expression, type Given, type Setup } from './evaluate-support.ts'

const of = (text: string, ...inputs: Given[]): string => expression(text, { inputs }).report
const main = (source: string, setup: Setup = {}): string => elaborate(source, setup).report
const body = (text: string, setup: Setup = {}): string => main(`block Main() {\n  forward(x: any = none, y: any = none) {\n${text}\n  }\n}`, setup)
const linear = 'block Linear(out: int, bias: bool = true) { param weight: [out, C] = zeros; forward(x: [*, C]) -> [*, out] = matmul(x, weight, trans_b = true) }\n'

describe('calls', () => {
  it('arguments', () => {
    expect(of('softmax(x, axes = 1)', [2, 3])).toMatchInlineSnapshot(`
      "error[unknown-argument]: \`softmax\` has no argument \`axes\`
       --> test.mtl:1:67
        |
      1 | block Main() { forward(x: any = none, y: any = none) = softmax(x, axes = 1) }
        |                                                                   ^^^^ unknown argument
      hint: did you mean \`axis\`?"
    `)
    expect(of('softmax()')).toMatchInlineSnapshot(`
      "error[missing-argument]: \`softmax\` needs the argument \`x\`
       --> test.mtl:1:56
        |
      1 | block Main() { forward(x: any = none, y: any = none) = softmax() }
        |                                                        ^^^^^^^^^ missing here"
    `)
    expect(of('relu(x, 1)', [2])).toMatchInlineSnapshot(`
      "error[too-many-arguments]: 2 arguments for \`relu\`, which takes 1
       --> test.mtl:1:64
        |
      1 | block Main() { forward(x: any = none, y: any = none) = relu(x, 1) }
        |                                                                ^ one too many
      hint: its arguments: x"
    `)
    expect(of('softmax(x, axis = 0, axis = 1)', [2])).toMatchInlineSnapshot(`
      "error[duplicate-argument]: argument \`axis\` of \`softmax\` is given twice
       --> test.mtl:1:77
        |
      1 | block Main() { forward(x: any = none, y: any = none) = softmax(x, axis = 0, axis = 1) }
        |                                                                             ^^^^ the second one
        |                                                                          - the first one"
    `)
    expect(of('softmax(axis = 0, x)', [2])).toMatchInlineSnapshot(`
      "error[positional-after-named]: a positional argument cannot follow a named one
       --> test.mtl:1:74
        |
      1 | block Main() { forward(x: any = none, y: any = none) = softmax(axis = 0, x) }
        |                                                                          ^
      hint: positional arguments come first: \`f(x, k = 1)\`"
    `)
    expect(of('5(1)')).toMatchInlineSnapshot(`
      "error[not-callable]: int 5 cannot be called
       --> test.mtl:1:56
        |
      1 | block Main() { forward(x: any = none, y: any = none) = 5(1) }
        |                                                        ^^^^ called here"
    `)
    expect(of('none(1)')).toMatchInlineSnapshot(`
      "error[not-callable]: none cannot be called
       --> test.mtl:1:56
        |
      1 | block Main() { forward(x: any = none, y: any = none) = none(1) }
        |                                                        ^^^^^^^ called here
      hint: in a list \`none\` is skipped: \`[x]\` can be called where \`x\` may be none"
    `)
    expect(main(`${linear}block Main() { a = Linear("x"); b = Linear(3, bios = true); c = Linear(); d = Linear(1, true, 2); forward() = 1 }`)).toMatchInlineSnapshot(`
      "error[argument-type]: \`out\` of block Linear takes int, not string "x"
       --> test.mtl:2:27
        |
      1 | block Linear(out: int, bias: bool = true) { param weight: [out, C] = zeros; forward(x: [*, C]) -> [*, out] = matmul(x, w ...
        |                   --- declared here
      2 | block Main() { a = Linear("x"); b = Linear(3, bios = true); c = Linear(); d = Linear(1, true, 2); forward() = 1 }
        |                           ^^^ string "x"
      error[unknown-argument]: block Linear has no argument \`bios\`
       --> test.mtl:2:47
        |
      2 | block Main() { a = Linear("x"); b = Linear(3, bios = true); c = Linear(); d = Linear(1, true, 2); forward() = 1 }
        |                                               ^^^^ unknown argument
      hint: did you mean \`bias\`?
      error[missing-argument]: block Linear needs the argument \`out\`
       --> test.mtl:2:65
        |
      2 | block Main() { a = Linear("x"); b = Linear(3, bios = true); c = Linear(); d = Linear(1, true, 2); forward() = 1 }
        |                                                                 ^^^^^^^^ missing here
      error[too-many-arguments]: 3 arguments for block Linear, which takes 2
       --> test.mtl:2:95
        |
      2 | block Main() { a = Linear("x"); b = Linear(3, bios = true); c = Linear(); d = Linear(1, true, 2); forward() = 1 }
        |                                                                                               ^ one too many
      hint: its arguments: out, bias"
    `)
    expect(main('block T(a: tensr) { forward() = 1 }; block Main() { a = T(1); forward() = 1 }')).toMatchInlineSnapshot(`
      "error[unknown-type]: unknown type \`tensr\`
       --> test.mtl:1:12
        |
      1 | block T(a: tensr) { forward() = 1 }; block Main() { a = T(1); forward() = 1 }
        |            ^^^^^ no such type
      hint: these exist: int, float, bool, string, init, block, size, list, record, any"
    `)
  })
  it('functions that refuse', () => {
    expect(of('softmax(x, axis = 5)', [2, 3])).toMatchInlineSnapshot(`
      "error[call-failed]: \`softmax\`: axis 5 does not exist: the tensor has 2 axes
       --> test.mtl:1:74
        |
      1 | block Main() { forward(x: any = none, y: any = none) = softmax(x, axis = 5) }
        |                                                                          ^
        |                                                                - x: f32[2, 3]"
    `)
    expect(of('matmul(x, y)', [2, 3], [4, 5])).toMatchInlineSnapshot(`
      "error[call-failed]: \`matmul\`: the inner dimensions differ: 3 and 4 ([2, 3] times [4, 5])
       --> test.mtl:1:56
        |
      1 | block Main() { forward(x: any = none, y: any = none) = matmul(x, y) }
        |                                                        ^^^^^^^^^^^^
        |                                                               - a: f32[2, 3]
        |                                                                  - b: f32[4, 5]"
    `)
  })
  it('blocks that own something need a name', () => {
    expect(main(`${linear}block Main() {\n  forward(x: [*, C]) = Linear(4)(x)\n}`, { inputs: [[2, 3]] })).toMatchInlineSnapshot(`
      "error[unnamed-block]: Linear owns the parameter \`weight\`; it must be named before it is called
       --> test.mtl:3:24
        |
      1 | ... ar(out: int, bias: bool = true) { param weight: [out, C] = zeros; forward(x: [*, C]) -> [*, out] = matmul(x, weight, tra ...
        |                                             ------ owned here
      ...
      3 |   forward(x: [*, C]) = Linear(4)(x)
        |                        ^^^^^^^^^^^^ called without a name
      hint: make it a member of the block: \`name = Linear(...)\`, then call \`name\`"
    `)
    expect(main('block E() { let a = 1 }; block Main() { e = E(); forward() = e() }')).toMatchInlineSnapshot(`
      "error[no-forward]: block \`E\` has no forward
       --> test.mtl:1:62
        |
      1 | block E() { let a = 1 }; block Main() { e = E(); forward() = e() }
        |                                                              ^^^ called here
        |       - declared here"
    `)
  })
})

describe('signatures', () => {
  const call = (signature: string, ...inputs: Given[]): string => {
    const names = inputs.map((_, i) => 'abc'[i])
    return main(`block F(C: int = 64) {\n  forward${signature}\n}\nblock Main() {\n  f = F()\n  forward(${names.map(n => `${n}: any`).join(', ')}) = f(${names.join(', ')})\n}`, { inputs })
  }
  it('say both shapes, both places and the rule', () => {
    expect(call('(x: [B, C]) = x', [2, 32])).toMatchInlineSnapshot(`
      "error[shape-mismatch]: \`x\` of F is f32[2, 32]; the signature says [B, C]
       --> test.mtl:6:23
        |
      2 |   forward(x: [B, C]) = x
        |              ------ declared here
      ...
      5 |   f = F()
        |       --- \`C\` is 64 here
      6 |   forward(a: any) = f(a)
        |                       ^ axis 1 is 32, but \`C\` is 64"
    `)
    expect(call('(x: [B, N, 3], y: [B, N]) = x', [2, 5, 3], [2, 4])).toMatchInlineSnapshot(`
      "error[shape-mismatch]: \`y\` of F is f32[2, 4]; the signature says [B, N]
       --> test.mtl:6:34
        |
      2 |   forward(x: [B, N, 3], y: [B, N]) = x
        |                            ------ declared here
      ...
      6 |   forward(a: any, b: any) = f(a, b)
        |                                  ^ axis 1 is 4, but \`N\` is 5
        |                               - \`N\` is 5 here"
    `)
    expect(call('(x: [B, N, 3]) = x', [2, 3])).toMatchInlineSnapshot(`
      "error[shape-mismatch]: \`x\` of F is f32[2, 3]; the signature says [B, N, 3]
       --> test.mtl:6:23
        |
      2 |   forward(x: [B, N, 3]) = x
        |              --------- declared here
      ...
      6 |   forward(a: any) = f(a)
        |                       ^ 3 dimensions expected, 2 found"
    `)
    expect(call('(x: [*, N], y: [*, N]) = x', [2, 3, 4], [2, 4])).toMatchInlineSnapshot(`
      "error[shape-mismatch]: \`y\` of F is f32[2, 4]; the signature says [*, N]
       --> test.mtl:6:34
        |
      2 |   forward(x: [*, N], y: [*, N]) = x
        |                         ------ declared here
      ...
      6 |   forward(a: any, b: any) = f(a, b)
        |                                  ^ \`*\` is [2] in \`y\`, but [2, 3] in \`x\`
        |                               - \`*\` stands for [2, 3] here"
    `)
    expect(call('(x: [B, 2 * C]) = x', [2, 64])).toMatchInlineSnapshot(`
      "error[shape-mismatch]: \`x\` of F is f32[2, 64]; the signature says [B, 2 * C]
       --> test.mtl:6:23
        |
      2 |   forward(x: [B, 2 * C]) = x
        |              ---------- declared here
      ...
      5 |   f = F()
        |       --- \`C\` is 64 here
      6 |   forward(a: any) = f(a)
        |                       ^ axis 1 is 64, but \`2 * C\` is 128"
    `)
    expect(call('(x: [B, 2 * N]) = x', [2, 64])).toMatchInlineSnapshot(`
      "error[unbound-dimension]: dimension \`N\` is not bound
       --> test.mtl:2:22
        |
      2 |   forward(x: [B, 2 * N]) = x
        |                      ^ here
      hint: a name must stand alone in the shape of some argument (\`[B, N]\`) or be a static parameter"
    `)
    expect(call('(x: [B, N]) -> [B, 2 * N] = x', [2, 8])).toMatchInlineSnapshot(`
      "error[shape-mismatch]: \`result\` of F is f32[2, 8]; the signature says [B, 2 * N]
       --> test.mtl:2:38
        |
      2 |   forward(x: [B, N]) -> [B, 2 * N] = x
        |                                      ^ axis 1 is 8, but \`2 * N\` is 16
        |                         ---------- declared here
      ...
      6 |   forward(a: any) = f(a)
        |                       - \`N\` is 8 here
        |                     ---- in this call of F (f)"
    `)
    expect(call('(x: {cls: [B], box: [B]}) = x', { value: { t: 'record', fields: new Map([['cls', { t: 'int', v: 1 }]]) } })).toMatchInlineSnapshot(`
      "error[argument-type]: \`x.cls\` of F takes [B], not int 1
       --> test.mtl:6:23
        |
      2 |   forward(x: {cls: [B], box: [B]}) = x
        |                    --- declared here
      ...
      6 |   forward(a: any) = f(a)
        |                       ^ int 1"
    `)
    expect(call('(x: {cls: any, box: [B]}) = x', { value: { t: 'record', fields: new Map([['cls', { t: 'int', v: 1 }]]) } })).toMatchInlineSnapshot(`
      "error[unknown-field]: \`x\` of F has no field \`box\`
       --> test.mtl:6:23
        |
      2 |   forward(x: {cls: any, box: [B]}) = x
        |                         --- declared here
      ...
      6 |   forward(a: any) = f(a)
        |                       ^ record {cls}"
    `)
    expect(main('block F(C: string) { forward(x: [C]) = x }\nblock Main() { forward(x: any) = F("a")(x) }', { inputs: [[2]] })).toMatchInlineSnapshot(`
      "error[dimension-type]: dimension \`C\` is string "a", not an int
       --> test.mtl:1:34
        |
      1 | block F(C: string) { forward(x: [C]) = x }
        |                                  ^ here"
    `)
  })
})

describe('members', () => {
  it('that are no children, or come twice', () => {
    expect(main('block Main() { a = 5; forward() = 1 }')).toMatchInlineSnapshot(`
      "error[not-a-child]: \`a\` is int 5; a child is a block, a function, or a list or record of them
       --> test.mtl:1:20
        |
      1 | block Main() { a = 5; forward() = 1 }
        |                    ^ here
      hint: write \`let a = ...\` for a value"
    `)
    expect(main('block Main() { a = relu; a = gelu; forward() = 1 }')).toMatchInlineSnapshot(`
      "error[duplicate-member]: \`a\` is already a member
       --> test.mtl:1:26
        |
      1 | block Main() { a = relu; a = gelu; forward() = 1 }
        |                          ^ the second one
        |                - the first one"
    `)
  })
  it('that come out differently at another call', () => {
    expect(main(`${linear}block Main() {\n  l = Linear(4)\n  forward(x: [B, 3]) = l(l(x))\n}`, { inputs: [[2, 3]] })).toMatchInlineSnapshot(`
      "error[member-changed]: \`l.weight\` is f32[4, 4] at this call, but was f32[4, 3] at another
       --> test.mtl:1:51
        |
      1 | ... ar(out: int, bias: bool = true) { param weight: [out, C] = zeros; forward(x: [*, C]) -> [*, out] = matmul(x, weight, tra ...
        |                                             ^^^^^^ comes out differently
      ...
      4 |   forward(x: [B, 3]) = l(l(x))
        |                        ------- this call
        |                          ---- the other call
      hint: a block that is called several times shares its parameters: make a second block"
    `)
    expect(main(`${linear}block S() { l = Linear(C); forward(x: [*, C]) = l(x) }\nblock Main() {\n  s = S()\n  forward(x: [B, 4]) { let a = s(x); return s(x[:, 1..]) }\n}`, { inputs: [[2, 4]] })).toMatchInlineSnapshot(`
      "error[member-changed]: \`s.l\` is Linear(out = 3, bias = true) at this call, but was Linear(out = 4, bias = true) at another
       --> test.mtl:2:13
        |
      2 | block S() { l = Linear(C); forward(x: [*, C]) = l(x) }
        |             ^ comes out differently
      ...
      5 |   forward(x: [B, 4]) { let a = s(x); return s(x[:, 1..]) }
        |                                             ------------ this call
        |                                ---- the other call
      hint: a block that is called several times shares its parameters: make a second block"
    `)
  })
  it('tensors', () => {
    expect(main('block Main() { param a: [2] = "x"; param b: [0] = zeros; constant c: [3] = iota(4); forward() = 1 }')).toMatchInlineSnapshot(`
      "error[not-an-initialiser]: the initialiser of \`a\` is string "x"
       --> test.mtl:1:31
        |
      1 | block Main() { param a: [2] = "x"; param b: [0] = zeros; constant c: [3] = iota(4); forward() = 1 }
        |                               ^^^ here
      hint: for example \`zeros\`, \`fill(0.5)\`, \`normal(0.02)\`, or a number
      error[bad-dimension]: a dimension of \`b\` is int 0, not a positive int
       --> test.mtl:1:46
        |
      1 | block Main() { param a: [2] = "x"; param b: [0] = zeros; constant c: [3] = iota(4); forward() = 1 }
        |                                              ^ here
      error[member-shape]: \`c\` is declared [3], but its value is tensor i32[4]
       --> test.mtl:1:76
        |
      1 | block Main() { param a: [2] = "x"; param b: [0] = zeros; constant c: [3] = iota(4); forward() = 1 }
        |                                                                            ^^^^^^^ here
        |                                                                      --- declared here"
    `)
    expect(main('block Main() { constant c: [2] = x * 2; forward(x: [2]) = x }', { inputs: [[2]] })).toMatchInlineSnapshot(`
      "error[constant-depends-on-inputs]: the constant \`c\` depends on an input of the model or a parameter
       --> test.mtl:1:34
        |
      1 | block Main() { constant c: [2] = x * 2; forward(x: [2]) = x }
        |                                  ^^^^^ not known when the model is compiled
      hint: use \`let\`"
    `)
    expect(main('block Main() { param a: [2] = zeros; param b: [2] = zeros; forward() = 1 }', { nameOf: () => 'same' })).toMatchInlineSnapshot(`
      "error[duplicate-parameter]: two tensors have the name \`same\`
       --> test.mtl:1:44
        |
      1 | block Main() { param a: [2] = zeros; param b: [2] = zeros; forward() = 1 }
        |                                            ^ the second one
        |                      - the first one
      hint: \`b\` was renamed"
    `)
    expect(main('block A() { param w: [2] = zeros; forward() = w }\nblock Main() { a = A(); let w = a.w; forward() = a() }')).toMatchInlineSnapshot(`
      "error[not-called-yet]: \`a\` has no member \`w\` yet
       --> test.mtl:2:35
        |
      2 | block Main() { a = A(); let w = a.w; forward() = a() }
        |                                   ^ read here
      hint: the members of a block exist once it has been called; call \`a\` before"
    `)
  })
  it('of unknown types, or missing', () => {
    expect(main('block Main() { state a: [2] string = zeros; forward() = 1 }')).toMatchInlineSnapshot(`
      "error[unknown-type]: unknown type \`string\`
       --> test.mtl:1:29
        |
      1 | block Main() { state a: [2] string = zeros; forward() = 1 }
        |                             ^^^^^^ no such type
      hint: a state is \`float\` (float32), \`int\` (int32) or \`bool\`"
    `)
    expect(main('block E() { forward() = 1 }\nblock Main() { e = E(); forward() { let a = e(); return e.sise } }')).toMatchInlineSnapshot(`
      "error[unknown-field]: block E (e) has no field \`sise\`
       --> test.mtl:2:59
        |
      2 | block Main() { e = E(); forward() { let a = e(); return e.sise } }
        |                                                           ^^^^ no such field"
    `)
  })
  it('called in ways they cannot be', () => {
    expect(main(`${linear}block Main() {\n  forward(x: [*, C]) = x |> [relu, Linear(4)]\n}`, { inputs: [[2, 3]] })).toMatchInlineSnapshot(`
      "error[unnamed-block]: Linear owns the parameter \`weight\`; it must be named before it is called
       --> test.mtl:3:29
        |
      1 | ... ar(out: int, bias: bool = true) { param weight: [out, C] = zeros; forward(x: [*, C]) -> [*, out] = matmul(x, weight, tra ...
        |                                             ------ owned here
      ...
      3 |   forward(x: [*, C]) = x |> [relu, Linear(4)]
        |                             ^^^^^^^^^^^^^^^^^ called without a name
      hint: make it a member of the block: \`name = Linear(...)\`, then call \`name\`"
    `)
    expect(main('block Main() { l = [relu, gelu]; forward(x: any) = l(x, x) }', { inputs: [[2]] })).toMatchInlineSnapshot(`
      "error[too-many-arguments]: 2 arguments for a list of blocks, which takes 1
       --> test.mtl:1:57
        |
      1 | block Main() { l = [relu, gelu]; forward(x: any) = l(x, x) }
        |                                                         ^ one too many
      hint: its arguments: x"
    `)
    expect(main('block Main() { forward(x: any) = self(x) }', { inputs: [[2]] })).toMatchInlineSnapshot(`
      "error[limit-exceeded]: nested calls exceed the limit of 64
       --> test.mtl:1:34
        |
      1 | block Main() { forward(x: any) = self(x) }
        |                                  ^^^^^^^ reached here
      hint: a block cannot contain itself, directly or through others"
    `)
  })
  it('requirements', () => {
    expect(main('block Main() {\n  require H % 4 == 0, "H = {H} must be a multiple of 4, not {H % 4} more ({nothing})"\n  forward(x: [H]) = x\n}', { inputs: [[6]] })).toMatchInlineSnapshot(`
      "error[unknown-name]: unknown name \`nothing\`
       --> test.mtl:2:23
        |
      2 |   require H % 4 == 0, "H = {H} must be a multiple of 4, not {H % 4} more ({nothing})"
        |                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ not defined here
      hint: these exist: self, H, x, Main
      error[requirement-failed]: H = 6 must be a multiple of 4, not 2 more ({nothing})
       --> test.mtl:2:11
        |
      2 |   require H % 4 == 0, "H = {H} must be a multiple of 4, not {H % 4} more ({nothing})"
        |           ^^^^^^^^^^ is false: 2 == 0"
    `)
  })
})

describe('statements', () => {
  it('locals', () => {
    expect(body('a = 1\nreturn 1')).toMatchInlineSnapshot(`
      "error[unknown-local]: \`a\` has not been defined
       --> test.mtl:3:1
        |
      3 | a = 1
        | ^ assigned here
      hint: write \`let a = ...\` for a new name"
    `)
    expect(main('block Main(n: int = 2) { forward(x: [B]) { n = 3; B = 4; return x } }', { inputs: [[2]] })).toMatchInlineSnapshot(`
      "error[not-assignable]: \`n\` is a static parameter and cannot be assigned
       --> test.mtl:1:44
        |
      1 | block Main(n: int = 2) { forward(x: [B]) { n = 3; B = 4; return x } }
        |                                            ^ assigned here
        |       ---- defined here
      hint: write \`let\` for a new local of that name
      error[not-assignable]: \`B\` is a dimension and cannot be assigned
       --> test.mtl:1:51
        |
      1 | block Main(n: int = 2) { forward(x: [B]) { n = 3; B = 4; return x } }
        |                                                   ^ assigned here
        |       ---- defined here
      hint: write \`let\` for a new local of that name"
    `)
    expect(body('let a, b = [1, 2, 3]\nlet {p} = {q: 1}\nlet c, d = x\nreturn a', { inputs: [[2]] })).toMatchInlineSnapshot(`
      "error[take-apart]: list of 3 cannot be taken apart into \`a\`, \`b\`
       --> test.mtl:3:12
        |
      3 | let a, b = [1, 2, 3]
        |            ^^^^^^^^^ this value
      error[take-apart]: record {q} cannot be taken apart into \`p\`
       --> test.mtl:4:6
        |
      4 | let {p} = {q: 1}
        |      ^ this value
      hint: did you mean \`q\`?
      error[take-apart]: tensor f32[2] cannot be taken apart into \`c\`, \`d\`
       --> test.mtl:5:12
        |
      5 | let c, d = x
        |            ^ this value
      hint: split a tensor with \`split(x, count, axis)\`, or index it"
    `)
  })
  it('values', () => {
    expect(body('1 + 1\nreturn 1')).toMatchInlineSnapshot(`
      "error[unused-value]: the value of this expression is not used
       --> test.mtl:3:1
        |
      3 | 1 + 1
        | ^^^^^ no use
      hint: bind it with \`let\`, or remove it"
    `)
    expect(body('let a = 1')).toMatchInlineSnapshot(`
      "error[no-result]: forward of Main ends without \`return\`
       --> test.mtl:2:3
        |
      2 |   forward(x: any = none, y: any = none) {
        |   ^^^^^^^ no value"
    `)
  })
  it('updates', () => {
    expect(main('block Main() { state avg: [2] = zeros; forward(x: [3]) { update avg = x; update agv = x; return x } }', { inputs: [[3]], mode: 'train' })).toMatchInlineSnapshot(`
      "error[update-type]: state \`avg\` is f32[2], its next value is tensor f32[3]
       --> test.mtl:1:71
        |
      1 | block Main() { state avg: [2] = zeros; forward(x: [3]) { update avg = x; update agv = x; return x } }
        |                                                                       ^ tensor f32[3]
      error[not-a-state]: \`agv\` is no state of this block
       --> test.mtl:1:81
        |
      1 | block Main() { state avg: [2] = zeros; forward(x: [3]) { update avg = x; update agv = x; return x } }
        |                                                                                 ^^^ updated here
      hint: did you mean \`avg\`?"
    `)
  })
})

describe('limits', () => {
  it('end the elaboration with one message', () => {
    expect(main('block A() { a = A(); forward(x: any) = a(x) }\nblock Main() { a = A(); forward(x: any) = a(x) }', { inputs: [[2]] })).toMatchInlineSnapshot(`
      "error[limit-exceeded]: nested calls exceed the limit of 64
       --> test.mtl:1:17
        |
      1 | block A() { a = A(); forward(x: any) = a(x) }
        |                 ^^^ reached here
        |                                        ---- in this call of A (...a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a)
      2 | block Main() { a = A(); forward(x: any) = a(x) }
        |                                           ---- in this call of A (a)
      hint: a block cannot contain itself, directly or through others"
    `)
    expect(main('block A(x: block = A()) { forward() = 1 }\nblock Main() { a = A(); forward() = a() }')).toMatchInlineSnapshot(`
      "error[limit-exceeded]: nested calls exceed the limit of 64
       --> test.mtl:1:20
        |
      1 | block A(x: block = A()) { forward() = 1 }
        |                    ^^^ reached here
      hint: a block cannot contain itself, directly or through others"
    `)
    expect(body('let a = x\nfor i in 0..100 { a = a + 1 }\nreturn a', { inputs: [[2]], limits: { nodes: 50 } })).toMatchInlineSnapshot(`
      "error[limit-exceeded]: nodes of the program exceed the limit of 50
       --> test.mtl:4:23
        |
      4 | for i in 0..100 { a = a + 1 }
        |                       ^^^^^ reached here"
    `)
    expect(body('for i in 0..1000 { let a = i }\nreturn 1', { limits: { steps: 500 } })).toMatchInlineSnapshot(`
      "error[limit-exceeded]: elaboration steps exceed the limit of 500
       --> test.mtl:3:20
        |
      3 | for i in 0..1000 { let a = i }
        |                    ^^^^^^^^^ reached here"
    `)
  })
  it('a hundred findings at most, none twice', () => {
    const many = Array.from({ length: 150 }, (_, i) => `let a${i} = nothing${i}`).join('\n')
    expect(elaborate(`block Main() { forward() {\n${many}\nreturn 1 } }`).diagnostics).toHaveLength(100)
    expect(body('for i in 0..5 { let a = nothing }\nreturn 1').match(/unknown-name/g)).toHaveLength(1)
  })
  it('an error makes no others', () => {
    const report = body('let a = nothing\nlet b = a + 1\nlet c = relu(b)\nlet {d} = c\nfor i in d { let e = i }\nreturn [a, b][0] |> relu')
    expect(report.match(/^error/gm)).toHaveLength(1)
  })
})
