// mtlc data: synthetic scenes in the Cityscapes-3D layout, and commands that look at a data set.
import { Command, Option } from 'commander'
import { writeSynthetic } from '../runtime/data/synth/index.ts'
import { namedSplits } from '../runtime/data/synth/named.ts'
import type { SplitName } from '../runtime/data/synth/named.ts'
import { Progress } from '../runtime/train/progress.ts'
import { checkDataCommand } from './data-check.ts'
import { packCommand } from './data-pack.ts'
import { statsCommand } from './data-stats.ts'
import { size, whole } from './options.ts'
import { UsageError } from './project.ts'

export interface SynthOptions { readonly name?: SplitName; readonly train: number; readonly val: number; readonly size: readonly [number, number]; readonly seed: number }

/** Renders with progress on stderr. */
export async function synthesise(dir: string, options: SynthOptions): Promise<void> {
  const progress = new Progress(process.stderr)
  const total = options.train + options.val
  const start = performance.now()
  const { digest } = await writeSynthetic(dir, options, (done: number) => progress.update(`${dir}: ${done}/${total} scenes`, performance.now(), done === total))
  progress.note(`${dir}: ${options.train} training and ${options.val} validation scenes of ${options.size.join(' x ')} in ${((performance.now() - start) / 1000).toFixed(1)} s`)
  if (options.name !== undefined && digest !== namedSplits[options.name].digest) progress.note(`warning: this machine draws other scenes than the published ${options.name} (digest ${digest}): results on them do not compare`)
}

const synth = (): Command => new Command('synth')
  .description('write synthetic street scenes in the layout of Cityscapes-3D; same seed, same bytes')
  .argument('<dir>')
  .addOption(new Option('--name <name>', 'a named set: its counts and seed are given').choices(Object.keys(namedSplits)))
  .option('--train <n>', 'training scenes', whole(0), 200)
  .option('--val <n>', 'validation scenes', whole(0), 40)
  .option('--size <rowsxcolumns>', 'image size', size, [256, 512])
  .option('--seed <n>', 'seed', whole(0), 0)
  .action((dir: string, options: SynthOptions, command: Command) => {
    if (options.name === undefined) return synthesise(dir, options)
    const given = ['train', 'val', 'seed'].filter(name => command.getOptionValueSource(name) === 'cli')
    if (given.length > 0) throw new UsageError(`${given.map(name => `--${name}`).join(' and ')} cannot be combined with --name ${options.name}, which fixes ${given.length > 1 ? 'them' : 'it'}`)
    return synthesise(dir, { ...options, ...namedSplits[options.name] })
  })

export const dataCommand = (): Command => new Command('data').description('data sets').addCommand(synth()).addCommand(checkDataCommand()).addCommand(statsCommand()).addCommand(packCommand())
