// Built-in kinds: fields, defaults and checks; predictions and targets of each kind of task.
import { describe, expect, it } from 'vitest'
import type { KindSchema } from '../../src/compiler/semantics/kinds-fields.ts'
import { optimiserKinds, scheduleKinds, trainSchema } from '../../src/compiler/semantics/kinds-train.ts'
import { completeFields, dataKinds, taskKinds } from '../../src/compiler/semantics/kinds.ts'
import { toTaskConfig } from '../../src/compiler/semantics/kinds-spec.ts'
import { toTrainSpec } from '../../src/compiler/semantics/kinds-train-spec.ts'
import { leaves, taskTensors } from '../../src/compiler/semantics/kinds-tensors.ts'
import { bool, float, int, list, none, record, string, type Value } from '../../src/compiler/semantics/values.ts'
import { complaints, elaborated } from './check-support.ts'

const ints = (...v: number[]): Value => list(v.map(int))
const names = (...v: string[]): Value => list(v.map(string))
const tensor = (...shape: number[]): Value => ({ t: 'tensor', id: 0, type: { dtype: 'float32', shape } })
const problems = (schema: KindSchema, fields: Record<string, Value>): readonly string[] => completeFields(schema, new Map(Object.entries(fields))).problems.map(p => p.message)
const adam: Value = { t: 'kind', group: 'optimizer', name: 'adam', fields: completeFields(optimiserKinds.adam, new Map([['lr', float(1e-3)]])).fields }

describe('fields', () => {
  it.each<[string, KindSchema, Record<string, Value>]>([
    ['missing and unknown', optimiserKinds.adam, { rate: float(1) }],
    ['learning rate', optimiserKinds.sgd, { lr: float(0) }],
    ['beta', optimiserKinds.adam, { lr: float(1), beta1: float(1), beta2: float(-0.1), weight_decay: float(-1) }],
    ['steps fall', scheduleKinds.step, { at: ints(10, 5) }],
    ['steps empty', scheduleKinds.step, { at: list([]) }],
    ['factor', scheduleKinds.step, { at: ints(10), factor: int(0) }],
    ['power', scheduleKinds.poly, { power: none }],
    ['final', scheduleKinds.cosine, { final: float(2) }],
    ['train', trainSchema, { optimizer: string('adam'), schedule: adam, batch: int(0), steps: float(1), clip_norm: int(0), seed: int(-1) }],
    ['memory', trainSchema, { optimizer: adam, batch: int(1), steps: int(1), memory: int(14) }],
    ['memory of nothing', trainSchema, { optimizer: adam, batch: int(1), steps: int(1), memory: string('0GiB') }],
    ['data', dataKinds.cityscapes3d, { image: ints(0, 5), mean: list([float(1)]), std: list([float(1), float(0), float(1)]), boxes: bool(true) }],
    ['classes', taskKinds.segmentation, { classes: names('a', 'a') }],
    ['ignore', taskKinds.segmentation, { classes: names('a', 'b'), ignore: int(1) }],
    ['ignore out of range', taskKinds.segmentation, { classes: names('a', 'b'), ignore: int(256) }],
    ['quantity', taskKinds.depth, { quantity: string('metres'), max: int(0) }],
    ['strides', taskKinds.detection3d, { classes: names('car'), strides: ints(8, 16) }],
    ['ranges', taskKinds.detection3d, { classes: names('car'), strides: ints(8), ranges: list([ints(5, 5)]) }],
    ['scores', taskKinds.detection3d, { classes: names('car'), score: float(1.5), nms: float(-1), pre_nms: int(0), rotation: string('wrong') }],
  ])('%s', (_, schema, fields) => expect(problems(schema, fields)).toMatchSnapshot())

  it('takes an int where a float is expected, and keeps numbers that are not finite out', () => {
    expect(completeFields(optimiserKinds.sgd, new Map([['lr', int(1)]])).fields.get('lr')).toEqual(float(1))
    expect(problems(optimiserKinds.sgd, { lr: float(Infinity) })).toHaveLength(1)
  })
})

describe('specifications', () => {
  it('of training', () => {
    const { fields } = completeFields(trainSchema, new Map([['optimizer', adam], ['batch', int(2)], ['steps', int(40)], ['clip_norm', int(10)]]))
    expect(toTrainSpec(fields)).toEqual({ optimizer: { kind: 'adam', lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 }, schedule: { kind: 'constant' }, clipNorm: 10, batch: 2, steps: 40, seed: 0, logEvery: 20, checkpointEvery: 1000, keep: 2, evalEvery: undefined, evalImages: 100, best: undefined, earlyStop: undefined, onNonfinite: 'stop', onError: 'stop', memory: undefined })
    expect(toTrainSpec(new Map([...fields, ['memory', string('1.5 GiB')]])).memory).toBe(1.5 * 2 ** 30)
  })
  it('of detection, as published', () => {
    const { fields, problems: found } = completeFields(taskKinds.detection3d, new Map([['classes', names('car', 'truck')]]))
    expect(found).toEqual([])
    expect(toTaskConfig('detection3d', fields)).toEqual({
      kind: 'detection3d', classes: ['car', 'truck'], strides: [8, 16, 32, 32, 64], resize: 0.75, ranges: [[-1, 96], [96, 192], [192, 384], [384, 768], [768, 1e8]],
      radius: 1.5, centernessAlpha: 2.5, rotation: 'corrected', score: 0.05, nms: 0.3, preNms: 1000, maxPerImage: 200,
    })
  })
})

