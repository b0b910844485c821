// The memory of a program on an engine that runs its nodes one after the other as they stand, and frees each result after its last use.
import type { Program, ValueId } from '../ir/program.ts'
import { sizeOf, type TensorType } from '../ir/types.ts'

/** Results that hold no buffer of their own: views, and constants that are made once. */
const VIEWS = new Set(['reshape', 'stopGradient', 'after'])
const CONSTANTS = new Set(['constant', 'fill', 'iota'])

const bytesOf = ({ dtype, shape }: TensorType): number => sizeOf(shape) * (dtype === 'bool' ? 1 : 4)

/** Bytes of results that are alive together at most, without the inputs. */
export function sequentialPeak(program: Program): number {
  const owner = new Map<ValueId, ValueId>(), bytes = new Map<ValueId, number>(), last = new Map<ValueId, number>()
  const ownerOf = (v: ValueId): ValueId => owner.get(v) ?? v
  program.nodes.forEach((node, i) => {
    for (const v of node.inputs) last.set(ownerOf(v), i)
    if (VIEWS.has(node.op)) owner.set(node.id, ownerOf(node.inputs[0]))
    else if (!CONSTANTS.has(node.op)) bytes.set(node.id, bytesOf(node.type))
  })
  for (const { value } of program.outputs) last.set(ownerOf(value), Infinity)
  let live = 0, peak = 0
  program.nodes.forEach((node, i) => {
    if (last.has(node.id)) live += bytes.get(node.id) ?? 0
    peak = Math.max(peak, live)
    for (const v of new Set(node.inputs.map(ownerOf))) if (last.get(v) === i) live -= bytes.get(v) ?? 0
  })
  return peak
}
