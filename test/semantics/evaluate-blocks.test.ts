// Instances, parameters, states, calls, sharing, signatures.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { showType } from '../../src/compiler/ir/types.ts'
import { int, none, record } from '../../src/compiler/semantics/values.ts'
import { elaborate, listing, showDeep, type Elaborated } from './evaluate-support.ts'

const linear = `
block Linear(out: int, biased: bool = true, init: init = kaiming_uniform()) {
  param weight: [out, C] = init
  if biased { param bias: [out] = fan_in_uniform(C) }
  forward(x: [*, C]) -> [*, out] = linear(x, weight, if biased then self.bias else none)
}
`
const inputs = ({ builder }: Elaborated): string[] => builder.inputs.map(i => `${i.role} ${i.name}: ${showType(i.type)}`)
const calls = ({ evaluator }: Elaborated): string[] => evaluator.calls.map(c => `${c.path} ${c.block} ${c.outputs.map(o => `${o.field}:${showType(o.type)}`).join(' ')}`)

fc.configureGlobal({ seed: 20 })

describe('instances', () => {
  it('name their parameters by path, bind dimensions from the arguments and list their calls', () => {
    const e = elaborate(`${linear}
block Mlp(hidden: int) {
  fc1 = Linear(hidden)
  fc2 = Linear(C)
  forward(x: [*, C]) -> [*, C] = x |> fc1 |> relu |> fc2
}
block Main() {
  layers = [for i in 0..2: Mlp(8)]
  heads = {a: Linear(1, biased = false), b: [relu, Linear(2), none]}
  forward(x: [B, N, 4]) { let y = x |> layers; return {a: heads.a(y), b: heads.b(y)} }
}`, { inputs: [[2, 3, 4]] })
    expect(e.report).toBe('')
    expect(inputs(e)).toMatchInlineSnapshot(`
      [
        "input input0: f32[2, 3, 4]",
        "parameter layers.0.fc1.weight: f32[8, 4]",
        "parameter layers.0.fc1.bias: f32[8]",
        "parameter layers.0.fc2.weight: f32[4, 8]",
        "parameter layers.0.fc2.bias: f32[4]",
        "parameter layers.1.fc1.weight: f32[8, 4]",
        "parameter layers.1.fc1.bias: f32[8]",
        "parameter layers.1.fc2.weight: f32[4, 8]",
        "parameter layers.1.fc2.bias: f32[4]",
        "parameter heads.a.weight: f32[1, 4]",
        "parameter heads.b.1.weight: f32[2, 4]",
        "parameter heads.b.1.bias: f32[2]",
      ]
    `)
    expect(calls(e)).toMatchInlineSnapshot(`
      [
        "layers.0.fc1 Linear :f32[2, 3, 8]",
        "layers.0.fc2 Linear :f32[2, 3, 4]",
        "layers.0 Mlp :f32[2, 3, 4]",
        "layers.1.fc1 Linear :f32[2, 3, 8]",
        "layers.1.fc2 Linear :f32[2, 3, 4]",
        "layers.1 Mlp :f32[2, 3, 4]",
        "layers list :f32[2, 3, 4]",
        "heads.a Linear :f32[2, 3, 1]",
        "heads.b.1 Linear :f32[2, 3, 2]",
        "heads.b list :f32[2, 3, 2]",
        " Main a:f32[2, 3, 1] b:f32[2, 3, 2]",
      ]
    `)
    expect(new Set(e.builder.nodes.map(n => n.origin.path))).toMatchInlineSnapshot(`
      Set {
        "layers.0.fc1",
        "layers.0",
        "layers.0.fc2",
        "layers.1.fc1",
        "layers.1",
        "layers.1.fc2",
        "heads.a",
        "",
        "heads.b.1",
      }
    `)
  })

  it('share their parameters between calls', () => {
    const e = elaborate(`${linear}; block Main() { fc = Linear(4); forward(x: [B, 4]) = x |> fc |> fc }`, { inputs: [[2, 4]] })
    expect(e.report).toBe('')
    expect(inputs(e)).toEqual(['input input0: f32[2, 4]', 'parameter fc.weight: f32[4, 4]', 'parameter fc.bias: f32[4]'])
  })

  it('without anything of their own are functions', () => {
    const e = elaborate(`
block Scale(by: float = 1) { forward(x: [*]) -> [*] = x * by }
block Double { forward(x: [*]) -> [*] = x * 2 }
block Main() { twice = Double; forward(x: [*]) = Scale(0.5)(x) |> Scale(3) |> Scale() |> Double |> twice }`.replace('block Double {', 'block Double() {'), { inputs: [[2]] })
    expect(e.report).toBe('')
    expect(e.builder.nodes.filter(n => n.op === 'mul')).toHaveLength(5)
    expect(e.builder.inputs).toHaveLength(1)
  })

  it('take blocks as arguments, described or bare', () => {
    const e = elaborate(`${linear}
block Wrap(make: block, ready: block, act: any = relu) { a = make(3); b = ready; forward(x: [*, C]) = x |> a |> act |> b }
block Main() { w = Wrap(Linear, Linear(2)); forward(x: [*, C]) = w(x) }`, { inputs: [[5, 4]] })
    expect(e.report).toBe('')
    expect(inputs(e)).toContain('parameter w.b.weight: f32[2, 3]')
  })

  it('are replaced where a variant says so', () => {
    const source = `${linear}; block Other(out: int, gain: float = 2) { fc = Linear(out); forward(x: [*, C]) = fc(x) * gain }
block Main() { l = Wide(3); forward(x: [*, C]) = l(x) }; block Wide(out: int) { forward(x: [*, C]) = x }`
    const e = elaborate(source, { inputs: [[5, 4]], replace: { Wide: 'Other' } })
    expect(e.report).toBe('')
    expect(inputs(e)).toContain('parameter l.fc.weight: f32[3, 4]')
  })

  it('read members of themselves and of each other', () => {
    const e = elaborate(`block Embed(n: int) { param "0": [n, C] = normal(0.02); let size = n * 2; forward(x: [B, C]) = matmul(x, self."0", trans_b = true) }
block Main() { e = Embed(7); forward(x: [B, C]) { let y = e(x); require e.size == 14; return matmul(y, e."0") } }`, { inputs: [[2, 3]] })
    expect(e.report).toBe('')
    expect(showDeep(e.value)).toBe('tensor f32[2, 3]')
  })
})

