// What the parser makes of every construct of the language, as golden text.
import { describe, expect, test } from 'vitest'
import { readFileSync } from 'node:fs'
import { parseExpression, parseFile, parseOverride } from '../../src/compiler/syntax/parse.ts'
import { dump } from './dump.ts'

const fixture = (name: string): string => readFileSync(new URL(`../fixtures/syntax/${name}`, import.meta.url), 'utf8')
const expr = (text: string): string => { const { expr: e, diagnostics } = parseExpression('x', text); return e === undefined ? diagnostics.map(d => d.code).join(' ') : dump(e) }
const declarations = (text: string): string => { const { ast, diagnostics } = parseFile('x', text); expect(diagnostics).toEqual([]); return [...ast!.imports, ...ast!.declarations].map(dump).join('\n') }
const members = (text: string): string => declarations(`block A() {\n${text}\n}`)

describe('expressions', () => {
  const same = (a: string, b: string): void => expect(expr(a)).toBe(expr(b))
  test('strength of operators', () => {
    same('a or b and not c == d + e * -f ** g', 'a or (b and (not (c == (d + (e * (-(f ** g)))))))')
    same('a - b - c', '(a - b) - c')
    same('a / b div c % d', '((a / b) div c) % d')
    same('2 ** 3 ** -4', '2 ** (3 ** (-4))')
    same('-a ** b', '-(a ** b)')
    same('not a and b', '(not a) and b')
    same('a + b |> f |> g(1)', '((a + b) |> f) |> g(1)')
    same('0..n - 1', '0..(n - 1)')
    same('if a then b else c |> f', 'if a then b else (c |> f)')
    same('if a then b else if c then d else e', 'if a then b else (if c then d else e)')
    same('if a then if b then c else d else e', 'if a then (if b then c else d) else e')
  })
  test('pipes call what is on their right', () => {
    expect(expr('x |> f')).toBe('{pipe value=x callee=f args=()}')
    expect(expr('x |> f(a, k = 1)')).toBe('{pipe value=x callee=f args=({value=a} {name=k value=1})}')
    expect(expr('x |> (f(a))')).toBe('{pipe value=x callee={call callee=f args=({value=a})} args=()}')
    expect(expr('x |> seq.0.1')).toBe('{pipe value=x callee={field target={field target=seq name=0} name=1} args=()}')
    expect(expr('x |> f + 1')).toBe('pipe-target')
  })
  test('literals', () => {
    expect(expr('[12, 40_000, 0.5, 2e-5, 1_000.0, true, off, none]')).toBe('{list items=(12 40000 f0.5 f0.00002 f1000 true {none} {none})}')
    expect(expr('[1024 x 2048, 3x4]')).toBe('{list items=({size rows=1024 columns=2048} {size rows=3 columns=4})}')
    expect(expr('"a\\n\\t\\"\\\\\\u{1F600}{b}"')).toBe(JSON.stringify('a\n\t"\\\u{1F600}{b}'))
    expect(expr('{a: 1, "3ddet": [2,], data: {}}')).toBe('{record fields=({name=a value=1} {name="3ddet" value={list items=(2)}} {name=data value={record fields=()}})}')
  })
  test('ranges, indices, comprehensions', () => {
    expect(expr('1..3')).toBe('{range from=1 to=3}')
    expect(expr('x[i, a..b, .., ::2, none, ..., :, 1.., ..-2, 0..9..2, 1:3:2]')).toBe('{index target=x items=({at value=i} {slice start=a stop=b} {slice} {slice step=2} {at value={none}} {ellipsis} {slice} {slice start=1} {slice stop={unary op=- operand=2}} {slice start=0 stop=9 step=2} {slice start=1 stop=3 step=2})}')
    expect(expr('[for i, v in L if C: {for t in 0..4: t}]')).toBe('{comprehension form="list" names=(i v) iterable=L filter=C value={comprehension form="record" names=(t) iterable={range from=0 to=4} value=t}}')
  })
  test('calls, fields, reserved words as fields', () => expect(expr('Roll(x)(y).data."3d".0.1(train = data.image)')).toBe(
    '{call callee={field target={field target={field target={field target={call callee={call callee=Roll args=({value=x})} args=({value=y})} name=data} name="3d"} name=0} name=1} args=({name=train value={field target=data name=image}})}'))
  test('div divides, // comments', () => {
    expect(expr('a div 2')).toBe('{binary op=div left=a right=2}')
    expect(expr('f(H div 2, (a)div(b), x[0] div -2)')).toBe('{call callee=f args=({value={binary op=div left=H right=2}} {value={binary op=div left=a right=b}} {value={binary op=div left={index target=x items=({at value=0})} right={unary op=- operand=2}}})}')
    expect(expr('if a then b div 2 else c')).toBe('{if-expr cond=a then={binary op=div left=b right=2} else=c}')
    expect(expr('x.div div f(div = {div: 1})')).toBe('{binary op=div left={field target=x name=div} right={call callee=f args=({name=div value={record fields=({name=div value=1})}})}}')
    expect(expr('divide')).toBe('divide')
    for (const text of ['a//2', 'a // 2', 'a //2', 'a  // 2', 'a// b + c', 'a //']) expect(expr(text), text).toBe('a')
  })
  test('what goes on to the next line', () => {
    for (const text of ['a\n|> b', 'a\n.b', 'a\n* b', 'a\ndiv b', 'a div\nb', 'a\n+ b', 'a\nand b', 'a +\nb', 'a and // why\n b', 'if a\nthen b\nelse c', 'f(a\n,b)', '[a\n-b]', '{a:\n1\n}', 'a // one two three\n+ b'])
      expect(members(`let x = ${text}`)).toBe(members(`let x = ${text.replace('// one two three', '').replace('// why', '').replaceAll('\n', ' ')}`))
    expect(members('x = a\ny = b')).toBe(members('x = a; y = b'))
    expect(members('forward() {\nx\n-y\n[1]\n(z)\n}').match(/\{expression/g)).toHaveLength(4)
  })
})

describe('files', () => {
  test('imports', () => expect(declarations('import { A, B as C, } from "d/e.mtl"')).toMatchInlineSnapshot(`"{path="d/e.mtl" names=({name=A} {name=B alias=C})}"`))
  test('parameters and types', () => expect(declarations('/// First.\n/// Second.\nblock A(a, b: int, /// the list\n c: [int] = [1], d: block? = none, e: [block]) {}')).toMatchInlineSnapshot(`"{block doc="First.\\nSecond." name=A params=({name=a} {name=b type={named name="int"}} {name=c type={dims dims=({expr value=int})} default={list items=(1)}} {name=d type={optional inner={named name="block"}} default={none}} {name=e type={dims dims=({expr value=block})}}) members=()}"`))
  test('forward', () => expect(members('forward(x: [*, C, _, 2 * H div 3], t: {a: [B], "3d": list[any]?}, m: any = none) -> [*, C] = x')).toMatchInlineSnapshot(`"{block name=A params=() members=({forward args=({name=x type={dims dims=({star} {expr value=C} {any} {expr value={binary op=div left={binary op=* left=2 right=H} right=3}})}} {name=t type={fields fields=({name=a type={dims dims=({expr value=B})}} {name="3d" type={optional inner={named name="list" arg={named name="any"}}}})}} {name=m type={named name="any"} default={none}}) result={dims dims=({star} {expr value=C})} body=({return value=x})})}"`))
  test('tensors', () => expect(members('param w: [A, 2 * B] = zeros\nstate "n": [] int = zeros\n/// table\nconstant c: [3] = iota(3)')).toMatchInlineSnapshot(`"{block name=A params=() members=({param name=w dims=(A {binary op=* left=2 right=B}) init=zeros} {state name="n" dims=() type={named name="int"} init=zeros} {constant doc="table" name=c dims=(3) value={call callee=iota args=({value=3})}})}"`))
  test('members', () => expect(members('require a > 0, "m {a}"\nlet x = 1\nlet a, b = x\nlet {x, y} = z\n"0" = L()\nif a { b = 1 } else if c { d = 1 } else { e = 1 }')).toMatchInlineSnapshot(`"{block name=A params=() members=({require cond={binary op=> left=a right=0} message="m {a}"} {let pattern={name name=x} value=1} {let pattern={list names=(a b)} value=x} {let pattern={record names=(x y)} value=z} {child name="0" value={call callee=L args=()}} {if-members cond=a then=({child name=b value=1}) else=({if-members cond=c then=({child name=d value=1}) else=({child name=e value=1})})})}"`))
  test('statements', () => expect(members('forward() {\n let x = 1\n x = 2\n for i, v in 0..3 { update n = v }\n if a { return 1 } else if b { return 2 }\n else { return 3 }\n f(x) }')).toMatchInlineSnapshot(`"{block name=A params=() members=({forward args=() body=({let pattern={name name=x} value=1} {assign name=x value=2} {for names=(i v) iterable={range from=0 to=3} body=({update name=n value=v})} {if cond=a then=({return value=1}) else=({if cond=b then=({return value=2}) else=({return value=3})})} {expression value={call callee=f args=({value=x})}})})}"`))
  test('models', () => expect(declarations('model M {\n data k { image = 1 x 2 }\n task "3d" = d(c = 1) { head = H(); weight = 2 }\n train { steps = 3 }\n rename { "a" -> "b"; "c" -> "d" }\n forward(i) { return {} }\n}')).toMatchInlineSnapshot(`"{model name=M members=({data fields=({name=image value={size rows=1 columns=2}}) type=k} {task name="3d" value={call callee=d args=({name=c value=1})} fields=({name=head value={call callee=H args=()}} {name=weight value=2})} {train fields=({name=steps value=3})} {rename rules=({from="a" to="b"} {from="c" to="d"})} {forward args=({name=i}) body=({return value={record fields=()}})})}"`))
  test('variants', () => expect(declarations('model V = M with {\n width = 1\n a.b."3d".0 = off\n train.steps = 2\n block A = B(1)\n task t = d()\n data { x = 1 }\n}')).toMatchInlineSnapshot(`"{variant name=V base=M overrides=({set path=(width) value=1} {set path=(a b "3d" 0) value={none}} {set path=(train steps) value=2} {replace-block name=A value={call callee=B args=({value=1})}} {task name=t value={call callee=d args=()} fields=()} {data fields=({name=x value=1})})}"`))
  test.each(['tour.mtl', 'layout.mtl'])('%s has no mistakes', name => expect(parseFile(name, fixture(name)).diagnostics).toEqual([]))
  test('empty files, BOM, line ends', () => {
    for (const text of ['', '\n\n', '// nothing', '\uFEFF']) expect(parseFile('x', text)).toEqual({ ast: { file: 'x', imports: [], declarations: [] }, diagnostics: [] })
    const text = 'block A() {\n  x = 1\n  y = 2\n}\n'
    expect(declarations(`\uFEFF${text.replaceAll('\n', '\r\n')}`)).toBe(declarations(text))
    expect(declarations(text.replaceAll('\n', '\r'))).toBe(declarations(text))
  })
  test('good parts survive', () => {
    const { ast, diagnostics } = parseFile('x', 'block A(n: int, m int) {\n  a = 1\n  b = f(1 2)\n  c = 3\n}\nblock B() { d = }\nblock C() { e = 1 }')
    expect(diagnostics.map(d => d.code)).toEqual(['expected', 'expected', 'expected'])
    expect(ast!.declarations.map(dump)).toEqual(['{block name=A params=({name=n type={named name="int"}} {name=m}) members=({child name=a value=1} {child name=c value=3})}', '{block name=B params=() members=()}', '{block name=C params=() members=({child name=e value=1})}'])
  })
  test('spans', () => {
    const text = 'block A() {\n  abc = f(1) + (2)\n}'
    const { ast } = parseFile('x', text)
    const [block] = ast!.declarations
    const [member] = block.kind === 'block' ? block.members : []
    const cut = (s: { start: number; end: number }): string => text.slice(s.start, s.end)
    expect(cut(block.span)).toBe(text)
    expect(cut(member.span)).toBe('abc = f(1) + (2)')
    expect(member.kind === 'child' && cut(member.value.span)).toBe('f(1) + (2)')
  })
})

test('overrides of the command line', () => {
  expect(dump(parseOverride('--set', 'backbone.prompts.channel=off').override)).toBe('{set path=(backbone prompts channel) value={none}}')
  expect(dump(parseOverride('--set', 'tasks."3ddet".weight = 1 + 2').override)).toBe('{set path=(tasks "3ddet" weight) value={binary op=+ left=1 right=2}}')
  for (const bad of ['', 'a', 'a=', '=1', 'a.=1', 'a=1 b', 'a==1', '\n', 'a=(1']) expect(parseOverride('--set', bad).diagnostics.length, bad).toBeGreaterThan(0)
  for (const bad of ['', '1 +', '(', 'a b', ')', '\n\n', '"', ';', '}']) expect(parseExpression('x', bad).diagnostics.length, bad).toBeGreaterThan(0)
})
