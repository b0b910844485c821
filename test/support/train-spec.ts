// What a specification of training says about the run, for tests that are about its steps.
import type { TrainSpec } from '../../src/compiler/tasks/spec.ts'

export const runSpec = {
  seed: 0, logEvery: 1, checkpointEvery: 1, keep: 2, evalEvery: undefined, evalImages: 100, best: undefined, earlyStop: undefined, onNonfinite: 'stop', onError: 'stop',
} as const satisfies Partial<TrainSpec>
