// delta-m, the gain of several tasks over single ones: by hand, and on result files.
import { expect, it } from 'vitest'
import { multiTaskGain, type TaskScore } from '../../src/runtime/score/multi-task-gain.ts'

const miou = (value: number): TaskScore => ({ task: 'semseg', metric: 'mIoU', value, lowerIsBetter: false })
const rmse = (value: number): TaskScore => ({ task: 'depth', metric: 'rmse', value, lowerIsBetter: true })

it('by hand: an error that falls is a gain', () => {
  // mIoU 0.55 over 0.5: +10 %. RMSE 6 over 5: -20 %. Mean -5 %.
  const gain = multiTaskGain([miou(0.55), rmse(6)], [rmse(5), miou(0.5)])
  expect(gain.tasks.map(t => t.gain)).toEqual([expect.closeTo(0.1, 14), expect.closeTo(-0.2, 14)])
  expect(gain.deltaM).toBeCloseTo(-0.05, 14)
})
it('a network against itself gains nothing', () => expect(multiTaskGain([miou(0.3), rmse(4)], [miou(0.3), rmse(4)]).deltaM).toBe(0))
it('does not depend on units', () => expect(multiTaskGain([rmse(600)], [rmse(500)]).deltaM).toBeCloseTo(multiTaskGain([rmse(6)], [rmse(5)]).deltaM, 14))
it('needs every single task, and something to be relative to', () => {
  expect(() => multiTaskGain([miou(0.5)], [rmse(5)])).toThrowErrorMatchingInlineSnapshot(`[RangeError: no single-task result for semseg]`)
  expect(() => multiTaskGain([miou(0.5)], [miou(0)])).toThrowErrorMatchingInlineSnapshot(`[RangeError: the single-task mIoU of semseg is 0: a relative gain needs a positive one]`)
})
