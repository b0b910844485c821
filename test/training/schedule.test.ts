// Learning rates.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ScheduleSpec } from '../../src/compiler/tasks/spec.ts'
import { learningRate } from '../../src/compiler/training/schedule.ts'

const rate = (schedule: ScheduleSpec, step: number, steps = 100, lr = 0.5): number => learningRate({ optimizer: { kind: 'sgd', lr, momentum: 0, weightDecay: 0 }, schedule, steps }, step)

describe('learningRate', () => {
  it('poly gives the rates of the published training', () => {
    const { steps } = JSON.parse(readFileSync(new URL('../fixtures/taskprompter/tiny_a_v1_train.json', import.meta.url), 'utf8')) as { steps: { lr: number }[] }
    expect(steps.length).toBe(3)
    steps.forEach((s, i) => expect(Math.abs(rate({ kind: 'poly', power: 0.9 }, i, 40_000, 2e-5) / s.lr - 1)).toBeLessThan(1e-14))
  })

  it('poly ends at 0 and stays there', () => {
    expect(rate({ kind: 'poly', power: 0.9 }, 100)).toBe(0)
    expect(rate({ kind: 'poly', power: 0.9 }, 101)).toBe(0)
  })

  it('constant', () => expect([0, 50, 200].map(s => rate({ kind: 'constant' }, s))).toEqual([0.5, 0.5, 0.5]))

  it('step multiplies at each milestone, from that step on', () => {
    expect([0, 9, 10, 19, 20, 99].map(s => rate({ kind: 'step', at: [10, 20], factor: 0.5 }, s))).toEqual([0.5, 0.5, 0.25, 0.25, 0.125, 0.125])
  })

  it('cosine goes from lr to final', () => {
    const at = (s: number): number => rate({ kind: 'cosine', final: 0.1 }, s)
    expect(at(0)).toBe(0.5)
    expect(at(50)).toBeCloseTo(0.3, 14)
    expect(at(25)).toBeCloseTo(0.1 + 0.4 * 0.5 * (1 + Math.SQRT1_2), 14)
    expect(at(100)).toBeCloseTo(0.1, 14)
    expect(at(150)).toBeCloseTo(0.1, 14)
  })
})
