// mtlc data check: whether a data set can be trained on and evaluated with, and what is wrong where it cannot.
import { Command } from 'commander'
import { kinds } from '../runtime/data/cityscapes3d/layout.ts'
import type { Kind } from '../runtime/data/cityscapes3d/layout.ts'
import { readSplitFile } from '../runtime/data/cityscapes3d/split-file.ts'
import type { Problem } from '../runtime/data/check/inspect.ts'
import { survey, taskFiles } from '../runtime/data/check/survey.ts'
import type { SplitSurvey } from '../runtime/data/check/survey.ts'
import { Progress } from '../runtime/train/progress.ts'
import { UsageError } from './errors.ts'

interface CheckOptions { readonly split?: string; readonly tasks?: string; readonly splitFile?: string; readonly json?: boolean }

/** Problems of one sort, the first few in full. */
function sorts(problems: readonly Problem[]): string[] {
  const groups = new Map<string, Problem[]>()
  for (const p of problems) groups.set(`${p.level} ${p.what}`, [...groups.get(`${p.level} ${p.what}`) ?? [], p])
  return [...groups.values()].sort((a, b) => (a[0].level === b[0].level ? b.length - a.length : a[0].level === 'error' ? -1 : 1)).flatMap(group => [
    `  ${group[0].level}: ${group[0].what}, ${group.length} time${group.length > 1 ? 's' : ''}`,
    ...group.slice(0, 3).map(p => `    ${p.message.replaceAll('\n', '\n    ')}`), ...(group.length > 3 ? [`    ... and ${group.length - 3} more (--json lists all)`] : []),
  ])
}

function describe(name: string, s: SplitSurvey): string[] {
  const columns = Object.keys(kinds) as Kind[]
  const wide = Math.max(4, ...Object.keys(s.cities).map(c => c.length))
  const row = (title: string, cells: readonly (string | number)[]): string => `  ${title.padEnd(wide)} ${cells.map(c => String(c).padStart(9)).join(' ')}`
  return [
    `${name}: ${s.images} images${s.size === undefined ? '' : ` of ${s.size[0]} x ${s.size[1]}`}${s.expected === undefined ? '' : s.expected === s.images ? ', as expected' : `, ${s.expected} expected`}`,
    ...s.differences.map(d => `  ${d}`),
    row('city', columns), ...Object.entries(s.cities).map(([city, counts]) => row(city, columns.map(k => counts[k]))),
    ...Object.entries(s.tasks).map(([task, { usable }]) => `  ${task}: ${usable} of ${s.images} images usable`),
    `  ${s.boxes} boxes of evaluated classes; ${s.withoutBoxes} images without${name === 'train' ? ', which training of the detection leaves out' : ''}`,
    ...sorts(s.problems),
  ]
}

async function run(dir: string, options: CheckOptions): Promise<void> {
  const tasks = options.tasks?.split(',')
  const unknown = tasks?.find(t => !(t in taskFiles))
  if (unknown !== undefined) throw new UsageError(`--tasks: '${unknown}' is none of ${Object.keys(taskFiles).join(', ')}`)
  const progress = new Progress(process.stderr)
  const only = options.splitFile === undefined ? undefined : readSplitFile(options.splitFile)
  const result = await survey(dir, { splits: options.split?.split(',') ?? (only === undefined ? undefined : ['train']), only, tasks }, (split, done, of) => progress.update(`${dir}: ${split} ${done}/${of}`, performance.now(), done === of))
  progress.end()
  const lines = [...Object.entries(result.splits).flatMap(([name, s]) => [...describe(name, s), '']), ...result.obstacles, result.usable ? `${dir}: usable` : `${dir}: not usable as it is`]
  process.stdout.write(options.json === true ? `${JSON.stringify(result, null, 1)}\n` : `${lines.join('\n')}\n`)
  if (!result.usable) process.exitCode = 1
}

export const checkDataCommand = (): Command => new Command('check')
  .description('look at every file of a data set: what is there, what is missing for which task, what is wrong; exits with 0 only if it is usable')
  .argument('<dir>', 'root of the data set')
  .option('--split <names>', 'which splits, with commas between (default: train and val)')
  .option('--split-file <file>', 'only the images that it lists (of train, unless --split says otherwise)')
  .option('--tasks <names>', `what it is to be usable for, with commas between (default: ${Object.keys(taskFiles).join(',')})`)
  .option('--json', 'one JSON document on stdout')
  .action(run)
