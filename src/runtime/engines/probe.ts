// Finds out which engines work here, by trying them.
import { Builder } from '../../compiler/ir/builder.ts'
import type { Origin, Program } from '../../compiler/ir/program.ts'
import { EngineError, type Engine } from './engine.ts'
import { engines, openEngine, type EngineChoice } from './index.ts'

/** Whether an engine runs on a device here; `reason` says why not, and how to get it. */
export interface EngineReport { readonly engine: string; readonly device: string; readonly works: boolean; readonly reason: string }

/** Tries every engine on every device with a program of one operator. */
export async function probeEngines(): Promise<EngineReport[]> {
  const reports: EngineReport[] = []
  for (const [engine, { devices }] of Object.entries(engines)) for (const device of devices) reports.push({ engine, device, ...await probe({ engine, device }) })
  return reports
}

async function probe(choice: EngineChoice): Promise<{ works: boolean; reason: string }> {
  let engine: Engine | undefined
  try {
    engine = await openEngine(choice)
    const { y } = await (await engine.open(doubling(), {})).run({ x: { dtype: 'float32', shape: [2], data: Float32Array.of(1.5, -2) } })
    const right = y.data[0] === 3 && y.data[1] === -4
    return { works: right, reason: right ? '' : `computes 2 * [1.5, -2] as [${y.data.join(', ')}]` }
  } catch (error) {
    if (error instanceof EngineError) return { works: false, reason: error.message }
    throw error
  } finally {
    await engine?.close()
  }
}

function doubling(): Program {
  const builder = new Builder(), origin: Origin = { path: 'probe', span: undefined, phase: 'forward' }
  const x = builder.input('x', 'input', { dtype: 'float32', shape: [2] }, origin)
  builder.output('y', 'tap', builder.emit('add', [x, x], {}, origin))
  return builder.finish('probe')
}
