// The static check: what a text alone shows, each finding with its whole message.
import { describe, expect, it } from 'vitest'
import { blocks, check, text } from './check-support.ts'

const inBlock = (members: string): string => check(`block A(n: int) {\n${members}\n}`)
const inForward = (statements: string): string => inBlock(`  state count: [] int = zeros\n  forward(x: [B, C]) {\n${statements}\n  }`)

describe('names', () => {
  it('suggests a name in reach', () => {
    expect(inForward('    let hidden = 2 * C + n\n    return x * hiden')).toMatchInlineSnapshot(`
      "error[unknown-name]: unknown name \`hiden\`
       --> a.mtl:5:16
        |
      5 |     return x * hiden
        |                ^^^^^ not defined here
      hint: did you mean \`hidden\`?"
    `)
  })
  it('knows the members of self', () => {
    expect(inBlock('  weights = gelu\n  forward(x: [*]) = self.weight(x)')).toMatchInlineSnapshot(`
      "error[unknown-member]: this has no member \`weight\`
       --> a.mtl:3:26
        |
      3 |   forward(x: [*]) = self.weight(x)
        |                          ^^^^^^ not a member
      hint: did you mean \`weights\`?"
    `)
  })
  it('does not see an inner name from outside', () => {
    expect(inForward('    for i in 0..n { let y = x * i }\n    return y')).toMatchInlineSnapshot(`
      "warning[unused-let]: \`y\` is not used
       --> a.mtl:4:25
        |
      4 |     for i in 0..n { let y = x * i }
        |                         ^ no one reads it
      hint: remove it, or begin its name with \`_\`

      error[unknown-name]: unknown name \`y\`
       --> a.mtl:5:12
        |
      5 |     return y
        |            ^ not defined here"
    `)
  })
  it('knows dimensions of the signature everywhere, loop variables inside', () => {
    expect(check('block A() {\n  let twice = 2 * C\n  param w: [twice, C] = [for i in 0..1: zeros][0]\n  forward(x: [B, C], y: {z: [B, D]}) -> [B, twice] = linear(x, w) + D\n}')).toBe('')
  })
  it('warns of a let that nothing reads, unless its name says so', () => {
    expect(inForward('    let a = 1\n    let _b = 2\n    require n > 0, "n is {n}"\n    return x')).toMatchInlineSnapshot(`
      "warning[unused-let]: \`a\` is not used
       --> a.mtl:4:9
        |
      4 |     let a = 1
        |         ^ no one reads it
      hint: remove it, or begin its name with \`_\`"
    `)
  })
  it('counts names in messages as used', () => {
    expect(inForward('    let a = 1\n    require n > 0, "a is {a + 1}"\n    return x')).toBe('')
  })
})

