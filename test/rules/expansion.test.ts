// Expansions compute what the operator computes, and leave the rest of the program alone.
import { describe, expect, it } from 'vitest'
import type { Origin } from '../../src/compiler/ir/program.ts'
import { Builder } from '../../src/compiler/ir/builder.ts'
import { verify } from '../../src/compiler/ir/verify.ts'
import { Emitter } from '../../src/compiler/rules/gradient-language.ts'
import { expandProgram, expansions, type ExpandableOp } from '../../src/compiler/rules/expansion.ts'
import { evaluate } from './finite-differences.ts'
import { gradientCases } from './gradient-cases.ts'

const origin: Origin = { path: 'head.dcn', span: { file: 'a.mtl', start: 1, end: 2 }, phase: 'forward' }
const ops = Object.keys(expansions) as ExpandableOp[]

describe.each(ops)('expansion of %s', op => {
  const programs = gradientCases[op].map(({ attrs, operands }) => {
    const g = new Emitter(new Builder(), origin)
    const x = operands.map((o, i) => g.builder.input(`x${i}`, 'parameter', { dtype: 'float32', shape: o.shape }, origin))
    const y = g.op(op, x, attrs)
    g.builder.output('y', 'prediction', y)
    g.builder.output('z', 'prediction', g.neg(y))
    return { program: g.builder.finish('p'), operands }
  })

  it('gives the same values', () => {
    for (const { program, operands } of programs) {
      const expected = evaluate(program, operands)
      const expanded = expandProgram(program, new Set([op]))
      expect(expanded.nodes.some(n => n.op === op)).toBe(false)
      const actual = evaluate(expanded, operands)
      for (const name of ['y', 'z']) actual[name].forEach((v, i) => expect(v).toBeCloseTo(expected[name][i], 12))
    }
  })

  it('keeps ids, types and origins, and gives a sound program', () => {
    for (const { program } of programs) {
      const expanded = expandProgram(program, new Set([op]))
      verify(expanded)
      for (const node of expanded.nodes) expect(node.origin).toEqual(origin)
      for (const node of program.nodes) expect(expanded.nodes.find(n => n.id === node.id)?.type).toEqual(node.type)
      expect(expanded.outputs).toEqual(program.outputs)
    }
  })

  it('returns a program without the operator as it is', () => {
    const expanded = expandProgram(programs[0].program, new Set([op]))
    expect(expandProgram(expanded, new Set([op]))).toBe(expanded)
  })
})
