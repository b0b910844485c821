// Runs every case of the table on one device and answers with a line of JSON: measure.js ENGINE DEVICE.
import { EngineError, type Engine, type HostTensors } from '../../src/runtime/engines/engine.ts'
import { openEngine } from '../../src/runtime/engines/index.ts'
import { differenceOf, parityCases, type ParityCase } from './cases.ts'
import type { DeviceResult, Result } from './table.ts'

const [name, device] = process.argv.slice(2)
const tell = (answer: DeviceResult | { readonly absent: string }): void => { process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit()) }

/** Operands of gradient cases are parameters, which a session holds. */
function divided({ program, feeds }: ParityCase): { readonly state: HostTensors; readonly feeds: HostTensors } {
  const held = new Set(program.inputs.filter(i => ['parameter', 'state', 'moment'].includes(i.role)).map(i => i.name))
  const part = (wanted: boolean): HostTensors => Object.fromEntries(Object.entries(feeds).filter(([n]) => held.has(n) === wanted))
  return { state: part(true), feeds: part(false) }
}

async function measure(engine: Engine): Promise<DeviceResult> {
  const operators: Record<string, Partial<Record<'forward' | 'backward', Result>>> = {}
  for (const c of parityCases()) {
    const had = operators[c.op]?.[c.direction] ?? { cases: 0, difference: 0 }
    let next: Result
    try {
      const { state, feeds } = divided(c)
      const session = await engine.open(c.program, state)
      next = { ...had, cases: had.cases + 1, difference: Math.max(had.difference, differenceOf(await session.run(feeds), c)) }
      await session.dispose()
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      process.stderr.write(`${c.op} ${c.direction}: ${error.message}\n`)
      next = { ...had, cases: had.cases + 1, problem: error.message.split('\n')[0] }
    }
    operators[c.op] = { ...operators[c.op], [c.direction]: { ...next, difference: Number.isFinite(next.difference) ? Number(next.difference.toPrecision(2)) : 1 } }
  }
  return { detail: engine.detail, operators }
}

try {
  const engine = await openEngine({ engine: name, device, threads: 2 })
  // Some devices are found to be missing only when a program is opened.
  const [first] = parityCases()
  await (await engine.open(first.program, {})).run(first.feeds)
  tell(await measure(engine))
} catch (error) {
  if (!(error instanceof EngineError)) throw error
  tell({ absent: error.message })
}
