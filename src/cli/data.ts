// mtlc data synth: a synthetic data set in the Cityscapes-3D layout.
import { Command } from 'commander'
import { writeSynthetic } from '../runtime/data/synth/index.ts'
import { Progress } from '../runtime/train/progress.ts'
import { size, whole } from './options.ts'

export interface SynthOptions { readonly train: number; readonly val: number; readonly size: readonly [number, number]; readonly seed: number }

/** Renders with progress on stderr. */
export async function synthesise(dir: string, options: SynthOptions): Promise<void> {
  const progress = new Progress(process.stderr)
  const total = options.train + options.val
  const start = performance.now()
  await writeSynthetic(dir, options, (done: number) => progress.update(`${dir}: ${done}/${total} scenes`, performance.now(), done === total))
  progress.note(`${dir}: ${options.train} training and ${options.val} validation scenes of ${options.size.join(' x ')} in ${((performance.now() - start) / 1000).toFixed(1)} s`)
}

const synth = (): Command => new Command('synth')
  .description('write synthetic street scenes in the layout of Cityscapes-3D; same seed, same bytes')
  .argument('<dir>')
  .option('--train <n>', 'training scenes', whole(0), 200)
  .option('--val <n>', 'validation scenes', whole(0), 40)
  .option('--size <rowsxcolumns>', 'image size', size, [256, 512])
  .option('--seed <n>', 'seed', whole(0), 0)
  .action((dir: string, options: SynthOptions) => synthesise(dir, options))

export const dataCommand = (): Command => new Command('data').description('data sets').addCommand(synth())
