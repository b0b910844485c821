// Elaboration of models: the program they give, and the messages of what is wrong with them.
import { describe, expect, it } from 'vitest'
import { showType } from '../../src/compiler/ir/types.ts'
import { check, complaints, elaborated, text } from './check-support.ts'

const changed = (...changes: readonly (readonly [string, string])[]): string => changes.reduce((t, [from, to]) => { if (!t.includes(from)) throw new Error(`no ${from}`); return t.replace(from, to) }, text)
const loss = (body: string): string => changed(['target.labels, ignore)', 'target.labels, ignore)'], ['block L1() {\n  forward(x: any, target: record) = mean(l1(x, target.depth))', `block L1() {\n  ${body}`])

describe('a model', () => {
  it('has inputs, predictions and losses when it is trained', () => {
    const { program, tasks, data, train, calls } = elaborated(text)
    expect(program.inputs.map(i => `${i.role} ${i.name}: ${showType(i.type)}`)).toMatchInlineSnapshot(`
      [
        "input image: f32[2, 3, 16, 32]",
        "parameter stem.conv.weight: f32[8, 3, 3, 3]",
        "parameter heads.semseg.inner.weight: f32[4, 8, 1, 1]",
        "parameter heads.semseg.outer.weight: f32[2, 4, 1, 1]",
        "parameter heads.depth.inner.weight: f32[4, 8, 1, 1]",
        "parameter heads.depth.outer.weight: f32[1, 4, 1, 1]",
        "target target/semseg/labels: i32[2, 16, 32]",
        "target target/depth/depth: f32[2, 1, 16, 32]",
      ]
    `)
    expect(program.outputs.map(o => `${o.role} ${o.name}`)).toMatchInlineSnapshot(`
      [
        "prediction semseg",
        "prediction depth",
        "loss loss/semseg",
        "loss loss/depth",
        "loss loss",
      ]
    `)
    expect({ tasks, data, train }).toMatchInlineSnapshot(`
      {
        "data": {
          "augment": undefined,
          "boxes": "required",
          "image": [
            16,
            32,
          ],
          "kind": "cityscapes3d",
          "labels": undefined,
          "mean": [
            0.485,
            0.456,
            0.406,
          ],
          "std": [
            0.229,
            0.224,
            0.225,
          ],
        },
        "tasks": [
          {
            "config": {
              "classes": [
                "road",
                "car",
              ],
              "ignore": 255,
              "kind": "segmentation",
              "size": [
                16,
                32,
              ],
            },
            "name": "semseg",
            "predictions": {
              "": {
                "dtype": "float32",
                "shape": [
                  2,
                  2,
                  16,
                  32,
                ],
              },
            },
            "targets": {
              "labels": {
                "dtype": "int32",
                "shape": [
                  2,
                  16,
                  32,
                ],
              },
            },
            "weight": 10,
          },
          {
            "config": {
              "invalid": 0,
              "kind": "depth",
              "max": 80,
              "quantity": "depth",
              "size": [
                16,
                32,
              ],
            },
            "name": "depth",
            "predictions": {
              "": {
                "dtype": "float32",
                "shape": [
                  2,
                  1,
                  16,
                  32,
                ],
              },
            },
            "targets": {
              "depth": {
                "dtype": "float32",
                "shape": [
                  2,
                  1,
                  16,
                  32,
                ],
              },
            },
            "weight": 1,
          },
        ],
        "train": {
          "accumulate": undefined,
          "batch": 2,
          "best": undefined,
          "checkpointEvery": 1000,
          "clipNorm": undefined,
          "clipValue": undefined,
          "earlyStop": undefined,
          "ema": undefined,
          "epochs": undefined,
          "evalEvery": undefined,
          "evalImages": 100,
          "groups": undefined,
          "keep": 2,
          "logEvery": 20,
          "memory": undefined,
          "onError": "stop",
          "onNonfinite": "stop",
          "optimizer": {
            "beta1": 0.9,
            "beta2": 0.999,
            "eps": 1e-8,
            "kind": "adam",
            "lr": 0.001,
            "weightDecay": 0,
          },
          "schedule": {
            "kind": "constant",
          },
          "seed": 0,
          "steps": 10,
          "weighting": undefined,
        },
      }
    `)
    expect(calls.map(c => c.path)).toMatchInlineSnapshot(`
      [
        "stem.conv",
        "stem",
        "heads.semseg.inner",
        "heads.semseg.outer",
        "heads.semseg",
        "heads.depth.inner",
        "heads.depth.outer",
        "heads.depth",
        "losses.semseg",
        "losses.depth",
      ]
    `)
  })
  it('has predictions alone when it serves, with the batch that is asked for', () => {
    const { program } = elaborated(text, { mode: 'infer', batch: 1 })
    expect(program.inputs[0].type.shape).toEqual([1, 3, 16, 32])
    expect(program.outputs.map(o => o.name)).toEqual(['semseg', 'depth'])
  })
  it('weighs and adds the losses', () => {
    const { program } = elaborated(text)
    const end = program.nodes.slice(-3).map(n => [n.op, n.origin.phase, n.origin.path])
    expect(end.at(-1)).toEqual(['add', 'loss', ''])
    expect(program.nodes.some(n => n.op === 'fill' && n.attrs.value === 10 && n.origin.path === 'losses.semseg')).toBe(true)
  })
  it('logs the parts of a loss', () => {
    const names = elaborated(loss('forward(x: any, target: record) = {mean: mean(x), max: amax(x)}')).program.outputs.filter(o => o.role === 'loss').map(o => o.name)
    expect(names).toEqual(['loss/semseg', 'loss/depth/mean', 'loss/depth/max', 'loss/depth', 'loss'])
  })
  it('has taps where they are asked for', () => {
    expect(elaborated(text, { taps: true, mode: 'infer' }).program.outputs.filter(o => o.role === 'tap').map(o => o.name)).toContain('tap/heads.semseg.inner')
  })
  it('renames by the first rule that fits', () => {
    const { program } = elaborated(changed(['  stem = Stem', '  rename { "stem.conv" -> "backbone"; "stem" -> "never"; "heads.semseg.inner" -> "a.b" }\n  stem = Stem']))
    expect(program.inputs.filter(i => i.role === 'parameter').map(i => i.name).slice(0, 2)).toEqual(['backbone.weight', 'a.b.weight'])
  })
  it('removes the first part of names', () => {
    const { program } = elaborated(changed(['  stem = Stem', '  rename { "stem" -> "" }\n  stem = Stem']))
    expect(program.inputs[1].name).toBe('conv.weight')
  })
  it('evaluates members when they are needed, in whatever order they stand', () => {
    const moved = changed(['  let width = 8\n', ''], ['  stem = Stem(width)\n', '  stem = Stem(width)\n  let width = 2 * count\n  let count = len(tasks) + data.image[0] / 8 + train.batch\n'])
    expect(elaborated(moved).program.inputs.find(i => i.name === 'stem.conv.weight')?.type.shape[0]).toBe(12)
  })
  it('may do without training, where it only serves', () => {
    const serving = changed(['  train { optimizer = adam(lr = 1e-3); batch = 2; steps = 10 }\n', ''])
    expect(elaborated(serving, { mode: 'infer' }).program.inputs[0].type.shape[0]).toBe(1)
    expect(check(serving)).toBe('')
    expect(complaints(serving)).toMatchInlineSnapshot(`
      "error[no-train]: model \`Small\` does not say how to train it
        --> a.mtl:20:7
         |
      20 | model Small {
         |       ^^^^^ declared here
      hint: add \`train { optimizer = adam(lr = 1e-4); batch = 1; steps = 1000 }\`"
    `)
  })
  it('says what it is made of', () => {
    expect(elaborated(text).resolved).toMatchInlineSnapshot(`
      "model Small {
        data cityscapes3d {
          image = [16, 32]
          mean = [0.485, 0.456, 0.406]
          std = [0.229, 0.224, 0.225]
          boxes = "required"
          labels = "complete"
          augment = none
        }
        let width = 8
        task semseg = segmentation(classes = ["road", "car"], ignore = 255, size = none) {
          head = Dense(out = 2, hidden = 4, size = [16, 32])
          loss = CrossEntropy(ignore = 255)
          weight = 10
        }
        task depth = depth(quantity = "depth", invalid = 0.0, max = 80.0, size = none) {
          head = Dense(out = 1, hidden = 4, size = [16, 32])
          loss = L1()
          weight = 1
        }
        stem = Stem(width = 8, norm = none)
        forward(image: [B, 3, H, W]) {
          let x = stem(image)
          return {for t in tasks: t.head(x)}
        }
        train {
          optimizer = adam(lr = 0.001, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.0)
          schedule = constant(steps = none)
          weighting = fixed()
          groups = none
          clip_norm = none
          clip_value = none
          ema = none
          batch = 2
          accumulate = 1
          steps = 10
          epochs = none
          seed = 0
          log_every = 20
          checkpoint_every = 1000
          keep = 2
          eval_every = none
          eval_images = 100
          best = none
          early_stop = none
          on_nonfinite = "stop"
          on_error = "stop"
          memory = none
        }
      }
      "
    `)
  })
})

