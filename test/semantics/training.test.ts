// What `train` may say: schedules in sequence, groups, averages, weights of losses, epochs; mistakes, and the command line.
import { describe, expect, it } from 'vitest'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import { sizeOf } from '../../src/compiler/ir/types.ts'
import type { TrainSpec } from '../../src/compiler/tasks/spec.ts'
import { fits } from '../../src/compiler/tasks/groups.ts'
import { stepsPerEpoch, withSteps } from '../../src/compiler/training/length.ts'
import { buildTrainingStep } from '../../src/compiler/training/step.ts'
import { complaints, elaborated, text } from './check-support.ts'

const rest = 'batch = 2; steps = 10'
const withTrain = (lines: string): string => text.replace(/train \{.*\}/, `train { ${lines} }`)
const trainOf = (lines: string, set: readonly string[] = []): TrainSpec => elaborated(withTrain(lines), { set }).train

it('reads all of it', () => {
  const { schedule, groups, ema, clipValue, accumulate, weighting, optimizer } = trainOf(`optimizer = adamw(lr = 1e-3); schedule = [warmup(2), constant(steps = 3), cosine()]
    groups = [group("stem", lr = 0.1), group(["**.weight", "heads.*"], weight_decay = 0, frozen = false)]
    clip_value = 1; accumulate = 4; ema = 0.99; weighting = dwa(every = 5); ${rest}`)
  expect(optimizer).toMatchObject({ kind: 'adamw', weightDecay: 0.01 })
  expect(schedule).toEqual({ kind: 'sequence', parts: [{ schedule: { kind: 'warmup', from: 0 }, steps: 2 }, { schedule: { kind: 'constant' }, steps: 3 }, { schedule: { kind: 'cosine', final: 0 }, steps: undefined }] })
  expect(groups).toEqual([{ paths: ['stem'], lr: 0.1, weightDecay: undefined, frozen: undefined }, { paths: ['**.weight', 'heads.*'], lr: undefined, weightDecay: 0, frozen: false }])
  expect({ ema, clipValue, accumulate, weighting }).toEqual({ ema: { decay: 0.99, evaluate: true }, clipValue: 1, accumulate: 4, weighting: { kind: 'dwa', bounds: [0.01, 100], temperature: 2, every: 5 } })
})

it('the command line reaches into it', () => {
  const set = ['train.groups.0.lr=0.5', 'train.schedule.1.final=1e-5', 'train.ema=ema(decay = 0.5, evaluate = false)', 'train.weighting=gradnorm(at = "stem")', 'train.steps=none', 'train.epochs=2']
  const train = trainOf(`optimizer = adam(lr = 1e-3); schedule = [warmup(2), cosine()]; groups = [group("stem", lr = 0.1)]; ${rest}`, set)
  expect(train.groups![0].lr).toBe(0.5)
  expect(train.schedule).toMatchObject({ parts: [{}, { schedule: { final: 1e-5 } }] })
  expect(train.ema).toEqual({ decay: 0.5, evaluate: false })
  expect(train.weighting).toMatchObject({ kind: 'gradnorm', at: ['stem'] })
  expect([train.steps, train.epochs]).toEqual([0, 2])
})

describe('mistakes', () => {
  it.each([
    ['a pattern that fits nothing', `optimizer = adam(lr = 1e-3); groups = [group("stem", lr = 0.1), group("heads.semseg.iner", frozen = true)]; ${rest}`],
    ['a pattern of gradnorm', `optimizer = adam(lr = 1e-3); weighting = gradnorm(at = "steam"); ${rest}`],
    ['everything frozen', `optimizer = adam(lr = 1e-3); groups = [group("**", frozen = true)]; ${rest}`],
    ['a group that says nothing', `optimizer = adam(lr = 1e-3); groups = [group("stem")]; ${rest}`],
    ['a pattern that is none', `optimizer = adam(lr = 1e-3); groups = [group("stem..x", lr = 1)]; ${rest}`],
    ['no group', `optimizer = adam(lr = 1e-3); groups = ["stem"]; ${rest}`],
    ['a schedule without an end', `optimizer = adam(lr = 1e-3); schedule = [cosine(), warmup(2)]; ${rest}`],
    ['a warm-up longer than the run', `optimizer = adam(lr = 1e-3); schedule = [warmup(10), cosine()]; ${rest}`],
    ['nesterov without momentum', `optimizer = sgd(lr = 0.1, nesterov = true); ${rest}`],
    ['an average of 1', `optimizer = adam(lr = 1e-3); ema = 1; ${rest}`],
    ['neither steps nor epochs', 'optimizer = adam(lr = 1e-3); batch = 2'],
    ['steps and epochs', `optimizer = adam(lr = 1e-3); epochs = 3; ${rest}`],
    ['gradients of tasks over several passes', `optimizer = adam(lr = 1e-3); weighting = pcgrad(); accumulate = 2; ${rest}`],
    ['bounds', `optimizer = adam(lr = 1e-3); weighting = uncertainty(low = 2, high = 1); ${rest}`],
    ['an unknown strategy', `optimizer = adam(lr = 1e-3); weighting = gradnrom(); ${rest}`],
  ])('%s', (_, lines) => expect(complaints(withTrain(lines))).toMatchSnapshot())

  it('one task', () => expect(complaints(withTrain(`optimizer = adam(lr = 1e-3); weighting = dwa(); ${rest}`), { set: ['tasks.depth=off'] })).toMatchSnapshot())
})

