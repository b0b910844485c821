// The C library's allocator, set up for steps whose buffers go back to the system: that can only be done before a process starts.
import { spawn } from 'node:child_process'

const NAME = 'MALLOC_MMAP_THRESHOLD_'
/** Larger buffers are pages of their own, which the system has back when they are freed. By default the limit grows to 32 MiB, and what lies below is kept in pieces: a third more in the first step, more in each. */
const BYTES = 2 ** 20

/** Whether this process gives buffers back. Elsewhere than with glibc the setting means nothing, and nothing is lost by it. */
export const givesBack = (): boolean => process.env[NAME] !== undefined

/** Runs this command line again in a process that gives buffers back; resolves when it has ended, with its exit code as ours. Signals reach it. */
export function runGivingBack(): Promise<void> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit', env: { ...process.env, [NAME]: String(BYTES) } })
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
