// Sizes on the command line, and the step that a budget gives.
import { expect, it } from 'vitest'
import { fitStep, memorySize } from '../../src/cli/memory.ts'
import { optimise } from '../../src/compiler/passes/index.ts'
import { buildTrainingStep } from '../../src/compiler/training/step.ts'
import { compile } from '../support/models.ts'
import { micro } from './support.ts'

it('sizes', () => {
  expect(['14GiB', '14G', '1.5 gb', '900MiB', '64kb', '512B'].map(memorySize)).toEqual([14 * 2 ** 30, 14 * 2 ** 30, 1.5e9, 900 * 2 ** 20, 64e3, 512])
  for (const wrong of ['', '14', '0GiB', '-1G', '14 TB', 'all']) expect(() => memorySize(wrong)).toThrow('a size such as 14GiB')
})

it('a budget that nothing meets is refused with the smallest that would do', () => {
  const step = optimise(buildTrainingStep(compile(micro, { mode: 'train' })), { differentiated: true })
  expect(() => fitStep(step, 20 * 2 ** 20)).toThrow(/^--memory: the step does not fit into 20 MiB: the smallest it can be made is estimated at \d+ MiB .* Give at least \d+\.\dGiB/)
  expect(fitStep(step, 2 ** 30)).toMatchObject({ program: step, mode: 'plain' })
})
