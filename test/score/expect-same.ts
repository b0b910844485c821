// Compares results field by field.
import { expect } from 'vitest'

/** Same structure, same keys in the same order, numbers to 1e-9; NaN equals NaN. */
export function expectSame(mine: unknown, theirs: unknown, path = ''): void {
  if (typeof theirs === 'number' && !Number.isNaN(theirs)) { if (!(Math.abs((mine as number) - theirs) <= 1e-9)) expect.fail(`${path}: ${String(mine)} is not ${theirs}`) }
  else if (Array.isArray(theirs)) {
    expect((mine as unknown[]).length, path).toBe(theirs.length)
    theirs.forEach((v, i) => expectSame((mine as unknown[])[i], v, `${path}[${i}]`))
  } else if (typeof theirs === 'object' && theirs !== null) {
    expect(Object.keys(mine as object), path).toEqual(Object.keys(theirs))
    for (const [key, v] of Object.entries(theirs)) expectSame((mine as Record<string, unknown>)[key], v, `${path}.${key}`)
  } else expect(mine, path).toBe(theirs)
}