describe('blocks', () => {
  it('needs a forward', () => {
    expect(inBlock('  let _a = n')).toMatchInlineSnapshot(`
      "error[without-forward]: block \`A\` has no forward
       --> a.mtl:1:7
        |
      1 | block A(n: int) {
        |       ^ declared here
      hint: add \`forward(...) = ...\`: it says what the block computes"
    `)
  })
  it('takes one forward', () => {
    expect(inBlock('  forward(x: [*]) = x\n  forward(y: [*]) = y')).toMatchInlineSnapshot(`
      "error[second-forward]: there are two forwards
       --> a.mtl:3:3
        |
      2 |   forward(x: [*]) = x
        |   ------------------- the first
      3 |   forward(y: [*]) = y
        |   ^^^^^^^^^^^^^^^^^^^ the second"
    `)
  })
  it('has distinct members, but a name in each branch', () => {
    expect(inBlock('  if n > 1 { act = relu } else { act = gelu }\n  fc = relu\n  fc = gelu\n  forward(x: [*]) = x |> act |> fc')).toMatchInlineSnapshot(`
      "error[duplicate-name]: two members have the name \`fc\`
       --> a.mtl:4:3
        |
      3 |   fc = relu
        |   -- first here
      4 |   fc = gelu
        |   ^^ the second"
    `)
  })
  it('has distinct parameters', () => {
    expect(check('block A(n: int, n: float) { forward(x: [*]) = x }')).toMatchInlineSnapshot(`
      "error[duplicate-name]: two parameters have the name \`n\`
       --> a.mtl:1:17
        |
      1 | block A(n: int, n: float) { forward(x: [*]) = x }
        |                 ^ the second
        |         - first here"
    `)
  })
  it('cannot contain itself by way of others', () => {
    expect(check('block A() {\n  b = B()\n  forward(x: [*]) = b(x)\n}\nblock B() {\n  forward(x: [*]) = x |> C\n}\nblock C() {\n  a = [A(), A()]\n  forward(x: [*]) = a(x)\n}')).toMatchInlineSnapshot(`
      "error[recursive-block]: block \`A\` contains itself: A -> B -> C -> A
       --> a.mtl:9:8
        |
      2 |   b = B()
        |       - A contains this
      ...
      6 |   forward(x: [*]) = x |> C
        |                          - B contains this
      ...
      9 |   a = [A(), A()]
        |        ^ this closes the cycle
      hint: blocks cannot contain themselves; repeat with a list, \`[for i in 0..depth: ...]\`"
    `)
  })
  it('cannot contain itself', () => {
    expect(check('block A() {\n  a = A()\n  forward(x: [*]) = a(x)\n}')).toMatchInlineSnapshot(`
      "error[recursive-block]: block \`A\` contains itself: A -> A
       --> a.mtl:2:7
        |
      2 |   a = A()
        |       ^ this closes the cycle
      hint: blocks cannot contain themselves; repeat with a list, \`[for i in 0..depth: ...]\`"
    `)
  })
  it('knows the types of parameters', () => {
    expect(check('block A(n: integer, m: [strng]) { forward(x: [*]) = x }')).toMatchInlineSnapshot(`
      "error[unknown-type]: unknown type \`integer\`
       --> a.mtl:1:12
        |
      1 | block A(n: integer, m: [strng]) { forward(x: [*]) = x }
        |            ^^^^^^^ no such type
      hint: these exist: int, float, bool, string, init, block, size, list, record, any

      error[unknown-type]: unknown type \`strng\`
       --> a.mtl:1:25
        |
      1 | block A(n: integer, m: [strng]) { forward(x: [*]) = x }
        |                         ^^^^^ no such type
      hint: did you mean \`string\`?"
    `)
  })
})

describe('statements', () => {
  it('assigns only what was declared', () => {
    expect(inForward('    y = x\n    return x')).toMatchInlineSnapshot(`
      "error[unknown-local]: \`y\` has not been defined
       --> a.mtl:4:5
        |
      4 |     y = x
        |     ^ assigned here
      hint: write \`let y = ...\` for a new name"
    `)
  })
  it('assigns only locals and arguments', () => {
    expect(inForward('    n = 2\n    x = x + 1\n    return x')).toMatchInlineSnapshot(`
      "error[not-assignable]: \`n\` is a static parameter and cannot be assigned
       --> a.mtl:4:5
        |
      1 | block A(n: int) {
        |         - declared here
      ...
      4 |     n = 2
        |     ^ assigned here"
    `)
  })
  it('updates only states', () => {
    expect(inForward('    update count = count + 1\n    update n = 1\n    return x')).toMatchInlineSnapshot(`
      "error[not-a-state]: \`n\` is no state of this block
       --> a.mtl:5:12
        |
      1 | block A(n: int) {
        |         - declared here
      ...
      5 |     update n = 1
        |            ^ updated here"
    `)
  })
  it('needs a return', () => {
    expect(inForward('    let _y = x')).toMatchInlineSnapshot(`
      "error[no-result]: forward of A ends without \`return\`
       --> a.mtl:3:3
        |
      3 |   forward(x: [B, C]) {
        |   ^^^^^^^^^^^^^^^^^^^^ no value"
    `)
  })
  it('is content with a return in both branches', () => {
    expect(inForward('    if n > 1 { return x } else if n > 0 { return -x } else { return x * 2 }')).toBe('')
  })
  it('has nothing after return', () => {
    expect(inForward('    return x\n    require n > 1')).toMatchInlineSnapshot(`
      "error[after-return]: nothing can follow \`return\`
       --> a.mtl:5:5
        |
      4 |     return x
        |     -------- returns here
      5 |     require n > 1
        |     ^^^^^^^^^^^^^ never reached"
    `)
  })
  it('does not return from loops', () => {
    expect(inForward('    for i in 0..n { return x * i }\n    return x')).toMatchInlineSnapshot(`
      "error[return-in-loop]: \`return\` inside a loop
       --> a.mtl:4:21
        |
      4 |     for i in 0..n { return x * i }
        |                     ^^^^^^^^^^^^ here
      hint: loops are unrolled: collect into a local and return it after the loop"
    `)
  })
  it('has no expression of no use', () => {
    expect(inForward('    x + 1\n    return x')).toMatchInlineSnapshot(`
      "error[unused-value]: the value of this expression is not used
       --> a.mtl:4:5
        |
      4 |     x + 1
        |     ^^^^^ no use
      hint: bind it with \`let\`, or remove it"
    `)
  })
})

