// Variants: what an override may reach, what it changes, and what is said when it cannot.
import { describe, expect, it } from 'vitest'
import { diffModels } from '../../src/compiler/index.ts'
import { complaints, elaborated, text, type Files } from './check-support.ts'

const variant = (overrides: string, more = ''): string => `${text}${more}model V = Small with {\n${overrides}\n}\n`
const shapes = (source: string | Files, model = 'V'): Record<string, string> => Object.fromEntries(elaborated(source, { model }).program.inputs.filter(i => i.role === 'parameter').map(i => [i.name, i.type.shape.join('x')]))

describe('an override', () => {
  it('of a let reaches what rests on it', () => expect(shapes(variant('width = 4'))['heads.depth.inner.weight']).toBe('4x4x1x1'))
  it('of an argument reaches the block', () => expect(shapes(variant('stem.width = 6'))['stem.conv.weight']).toBe('6x3x3x3'))
  it('of an argument that was defaulted', () => expect(shapes(variant('tasks.depth.head.hidden = 2'))['heads.depth.inner.weight']).toBe('2x8x1x1'))
  it('replaces a child, whose arguments the next ones reach', () => {
    const other = 'block Other(width: int = 2, twice: int = 2 * width) {\n  conv = Conv(twice)\n  forward(x: [B, C, H, W]) = conv(x)\n}\n'
    expect(shapes(variant('stem = Other()', other))['stem.conv.weight']).toBe('4x3x1x1')
    expect(shapes(variant('stem = Other()\nstem.width = 3', other))['stem.conv.weight']).toBe('6x3x1x1')
    expect(shapes(variant('stem = Other\nstem.width = 3', other))['stem.conv.weight']).toBe('6x3x1x1')
    expect(shapes(variant('stem = Other(twice = 5)\nstem.width = 3', other))['stem.conv.weight']).toBe('5x3x1x1')
  })
  it('replaces a block everywhere', () => {
    const wide = 'block Wide(out: int, kernel: int = 1) {\n  param weight: [out, C, 5, 5] = zeros\n  forward(x: [B, C, H, W]) -> [B, out, H, W] = conv2d(x, weight, padding = 2)\n}\n'
    expect(new Set(Object.values(shapes(variant('block Conv = Wide', wide))).map(s => s.slice(-3)))).toEqual(new Set(['5x5']))
  })
  it('drops a task', () => {
    const { tasks, program } = elaborated(variant('tasks.depth = off'), { model: 'V' })
    expect(tasks.map(t => t.name)).toEqual(['semseg'])
    expect(program.outputs.map(o => o.name)).toEqual(['semseg', 'loss/semseg', 'loss'])
  })
  it('adds a task', () => {
    const { tasks } = elaborated(variant('task "2nd" = depth(max = 10) { head = Dense(out = 1, size = data.image) }'), { model: 'V' })
    expect(tasks.map(t => t.name)).toEqual(['semseg', 'depth', '2nd'])
  })
  it('changes a task in place', () => {
    const { tasks } = elaborated(variant('task depth = depth(max = 10) { weight = 3 }\ntasks.semseg.weight = 1\ntasks.semseg.ignore = 254'), { model: 'V' })
    expect(tasks.map(t => [t.name, t.weight])).toEqual([['semseg', 1], ['depth', 3]])
    expect(tasks.map(t => t.config)).toMatchObject([{ ignore: 254 }, { max: 10 }])
  })
  it('merges data, train and rename', () => {
    const model = elaborated(variant('data { image = 32 x 32 }\ntrain { steps = 20; seed = 7 }\ntrain.optimizer.lr = 1e-2\nrename { "stem" -> "s" }'), { model: 'V' })
    expect(model.data.image).toEqual([32, 32])
    expect(model.train).toMatchObject({ batch: 2, steps: 20, seed: 7, optimizer: { kind: 'adam', lr: 0.01, beta2: 0.999 } })
    expect(model.renames).toEqual([['stem', 's']])
  })
  it('of a variant of an imported variant', () => {
    const files = { 'b.mtl': 'import { V as Base } from "lib/a.mtl"\nmodel W = Base with { width = 2; train.steps = 5 }', 'lib/a.mtl': variant('width = 4\ntrain.batch = 1') }
    const model = elaborated(files, { set: ['train.steps = 6'] })
    expect([model.name, model.train.batch, model.train.steps]).toEqual(['W', 1, 6])
    expect(shapes(files, 'W')['stem.conv.weight']).toBe('2x3x3x3')
  })
  it('sees the names of its own file, and the members of the model', () => {
    const files = { 'b.mtl': 'import { Small } from "a.mtl"\nblock Head(n: int) {\n  param w: [1, C, 1, 1] = fill(n)\n  forward(x: [B, C, H, W]) = conv2d(x, w) |> resize([16, 32])\n}\nmodel W = Small with { tasks.depth.head = Head(width) }', 'a.mtl': text }
    expect(shapes(files, 'W')['heads.depth.w']).toBe('1x8x1x1')
  })
  it('from the command line wins', () => {
    expect(shapes(text, 'Small')['stem.conv.weight']).toBe('8x3x3x3')
    expect(elaborated(variant('width = 4'), { model: 'V', set: ['width=5', 'train.batch = 3'] }).program.inputs.find(i => i.name === 'stem.conv.weight')?.type.shape[0]).toBe(5)
  })
  it('shows in the difference of two models', () => {
    const source = variant('tasks.depth.head.hidden = 2\ntasks.semseg.weight = 1\ntrain.steps = 20')
    expect(diffModels(elaborated(source, { model: 'Small' }).resolved, elaborated(source, { model: 'V' }).resolved)).toMatchInlineSnapshot(`
      "- model Small {
      + model V {
          data cityscapes3d {
            image = [16, 32]
      ...
            head = Dense(out = 2, hidden = 4, size = [16, 32])
            loss = CrossEntropy(ignore = 255)
      -     weight = 10
      +     weight = 1
          }
          task depth = depth(quantity = "depth", invalid = 0.0, max = 80.0, size = none) {
      -     head = Dense(out = 1, hidden = 4, size = [16, 32])
      +     head = Dense(out = 1, hidden = 2, size = [16, 32])
            loss = L1()
            weight = 1
      ...
            batch = 2
            accumulate = 1
      -     steps = 10
      +     steps = 20
            epochs = none
            seed = 0
      "
    `)
  })
})

