// Every gradient rule against finite differences, and its conventions at kinks.
import { describe, expect, it } from 'vitest'
import type { OpAttrs, OpName } from '../../src/compiler/ir/ops.ts'
import type { ValueId } from '../../src/compiler/ir/program.ts'
import { elementwise, gradientRules, isDifferentiable } from '../../src/compiler/rules/gradient.ts'
import type { Emitter } from '../../src/compiler/rules/gradient-language.ts'
import { evaluate, gradientError, lossProgram } from './finite-differences.ts'
import { gradientCases, type Case, type DifferentiableOp, type Operand } from './gradient-cases.ts'

const ops = Object.keys(gradientCases) as DifferentiableOp[]
const show = (c: Case<OpAttrs[OpName]>): string => `${JSON.stringify(c.attrs)} ${c.operands.map(o => `[${o.shape.join(', ')}]`).join(' ')}`

describe('gradient rules', () => {
  it('are all tested', () => {
    expect(ops.toSorted()).toEqual((Object.keys(gradientRules) as OpName[]).filter(isDifferentiable).toSorted())
  })

  describe.each(ops)('%s', op => {
    const cases: readonly Case<OpAttrs[OpName]>[] = gradientCases[op]
    it.each(cases.map(c => [show(c), c] as const))('%s', (_, c) => {
      expect(gradientError(c.operands, (g, x) => g.op(op, x, c.attrs as OpAttrs[typeof op]))).toBeLessThan(1e-7)
    })
  })
})

describe('gradient rules with a cotangent that is the same for all elements', () => {
  it.each(ops.filter(op => elementwise.has(op)))('%s', op => {
    const cases: readonly Case<OpAttrs[OpName]>[] = gradientCases[op]
    for (const c of cases) {
      const summed = (from: number, to: number) => (g: Emitter, x: readonly ValueId[]): ValueId => {
        const y = g.op(op, x, c.attrs as OpAttrs[typeof op])
        return g.sum(y, g.shape(y).map((_, i) => i).slice(from, to), true)
      }
      expect(gradientError(c.operands, summed(0, 9))).toBeLessThan(1e-7)
      expect(gradientError(c.operands, summed(1, 9))).toBeLessThan(1e-7)
      expect(gradientError(c.operands, summed(0, -1))).toBeLessThan(1e-7)
    }
  })
})

const vector = (...values: number[]): Operand => ({ shape: [values.length], data: Float64Array.from(values) })

/** Gradients of the weighted sum of op's result; the weights depend on the size of the result alone. */
const gradientsOf = <K extends OpName>(op: K, attrs: OpAttrs[K], ...operands: Operand[]): number[][] => {
  const out = evaluate(lossProgram(operands, (g, x) => g.op(op, x, attrs)).backward, operands)
  return operands.map((_, i) => [...out[`grad/x${i}`]])
}

describe('kinks', () => {
  it('abs and relu give 0 at 0', () => {
    expect(gradientsOf('abs', {}, vector(0))[0].map(Math.abs)).toEqual([0])
    expect(gradientsOf('relu', {}, vector(0))[0].map(Math.abs)).toEqual([0])
  })

  it.each(['max', 'min'] as const)('%s shares a tie half and half', op => {
    const [[w]] = gradientsOf('cast', { to: 'float32' }, vector(1))
    expect(gradientsOf(op, {}, vector(2), vector(2))).toEqual([[w / 2], [w / 2]])
  })

  it('reduceMax shares among all maxima', () => {
    const w = gradientsOf('reduceSum', { axes: [0], keepDims: false }, vector(1, 1, 1))[0][0]
    expect(gradientsOf('reduceMax', { axes: [0], keepDims: false }, vector(3, 1, 3))[0]).toEqual([w / 2, 0, w / 2])
  })

  it('pow has finite gradients at 0 for the exponents 0 and 2', () => {
    const [a, b] = gradientsOf('pow', {}, vector(0, 0), vector(0, 2))
    expect(a.map(Math.abs)).toEqual([0, 0])
    expect(b.map(Math.abs)).toEqual([0, 0])
  })

  it('stopGradient, sign and floor let nothing through', () => {
    for (const op of ['stopGradient', 'sign', 'floor'] as const) expect(gradientsOf(op, {}, vector(0.3, -1.2))[0]).toEqual([0, 0])
  })
})
