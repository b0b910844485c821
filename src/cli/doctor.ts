// mtlc doctor: which engines and devices work here, each tried with a training step, and how to get the others.
import { Command, Option } from 'commander'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { allDevices, examine, type DeviceReport } from '../runtime/doctor/examine.ts'
import { makeTrial, type Trial } from '../runtime/doctor/trial.ts'
import { packageRoot } from '../runtime/worker-path.ts'
import { UsageError, UserError } from './errors.ts'

interface DoctorOptions { readonly json?: boolean; readonly fix?: string; readonly wheel?: string }

/** What runs where nobody says --engine or --device. */
const standard = 'onnxruntime/cpu'

const nameOf = ({ engine, device }: Pick<DeviceReport, 'engine' | 'device'>): string => `${engine}/${device}`
const milliseconds = (ms: number): string => ms < 10 ? `${ms.toFixed(1)} ms` : ms < 10_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`

/** Operators that run on the CPU: `Where 12, Gather 3`. */
function describeFallbacks({ fallbacks, nodes }: DeviceReport): string {
  if (fallbacks === undefined) return ''
  if (fallbacks.length === 0) return `all ${nodes} nodes of the step run on the device`
  return `on the CPU all the same: ${fallbacks.map(f => `${f.operator} ${f.nodes}`).join(', ')} (of ${nodes} nodes)`
}

/** The lines that show a device; `widths` of the columns of engine and device. */
export function lines(report: DeviceReport, widths: readonly [number, number]): string[] {
  const { works, detail = '', stepMs, difference, problem, remedy } = report
  const figures = stepMs === undefined || difference === undefined ? '' : `step ${milliseconds(stepMs)}, difference ${difference.toExponential(1)}`
  const head = [works ? 'works  ' : 'missing', report.engine.padEnd(widths[0]), report.device.padEnd(widths[1]), [figures, detail].filter(Boolean).join('; ')].join('  ').trimEnd()
  const below = [problem === undefined ? '' : problem, describeFallbacks(report), ...remedy.map((text, i) => `${i === 0 ? 'to get it: ' : '           '}${text}`)]
  return [head, ...below.filter(Boolean).map(text => `         ${text}`)]
}

const about = (): { mtlc: string; node: string; platform: string; processor: string } => ({
  mtlc: (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version,
  node: process.versions.node, platform: `${process.platform} ${process.arch}`, processor: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} logical cores`,
})

function printReports(reports: readonly DeviceReport[], trial: Trial): void {
  const { mtlc, node, platform, processor } = about()
  const widths: [number, number] = [Math.max(...reports.map(r => r.engine.length)), Math.max(...reports.map(r => r.device.length))]
  process.stdout.write(`mtlc ${mtlc}, Node ${node}, ${platform}, ${processor}\n`)
  process.stdout.write(`A training step of a small network (${trial.program.nodes.length} operators) on each device. Difference: from the interpreter in float64, after ${trial.feeds.length} steps, as a part of each tensor's largest value.\n\n`)
  process.stdout.write(`${reports.flatMap(r => lines(r, widths)).join('\n')}\n`)
  const best = reports.find(r => nameOf(r) === standard)
  process.stdout.write(`\n${best?.works === true ? `The default, ${best.engine} on ${best.device}, works.` : `The default, ${standard.replace('/', ' on ')}, does not work.`}\n`)
}

async function examineAll({ json }: DoctorOptions): Promise<void> {
  const trial = makeTrial()
  const total = allDevices().length
  let begun = 0
  const shown = process.stderr.isTTY === true
  const reports = await examine(trial, { onStart: (engine, device) => { if (shown) process.stderr.write(`\r\x1b[K${++begun} of ${total}: ${engine} on ${device}`) } })
  if (shown) process.stderr.write('\r\x1b[K')
  const works = reports.some(r => nameOf(r) === standard && r.works)
  if (json === true) process.stdout.write(`${JSON.stringify({ ...about(), trial: { operators: trial.program.nodes.length, steps: trial.feeds.length }, default: { name: standard, works }, devices: reports }, null, 2)}\n`)
  else printReports(reports, trial)
  if (!works) process.exitCode = 1
}

/** What can be built, by the name after --fix. */
const fixes: Readonly<Record<string, (options: DoctorOptions) => Promise<string>>> = {
  'tfjs-node': async ({ wheel }) => {
    const { BuildError, buildTfjsNode } = await import('../runtime/doctor/tfjs-node/build.ts')
    try {
      return await buildTfjsNode({ wheel, say: text => process.stderr.write(`${text}\n`) })
    } catch (error) {
      throw error instanceof BuildError ? new UserError(error.message) : error
    }
  },
}

async function fixAndTry(name: string, options: DoctorOptions): Promise<void> {
  const folder = await fixes[name](options)
  const trial = makeTrial()
  const [report] = await examine(trial, { only: ['tfjs/tensorflow'] })
  if (options.json === true) process.stdout.write(`${JSON.stringify({ folder, device: report }, null, 2)}\n`)
  else process.stdout.write(`${lines(report, [report.engine.length, report.device.length]).join('\n')}\n`)
  if (!report.works) throw new UserError(`${folder} is built, but tfjs on tensorflow does not work: ${report.problem ?? ''}`)
}

export const doctorCommand = (): Command => new Command('doctor')
  .description('which engines and devices work here, and how to get the others')
  .addHelpText('after', `\nEach device trains a small network for three steps in a process of its own. The exit code is 0 as long as the default (${standard.replace('/', ' on ')}) works.`)
  .option('--json', 'one JSON document on stdout')
  .addOption(new Option('--fix <name>', 'build what is missing').choices(Object.keys(fixes)))
  .option('--wheel <file>', 'with --fix tfjs-node: the Python wheel of TensorFlow to build against (default: what pip finds)')
  .action(async (options: DoctorOptions) => {
    if (options.fix !== undefined) return fixAndTry(options.fix, options)
    if (options.wheel !== undefined) throw new UsageError('--wheel is for --fix tfjs-node')
    return examineAll(options)
  })