describe('which model', () => {
  const two = `${text}model Other = Small with { width = 4 }\n`
  it('is asked where there are several', () => expect(complaints(two)).toMatchInlineSnapshot(`
    "error[choose-model]: a.mtl declares several models: Small, Other
     --> a.mtl:1:1
      |
    1 | block Conv(out: int, kernel: int = 1) {
      | ^
    hint: choose one with --model NAME"
  `))
  it('is suggested', () => expect(complaints(two, { model: 'Othre' })).toMatchInlineSnapshot(`
    "error[unknown-model]: there is no model \`Othre\`
     --> a.mtl:1:1
      |
    1 | block Conv(out: int, kernel: int = 1) {
      | ^
    hint: did you mean \`Other\`?"
  `))
  it('is taken by name', () => expect(elaborated(two, { model: 'Other' }).name).toBe('Other'))
  it('is missing', () => expect(complaints('block A() { forward(x: [*]) = x }')).toMatchInlineSnapshot(`
    "error[no-models]: a.mtl declares no model
     --> a.mtl:1:1
      |
    1 | block A() { forward(x: [*]) = x }
      | ^"
  `))
})

describe('messages of sections', () => {
  it.each([
    ['no tasks and no data', 'model M { forward(image: [B, 3, H, W]) = {} }'],
    ['no forward', changed(['forward(image: [B, 3, H, W]) {\n    let x = stem(image)\n    return {for t in tasks: t.head(x)}\n  }', ''])],
    ['a best of no metric', changed(['steps = 10 }', 'steps = 10; eval_every = 5; best = "depth/mIoU" }'])],
    ['a best that nothing judges', changed(['steps = 10 }', 'steps = 10; best = "depth/rmse" }'])],
    ['an early stop without a metric', changed(['steps = 10 }', 'steps = 10; eval_every = 5; early_stop = 3; on_nonfinite = "go on" }'])],
    ['two train sections', changed(['  stem = ', '  train { seed = 1 }\n  stem = '])],
    ['an unknown data set', changed(['data cityscapes3d', 'data cityscape'])],
    ['a field that does not fit', changed(['lr = 1e-3', 'lr = 0'])],
    ['a batch that does not fit', changed(['batch = 2', 'batch = 0.5'])],
    ['an unknown task field', changed(['weight = 10', 'wieght = 10'])],
    ['a negative weight', changed(['weight = 10', 'weight = -1'])],
    ['a task that is no kind', changed(['task depth = depth()', 'task depth = L1()'])],
    ['a head that is no block', changed(['head = Dense(out = 1, size = data.image)', 'head = 3'])],
    ['an optimiser that is no optimiser', changed(['adam(lr = 1e-3)', 'poly()'])],
    ['a task whose name an output has', changed(['task depth = ', 'task loss = '])],
    ['a task whose name has a slash', changed(['task depth = ', 'task "depth/0" = '])],
    ['tasks of one name', changed(['task depth = ', 'task semseg = '])],
    ['members that need each other', changed(['let width = 8', 'let width = other + 1\n  let other = width - 1'])],
  ])('%s', (_, source) => expect(check(source)).toMatchSnapshot())
})

