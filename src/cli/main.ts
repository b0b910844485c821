// The command line: one file per command; exit codes 0 success, 1 a user's error (explained), 2 wrong usage.
import { Command, CommanderError } from 'commander'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { OnnxTargetError } from '../compiler/targets/onnx/graph.ts'
import { DataError } from '../runtime/data/dataset.ts'
import { EngineError } from '../runtime/engines/engine.ts'
import { FileError } from '../runtime/files.ts'
import { TrainingError } from '../runtime/train/loop.ts'
import { WeightsError } from '../runtime/weights/tensors.ts'
import { packageRoot } from '../runtime/worker-path.ts'
import { checkCommand } from './check.ts'
import { dataCommand } from './data.ts'
import { evalCommand } from './eval.ts'
import { exportCommand } from './export.ts'
import { fmtCommand } from './fmt.ts'
import { irCommand } from './ir.ts'
import { predictCommand } from './predict.ts'
import { UsageError, UserError } from './project.ts'
import { scoreCommand } from './score.ts'
import { summaryCommand } from './summary.ts'
import { trainCommand } from './train.ts'
import { weightsCommand } from './weights.ts'

const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }
const explained = [UserError, DataError, EngineError, FileError, OnnxTargetError, TrainingError, WeightsError]

const program = new Command('mtlc')
  .description('A language and a compiler for multi-task perception networks.')
  .version(version)
  .showSuggestionAfterError()
  .showHelpAfterError('(--help lists what there is)')
  .exitOverride()
for (const command of [checkCommand(), fmtCommand(), summaryCommand(), irCommand(), dataCommand(), trainCommand(), evalCommand(), predictCommand(), scoreCommand(), exportCommand(), weightsCommand()]) {
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
  } else if (explained.some(kind => error instanceof kind)) {
    if ((error as Error).message !== '') process.stderr.write(`error: ${(error as Error).message}\n`)
    process.exitCode = 1
  } else {
    process.stderr.write(`mtlc has a bug, please report it with the command line and this text:\n${error instanceof Error ? error.stack ?? error.message : String(error)}\n`)
    process.exitCode = 70
  }
}
