// The cases that the table of engines counts: those of the parity tests, every operator forward and every gradient.
import type { OpAttrs, OpName } from '../../src/compiler/ir/ops.ts'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import type { Program } from '../../src/compiler/ir/program.ts'
import type { TensorData } from '../../src/compiler/ir/types.ts'
import { operatorCases } from '../../test/onnx/operators.ts'
import { lossProgram } from '../../test/rules/finite-differences.ts'
import { gradientCases, type Case, type DifferentiableOp, type Operand } from '../../test/rules/gradient-cases.ts'

export interface ParityCase { readonly op: OpName; readonly direction: 'forward' | 'backward'; /** difference that the case allows on every device */ readonly tolerance: number; readonly program: Program; readonly feeds: Readonly<Record<string, TensorData>> }

const asTensor = ({ shape, data }: Operand): TensorData =>
  data instanceof Float64Array ? { dtype: 'float32', shape, data: Float32Array.from(data) } : { dtype: data instanceof Int32Array ? 'int32' : 'bool', shape, data }

/** Forward cases, then backward ones, in the order of the tables. */
export function parityCases(): ParityCase[] {
  const forward = operatorCases.map(({ op, program, feeds, tolerance }): ParityCase => ({ op, direction: 'forward', program, feeds, tolerance }))
  const backward = (Object.keys(gradientCases) as DifferentiableOp[]).flatMap(op => (gradientCases[op] as readonly Case<OpAttrs[OpName]>[]).map((c): ParityCase => ({
    op, direction: 'backward', tolerance: 1e-5, feeds: Object.fromEntries(c.operands.map((o, i) => [`x${i}`, asTensor(o)])),
    program: lossProgram(c.operands, (g, x) => g.op(op, x, c.attrs as OpAttrs[typeof op])).backward,
  })))
  return [...forward, ...backward]
}

/** The largest difference of any output from the float64 interpreter, as a part of the output's largest value; Infinity where a bool or an int32 differs or something is missing. */
export function differenceOf(found: Readonly<Record<string, TensorData>>, { program, feeds }: ParityCase): number {
  let worst = 0
  for (const [name, { dtype, data }] of Object.entries(interpret(program, feeds).outputs)) {
    const mine = found[name]?.data
    if (mine?.length !== data.length) return Infinity
    let [difference, scale] = [0, 0]
    for (let i = 0; i < data.length; i++) {
      scale = Math.max(scale, Math.abs(data[i]))
      if (Object.is(mine[i], data[i])) continue
      const d = Math.abs(mine[i] - data[i])
      difference = Math.max(difference, Number.isNaN(d) || d > 0 && dtype !== 'float32' ? Infinity : d)
    }
    worst = Math.max(worst, difference === 0 ? 0 : difference / (scale || 1))
  }
  return worst
}
