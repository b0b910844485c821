// The page of one run: curves by task, rates and weights, sample predictions over time, the program, the machine.
import sharp from 'sharp'
import { cards, code, page, paragraph, picture, raw, row, section, subsection, table, type Html } from '../report/html.ts'
import { duration, figure } from '../train/progress.ts'
import { stepChart } from './curves.ts'
import { bestOf } from './metrics.ts'
import { columnsOf, metricPoints, pointsOf, RunError, type Run, type Samples } from './run.ts'

/** Columns of pictures in the page, and how many evaluations of an image are shown. */
const pictureWidth = 480
const mostMoments = 6

const present = (parts: readonly (Html | undefined)[]): Html[] => parts.filter(p => p !== undefined)

/** First, last, and evenly in between. */
export function chosen<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items]
  return Array.from({ length: most }, (_, i) => items[Math.round(i * (items.length - 1) / (most - 1))])
}

async function thumbnail(path: string): Promise<Uint8Array> {
  try {
    return await sharp(path).resize({ width: pictureWidth, withoutEnlargement: true }).jpeg({ quality: 80 }).toBuffer()
  } catch (error) { throw new RunError(`${path}: is no picture that can be read: ${(error as Error).message}. Remove it, and the page is made without it`) }
}

async function samplesSection(samples: readonly Samples[]): Promise<Html[]> {
  const names = [...new Set(samples.flatMap(s => [...s.files.keys()]))].toSorted()
  if (names.length === 0) return []
  const rows = await Promise.all(names.map(async name => {
    const moments = chosen(samples.filter(s => s.files.has(name)), mostMoments)
    return subsection(name, row(...await Promise.all(moments.map(async s => picture(await thumbnail(s.files.get(name)!), 'image/jpeg', `step ${s.step}`)))))
  }))
  return [section('Sample predictions over time', ...rows)]
}

function environment(run: Run): Html {
  const { info } = run
  if (info === undefined) return section('Environment', paragraph('The folder has no run.json that says how the run was started.'))
  const starts = info.starts.map(s => [s.time.replace('T', ' ').replace(/\.\d+Z$/, ' UTC'), `${s.step}`, `${s.engine} on ${s.device}`, `mtlc ${s.mtlc}, Node ${s.node}`, `${s.system}; ${s.processor}, ${s.cores} cores, ${(s.memory / 2 ** 30).toFixed(0)} GiB`])
  return section('Environment',
    table([{ title: '' }, { title: '' }], [['data', `${info.data} (${info.images} images)`], ['batch', `${info.batch}`], ['seed', `${info.seed}`], ['program', info.program]]),
    table([{ title: 'started' }, { title: 'after step', number: true }, { title: 'engine' }, { title: 'software' }, { title: 'machine' }], starts),
    code(info.starts.at(-1)!.command.join(' ')))
}

/** The whole page of a run. Throws RunError for pictures that cannot be read. */
export async function reportPage(run: Run): Promise<string> {
  const { tasks, weights, metrics } = columnsOf(run)
  const last = run.steps.at(-1)!
  const steps = run.info?.steps
  const throughput = pointsOf(run, 'images_per_second').map(p => p[1]).toSorted((a, b) => a - b)
  const rate = throughput[Math.floor(throughput.length / 2)]
  const best = metrics.flatMap(m => bestOf(run, m) ?? [])
  const headline = [
    { name: 'steps', value: `${last.step}`, note: steps === undefined ? undefined : steps === last.step ? 'all' : `of ${steps}` },
    { name: 'loss', value: figure(last.loss), note: `${figure(run.steps[0].loss)} at step ${run.steps[0].step}` },
    ...best.map(b => ({ name: b.metric, value: b.shown, note: `best, at step ${b.step}` })),
    ...(rate === undefined ? [] : [{ name: 'throughput', value: `${figure(rate)} images/s`, note: run.info === undefined ? 'median' : `median; ${duration(last.step * run.info.batch / rate)} for ${last.step} steps` }]),
  ]
  const taskCharts = [...tasks].flatMap(([task, columns]) => {
    const [own, ...parts] = columns
    return present([
      stepChart(`${task}: loss`, 'loss', [{ name: own, points: pointsOf(run, own) }], { log: true }),
      parts.length === 0 ? undefined : stepChart(`${task}: its parts`, 'loss', parts.map(c => ({ name: c.slice(task.length + 1), points: pointsOf(run, c) })), { log: true }),
    ])
  })
  const rates = present([
    stepChart('Learning rate', 'learning rate', [{ name: 'lr', points: pointsOf(run, 'lr') }]),
    stepChart('Weights of the losses', 'weight', weights.map(w => ({ name: w.slice('weight/'.length), points: pointsOf(run, w) }))),
    stepChart('Norm of the gradients, before clipping', 'norm', [{ name: 'norm', points: pointsOf(run, 'grad_norm') }], { log: true }),
    stepChart('Throughput', 'images per second', [{ name: 'images/s', points: pointsOf(run, 'images_per_second') }]),
  ])
  const evaluated = metrics.length === 0 ? [] : [section('Evaluations on held-out images', row(...present(metrics.map(m => stepChart(m, m, [{ name: m, points: metricPoints(run, m) }])))))]
  const thinned = run.steps.length > 240 ? [paragraph('Each point of a curve is the mean over a stretch of logged lines; the shaded area is their range.')] : []
  return page({
    title: run.info === undefined ? run.name : `${run.info.model}: ${run.name}`,
    facts: [`run folder ${run.folder}`, `${run.steps.length} logged lines, ${run.evaluations.length} evaluations`],
    body: [
      cards(headline),
      section('Losses', ...thinned, row(...present([stepChart('Total loss, weighted', 'loss', [{ name: 'loss', points: pointsOf(run, 'loss') }], { log: true })]), ...taskCharts)),
      ...evaluated,
      section('Rates', row(...rates)),
      ...await samplesSection(run.samples),
      environment(run),
      ...(run.text === '' ? [] : [section('The model', raw('<details><summary>resolved text</summary>'), code(run.text), raw('</details>'))]),
    ],
  })
}
