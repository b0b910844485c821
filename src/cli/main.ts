// The command line: one file per command; exit codes 0 success, 1 a user's error (explained), 2 wrong usage.
import { Command, CommanderError } from 'commander'
import { packageVersion } from '../runtime/worker-path.ts'
import { UsageError } from './errors.ts'
import { isExplained } from './explained.ts'

/** In the order of the help. Only what the command line asks for is loaded: most of the start of a process is reading the other parts. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  check: async () => (await import('./check.ts')).checkCommand(),
  fmt: async () => (await import('./fmt.ts')).fmtCommand(),
  summary: async () => (await import('./summary.ts')).summaryCommand(),
  ir: async () => (await import('./ir.ts')).irCommand(),
  data: async () => (await import('./data.ts')).dataCommand(),
  train: async () => (await import('./train.ts')).trainCommand(),
  eval: async () => (await import('./eval.ts')).evalCommand(),
  predict: async () => (await import('./predict.ts')).predictCommand(),
  score: async () => (await import('./score.ts')).scoreCommand(),
  report: async () => (await import('./report.ts')).reportCommand(),
  compare: async () => (await import('./compare.ts')).compareCommand(),
  export: async () => (await import('./export.ts')).exportCommand(),
  demo: async () => (await import('./demo.ts')).demoCommand(),
  weights: async () => (await import('./weights.ts')).weightsCommand(),
  doctor: async () => (await import('./doctor.ts')).doctorCommand(),
}

const [, , word] = process.argv
const asked = word !== undefined && Object.hasOwn(commands, word) ? [commands[word]] : Object.values(commands)

const program = new Command('mtlc')
  .description('A language and a compiler for multi-task perception networks.')
  .version(packageVersion())
  .showSuggestionAfterError()
  .showHelpAfterError('(--help lists what there is)')
  .exitOverride()
for (const load of asked) {
  const command = await load()
  command.copyInheritedSettings(program)
  for (const sub of command.commands) sub.copyInheritedSettings(program)
  program.addCommand(command)
}

// A reader that closes the pipe early (`mtlc ir FILE | head`) is no error.
process.stdout.on('error', (e: NodeJS.ErrnoException) => { if (e.code === 'EPIPE') process.exit(0) })

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else if (error instanceof UsageError) {
    process.stderr.write(`error: ${error.message}\n(--help lists what there is)\n`)
    process.exitCode = 2
  } else if (isExplained(error)) {
    if (error.message !== '') process.stderr.write(`error: ${error.message}\n`)
    process.exitCode = 1
  } else {
    process.stderr.write(`mtlc has a bug, please report it with the command line and this text:\n${error instanceof Error ? error.stack ?? error.message : String(error)}\n`)
    process.exitCode = 70
  }
}
