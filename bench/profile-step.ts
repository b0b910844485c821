// Where the time of a training step goes, by module path: node bench/profile.mjs FILE [key=value]... [--memory=SIZE] (bundles and runs this file).
import * as ort from 'onnxruntime-node'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fitStep, memorySize } from '../src/cli/memory.ts'
import { compileFile } from '../src/cli/project.ts'
import { optimise } from '../src/compiler/passes/index.ts'
import { encodeGraph } from '../src/compiler/targets/onnx/encode.ts'
import { hideShapes } from '../src/compiler/targets/onnx/hide-shapes.ts'
import { guardInPlace } from '../src/compiler/targets/onnx/inplace.ts'
import { lowerProgram } from '../src/compiler/targets/onnx/lower.ts'
import { buildTrainingStep } from '../src/compiler/training/step.ts'
import { runInto, withSequence } from '../src/runtime/engines/onnxruntime/fetch.ts'
import { sessionOptions } from '../src/runtime/engines/onnxruntime/state.ts'
import { feedsOf, stateOf } from './case.ts'

const [file, ...rest] = process.argv.slice(2)
const memory = rest.find(a => a.startsWith('--memory='))?.slice(9)
const { model } = compileFile(file, { mode: 'train', set: rest.filter(a => !a.startsWith('--')) })
const { program, mode } = fitStep(optimise(buildTrainingStep(model), { differentiated: true }), memory === undefined ? undefined : memorySize(memory))
const lowered = lowerProgram(program, { profile: 'training', contrib: true })
const isState = (role: string): boolean => ['parameter', 'state', 'moment'].includes(role)
const pairs = lowered.outputs.filter(o => isState(o.role)).map(o => ({ input: o.name, output: o.onnx }))
const fed = new Set(lowered.inputs.filter(p => !isState(p.role) && p.type.shape.length > 0).map(p => p.onnx))
const { graph, inPlace } = guardInPlace(mode === 'plain' ? lowered.graph : hideShapes(lowered.graph, fed), pairs)

const folder = mkdtempSync(join(tmpdir(), 'mtlc-profile-'))
try {
  const session = await ort.InferenceSession.create(encodeGraph(withSequence(graph), Infinity).model, { ...sessionOptions('cpu', 0, mode !== 'released'), enableProfiling: true, profileFilePrefix: join(folder, 'p') })
  const given = { ...stateOf(program), ...feedsOf(program) }
  const elements = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1)
  const tensor = (name: string, dtype: string, shape: readonly number[], data = given[name]?.data ?? new Float32Array(elements(shape)).fill(0.5)): ort.Tensor => new ort.Tensor(dtype as 'float32', data as Float32Array, shape)
  const feeds = Object.fromEntries(lowered.inputs.map(p => [p.onnx, tensor(p.name, p.type.dtype, p.type.shape)]))
  const into = Object.fromEntries(lowered.outputs.map(o => {
    const empty = o.type.dtype === 'int32' ? new Int32Array(elements(o.type.shape)) : new Float32Array(elements(o.type.shape))
    return [o.onnx, inPlace.has(o.onnx) ? feeds[o.name] : tensor('', o.type.dtype, o.type.shape, empty)]
  }))
  const began = performance.now()
  await runInto(session, feeds, into)
  process.stderr.write(`step: ${((performance.now() - began) / 1000).toFixed(1)} s\n`)
  session.endProfiling()
  const events = JSON.parse(readFileSync(join(folder, readdirSync(folder)[0]), 'utf8')) as { cat: string; name: string; dur: number; args?: { op_name?: string } }[]
  const byPath = new Map<string, number>(), byOp = new Map<string, number>()
  let total = 0
  const phaseOf = new Map(program.nodes.map(n => [n.id, n.origin.phase] as const)), byPhase = new Map<string, number>()
  const count = (map: Map<string, number>, key: string, us: number): void => { map.set(key, (map.get(key) ?? 0) + us) }
  for (const { cat, name, dur, args } of events) {
    if (cat !== 'Node' || !name.endsWith('_kernel_time')) continue
    const node = name.slice(0, -'_kernel_time'.length)
    total += dur
    count(byPath, node.includes('/') ? node.slice(0, node.lastIndexOf('/')).split('.').slice(0, 3).join('.') : 'the step itself', dur)
    count(byOp, args?.op_name ?? '?', dur)
    count(byPhase, phaseOf.get(Number(/\.(\d+)(\.\d+)?$/.exec(node)?.[1])) ?? 'other', dur)
  }
  for (const [title, map] of [['phase', byPhase], ['module', byPath], ['operator', byOp]] as const) {
    process.stdout.write(`\n${title.padEnd(44)} seconds  share\n`)
    for (const [key, us] of [...map].sort((a, b) => b[1] - a[1]).slice(0, 24)) process.stdout.write(`${key.padEnd(44)} ${(us / 1e6).toFixed(2).padStart(7)}  ${(100 * us / total).toFixed(1).padStart(4)}%\n`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
