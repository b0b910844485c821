// Where the time of a training step or an inference goes, by phase, module and operator: node bench/profile.mjs FILE [key=value]... [--infer] [--memory=SIZE] [--threads=N] [--top=N]
// [--only=TEXT] [--depth=N] [--batch=N] (bundles and runs this file). `--only` counts the nodes whose name contains TEXT; `--depth` is how many names of a module's path are told apart.
import * as ort from 'onnxruntime-node'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fitStep, memorySize } from '../src/cli/memory.ts'
import { compileFile } from '../src/cli/project.ts'
import { optimise } from '../src/compiler/passes/index.ts'
import { encodeGraph } from '../src/compiler/targets/onnx/encode.ts'
import { groupUpdates } from '../src/compiler/targets/onnx/group-updates.ts'
import { sessionGraph } from '../src/compiler/targets/onnx/session-graph.ts'
import { buildTrainingStep } from '../src/compiler/training/step.ts'
import { runInto, withSequence } from '../src/runtime/engines/onnxruntime/fetch.ts'
import { sessionOptions } from '../src/runtime/engines/onnxruntime/state.ts'
import { feedsOf, stateOf } from './case.ts'

const [file, ...rest] = process.argv.slice(2)
const option = (name: string): string | undefined => rest.find(a => a.startsWith(`--${name}=`))?.slice(name.length + 3)
const infer = rest.includes('--infer'), memory = option('memory'), top = Number(option('top') ?? 24), only = option('only'), depth = Number(option('depth') ?? 3)
const batch = option('batch')
const { model } = compileFile(file, { mode: infer ? 'infer' : 'train', set: rest.filter(a => !a.startsWith('--')), ...(batch === undefined ? {} : { batch: Number(batch) }) })
const { program: whole, mode } = infer ? { program: optimise(model.program, { differentiated: true }), mode: 'plain' }
  : fitStep(optimise(buildTrainingStep(model), { differentiated: true }), memory === undefined ? undefined : memorySize(memory))
const program = groupUpdates(whole).program
const { graph, inputs, outputs, groups, inPlace } = sessionGraph(whole, { contrib: true, hidden: mode !== 'plain', inPlace: true })

const folder = mkdtempSync(join(tmpdir(), 'mtlc-profile-'))
try {
  const session = await ort.InferenceSession.create(encodeGraph(withSequence(graph), Infinity).model, { ...sessionOptions('cpu', Number(option('threads') ?? 0), mode !== 'released'), enableProfiling: true, profileFilePrefix: join(folder, 'p') })
  const given = { ...stateOf(whole), ...feedsOf(program) }
  for (const { name, size, members } of groups) {
    const data = new Float32Array(size)
    for (const m of members) data.set(given[m.name].data, m.offset)
    given[name] = { dtype: 'float32', shape: [size], data }
  }
  const elements = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1)
  const tensor = (name: string, dtype: string, shape: readonly number[], data = given[name]?.data ?? new Float32Array(elements(shape)).fill(0.5)): ort.Tensor => new ort.Tensor(dtype as 'float32', data as Float32Array, shape)
  const feeds = Object.fromEntries(inputs.map(p => [p.onnx, tensor(p.name, p.type.dtype, p.type.shape)]))
  const into = Object.fromEntries(outputs.map(o => {
    const data = inPlace.has(o.onnx) ? feeds[o.name].data as Float32Array : o.type.dtype === 'int32' ? new Int32Array(elements(o.type.shape)) : new Float32Array(elements(o.type.shape))
    return [o.onnx, tensor('', o.type.dtype, o.type.shape, data as Float32Array)]
  }))
  const began = performance.now()
  await runInto(session, feeds, into)
  const ran = (performance.now() - began) / 1000
  process.stderr.write(`${infer ? 'inference' : 'step'}: ${ran.toFixed(1)} s, ${graph.nodes.length} nodes\n`)
  session.endProfiling()
  const events = JSON.parse(readFileSync(join(folder, readdirSync(folder)[0]), 'utf8')) as { cat: string; name: string; dur: number; args?: { op_name?: string; input_type_shape?: Record<string, number[]>[] } }[]
  const phaseOf = new Map(program.nodes.map(n => [n.id, n.origin.phase] as const))
  const tables: Record<'phase' | 'module' | 'operator' | 'shapes', Map<string, { us: number; count: number }>> = { phase: new Map(), module: new Map(), operator: new Map(), shapes: new Map() }
  let total = 0
  // What runs inside of an update in pieces is part of its time.
  const nodes = new Set(graph.nodes.map(n => n.name))
  for (const { cat, name, dur, args } of events) {
    if (cat !== 'Node' || !name.endsWith('_kernel_time') || !name.includes(only ?? '')) continue
    const node = name.slice(0, -'_kernel_time'.length), op = args?.op_name ?? '?'
    if (!nodes.has(node)) continue
    total += dur
    const keys = {
      phase: phaseOf.get(Number(/\.(\d+)(\.\d+)?$/.exec(node)?.[1])) ?? 'other',
      module: node.includes('/') ? node.slice(0, node.lastIndexOf('/')).split('.').slice(0, depth).join('.') : 'the step itself',
      operator: op,
      shapes: `${op} ${(args?.input_type_shape ?? []).map(t => Object.values(t)[0].join('x')).join(' ')}`,
    }
    for (const [title, key] of Object.entries(keys)) {
      const table = tables[title as keyof typeof tables], entry = table.get(key) ?? { us: 0, count: 0 }
      table.set(key, { us: entry.us + dur, count: entry.count + 1 })
    }
  }
  for (const [title, map] of Object.entries(tables)) {
    process.stdout.write(`\n${title.padEnd(76)} seconds  share  nodes\n`)
    for (const [key, { us, count }] of [...map].sort((a, b) => b[1].us - a[1].us).slice(0, top)) process.stdout.write(`${key.padEnd(76)} ${(us / 1e6).toFixed(2).padStart(7)}  ${(100 * us / total).toFixed(1).padStart(4)}%  ${count}\n`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