describe('arguments', () => {
  it('knows the parameters of blocks', () => {
    expect(check(`${blocks}block A() {\n  conv = Conv(2, kernal = 3)\n  forward(x: [*]) = conv(x)\n}`)).toMatchInlineSnapshot(`
      "error[unknown-argument]: \`Conv\` has no argument \`kernal\`
        --> a.mtl:21:18
         |
      21 |   conv = Conv(2, kernal = 3)
         |                  ^^^^^^ unknown argument
      hint: did you mean \`kernel\`?"
    `)
  })
  it('misses required ones', () => {
    expect(check(`${blocks}block A() {\n  conv = Conv(kernel = 3)\n  forward(x: [*]) = conv(x)\n}`)).toMatchInlineSnapshot(`
      "error[missing-argument]: \`Conv\` needs the argument \`out\`
        --> a.mtl:21:10
         |
       1 | block Conv(out: int, kernel: int = 1) {
         |            -------- declared here
      ...
      21 |   conv = Conv(kernel = 3)
         |          ^^^^^^^^^^^^^^^^ missing here"
    `)
  })
  it('counts them', () => {
    expect(check(`${blocks}block A() {\n  conv = Conv(2, 3, 4)\n  forward(x: [*]) = conv(x)\n}`)).toMatchInlineSnapshot(`
      "error[too-many-arguments]: 3 arguments for \`Conv\`, which takes 2
        --> a.mtl:21:21
         |
       1 | block Conv(out: int, kernel: int = 1) {
         |       ---- declared here
      ...
      21 |   conv = Conv(2, 3, 4)
         |                     ^ one too many"
    `)
  })
  it('gives each once', () => {
    expect(check(`${blocks}block A() {\n  conv = Conv(2, kernel = 3, kernel = 5)\n  forward(x: [*]) = conv(x)\n}`)).toMatchInlineSnapshot(`
      "error[duplicate-name]: two arguments have the name \`kernel\`
        --> a.mtl:21:30
         |
      21 |   conv = Conv(2, kernel = 3, kernel = 5)
         |                              ^^^^^^ the second
         |                  ------ first here"
    `)
  })
  it('knows the parameters of functions', () => {
    expect(inForward('    return softmax(x, axes = 1)')).toMatchInlineSnapshot(`
      "error[unknown-argument]: \`softmax\` has no argument \`axes\`
       --> a.mtl:4:23
        |
      4 |     return softmax(x, axes = 1)
        |                       ^^^^ unknown argument
      hint: did you mean \`axis\`?"
    `)
  })
})

