// Sizes on the command line, and the step that a budget gives.
import { expect, it } from 'vitest'
import { fitStep, memorySize } from '../../src/cli/memory.ts'
import { optimise } from '../../src/compiler/passes/index.ts'
import { buildTrainingStep } from '../../src/compiler/training/step.ts'
import { compile } from '../support/models.ts'
import { micro, mtlc, remove, scenes, temporary } from './support.ts'

it('sizes', () => {
  expect(['14GiB', '14G', '1.5 gb', '900MiB', '64kb', '512B'].map(memorySize)).toEqual([14 * 2 ** 30, 14 * 2 ** 30, 1.5e9, 900 * 2 ** 20, 64e3, 512])
  for (const wrong of ['', '14', '0GiB', '-1G', '14 TB', 'all']) expect(() => memorySize(wrong)).toThrow('a size such as 14GiB')
})

const messageOf = (body: () => unknown): string => { try { body() } catch (error) { return (error as Error).message } return '' }

it('a budget that nothing meets is refused with the smallest that would do', () => {
  const step = optimise(buildTrainingStep(compile(micro, { mode: 'train' })), { differentiated: true })
  expect(() => fitStep(step, 20 * 2 ** 20)).toThrow(/^memory: the step does not fit into 20 MiB: the smallest it can be made is estimated at \d+ MiB .* Give at least \d+\.\dGiB \(a twentieth is kept free/)
  // What the message asks for is enough.
  const least = /at least (\d+\.\d)GiB/.exec(messageOf(() => fitStep(step, 20 * 2 ** 20)))![1]
  expect(fitStep(step, memorySize(`${least}GiB`)).plan.peak).toBeLessThanOrEqual(0.95 * memorySize(`${least}GiB`))
  expect(fitStep(step, 2 ** 30)).toMatchObject({ mode: 'plain' })
})

it('the budget of the text counts as --memory does, which goes before it; what is wrong with the text is said once', async () => {
  const dir = temporary()
  try {
    const data = scenes(dir, 1, 0)
    const train = (...more: string[]): ReturnType<typeof mtlc> => mtlc(['train', micro, '--data', data, '--out', `${dir}/run`, '--no-eval', '--no-export', '--steps', '1', ...more])
    const [text, flag, wrong] = await Promise.all([
      train('--set', 'train.memory="20MiB"'),
      train('--set', 'train.memory="20MiB"', '--memory', '21MiB'),
      train('--set', 'train.memory="lots"'),
    ])
    expect([text.code, flag.code, wrong.code]).toEqual([1, 1, 1])
    expect(text.stderr.match(/memory: the step does not fit into 20 MiB/g)).toHaveLength(1)
    expect(text.stderr.match(/parameters$/gm)).toHaveLength(1)
    expect(flag.stderr).toContain('does not fit into 21 MiB')
    expect(wrong.stderr).toContain('expected a size such as "14GiB" or "900MiB", or none, found string "lots"')
  } finally { remove(dir) }
}, 60_000)
