// Which operators of a program onnxruntime computes on the CPU although it was asked for another device: its profile names the provider of every node.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Program } from '../../compiler/ir/program.ts'
import type { TensorData } from '../../compiler/ir/types.ts'
import type { HostTensors } from '../engines/engine.ts'
import type { Ort } from '../engines/onnxruntime/fetch.ts'
import { prepareOnnx } from '../engines/onnxruntime/prepare.ts'
import { sessionOptions } from '../engines/onnxruntime/state.ts'
import type { Fallbacks } from './protocol.ts'

interface ProfileEvent { readonly cat: string; readonly name: string; readonly args: { readonly op_name?: string; readonly provider?: string } }

/** Runs the program once in this thread with profiling on. */
export async function operatorsOnCpu(program: Program, state: HostTensors, given: HostTensors, device: string): Promise<Fallbacks> {
  const module = await import('onnxruntime-node') as Ort & { default?: Ort }
  const ort = module.default ?? module
  const { model, feeds, stateInputs, groups, arena } = prepareOnnx(program, { engine: 'onnxruntime', device, zeroCopy: false, inPlace: false })
  const folder = mkdtempSync(join(tmpdir(), 'mtlc-doctor-'))
  try {
    const session = await ort.InferenceSession.create(model, { ...sessionOptions(device, 0, arena), enableProfiling: true, profileFilePrefix: join(folder, 'profile') })
    const values: Record<string, { readonly data: TensorData['data'] }> = { ...state, ...given }
    for (const { name, size, members } of groups) {
      const vector = new Float32Array(size)
      for (const m of members) vector.set(state[m.name].data, m.offset)
      values[name] = { data: vector }
    }
    await session.run(Object.fromEntries([...feeds, ...stateInputs].map(({ name, onnx, type }) => [onnx, new ort.Tensor(type.dtype, values[name].data as Float32Array, type.shape)])))
    session.endProfiling()
    await session.release()
    return countFallbacks(readdirSync(folder).map(name => readFileSync(join(folder, name), 'utf8'))[0])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Counts the nodes of the CPU in the profile of `text`, by operator, the most frequent first. */
export function countFallbacks(text: string): Fallbacks {
  const events = (JSON.parse(text) as ProfileEvent[]).filter(e => e.cat === 'Node' && e.args.provider !== undefined && e.name.endsWith('_kernel_time'))
  const counts = new Map<string, number>()
  for (const { args: { op_name: operator = '?', provider } } of events) if (provider === 'CPUExecutionProvider') counts.set(operator, (counts.get(operator) ?? 0) + 1)
  const fallbacks = [...counts].map(([operator, nodes]) => ({ operator, nodes })).toSorted((a, b) => b.nodes - a.nodes || (a.operator < b.operator ? -1 : 1))
  return { fallbacks, nodes: events.length }
}
