// A few steps of training on an engine and on the interpreter, to compare.
import { expect } from 'vitest'
import { interpret, toTensorData } from '../../src/compiler/ir/interpreter.ts'
import type { TensorData } from '../../src/compiler/ir/types.ts'
import { optimiserScalars } from '../../src/compiler/training/scalars.ts'
import type { Engine } from '../../src/runtime/engines/engine.ts'
import { expectClose } from '../onnx/close.ts'
import type { Training } from './programs.ts'

export const scalars = (step: number): Record<string, TensorData> => {
  const optimizer = { kind: 'adam', lr: 1e-2, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 } as const
  const values = optimiserScalars({ optimizer, schedule: { kind: 'constant' }, steps: 10 }, step)
  return Object.fromEntries(Object.entries(values).map(([name, v]) => [name, { dtype: 'float32', shape: [], data: Float32Array.of(v) }]))
}

export interface Trace { readonly results: readonly Readonly<Record<string, TensorData>>[]; readonly state: Readonly<Record<string, TensorData>> }

export async function trainOn(engine: Engine, { program, state, feeds }: Training, steps = 3, outputs?: readonly string[]): Promise<Trace> {
  const session = await engine.open(program, state, { outputs })
  const results = []
  for (let step = 0; step < steps; step++) results.push(await session.run({ ...feeds, ...scalars(step) }))
  const final = await session.readState()
  await session.dispose()
  return { results, state: final }
}

export function trainOnInterpreter({ program, state, feeds }: Training, steps = 3): Trace {
  let current = state
  const results = []
  for (let step = 0; step < steps; step++) {
    const values = Object.fromEntries(Object.entries(interpret(program, { ...feeds, ...current, ...scalars(step) }).outputs).map(([name, v]) => [name, toTensorData(v)]))
    results.push(values)
    current = Object.fromEntries(Object.keys(current).map(name => [name, values[name] ?? current[name]]))
  }
  return { results, state: current }
}

export function expectSameTrace(actual: Trace, expected: Trace, tolerance: number): void {
  actual.results.forEach((values, step) => { for (const [name, t] of Object.entries(values)) expectClose(t, expected.results[step][name], `step ${step}: ${name}`, tolerance) })
  expect(Object.keys(actual.state).sort()).toEqual(Object.keys(expected.state).sort())
  for (const [name, t] of Object.entries(expected.state)) expectClose(actual.state[name], t, name, tolerance)
}
