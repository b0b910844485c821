// Other programs that a build uses: run to their end, what they print kept for the message if they fail.
import { spawn } from 'node:child_process'

/** A build that cannot be done: the message says why, and what to do. */
export class BuildError extends Error {}

export interface Ended { readonly code: number | null; readonly stdout: string; /** stdout and stderr as they came */ readonly output: string }

export interface RunOptions { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; /** minutes after which it is ended; 30 by default */ readonly minutes?: number }

/** Throws BuildError if the program cannot be started at all. */
export function runCommand(command: string, args: readonly string[], { cwd, env = process.env, minutes = 30 }: RunOptions = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, output] = ['', '']
    const timer = setTimeout(() => { child.kill('SIGKILL'); output += `\nended after ${minutes} minutes` }, minutes * 60_000)
    child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString(); output += chunk.toString() })
    child.stderr.on('data', (chunk: Buffer) => { output += chunk.toString() })
    child.on('error', (error: NodeJS.ErrnoException) => { clearTimeout(timer); reject(new BuildError(error.code === 'ENOENT' ? `${command}: no such program, or no folder ${cwd ?? process.cwd()}` : `${command}: ${error.message}`)) })
    child.on('close', code => { clearTimeout(timer); resolve({ code, stdout, output }) })
  })
}

/** The first line that a program says of its version; undefined where it cannot be run. */
export async function versionOf(command: string, args: readonly string[] = ['--version']): Promise<string | undefined> {
  try {
    const { code, output } = await runCommand(command, args, { minutes: 1 })
    return code === 0 ? output.trim().split('\n')[0] : undefined
  } catch (error) {
    if (error instanceof BuildError) return undefined
    throw error
  }
}

/** The last lines that say something. */
export const tail = (output: string, lines = 12): string => output.split('\n').map(l => l.trimEnd()).filter(l => l !== '').slice(-lines).map(l => `  ${l}`).join('\n')