describe('states', () => {
  const norm = `
block Norm() {
  state avg: [C] = zeros
  state count: [] int = zeros
  forward(x: [B, C]) {
    if training {
      let now = mean(x, 0)
      update avg = 0.9 * avg + 0.1 * now
      update count = count + 1
      return x - now
    }
    return x - avg
  }
}
block Main() { n = Norm(); forward(x: [B, C]) = x |> n |> n }`

  it('are updated in training only; a second call continues from the first', () => {
    const train = elaborate(norm, { inputs: [[2, 3]], mode: 'train' })
    expect(train.report).toBe('')
    expect(inputs(train)).toEqual(['input input0: f32[2, 3]', 'state n.avg: f32[3]', 'state n.count: i32[]'])
    expect(train.builder.outputs.map(o => `${o.role} ${o.name}`)).toEqual(['state n.avg', 'state n.count'])
    expect(listing(train.builder)).toMatchInlineSnapshot(`
      "%3 = reduceMean(input0) {"axes":[0],"keepDims":false}: f32[3]
      %4 = fill() {"dtype":"float32","shape":[],"value":0.9}: f32[]
      %5 = mul(%4, n.avg): f32[3]
      %6 = fill() {"dtype":"float32","shape":[],"value":0.1}: f32[]
      %7 = mul(%6, %3): f32[3]
      %8 = add(%5, %7): f32[3]
      %9 = fill() {"dtype":"int32","shape":[],"value":1}: i32[]
      %10 = add(n.count, %9): i32[]
      %11 = sub(input0, %3): f32[2, 3]
      %12 = reduceMean(%11) {"axes":[0],"keepDims":false}: f32[3]
      %13 = fill() {"dtype":"float32","shape":[],"value":0.9}: f32[]
      %14 = mul(%13, %8): f32[3]
      %15 = fill() {"dtype":"float32","shape":[],"value":0.1}: f32[]
      %16 = mul(%15, %12): f32[3]
      %17 = add(%14, %16): f32[3]
      %18 = fill() {"dtype":"int32","shape":[],"value":1}: i32[]
      %19 = add(%10, %18): i32[]
      %20 = sub(%11, %12): f32[2, 3]"
    `)
    const infer = elaborate(norm, { inputs: [[2, 3]] })
    expect(infer.report).toBe('')
    expect(infer.builder.outputs).toHaveLength(0)
  })
})

