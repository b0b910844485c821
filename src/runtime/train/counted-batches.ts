// The batches of the passes of a step with the counts of their labels, which the losses divide by: means over all passes (compiler/training/counts.ts).
import type { Program } from '../../compiler/ir/program.ts'
import type { TensorData } from '../../compiler/ir/types.ts'
import type { Batch, BatchSource } from '../data/prefetch.ts'

/** `source`, whose next batch is the first of a step; the batches of a step are held together until they are handed out. */
export function countedBatches(source: BatchSource, counts: Program | undefined, passes: number): BatchSource {
  if (counts === undefined || passes === 1) return source
  let ready: Batch[] = []
  const fill = async (): Promise<void> => {
    const { interpret } = await import('../../compiler/ir/interpreter.ts')
    const batches: Batch[] = []
    while (batches.length < passes) batches.push(await source.next())
    const found = batches.map(b => interpret(counts, b.feeds).outputs)
    const means = Object.fromEntries(counts.outputs.map(({ name }) => {
      const { shape } = found[0][name]
      const mean = found.reduce((n, f) => n + f[name].data[0], 0) / passes
      return [name, { dtype: 'float32', shape, data: Float32Array.of(mean) } satisfies TensorData]
    }))
    ready = batches.map(b => ({ ...b, feeds: { ...b.feeds, ...means } }))
  }
  return {
    next: async () => {
      if (ready.length === 0) await fill()
      return ready.shift()!
    },
    close: () => source.close(),
  }
}
