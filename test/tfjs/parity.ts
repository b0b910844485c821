// Every operator and every gradient on a device of tfjs against the float64 interpreter.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import type { OpAttrs, OpName, } from '../../src/compiler/ir/ops.ts'
import type { Program } from '../../src/compiler/ir/program.ts'
import { sizeOf, type TensorData } from '../../src/compiler/ir/types.ts'
import { emitModule, kernelsOf } from '../../src/compiler/targets/tfjs/index.ts'
import type { Tf } from '../../src/runtime/engines/tfjs/device.ts'
import type { TfjsDevice } from '../../src/runtime/engines/tfjs/protocol.ts'
import { expectClose } from '../onnx/close.ts'
import { operatorCases } from '../onnx/operators.ts'
import { lossProgram } from '../rules/finite-differences.ts'
import { gradientCases, type Case, type DifferentiableOp, type Operand } from '../rules/gradient-cases.ts'
import { programCases } from './cases.ts'
import { load, openIfHere, type Feeds } from './modules.ts'

export interface ParityOptions {
  /** relative to the largest element of a result; default 1e-5 */
  readonly tolerance?: number
  /** Elements of an operand at most: larger cases are left out. */
  readonly limit?: number
}

const asTensor = ({ shape, data }: Operand): TensorData =>
  data instanceof Float64Array ? { dtype: 'float32', shape, data: Float32Array.from(data) } : { dtype: data instanceof Int32Array ? 'int32' : 'bool', shape, data }

const titleOf = (c: Case<OpAttrs[OpName]>): string => `${JSON.stringify(c.attrs)} ${c.operands.map(o => `[${o.shape.join(', ')}]`).join(' ')}`

export function parity(device: TfjsDevice, { tolerance = 1e-5, limit = Infinity }: ParityOptions = {}): void {
  let tf: Tf | undefined
  const seen = new Map<OpName, Set<string>>()
  let record: Set<string> | undefined

  beforeAll(async () => {
    tf = await openIfHere(device)
    if (tf === undefined) return
    const engine = tf.engine(), runKernel = engine.runKernel.bind(engine)
    engine.runKernel = (name, ...rest) => { record?.add(name); return runKernel(name, ...rest) }
  }, 120_000)
  // The one test that must not fail where a device is absent says so.
  afterAll(() => { record = undefined })

  const close = async (title: string, program: Program, feeds: Feeds, within = tolerance): Promise<void> => {
    if (Object.values(feeds).some(t => sizeOf(t.shape) > limit)) return
    const module = await load(tf!, emitModule(program, { backend: device }))
    const found = await module.run(feeds)
    module.dispose()
    const expected = interpret(program, feeds).outputs
    for (const name of Object.keys(expected)) expectClose(found[name], expected[name], `${title} ${name}`, Math.max(within, tolerance))
  }

  describe('operators', () => {
    for (const { op, title, program, feeds, tolerance: own } of operatorCases) {
      it(title, async ({ skip }) => {
        if (tf === undefined) return skip(`tfjs ${device} is not here`)
        record = seen.get(op) ?? new Set()
        seen.set(op, record)
        await close(title, program, feeds, own)
        record = undefined
      })
    }

    it('use the kernels that the table names', ({ skip }) => {
      if (tf === undefined) return skip(`tfjs ${device} is not here`)
      const unnamed = [...seen].flatMap(([op, names]) => [...names].filter(name => !kernelsOf(op, device).includes(name)).map(name => `${op}: ${name}`))
      expect(unnamed).toEqual([])
    })
  })

  describe('gradients', () => {
    describe.each(Object.keys(gradientCases) as DifferentiableOp[])('%s', op => {
      const cases: readonly Case<OpAttrs[OpName]>[] = gradientCases[op]
      it.each(cases.map(c => [titleOf(c), c] as const))('%s', async (title, c, ) => {
        if (tf === undefined) return
        const operands = c.operands.map(asTensor)
        const program = lossProgram(c.operands, (g, x) => g.op(op, x, c.attrs as OpAttrs[typeof op])).backward
        await close(title, program, Object.fromEntries(operands.map((t, i) => [`x${i}`, t])))
      })
    })
  })

  describe('programs', () => {
    for (const { title, program, feeds } of programCases) {
      it(title, async ({ skip }) => {
        if (tf === undefined) return skip(`tfjs ${device} is not here`)
        await close(title, program, feeds)
      })
    }
  })
}
