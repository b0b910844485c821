// Training as in models/training.test.ts, on tfjs: its native device where it is here, and WebAssembly; plain JavaScript takes minutes a step, and is asked for by MTLC_SLOW=1.
import { describe } from 'vitest'
import { openIfHere } from '../engines/devices.ts'
import { goldenTraining } from '../support/golden-training.ts'

// Sums are made in another order than in the published run: of thousands of elements a few lie where Adam turns rounding into a step.
describe.each(['tensorflow', 'wasm', ...process.env.MTLC_SLOW === undefined ? [] : ['cpu'] as const] as const)('tfjs on %s', device => {
  goldenTraining(() => openIfHere({ engine: 'tfjs', device }), [{ name: 'tiny_a_v1', worstGradient: 1e-3, losses: [1e-5, 1e-5, 1e-5], norm: [1e-5, 1e-5, 1e-5], outside: 5e-4 }])
})
