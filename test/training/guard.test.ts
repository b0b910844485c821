// Steps that are not finite: skipped without a trace where asked for, and examined for the place where it began.
import { describe, expect, it } from 'vitest'
import { Builder } from '../../src/compiler/ir/builder.ts'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import type { Origin, Program } from '../../src/compiler/ir/program.ts'
import { verify } from '../../src/compiler/ir/verify.ts'
import { optimise } from '../../src/compiler/passes/index.ts'
import { Emitter } from '../../src/compiler/rules/gradient-language.ts'
import type { TrainSpec } from '../../src/compiler/tasks/spec.ts'
import { checkedStep, firstNonFinite } from '../../src/compiler/training/checked.ts'
import { optimiserScalars } from '../../src/compiler/training/scalars.ts'
import { buildTrainingStep } from '../../src/compiler/training/step.ts'
import { runSpec } from '../support/train-spec.ts'

const from = (path: string, phase: Origin['phase'] = 'forward'): Origin => ({ path, span: undefined, phase })
const f32 = (...shape: number[]): { dtype: 'float32'; shape: number[] } => ({ dtype: 'float32', shape })

/** loss = mean(log(x w)); a reciprocal that a mask hides, infinite at 0; a running mean. */
function model(): Program {
  const builder = new Builder()
  const x = builder.input('image', 'input', f32(2), from(''))
  const w = builder.input('scale.weight', 'parameter', f32(2), from('scale'), { kind: 'constant', value: 1 })
  const running = builder.input('norm.mean', 'state', f32(2), from('norm'), { kind: 'constant', value: 0 })
  const scaled = new Emitter(builder, from('scale')).mul(x, w)
  const hidden = new Emitter(builder, from('hidden')).reciprocal(x)
  const clean = new Emitter(builder, from('hidden.mask')).op('where', [builder.emit('less', [x, x], {}, from('hidden.mask')), hidden, scaled], {})
  const logs = new Emitter(builder, from('head')).log(clean)
  const g = new Emitter(builder, from('', 'loss'))
  builder.output('loss', 'loss', g.mean(g.reshape(logs, [2, 1]), [0, 1]))
  builder.output('norm.mean', 'state', g.add(g.scale(running, 0.5), scaled))
  return builder.finish('Small')
}

const spec = (part: Partial<TrainSpec>): TrainSpec => ({ optimizer: { kind: 'adam', lr: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 }, schedule: { kind: 'constant' }, clipNorm: undefined, batch: 1, steps: 9, ...runSpec, ...part })
const build = (train: TrainSpec): Program => {
  const program = optimise(buildTrainingStep({ mode: 'train', program: model(), train }), { differentiated: true })
  verify(program)
  return program
}

type State = Record<string, Float64Array>
const begin = (program: Program): State => Object.fromEntries(program.inputs.filter(i => ['parameter', 'state', 'moment'].includes(i.role)).map(i =>
  [i.name, new Float64Array(i.type.shape.reduce((a, b) => a * b, 1)).fill(i.init?.kind === 'constant' ? i.init.value : 0)]))

/** The state after passes over these images. */
function run(train: TrainSpec, images: readonly (readonly number[])[]): State {
  const program = build(train)
  const passes = train.accumulate ?? 1
  let state = begin(program)
  images.forEach((image, i) => {
    const scalars = Object.fromEntries(Object.entries(optimiserScalars(train, Math.floor(i / passes), i % passes)).map(([k, v]) => [k, Float64Array.of(v)]))
    const { outputs } = interpret(program, { ...state, ...scalars, image: Float64Array.from(image) })
    state = Object.fromEntries(Object.entries(state).map(([k, v]) => [k, (outputs[k]?.data as Float64Array | undefined) ?? v]))
  })
  return state
}

describe('on_nonfinite = "skip"', () => {
  const skip = spec({ onNonfinite: 'skip' })
  it.each([['NaN', [-1, 2]], ['infinity', [0, 2]], ['NaN in the image', [NaN, 1]]])('a step that gives %s changes nothing', (_, bad) => {
    const before = run(skip, [[1, 2]])
    expect(run(skip, [[1, 2], bad])).toEqual(before)
    expect(Object.values(before).flatMap(v => [...v]).every(Number.isFinite)).toBe(true)
  })
  it('a step that is finite is what it is without', () => {
    expect(run(skip, [[1, 2], [3, 4]])).toEqual(run(spec({}), [[1, 2], [3, 4]]))
  })
  it('costs nothing where it is not asked for', () => {
    expect(build(spec({})).nodes.some(n => n.op === 'less' && n.origin.phase === 'update')).toBe(false)
  })
  it('with accumulation one pass holds back its step, and the next step is as ever', () => {
    const two = spec({ onNonfinite: 'skip', accumulate: 2 })
    const weights = (images: readonly number[][]): number[] => { const s = run(two, images); return ['scale.weight', 'adam.m/scale.weight', 'adam.v/scale.weight'].flatMap(k => [...s[k]]) }
    expect(weights([[1, 2], [3, 4], [0, 2], [5, 6]])).toEqual(weights([[1, 2], [3, 4]]))
    expect(weights([[1, 2], [3, 4], [5, 6], [-1, 2]])).toEqual(weights([[1, 2], [3, 4]]))
    expect(weights([[1, 2], [3, 4], [0, 2], [5, 6], [7, 8], [9, 1]])).not.toEqual(weights([[1, 2], [3, 4]]))
    expect(weights([[1, 2], [3, 4], [0, 2], [5, 6], [7, 8], [9, 1]]).every(Number.isFinite)).toBe(true)
  })
})

describe('a step in checked mode', () => {
  const { program, values, results } = checkedStep(build(spec({})))
  verify(program)
  const first = (image: number[], more: State = {}): string | undefined => {
    const fed: State = { ...begin(program), ...more, image: Float64Array.from(image) }
    const scalars = Object.fromEntries(Object.entries(optimiserScalars(spec({}), 0)).map(([k, v]) => [k, Float64Array.of(v)]))
    const { outputs } = interpret(program, { ...fed, ...scalars })
    const found = firstNonFinite({ values, results }, outputs.check.data as Float64Array, name => fed[name]?.every(Number.isFinite) === false)
    return found === undefined ? undefined : found.input !== '' ? found.input : `${found.path} ${found.op} ${found.phase}`
  }
  it('names the first place that matters', () => {
    expect(first([1, 2])).toBeUndefined()
    expect(first([-1, 2])).toBe('head log forward')
    expect(first([0, 2])).toBe('head log forward')
    expect(first([1, 2], { 'scale.weight': Float64Array.of(NaN, 1) })).toBe('scale.weight')
    expect(first([NaN, 2])).toBe('image')
  })
})
