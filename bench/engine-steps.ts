// Training steps of a model on one device of one engine: how long they take, how many tensors the engine holds, and whether the process grows.
import { readFileSync } from 'node:fs'
import type { TensorData } from '../src/compiler/ir/types.ts'
import { optimise } from '../src/compiler/passes/index.ts'
import { optimiserScalars } from '../src/compiler/training/scalars.ts'
import { buildTrainingStep } from '../src/compiler/training/step.ts'
import { sequentialStep, stepMemory } from '../src/cli/memory.ts'
import { compileFile } from '../src/cli/project.ts'
import { openEngine } from '../src/runtime/engines/index.ts'
import { prepareProgram } from '../src/runtime/engines/prepare.ts'
import { randomFeeds } from '../src/runtime/train/passes.ts'
import { feedsOf, stateOf } from './inputs.ts'

const [file, name, device, count, ...set] = process.argv.slice(2)
const steps = Number(count)
/** VmRSS and VmHWM of this process, MiB. */
const memory = (field: string): number => Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) / 1024)

const { model, place } = compileFile(file, { mode: 'train', set, quiet: true })
const step = optimise(buildTrainingStep(model), { differentiated: true })
const engine = await openEngine({ engine: name, device })
const began = performance.now()
const { program, mode } = name === 'onnxruntime' ? stepMemory(step) : { program: sequentialStep(step), mode: undefined }
const prepared = await prepareProgram(program, engine.target, { memory: mode, place })
const opening = performance.now()
const session = await engine.openPrepared(prepared, stateOf(step), { give: true })
const opened = performance.now()
process.stdout.write(`${model.name}, batch ${model.train.batch}: ${program.nodes.length} operators, prepared in ${((opening - began) / 1000).toFixed(1)} s, opened in ${((opened - opening) / 1000).toFixed(1)} s; ${engine.name} on ${engine.device} (${engine.detail})\n`)

const feeds = feedsOf(step)
const scalar = (v: number): TensorData => ({ dtype: 'float32', shape: [], data: new Float32Array([v]) })
const times: number[] = []
for (let at = 0; at < steps; at++) {
  const scalars = Object.fromEntries(Object.entries(optimiserScalars({ ...model.train, schedule: { kind: 'constant' } }, at)).map(([k, v]) => [k, scalar(v)]))
  const from = performance.now(), used = process.cpuUsage()
  const { loss } = await session.run({ ...feeds, ...randomFeeds(step, 0, at), ...scalars })
  times.push(performance.now() - from)
  const { user, system } = process.cpuUsage(used)
  if (at > 3 && (at + 1) % Math.max(1, Math.floor(steps / 10)) !== 0) continue
  const held = await engine.memory()
  process.stdout.write(`step ${at + 1}: ${times[at].toFixed(0)} ms, ${((user + system) / 1000).toFixed(0)} ms of processor, loss ${loss.data[0].toPrecision(6)}, ${memory('VmRSS')} MiB resident${held === undefined ? '' : `, ${held.tensors} tensors of ${(held.bytes / 2 ** 20).toFixed(1)} MiB`}\n`)
}
const later = times.slice(Math.min(2, steps - 1)).toSorted((a, b) => a - b)
process.stdout.write(`a step takes ${later[later.length >> 1].toFixed(0)} ms (median of ${later.length}, fastest ${later[0].toFixed(0)}); peak ${memory('VmHWM')} MiB\n`)
await session.dispose()
await engine.close()