describe('conditional members', () => {
  const source = (wide: boolean): string => `${linear}
block Pick(wide: bool) {
  if wide { fc = Linear(8); let gain = 2 } else { let gain = 3 }
  if wide { forward(x: [B, C]) -> [B, 8] = fc(x) * gain } else { forward(x: [B, C]) -> [B, C] = x * gain }
}
block Main() { p = Pick(${wide}); forward(x: [B, C]) = p(x) }`

  it('choose what a block owns and does', () => {
    const wide = elaborate(source(true), { inputs: [[2, 3]] })
    expect(wide.report || showDeep(wide.value)).toBe('tensor f32[2, 8]')
    const narrow = elaborate(source(false), { inputs: [[2, 3]] })
    expect(narrow.report || showDeep(narrow.value)).toBe('tensor f32[2, 3]')
    expect(inputs(narrow)).toHaveLength(1)
  })

  it('see the arguments of forward', () => {
    const e = elaborate(`${linear}
block Each() { proj = [for l in levels: Linear(l.shape[1])]; let many = len(levels) > 1; forward(levels: list) = if many then [for i, l in levels: proj[i](l)] else [] }
block Main() { e = Each(); forward(x: any, y: any) = e([x, y]) }`, { inputs: [[2, 3], [2, 5]] })
    expect(e.report || showDeep(e.value)).toBe('[tensor f32[2, 3], tensor f32[2, 5]]')
    expect(inputs(e)).toContain('parameter e.proj.1.weight: f32[5, 5]')
  })
})

describe('constants', () => {
  it('are listed, shared by calls of the same shape, and may be static', () => {
    const e = elaborate(`block Pos() {
  constant index: [N] = iota(N) * 2
  constant table: [2, 2] = [[1, 2], [3, 4]]
  forward(x: [B, N]) = x + cast(index, "float32") + sum(cast(table, "float32"))
}
block Main() { p = Pos(); forward(x: [B, N]) = x |> p |> p }`, { inputs: [[2, 3]] })
    expect(e.report).toBe('')
    expect(e.evaluator.constants.map(c => `${c.name}: ${showType(c.type)}`)).toEqual(['p.index: i32[3]', 'p.table: i32[2, 2]'])
    expect(e.builder.nodes.filter(n => n.op === 'iota')).toHaveLength(1)
  })

  it('are computed anew where a dimension differs', () => {
    const e = elaborate(`block Mask() { constant m: [2] = tensor([H, H], "int32"); forward(x: [H]) = m }
block Main() { a = Mask(); forward(x: [3], y: [4]) = [a(x), a(y), a(x)] }`, { inputs: [[3], [4]] })
    expect(e.report).toBe('')
    expect(e.evaluator.constants).toHaveLength(1)
    const ids = e.value.t === 'list' ? e.value.items.map(v => (v.t === 'tensor' ? v.id : -1)) : []
    expect(ids[0]).not.toBe(ids[1])
  })
})

describe('signatures', () => {
  it('bind names over all arguments before arithmetic, and stars to the same dimensions', () => {
    const target = { value: record({ label: int(1), extra: none }) }
    const e = elaborate(`block Main() {
  forward(x: [*, 2 * C], y: [*, C], t: {label: int, box: [B, 4]?}, _z: [_, 3], k: int = 3) -> [*, C] { require C == 4 and k == 3 and t.box == none; return y }
}`, { inputs: [[2, 3, 8], [2, 3, 4], target, [7, 3]] })
    expect(e.report).toBe('')
    expect(showDeep(e.value)).toBe('tensor f32[2, 3, 4]')
  })

  it('fit exactly the shapes they describe', () => {
    const dim = fc.integer({ min: 1, max: 4 })
    fc.assert(fc.property(fc.array(dim, { maxLength: 3 }), dim, dim, fc.integer({ min: -1, max: 1 }), (star, n, c, off) => {
      const e = elaborate('block Main() { forward(x: [N, *, C], y: [*, N * C + 1]) = x }', { inputs: [[n, ...star, c], [...star, n * c + 1 + off]] })
      return (e.diagnostics.length === 0) === (off === 0) && e.diagnostics.every(d => d.code === 'shape-mismatch')
    }), { numRuns: 60 })
  })

  it('let an int argument bind the dimension of its name', () => {
    const source = 'block Main() { forward(x: [B, N], N: int) = N }'
    expect(showDeep(elaborate(source, { inputs: [[2, 3], { value: int(3) }] }).value)).toBe('3')
    expect(elaborate(source, { inputs: [[2, 3], { value: int(4) }] }).report).toContain('axis 1 is 3, but `N` is 4')
  })

  it('convert ints to floats and numbers to scalars', () => {
    const e = elaborate('block F(x: float) { forward() = x }\nblock Main() { forward() = F(1)() }')
    expect(e.report || showDeep(e.value)).toBe('1.0')
    expect(showDeep(elaborate('block Main() { forward() -> [] = 0 }').value)).toBe('tensor f32[]')
  })
})