it('a pattern fits paths and what lies below them', () => {
  const paths = ['backbone.layers.0.norm.weight', 'backbone.layers.0.norm.bias', 'backbone.layers.10.attn.qkv.bias', 'bias']
  const fitting = (pattern: string): string[] => paths.filter(p => fits(pattern, p))
  expect(fitting('backbone')).toEqual(paths.slice(0, 3))
  expect(fitting('back')).toEqual([])
  expect(fitting('backbone.layers.1')).toEqual([])
  expect(fitting('backbone.layers.1*')).toEqual([paths[2]])
  expect(fitting('**.bias')).toEqual(paths.slice(1))
  expect(fitting('*.*.*.norm')).toEqual(paths.slice(0, 2))
  expect(fitting('backbone.**.bias')).toEqual(paths.slice(1, 3))
  expect(fitting('backbone.**')).toEqual(paths.slice(0, 3))
  expect(fitting('**')).toEqual(paths)
  expect(fits('a.b+c', 'a.b+c')).toBe(true)
  expect(fits('a.b+c', 'a.bbc')).toBe(false)
})

it('epochs are steps once the number of images is known', () => {
  const train = trainOf('optimizer = adam(lr = 1e-3); batch = 2; accumulate = 3; epochs = 2.5; schedule = [warmup(4), cosine()]')
  expect(withSteps(train, 100)).toMatchObject({ steps: 42 })
  expect(withSteps(train, 9)).toMatchInlineSnapshot(`
    {
      "problem": "train.schedule: the schedules before the last take 4 steps, and 2.5 epochs of 9 images are 4 steps",
    }
  `)
  expect(stepsPerEpoch(train, 100)).toBe(17)
  expect(withSteps(trainOf(`optimizer = adam(lr = 1e-3); ${rest}`), 100)).toMatchObject({ steps: 10 })
})

it('with partial labels an image without depth moves nothing, whatever the loss is', () => {
  const model = elaborated(text, { set: ['data.labels="partial"', 'tasks.semseg.loss=none'] })
  const program = buildTrainingStep(model, { gradients: true })
  let seed = 1
  const random = (n: number): Float64Array => Float64Array.from({ length: n }, () => { seed = (seed * 16807) % 2147483647; return seed / 2147483647 - 0.5 })
  const feeds = Object.fromEntries(program.inputs.map(i => [i.name, i.role === 'scalar' ? Float64Array.of(0) : random(sizeOf(i.type.shape))]))
  const depth = feeds['target/depth/depth'], half = depth.length / 2
  for (let i = 0; i < half; i++) { depth[i] = 1 + Math.abs(depth[i]); depth[half + i] = 0 }
  const gradients = (): number[] => Object.entries(interpret(program, feeds).outputs).filter(([name]) => name.startsWith('grad/') || name === 'loss').flatMap(([, v]) => [...v.data])
  const before = gradients()
  feeds.image = feeds.image.map((v, i) => i < feeds.image.length / 2 ? v : v + random(1)[0])
  expect(gradients()).toEqual(before)
  feeds.image = feeds.image.map((v, i) => i < feeds.image.length / 2 ? v + 0.1 : v)
  expect(gradients()).not.toEqual(before)
})
