// The C library's allocator, set up for steps whose buffers go back to the system: that can only be done before a process starts.
import { spawn } from 'node:child_process'
import type { TensorType } from '../compiler/ir/types.ts'
import { sizeOf } from '../compiler/ir/types.ts'

const NAME = 'MALLOC_MMAP_THRESHOLD_'
/** Larger buffers are pages of their own, which the system has back when they are freed. By default the limit grows to 32 MiB, and what lies below is kept in pieces that aligned buffers cannot use again. */
const BYTES = 2 ** 16
/** Of large buffers, pages of 2 MiB where the system has them on demand: far fewer have to be fetched. */
const TUNABLES = 'glibc.malloc.hugetlb=1'

/** Steps whose parameters and moments take more bytes run in a process that gives buffers back. */
const LARGE = 2 ** 30
export const isLarge = (parameters: readonly { readonly type: TensorType }[]): boolean => 12 * parameters.reduce((n, p) => n + sizeOf(p.type.shape), 0) > LARGE

/** Whether this process gives buffers back. Elsewhere than with glibc the setting means nothing, and nothing is lost by it. */
export const givesBack = (): boolean => process.env[NAME] !== undefined

/** The environment of a process that gives buffers back. */
const settings = (): NodeJS.ProcessEnv => ({ ...process.env, [NAME]: String(BYTES), GLIBC_TUNABLES: [process.env.GLIBC_TUNABLES ?? [], TUNABLES].flat().join(':') })

/** Runs this command line again in a process that gives buffers back; resolves when it has ended, with its exit code as ours. Signals reach it. */
export function runGivingBack(): Promise<void> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit', env: settings() })
  const pass = (signal: NodeJS.Signals): void => { child.kill(signal) }
  // Ctrl-C reaches the whole group by itself; this process only has to outlive it.
  const ignore = (): void => {}
  process.on('SIGTERM', pass)
  process.on('SIGINT', ignore)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      process.off('SIGTERM', pass)
      process.off('SIGINT', ignore)
      process.exitCode = code ?? (signal === 'SIGKILL' ? 137 : 1)
      resolve()
    })
  })
}
