// Comparison of a result with a reference, relative to the largest element of the reference.
import { expect } from 'vitest'
import type { TensorData } from '../../src/compiler/ir/types.ts'

export interface Reference { readonly dtype: string; readonly shape: readonly number[]; readonly data: ArrayLike<number> }

/** The largest difference over the largest magnitude of the reference. */
export function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0, magnitude = 0
  for (let i = 0; i < expected.length; i++) {
    magnitude = Math.max(magnitude, Math.abs(expected[i]))
    if (Object.is(actual[i], expected[i])) continue
    const d = Math.abs(actual[i] - expected[i])
    difference = Math.max(difference, Number.isNaN(d) ? Infinity : d)
  }
  return difference === 0 ? 0 : difference / (magnitude || 1)
}

export function expectClose(actual: TensorData, expected: Reference, what = '', tolerance = 1e-5): void {
  expect({ dtype: actual.dtype, shape: [...actual.shape], length: actual.data.length }, what).toEqual({ dtype: expected.dtype, shape: [...expected.shape], length: expected.data.length })
  const difference = largestDifference(actual.data, expected.data)
  expect(difference, `${what} largest relative difference`).toBeLessThanOrEqual(expected.dtype === 'float32' ? tolerance : 0)
}