describe('messages of the result', () => {
  it.each([
    ['a task that is not returned', changed(['{for t in tasks: t.head(x)}', '{semseg: tasks[0].head(x)}'])],
    ['a field that is no task', changed(['{for t in tasks: t.head(x)}', '{semseg: tasks[0].head(x), depth: tasks[1].head(x), normals: x}'])],
    ['no record', changed(['{for t in tasks: t.head(x)}', 'x'])],
    ['a prediction of the wrong shape', changed(['Dense(out = 1,', 'Dense(out = 2,'])],
    ['a head that is not called', changed(['{for t in tasks: t.head(x)}', '{semseg: tasks[0].head(x), depth: x[:, ..1] |> resize(data.image)}'])],
    ['a forward with two arguments', changed(['forward(image: [B, 3, H, W]) {', 'forward(image: [B, 3, H, W], mask: any) {'])],
    ['a signature that the image does not fit', changed(['[B, 3, H, W]) {\n    let', '[B, 4, H, W]) {\n    let'])],
    ['no losses', changed(['    loss   = CrossEntropy()\n', ''], ['    loss = L1()\n', ''])],
    ['a loss that is no scalar', loss('forward(x: any, target: record) = l1(x, target.depth)')],
    ['a loss with a part that is no scalar', loss('forward(x: any, target: record) = {mean: mean(x), all: x}')],
    ['a loss that asks for another target', loss('forward(x: any, target: record) = mean(target.labels)')],
    ['a rename that fits nothing', changed(['  stem = Stem', '  rename { "stam" -> "backbone" }\n  stem = Stem'])],
    ['a rename that makes two names equal', changed(['  stem = Stem', '  rename { "heads.semseg" -> "head"; "heads.depth" -> "head" }\n  stem = Stem'])],
  ])('%s', (_, source) => expect(complaints(source)).toMatchSnapshot())
})
