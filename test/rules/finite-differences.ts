// Gradients of a program against central differences, in float64 through the interpreter.
import { Builder } from '../../src/compiler/ir/builder.ts'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import type { Origin, Program, ValueId } from '../../src/compiler/ir/program.ts'
import { verify } from '../../src/compiler/ir/verify.ts'
import { sizeOf, type DType, type TensorData } from '../../src/compiler/ir/types.ts'
import { Emitter } from '../../src/compiler/rules/gradient-language.ts'
import { differentiate, expandForGradients } from '../../src/compiler/training/reverse.ts'
import { uniform, type Operand } from './gradient-cases.ts'

export const origin: Origin = { path: 'test', span: undefined, phase: 'forward' }
const dtypeOf = ({ data }: Operand): DType => data instanceof Float64Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'bool'

/** The outputs of a program whose inputs are `x0`, `x1`..., in double precision. */
export function evaluate(program: Program, operands: readonly Operand[]): Record<string, Float64Array> {
  const feed = (o: Operand): TensorData | Float64Array => o.data instanceof Float64Array ? o.data : { dtype: dtypeOf(o), shape: o.shape, data: o.data }
  const { outputs } = interpret(program, Object.fromEntries(operands.map((o, i) => [`x${i}`, feed(o)])))
  return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, Float64Array.from(value.data)]))
}

/** A program with inputs `x0`, `x1`... and the output `loss`: the sum of what `build` gives (any shape), weighted with random numbers; and its gradients `grad/x0`... */
export function lossProgram(operands: readonly Operand[], build: (g: Emitter, x: readonly ValueId[]) => ValueId): { forward: Program; backward: Program } {
  const builder = new Builder()
  const g = new Emitter(builder, origin)
  const inputs = operands.map((o, i) => builder.input(`x${i}`, 'parameter', { dtype: dtypeOf(o), shape: o.shape }, origin))
  const y = build(g, inputs)
  const shape = g.shape(y)
  const draw = uniform(99)
  const weight = g.constant({ dtype: 'float32', shape, data: Float32Array.from({ length: sizeOf(shape) }, () => draw() + 0.5) })
  const loss = g.sum(g.mul(y, weight), shape.map((_, i) => i))
  builder.output('loss', 'loss', loss)
  const forward = builder.finish('forward')

  const expanded = Builder.from({ ...expandForGradients(forward), outputs: [] })
  const wrt = inputs.filter((_, i) => dtypeOf(operands[i]) === 'float32')
  const { gradients } = differentiate(expanded, loss, wrt, origin)
  inputs.forEach((v, i) => { if (gradients.has(v)) expanded.output(`grad/x${i}`, 'gradient', gradients.get(v)!) })
  const backward = expanded.finish('backward')
  verify(backward)
  return { forward, backward }
}

const step = 1e-5

/** The largest difference between gradient and central difference, over all elements of all float operands, relative to the larger of 1 and the largest gradient of the operand. */
export function gradientError(operands: readonly Operand[], build: (g: Emitter, x: readonly ValueId[]) => ValueId): number {
  const { forward, backward } = lossProgram(operands, build)
  const gradients = evaluate(backward, operands)
  const lossAt = (i: number, data: Float64Array): number => evaluate(forward, operands.with(i, { ...operands[i], data })).loss[0]
  let worst = 0
  operands.forEach((o, i) => {
    if (!(o.data instanceof Float64Array)) return
    const gradient = gradients[`grad/x${i}`]
    if (gradient.length !== o.data.length) throw new Error(`gradient of operand ${i} has ${gradient.length} elements, not ${o.data.length}`)
    const scale = Math.max(1, ...gradient.map(Math.abs))
    o.data.forEach((v, j) => {
      const difference = (lossAt(i, (o.data as Float64Array).with(j, v + step)) - lossAt(i, (o.data as Float64Array).with(j, v - step))) / (2 * step)
      const error = Math.abs(difference - gradient[j]) / scale
      if (!(error <= worst)) worst = error
    })
  })
  return worst
}
