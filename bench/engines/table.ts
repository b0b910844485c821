// The compatibility table of docs/engines.md: operator by engine by direction, from the tables of operators and from measured parity.
import type { OpName } from '../../src/compiler/ir/ops.ts'
import { gradientRules } from '../../src/compiler/rules/gradient.ts'
import { lowerings as onnxLowerings } from '../../src/compiler/targets/onnx/lowering.ts'
import { kernelsOf } from '../../src/compiler/targets/tfjs/index.ts'
import { parityCases, type ParityCase } from './cases.ts'

/** Of all cases of an operator in one direction: the largest difference, as a part of the largest value; the reason where one cannot run. */
export interface Result { readonly cases: number; readonly difference: number; readonly problem?: string }
export interface DeviceResult { readonly detail: string; readonly operators: Readonly<Record<string, { readonly forward?: Result; readonly backward?: Result }>> }
/** By `engine/device`. */
export type Measurements = Readonly<Record<string, DeviceResult>>

type Direction = ParityCase['direction']

/** Columns, and the difference that parity allows there. */
export const columns: Readonly<Record<string, number>> = { 'onnxruntime/cpu': 1e-5, 'onnxruntime/webgpu': 1e-3, 'onnxruntime/cuda': 1e-3, 'tfjs/tensorflow': 1e-5, 'tfjs/webgpu': 1e-3, 'tfjs/wasm': 1e-5, 'tfjs/cpu': 1e-5 }

export const operators = Object.keys(onnxLowerings) as OpName[]

const own = new Map<string, number>()
for (const { op, direction, tolerance } of parityCases()) own.set(`${op} ${direction}`, Math.max(own.get(`${op} ${direction}`) ?? 0, tolerance))
/** What parity allows: of the column, or of a case that says so itself. */
export const limitOf = (column: string, op: string, direction: Direction): number => Math.max(columns[column], own.get(`${op} ${direction}`) ?? 0)

const short = (v: number): string => v === 0 ? '0' : v.toExponential(0).replace('e-', 'e‑')

function cell(result: Result | undefined, limit: number): string {
  if (result === undefined) return ' '
  if (result.problem !== undefined) return 'no'
  return result.difference <= limit ? short(result.difference) : `**${short(result.difference)}**`
}

/** Gradients of an operator: `own` rule, of its `parts`, or none. */
const gradientOf = (op: OpName): string => gradientRules[op] === 'none' ? 'none' : gradientRules[op] === 'expand' ? 'of its parts' : 'yes'

function row(op: OpName, measured: Measurements): string {
  const cells = Object.keys(columns).map(name => {
    if (!(name in measured)) return 'not measured'
    const { forward, backward } = measured[name].operators[op] ?? {}
    const first = cell(forward, limitOf(name, op, 'forward'))
    return gradientRules[op] === 'none' ? first : `${first} / ${cell(backward, limitOf(name, op, 'backward'))}`
  })
  return `| \`${op}\` | ${gradientOf(op)} | ${cells.join(' | ')} |`
}

/** What could not run, or differs by more than parity allows. */
function exceptions(measured: Measurements): string[] {
  return Object.entries(measured).flatMap(([name, { operators: found }]) => Object.entries(found).flatMap(([op, both]) => Object.entries(both).flatMap(([direction, result]) => {
    if (result.problem !== undefined) return [`- ${name.replace('/', ' on ')}, \`${op}\` ${direction}: ${result.problem}`]
    const limit = limitOf(name, op, direction as Direction)
    return result.difference > limit ? [`- ${name.replace('/', ' on ')}, \`${op}\` ${direction}: differs by ${short(result.difference)}; ${short(limit)} is the limit`] : []
  })))
}

/** Kernels of tfjs beyond those that only rearrange. */
const plumbing = new Set(['Reshape', 'Identity', 'Transpose', 'Cast'])
const kernelRow = (op: OpName): string => {
  const listed = kernelsOf(op).filter(k => !plumbing.has(k)), besides = kernelsOf(op, 'tensorflow').filter(k => !kernelsOf(op).includes(k))
  return `| \`${op}\` | ${[listed.join(', ') || '(rearranges only)', ...(besides.length > 0 ? [`on tensorflow and cpu ${besides.join(', ')}`] : [])].join('; ')} |`
}

/** Everything between the marks in docs/engines.md. */
export function renderTable(measured: Measurements): string {
  const names = Object.keys(columns)
  const there = Object.entries(measured).map(([name, { detail }]) => `- ${name.replace('/', ' on ')}: ${detail}`)
  const missing = names.filter(n => !(n in measured)).map(n => n.replace('/', ' on '))
  const cases = (direction: Direction): number => Object.values(Object.values(measured)[0]?.operators ?? {}).reduce((n, o) => n + (o[direction]?.cases ?? 0), 0)
  const wrong = exceptions(measured)
  return [
    `Forward / backward: the largest difference from the float64 interpreter over all cases of the parity tests (${cases('forward')} forward, ${cases('backward')} gradients), as a part of the largest value of each result. Parity allows 1e-5 (1e-3 on webgpu and cuda; a few cases allow more, where engines round on purpose); int32 and bool must be equal. Measured with:`,
    '', ...there, '', ...(missing.length > 0 ? [`Not measured, for want of the hardware: ${missing.join(', ')}.`, ''] : []),
    `| operator | gradient | ${names.map(n => n.replace('/', ' ')).join(' | ')} |`,
    `|---|---|${names.map(() => '---|').join('')}`,
    ...operators.map(op => row(op, measured)),
    '', wrong.length > 0 ? ['What does not hold:', '', ...wrong].join('\n') : 'There is no exception.',
    '', '### Kernels of tfjs', '', 'What a backend of tfjs has to register for an operator, beside Reshape, Identity, Transpose and Cast (`src/compiler/targets/tfjs/kernels.ts`; the parity tests hold it to what runs):',
    '', '| operator | kernels |', '|---|---|', ...operators.map(kernelRow), '',
  ].join('\n')
}
