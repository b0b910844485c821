// Names and shapes of parameters, states and constants equal the published state dicts, at full size and small.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { sizeOf, type DType } from '../../src/compiler/ir/types.ts'
import { compile } from '../support/models.ts'

/** Integers are 64 bits wide in PyTorch. */
const publishedType: Readonly<Record<DType, string>> = { float32: 'float32', int32: 'int64', bool: 'bool' }

const published = (list: string): string[] => readFileSync(`test/fixtures/state_dict/${list}.state_dict.txt`, 'utf8').split('\n')
  .filter(line => line !== '' && !line.startsWith('#')).map(line => line.split('\t').slice(0, 3).join(' '))

describe.each([
  ['models/taskprompter.mtl', 'swin_b_v1', 438_470_804],
  ['models/taskprompter-released.mtl', 'swin_b_head', 303_665_146],
  ['models/baseline.mtl', 'swin_b_baseline', 129_930_096],
  ['test/fixtures/models/tiny_a_v1.mtl', 'tiny_a_v1', 4_230_440],
  ['test/fixtures/models/tiny_a_head.mtl', 'tiny_a_head', 1_852_440],
  ['test/fixtures/models/baseline_tiny_a.mtl', 'baseline_tiny_a', 1_137_982],
])('%s', (file, list, count) => {
  test.each(['infer', 'train'] as const)('%s', mode => {
    const { program, constants } = compile(file, { mode })
    const tensors = [...program.inputs.filter(i => i.role === 'parameter' || i.role === 'state'), ...constants]
    expect(tensors.map(t => `${t.name} [${t.type.shape.join(', ')}] ${publishedType[t.type.dtype]}`).sort()).toEqual(published(list).sort())
    expect(program.inputs.filter(i => i.role === 'parameter').reduce((n, i) => n + sizeOf(i.type.shape), 0)).toBe(count)
  })
})
