// Options that several commands share, and the parsing of their values.
import { engineNames, engines } from '../runtime/engines/index.ts'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { UsageError } from './errors.ts'

const collect = (value: string, earlier: readonly string[]): string[] => [...earlier, value]

/** A whole number of at least `least`. */
export const whole = (least: number) => (text: string): number => {
  const v = Number(text.replaceAll('_', ''))
  if (!Number.isSafeInteger(v) || v < least) throw new InvalidArgumentError(`a whole number of at least ${least} is expected.`)
  return v
}

/** "256x512" -> [256, 512], rows then columns; from 16 to 4096 each. */
export function size(text: string): [number, number] {
  const m = /^(\d+)x(\d+)$/.exec(text)
  if (m === null) throw new InvalidArgumentError('ROWSxCOLUMNS is expected, such as 256x512.')
  const rows = Number(m[1]), columns = Number(m[2])
  if (Math.min(rows, columns) < 16 || Math.max(rows, columns) > 4096) throw new InvalidArgumentError('rows and columns from 16 to 4096 are expected.')
  return [rows, columns]
}

export interface ModelOptions { readonly model?: string; readonly set: string[] }
export const withModel = (command: Command): Command => command
  .option('-m, --model <name>', 'the model of the file (needed if it has several)')
  .addOption(new Option('--set <path=value>', 'change a field of the model, as in a variant; may be repeated').argParser(collect).default([], 'none'))

export interface EngineOptions { readonly engine: string; readonly device?: string }
export const withEngine = (command: Command): Command => command
  .addOption(new Option('--engine <name>', 'what runs the programs').choices(engineNames).default('auto'))
  .option('--device <name>', `of onnxruntime: ${engines.onnxruntime.devices.join(', ')} (default cpu); of tfjs: ${engines.tfjs.devices.join(', ')} (default the best that works)`)

/**
 * Options whose values cannot be read do not end the command at once: `action` gets those that could be, and what is wrong with the others, so that it can tell all mistakes together.
 */
export function withAllMistakes<Options extends object>(command: Command, action: (argument: string, options: Options, mistakes: readonly UsageError[]) => Promise<void>): Command {
  const wrong = new Map<string, UsageError>()
  for (const option of command.options) {
    const { parseArg } = option
    if (parseArg === undefined) continue
    option.parseArg = (text, earlier) => {
      try { return parseArg(text, earlier) } catch (error) {
        if (!(error instanceof InvalidArgumentError)) throw error
        wrong.set(option.attributeName(), new UsageError(`option '${option.flags}' argument '${text}' is invalid. ${error.message}`))
        return earlier
      }
    }
  }
  // Without a default, an option that was not read is an empty string.
  return command.action((argument: string, options: Options) => action(argument, Object.fromEntries(Object.entries(options).filter(([name, v]) => !(wrong.has(name) && v === ''))) as Options, [...wrong.values()]))
}
