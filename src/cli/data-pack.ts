// mtlc data pack: a data set, encoded once for the tasks of a model.
import { Command } from 'commander'
import { readSplitFile } from '../runtime/data/cityscapes3d/split-file.ts'
import { writePack } from '../runtime/data/pack/write.ts'
import { Progress } from '../runtime/train/progress.ts'
import { withModel, type ModelOptions } from './options.ts'
import { compileFile } from './project.ts'

interface PackCommandOptions extends ModelOptions { readonly for: string; readonly split: string; readonly splitFile?: string }

async function run(dir: string, out: string, options: PackCommandOptions): Promise<void> {
  const { model } = compileFile(options.for, { ...options, mode: 'train' })
  const progress = new Progress(process.stderr)
  const start = performance.now()
  const only = options.splitFile === undefined ? undefined : readSplitFile(options.splitFile)
  try {
    const { images, bytes } = await writePack(dir, out, { data: model.data, tasks: model.tasks, splits: options.split.split(','), only }, (done, of) => progress.update(`${out}: ${done}/${of} images`, performance.now(), done === of))
    const seconds = (performance.now() - start) / 1000
    progress.note(`${out}: ${images} images in ${(bytes / 2 ** 30).toFixed(2)} GiB, ${seconds.toFixed(1)} s (${(images / seconds).toFixed(1)} images/s); mtlc train --data ${out} reads it`)
  } finally { progress.end() }
}

export const packCommand = (): Command => withModel(new Command('pack')
  .description('decode and encode a data set once, for training with the tasks of a model; exact, and refused once data, options or mtlc have changed')
  .argument('<dir>', 'root of the data set')
  .argument('<out>', 'folder for the pack')
  .requiredOption('--for <file>', 'the text of the model')
  .option('--split <names>', 'which splits, with commas between', 'train')
  .option('--split-file <file>', 'only the images that it lists, one per line'))
  .action(run)
