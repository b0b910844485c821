// Gives memory back that nothing refers to any more: buffers lie outside the JavaScript heap, which alone would not grow enough to be collected for hours.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Collects garbage in this thread now. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('globalThis.gc') as (() => void) | undefined
  collect?.()
}
