// mtlc demo: serves an exported model, so that its page runs in the browser.
import { Command, InvalidArgumentError } from 'commander'
import { statSync } from 'node:fs'
import { dataError } from '../runtime/data/errors.ts'
import { isExport } from '../runtime/export-tfjs/layout.ts'
import { serveFolder, ServeError } from '../runtime/serve/static.ts'
import { UserError } from './errors.ts'

function port(text: string): number {
  const v = Number(text)
  if (!/^\d+$/.test(text) || v > 65_535) throw new InvalidArgumentError('a port from 0 to 65535 is expected; 0 takes any that is free.')
  return v
}

/** Throws DataError for what is no exported model. */
function requireExport(dir: string): void {
  const status = statSync(dir, { throwIfNoEntry: false })
  if (isExport(dir)) return
  const found = status === undefined ? 'does not exist' : status.isDirectory() ? 'is no exported model: it has no model.json of one' : 'is a file, not a folder'
  throw dataError(dir, { found, expected: 'a folder written by `mtlc export FILE --tfjs DIR`', fix: 'export the model first: mtlc export FILE --weights W --tfjs DIR' })
}

export const demoCommand = (): Command => new Command('demo')
  .description('serve the page of an exported model on this machine: try it on pictures in the browser')
  .argument('<dir>', 'written by mtlc export FILE --tfjs DIR')
  .option('--port <n>', 'on 127.0.0.1; 0 takes any that is free', port, 8080)
  .action(async (dir: string, options: { port: number }) => {
    requireExport(dir)
    const ended = new Promise<void>(done => { for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done()) })
    const server = await serveFolder(dir, options.port).catch((error: unknown) => { throw error instanceof ServeError ? new UserError(error.message) : error })
    process.stdout.write(`${server.url}\n`)
    process.stderr.write(`${dir} is served to this machine alone; Ctrl-C ends it\n`)
    await ended
    await server.close()
  })
