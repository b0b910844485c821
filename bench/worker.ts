// A live mtlc process: opens a case as `mtlc train` and `mtlc eval` do, then does a step or an inference for every line it reads, and answers with JSON.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Program } from '../src/compiler/ir/program.ts'
import type { TensorData } from '../src/compiler/ir/types.ts'
import type { TrainSpec } from '../src/compiler/tasks/spec.ts'
import { optimiserScalars } from '../src/compiler/training/scalars.ts'
import { givesBack, isLarge, runGivingBack } from '../src/cli/allocator.ts'
import { CompilerProcess } from '../src/cli/compiler.ts'
import { memorySize } from '../src/cli/memory-size.ts'
import type { Engine, Session } from '../src/runtime/engines/engine.ts'
import { openEngine } from '../src/runtime/engines/index.ts'
import { writeSafetensors } from '../src/runtime/weights/safetensors.ts'
import { caseOf, feedsOf, stateOf, stored, type Case } from './inputs.ts'

/** `on`: ENGINE/DEVICE, the default engine where it is missing; `budget`: as `mtlc train --memory`. */
const [name, mode, folder, on = 'auto', budget] = process.argv.slice(2)
const tell = (answer: object): void => { process.stdout.write(`${JSON.stringify(answer)}\n`) }

/** What only the process that waits for this one holds, MiB. */
const waiting = (): number => Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${process.ppid}/status`, 'utf8'))?.[1] ?? 0) / 1024
/** Peak resident memory, MiB; of both processes, where one runs the other. */
const highWater = (): number => process.resourceUsage().maxRSS / 1024 + (givesBack() ? waiting() : 0)

/** As `mtlc train`: a large step, or one with a budget, runs in a process that gives buffers back. */
async function runsInAnother({ file, set, batch }: Case): Promise<boolean> {
  if (givesBack()) return false
  if (budget === undefined) {
    const compiler = new CompilerProcess()
    const { model } = await compiler.ask('describe', { file, set, batch, quiet: true })
    await compiler.close()
    if (!isLarge(model.program.inputs.filter(i => i.role === 'parameter'))) return false
  }
  await runGivingBack()
  return true
}
if (mode !== 'infer' && !on.startsWith('tfjs') && await runsInAnother(caseOf(name))) process.exit()

interface Opened { readonly session: Session; readonly program: Pick<Program, 'inputs'>; readonly train: TrainSpec; readonly ready: { readonly nodes: number; readonly elaborateMs: number; readonly compileMs: number; readonly openMs: number; /** peak of the process that compiled, MiB, where it is another one */ readonly compilePeak?: number } }

/** As `mtlc train`: compiled in a process of its own, which has ended when the session opens. */
async function openStep(engine: Engine, { file, set, batch }: Case): Promise<Opened> {
  const began = performance.now()
  const compiler = new CompilerProcess()
  const { model } = await compiler.ask('describe', { file, set, batch })
  const elaborated = performance.now()
  const { prepared, step, operators, peak } = await compiler.ask('step', { target: engine.target, memory: budget === undefined ? undefined : memorySize(budget) })
  await compiler.close()
  const compiled = performance.now()
  const session = await engine.openPrepared(prepared, stateOf(step), { give: true })
  return { session, program: step, train: model.train, ready: { nodes: operators, elaborateMs: elaborated - began, compileMs: compiled - elaborated, openMs: performance.now() - compiled, compilePeak: peak / 2 ** 20 } }
}

/** As `mtlc eval`. */
async function openInference(engine: Engine, chosen: Case): Promise<Opened> {
  const [{ compileCase }, { optimise }] = [await import('./case.ts'), await import('../src/compiler/passes/index.ts')]
  const began = performance.now()
  const model = compileCase(chosen, 'infer')
  const elaborated = performance.now()
  const program = optimise(model.program, { differentiated: true })
  const compiled = performance.now()
  const session = await engine.open(program, stateOf(program), { give: true })
  return { session, program, train: model.train, ready: { nodes: program.nodes.length, elaborateMs: elaborated - began, compileMs: compiled - elaborated, openMs: performance.now() - compiled } }
}

const [engineName, device] = on.split('/')
const engine = await openEngine({ engine: engineName, device, threads: 2 })
const { session, program, train, ready } = await (mode === 'infer' ? openInference : openStep)(engine, caseOf(name))
const feeds = feedsOf(program)
tell({ ready: true, engine: engine.name, detail: engine.detail, ...ready })

const scalar = (v: number): TensorData => ({ dtype: 'float32', shape: [], data: new Float32Array([v]) })
let step = 0
for await (const line of createInterface({ input: process.stdin })) {
  const from = performance.now(), used = process.cpuUsage()
  const scalars = mode === 'infer' ? {} : Object.fromEntries(Object.entries(optimiserScalars({ ...train, schedule: { kind: 'constant' } }, step++)).map(([k, v]) => [k, scalar(v)]))
  const out = await session.run({ ...feeds, ...scalars })
  const ms = performance.now() - from, { user, system } = process.cpuUsage(used)
  if (line === 'check') writeSafetensors(join(folder, 'mtlc.safetensors'), stored(out))
  const losses = mode === 'infer' ? {} : Object.fromEntries(Object.entries(out).filter(([, t]) => t.data.length === 1).map(([k, t]) => [k.replace(/^loss\//, ''), t.data[0]]))
  tell({ ms, cpu: (user + system) / 1000, peak: highWater(), ...losses })
}
await engine.close()