it('checks the files that can be read beside those that cannot', () => {
  const files = { 'a.mtl': 'import { B, C } from "b.mtl"\nimport { D } from "c.mtl"\nblock A() {\n  parts = [B(), C(), D(), E()]\n  forward(x: [*]) = parts(x)\n}', 'b.mtl': 'block B() {\n  forward(x: [*]) = x +\n}' }
  expect(check(files)).toMatchInlineSnapshot(`
    "error[expected]: expected an expression, found \`}\`
     --> b.mtl:3:1
      |
    3 | }
      | ^

    error[import-not-found]: cannot find "c.mtl"
     --> a.mtl:2:19
      |
    2 | import { D } from "c.mtl"
      |                   ^^^^^^^ imported here
    hint: looked for c.mtl, from a.mtl; import paths are relative to the importing file

    error[unknown-name]: unknown name \`E\`
     --> a.mtl:4:27
      |
    4 |   parts = [B(), C(), D(), E()]
      |                           ^ not defined here"
  `)
})

it('reports all mistakes of all kinds at once, each once', () => {
  const files = { 'a.mtl': `import { Lost, Used } from "b.mtl"\n${text.replace('stem(image)', 'stam(image)').replace('steps = 10', 'stepz = 10')}`, 'b.mtl': 'block Lost() { forward(x: [B, C]) = y }\nblock Used() { forward(x: [B, C]) = x }\nblock Empty() { }' }
  expect(check(files).split('\n').filter(l => /^(error|warning)/.test(l))).toMatchInlineSnapshot(`
    [
      "warning[unused-import]: \`Lost\` is imported but not used",
      "warning[unused-import]: \`Used\` is imported but not used",
      "error[unknown-name]: unknown name \`stam\`",
      "error[unknown-field]: \`train\` has no field \`stepz\`",
      "error[unknown-name]: unknown name \`y\`",
      "error[without-forward]: block \`Empty\` has no forward",
      "error[field-value]: train: \`steps\` is missing",
    ]
  `)
})

describe('beside mistakes of syntax', () => {
  it('names are checked in the declarations that can be read', () => {
    expect(check('import { Linear } from "lost.mtl"\nblock Odd[3] { forward(x) = x }\nblock A() {\n  fc = Linear(3, out = )\n  forward(x) = fc(x) + unseen\n}\nblock B() {\n  odd = Odd()\n  forward(x) = odd(x) + y\n}')).toMatchInlineSnapshot(`
      "error[expected]: expected \`(\`, found \`[\`
       --> a.mtl:2:10
        |
      2 | block Odd[3] { forward(x) = x }
        |          ^

      error[expected]: expected an expression, found \`)\`
       --> a.mtl:4:24
        |
      4 |   fc = Linear(3, out = )
        |                        ^

      error[import-not-found]: cannot find "lost.mtl"
       --> a.mtl:1:24
        |
      1 | import { Linear } from "lost.mtl"
        |                        ^^^^^^^^^^ imported here
      hint: looked for lost.mtl, from a.mtl; import paths are relative to the importing file

      error[unknown-name]: unknown name \`y\`
       --> a.mtl:9:25
        |
      9 |   forward(x) = odd(x) + y
        |                         ^ not defined here"
    `)
  })
  it('nothing is guessed where brackets do not match, and no name that may be declared is called unknown', () => {
    expect(check('block A() { forward(x) = y }\nblock B() { forward(x) = f(x }')).toMatchInlineSnapshot(`
      "error[unclosed-bracket]: \`(\` is never closed
       --> a.mtl:2:27
        |
      2 | block B() { forward(x) = f(x }
        |                           ^ opened here
        |                              - \`)\` is missing before this
      hint: add \`)\`"
    `)
    expect(check('modl M { }\nblock Lost[3] { forward(x) = x }\nmodel V = Lost with { a = 1 }\nblock B() { forward(x) = Lost(x) }')).toMatchInlineSnapshot(`
      "error[expected]: expected \`import\`, \`block\` or \`model\`, found the name \`modl\`
       --> a.mtl:1:1
        |
      1 | modl M { }
        | ^^^^

      error[expected]: expected \`(\`, found \`[\`
       --> a.mtl:2:11
        |
      2 | block Lost[3] { forward(x) = x }
        |           ^"
    `)
  })
})