describe('messages', () => {
  it.each([
    ['unknown member', variant('stam.width = 4')],
    ['unknown argument', variant('stem.widht = 4')],
    ['names of JavaScript objects', variant('data constructor { toString = 1 }\ntrain.constructor = 1\ntasks.constructor = off\n__proto__.x = 1\ntasks.semseg.valueOf = 1\nstem.toString = 1')],
    ['unknown task', variant('tasks.dept = off')],
    ['unknown field of a task', variant('tasks.semseg.ignroe = 0')],
    ['unknown field of train', variant('train.optimiser = adam(lr = 1)')],
    ['unknown field of an optimiser', variant('train.optimizer.rate = 1')],
    ['wrong type', variant('stem.width = "wide"')],
    ['wrong value of a field', variant('train.optimizer.lr = -1')],
    ['nothing inside', variant('stem.norm.eps = 1')],
    ['a section alone', variant('tasks = off')],
    ['changes nothing', variant('stem.width = 8')],
    ['changes nothing in train', variant('train.steps = 10')],
    ['overrides nothing', variant('')],
    ['twice', variant('width = 1\nwidth = 2')],
    ['an unknown block', variant('block Cnov = Stem')],
    ['a block that is not used', variant('block Unused = Stem', 'block Unused() { forward(x: [*]) = x }\n')],
    ['a block replaced by itself', variant('block Conv = Conv')],
    ['all tasks dropped', variant('tasks.depth = off\ntasks.semseg = off')],
    ['unknown base', `${text}model V = Smal with { width = 4 }\n`],
    ['a block as base', `${text}model V = Stem with { width = 4 }\n`],
    ['a base that rests on it', 'model A = B with { x = 1 }\nmodel B = A with { x = 2 }'],
    ['a field given wrongly', variant('data { image = [32] }')],
  ])('%s', (_, source) => expect(complaints(source, { model: source.includes('model A') ? 'A' : 'V' })).toMatchSnapshot())

  it('show the option that is wrong', () => {
    expect(complaints(text, { set: ['train.steps=5', 'train.bacth=4', 'width=8', 'stem.width=[1]', 'train.seed'] })).toMatchInlineSnapshot(`
      "error[missing-equals]: expected \`=\`, found the end of the file
       --> --set:5:11
        |
      5 | train.seed
        |           ^ \`=\` is missing before this

      error[unknown-path]: \`train\` has no \`bacth\`
       --> --set:2:7
        |
      2 | train.bacth=4
        |       ^^^^^ not found
      hint: did you mean \`batch\`?

      error[argument-type]: \`width\` of block Stem takes int, not list of 1
       --> --set:4:12
        |
      4 | stem.width=[1]
        |            ^^^ list of 1
       ::: a.mtl:5:19
        |
      5 | block Stem(width: int = 8, norm: block? = none) {
        |                   --- declared here"
    `)
    expect(complaints(text, { set: ['train.steps=5', 'train.bacth=4', 'width=8', 'tasks.depth.head.hidden="x"'] })).toMatchInlineSnapshot(`
      "error[unknown-path]: \`train\` has no \`bacth\`
       --> --set:2:7
        |
      2 | train.bacth=4
        |       ^^^^^ not found
      hint: did you mean \`batch\`?

      error[argument-type]: \`hidden\` of block Dense takes int, not string "x"
       --> --set:4:25
        |
      4 | tasks.depth.head.hidden="x"
        |                         ^^^ string "x"
       ::: a.mtl:9:31
        |
      9 | block Dense(out: int, hidden: int = 4, size: size) {
        |                               --- declared here"
    `)
  })
})
