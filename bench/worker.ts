// A live mtlc process: compiles a case, then does a step or an inference for every line it reads, and answers with JSON.
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TensorData } from '../src/compiler/ir/types.ts'
import { optimise } from '../src/compiler/passes/index.ts'
import { optimiserScalars } from '../src/compiler/training/optimiser.ts'
import { buildTrainingStep } from '../src/compiler/training/step.ts'
import { openEngine } from '../src/runtime/engines/index.ts'
import { writeSafetensors } from '../src/runtime/weights/safetensors.ts'
import { caseOf, compileCase, feedsOf, stateOf, stored } from './case.ts'

const [name, mode, folder] = process.argv.slice(2)
const tell = (answer: object): void => { process.stdout.write(`${JSON.stringify(answer)}\n`) }

/** Peak resident memory, MiB. */
const highWater = (): number => process.resourceUsage().maxRSS / 1024

const began = performance.now()
const model = compileCase(caseOf(name), mode === 'infer' ? 'infer' : 'train')
const elaborated = performance.now()
const program = mode === 'infer' ? optimise(model.program, { differentiated: true }) : optimise(buildTrainingStep(model), { differentiated: true })
const compiled = performance.now()
const state = stateOf(program)
const feeds = feedsOf(program)
const engine = await openEngine({ engine: 'auto', threads: 2 })
const opening = performance.now()
const session = await engine.open(program, state, { give: true })
tell({ ready: true, nodes: program.nodes.length, elaborateMs: elaborated - began, compileMs: compiled - elaborated, openMs: performance.now() - opening })

const scalar = (v: number): TensorData => ({ dtype: 'float32', shape: [], data: new Float32Array([v]) })
let step = 0
for await (const line of createInterface({ input: process.stdin })) {
  const from = performance.now(), used = process.cpuUsage()
  const scalars = mode === 'infer' ? {} : Object.fromEntries(Object.entries(optimiserScalars({ ...model.train, schedule: { kind: 'constant' } }, step++)).map(([k, v]) => [k, scalar(v)]))
  const out = await session.run({ ...feeds, ...scalars })
  const ms = performance.now() - from, { user, system } = process.cpuUsage(used)
  if (line === 'check') writeSafetensors(join(folder, 'mtlc.safetensors'), stored(out))
  const losses = mode === 'infer' ? {} : Object.fromEntries(Object.entries(out).filter(([, t]) => t.data.length === 1).map(([k, t]) => [k.replace(/^loss\//, ''), t.data[0]]))
  tell({ ms, cpu: (user + system) / 1000, peak: highWater(), ...losses })
}
await engine.close()