describe('predictions and targets', () => {
  const detection = toTaskConfig('detection3d', completeFields(taskKinds.detection3d, new Map([['classes', names('car', 'truck')], ['strides', ints(8, 16)], ['ranges', list([ints(0, 8), ints(8, 99)])]])).fields)
  const levels = (c: number): Value => list([tensor(2, c, 4, 8), tensor(2, c, 2, 4)])
  const good = { cls: levels(2), bbox: levels(13), dir: levels(6), ctr: levels(1) }

  it('of detection: the points of all levels', () => {
    const found = taskTensors(detection, 2, record(good))
    expect('targets' in found && Object.fromEntries(Object.entries(found.targets).map(([k, t]) => [k, t.shape]))).toEqual({ label: [2, 40], box: [2, 40, 13], direction: [2, 40, 3], centerness: [2, 40], has_boxes: [2] })
    expect(leaves(record(good))?.map(l => l.field)).toEqual(['cls/0', 'cls/1', 'bbox/0', 'bbox/1', 'dir/0', 'dir/1', 'ctr/0', 'ctr/1'])
  })
  it.each<[string, Value]>([
    ['no record', tensor(2, 2, 4, 4)],
    ['a missing field', record({ cls: levels(2) })],
    ['an unknown field', record({ ...good, velocity: levels(2) })],
    ['levels', record({ ...good, bbox: list([tensor(2, 13, 4, 8)]) })],
    ['channels', record({ ...good, dir: levels(3) })],
    ['grids', record({ ...good, ctr: list([tensor(2, 1, 4, 8), tensor(2, 1, 2, 5)]) })],
    ['a static value', record({ ...good, cls: list([int(1), int(2)]) })],
  ])('of detection: %s', (_, prediction) => expect(taskTensors(detection, 2, prediction)).toMatchSnapshot())
})

describe('a detector', () => {
  const model = (grid: string, more = ''): string => `block Head(grid: size) {
  cls = Out(1); bbox = Out(13); dir = Out(6); ctr = Out(1)
  forward(x: [B, C, H, W]) {
    let levels = [x |> resize(grid)]
    return {cls: [for l in levels: cls(l)], bbox: [for l in levels: bbox(l)], dir: [for l in levels: dir(l)], ctr: [for l in levels: ctr(l)]}
  }
}
block Out(out: int) {
  param weight: [out, C, 1, 1] = zeros
  forward(x: [B, C, H, W]) -> [B, out, H, W] = conv2d(x, weight)
}
model Detector {
  data cityscapes3d { image = 32 x 64 }
  task "3ddet" = detection3d(classes = ["car"], strides = [8], resize = 1, ranges = [[0, 1000]]${more}) { head = Head(${grid}) }
  forward(image: [B, 3, H, W]) = {for t in tasks: t.head(image)}
}
`
  it('has outputs per level', () => {
    expect(elaborated(model('4 x 8'), { mode: 'infer' }).program.outputs.map(o => o.name)).toEqual(['3ddet/cls/0', '3ddet/bbox/0', '3ddet/dir/0', '3ddet/ctr/0'])
  })
  it('is warned of a grid that does not cover the image', () => {
    expect(complaints(model('8 x 16'), { mode: 'infer' })).toMatchInlineSnapshot(`
      "warning[level-grid]: task \`3ddet\`: level 0 has 8 x 16 points, but stride 8 on 32 x 64 makes 4 x 8
        --> a.mtl:14:8
         |
      14 |   task "3ddet" = detection3d(classes = ["car"], strides = [8], resize = 1, ranges = [[0, 1000]]) { head = Head(8 x 16) }
         |        ^^^^^^^ the task
      hint: points and pixels will not agree; see \`strides\` and \`resize\`"
    `)
  })
  it('has as many ranges as strides', () => {
    expect(complaints(model('4 x 8').replace('[[0, 1000]]', '[[0, 10], [10, 1000]]'), { mode: 'infer' })).toMatchInlineSnapshot(`
      "error[call-failed]: \`detection3d\`: one range per level: there are 1 strides and 2 ranges
        --> a.mtl:14:85
         |
      14 | ... ddet" = detection3d(classes = ["car"], strides = [8], resize = 1, ranges = [[0, 10], [10, 1000]]) { head = Head(4 x 8) }
         |                                                                                ^^^^^^^^^^^^^^^^^^^^^"
    `)
  })
})
