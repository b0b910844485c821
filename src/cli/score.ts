// mtlc score: the official 3D detection metric on files, and the gain of several tasks over single ones.
import { Command, InvalidArgumentError, Option } from 'commander'
import { basename, relative, resolve, sep } from 'node:path'
import { didYouMean } from '../compiler/diagnostics/suggest.ts'
import { evaluatedClasses } from '../runtime/data/cityscapes3d/boxes.ts'
import { writeAtomically } from '../runtime/files.ts'
import { evaluateDetections, type Scores } from '../runtime/score/detections.ts'
import { readDetectionFolders, type DetectionFolders, type Finding } from '../runtime/score/folders.ts'
import { gainOfResults, readResults } from '../runtime/score/multi-task-gain.ts'
import { officialResults } from '../runtime/score/official.ts'
import { defaultParams } from '../runtime/score/params.ts'
import { scoreTable } from '../runtime/score/table.ts'
import { size, whole } from './options.ts'
import { UsageError } from './project.ts'

const share = (text: string): number => {
  const v = Number(text)
  if (text.trim() === '' || !(v >= 0 && v <= 1)) throw new InvalidArgumentError('a number from 0 to 1 is expected.')
  return v
}

/** -1 stands for automatic, as in the official tool. */
const confidence = (text: string): number => (Number(text) === -1 ? -1 : share(text))

const classes = (text: string): string[] => {
  const names = [...new Set(text.split(',').map(s => s.trim()).filter(s => s !== ''))]
  for (const name of names) if (!evaluatedClasses.includes(name)) throw new InvalidArgumentError(`${name} is no class that the benchmark evaluates; ${didYouMean(name, evaluatedClasses)}.`)
  if (names.length === 0) throw new InvalidArgumentError(`some of ${evaluatedClasses.join(', ')} are expected.`)
  return names
}

interface ScoreOptions { readonly gt: string; readonly pred: string; readonly modal?: boolean; readonly labels: string[]; readonly minIou: number; readonly maxDepth: number; readonly stepSize: number; readonly confidence?: number; readonly numConf: number; readonly imageSize: [number, number]; readonly out?: string; readonly json?: boolean }

const shown = 5
const describe = ({ text, count, of, places }: Finding): string => `warning: ${text}: ${count}${of === undefined ? '' : ` of ${of}`}\n${places.slice(0, shown).map(p => `  ${p}\n`).join('')}${places.length > shown ? '  ...\n' : ''}`

function warnings({ findings, sizes }: DetectionFolders, scores: Scores, [height, width]: readonly [number, number]): string[] {
  const behind = scores.behindCamera
  const other = sizes.filter(s => s !== `${width} x ${height}`)
  return [
    ...findings.map(describe),
    ...(behind.length === 0 ? [] : [describe({ text: 'predictions that lie behind the camera, counted as false positives', count: behind.length, places: behind.map(b => `${b.image}: number ${b.index}`) })]),
    ...(other.length === 0 ? [] : [`warning: the ground truth is of images of ${other.join(', ')} (width x height), but predicted boxes are clipped to ${width} x ${height}\n  --image-size ROWSxCOLUMNS clips them to another size\n`]),
    ...(Number.isNaN(scores.mean.detectionScore) ? [`warning: the ground truth has no box of ${scores.params.labels.join(', ')}: there is nothing to score\n`] : []),
  ]
}

/** A file among those that are read would be taken for predictions the next time. */
function requireOutside(out: string, folders: readonly string[]): void {
  for (const folder of folders) {
    const way = relative(resolve(folder), resolve(out))
    if (way !== '..' && !way.startsWith(`..${sep}`) && basename(out) !== 'results.json') throw new UsageError(`--out ${out} lies in ${folder}, where it would be read as boxes the next time: name it results.json, or choose another folder`)
  }
}

const cityscapes3d = (): Command => new Command('cityscapes3d')
  .description('score predicted 3D boxes as the official Cityscapes tool does; percent in the table, fractions in the json')
  .requiredOption('--gt <dir>', 'ground truth: <base>_gtBbox3d.json in any depth of folders')
  .requiredOption('--pred <dir>', 'predictions: <base>_predBbox3d.json in any depth of folders')
  .option('--modal', 'match visible (modal) boxes, as in the report; the official way is amodal')
  .option('--labels <a,b>', 'classes to score', classes, [...evaluatedClasses])
  .option('--min-iou <x>', 'a match overlaps more than this', share, defaultParams.minIou)
  .option('--max-depth <metres>', 'whole metres', whole(1), defaultParams.maxDepth)
  .option('--step-size <metres>', 'width of a depth bin, whole metres', whole(1), defaultParams.stepSize)
  .option('--confidence <c>', 'judge true positives at this confidence (otherwise where precision times recall is largest)', confidence)
  .option('--num-conf <n>', 'steps of confidence', whole(1), defaultParams.numConf)
  .addOption(new Option('--image-size <rowsxcolumns>', 'what boxes are clipped to').argParser(size).default(defaultParams.image, '1024x2048, as the official tool'))
  .option('--out <file>', 'also write the json there')
  .option('--json', 'the json of the official tool on stdout (null where it writes NaN)')
  .action(async (options: ScoreOptions) => {
    if (options.out !== undefined) requireOutside(options.out, [options.gt, options.pred])
    const folders = await readDetectionFolders(options.gt, options.pred, options.labels)
    const { labels, minIou, maxDepth, stepSize, numConf, imageSize } = options
    const scores = evaluateDetections(folders.images, { labels, minIou, maxDepth, stepSize, numConf, confidence: options.confidence === -1 ? undefined : options.confidence, matching: options.modal === true ? 'modal' : 'amodal', image: imageSize })
    for (const line of warnings(folders, scores, imageSize)) process.stderr.write(line)
    const document = `${JSON.stringify(officialResults(scores), null, 1)}\n`
    if (options.out !== undefined) writeAtomically(options.out, document)
    const incomplete = folders.missing === 0 ? [] : ['', `Not the whole set: ${folders.missing} of ${scores.images} images have no prediction file and count as images without detections.`]
    process.stdout.write(options.json === true ? document : `${[...scoreTable(scores), ...incomplete].join('\n')}\n`)
  })

const percent = (v: number): string => `${v < 0 ? '' : '+'}${(100 * v).toFixed(2)} %`

const deltaM = (): Command => new Command('delta-m')
  .description('how much better a network of several tasks is than single-task networks: mean relative gain, delta-m')
  .argument('<multi>', 'results.json of the network of several tasks, from mtlc eval --out')
  .argument('<single...>', 'results.json of the single-task networks')
  .option('--json', 'one JSON document on stdout')
  .action(async (multi: string, single: string[], options: { json?: boolean }) => {
    const gain = gainOfResults(await readResults(multi), await Promise.all(single.map(readResults)))
    if (options.json === true) process.stdout.write(`${JSON.stringify(gain, null, 2)}\n`)
    else process.stdout.write(`${[...gain.tasks.map(t => `${t.task}: ${t.metric} ${t.multi.toPrecision(5)}, alone ${t.single.toPrecision(5)}: ${percent(t.gain)}`), `delta-m ${percent(gain.deltaM)}`].join('\n')}\n`)
  })

export const scoreCommand = (): Command => new Command('score').description('scores of predictions that lie in files').addCommand(cityscapes3d()).addCommand(deltaM())
