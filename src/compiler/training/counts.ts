// What a loss divides by when it is a mean over labels: sums over the targets of a batch. With accumulation they have to be those of all passes of a step, before the first of them.
//
// A loss s / c, s a sum of what predictions cost and c the number of labels that count, has over N passes the mean (s_1 / c_1 + ... + s_N / c_N) / N, which is not what one large batch has:
// (s_1 + ... + s_N) / (c_1 + ... + c_N). But with the mean of the c_i in place of each of them it is. So sums over targets alone become scalar inputs of the step, and a small program of their own.
import type { Node, Program, ValueId } from '../ir/program.ts'
import { deadCode } from '../passes/dead-code.ts'

/** Input of the step, and output of the program of the counts. */
const countName = (index: number): string => `scalar/count/${index}`

/** Sums of all elements of values that follow from targets and constants alone. */
function sumsOfTargets(program: Program): Node[] {
  const constant = new Set<ValueId>(), fixed = new Set(program.inputs.filter(i => i.role === 'target').map(i => i.id))
  const ranks = new Map([...program.inputs, ...program.nodes].map(v => [v.id, v.type.shape.length]))
  for (const { id, inputs } of program.nodes) {
    if (inputs.every(v => constant.has(v))) constant.add(id)
    else if (inputs.every(v => constant.has(v) || fixed.has(v))) fixed.add(id)
  }
  return program.nodes.filter(n => n.op === 'reduceSum' && n.type.dtype === 'float32' && fixed.has(n.id) && n.attrs.axes.length === ranks.get(n.inputs[0]))
}

/** The program with its counts as scalar inputs `scalar/count/N`, and the program that computes them from the targets of one batch; undefined where there are none. */
export function separateCounts(program: Program): { readonly program: Program; readonly counts: Program | undefined } {
  const sums = sumsOfTargets(program)
  if (sums.length === 0) return { program, counts: undefined }
  const replaced = new Set(sums.map(n => n.id))
  const inputs = sums.map((n, i) => ({ id: n.id, name: countName(i), role: 'scalar' as const, type: n.type, init: undefined, origin: n.origin }))
  const counts = deadCode({ ...program, outputs: sums.map((n, i) => ({ name: countName(i), role: 'metric' as const, value: n.id })) })
  const read = new Set(counts.nodes.flatMap(n => n.inputs))
  return {
    program: { ...program, inputs: [...program.inputs, ...inputs], nodes: program.nodes.filter(n => !replaced.has(n.id)) },
    counts: { ...counts, inputs: counts.inputs.filter(i => read.has(i.id)) },
  }
}
