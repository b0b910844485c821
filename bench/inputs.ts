// The cases of the benchmark: models with numbers of their own, generated weights and inputs.
import type { Program, ProgramInput } from '../src/compiler/ir/program.ts'
import { sizeOf, type TensorData } from '../src/compiler/ir/types.ts'
import { bytesView, type StoredTensor } from '../src/runtime/weights/tensors.ts'
import { generate, generatedParameter } from '../test/support/generated.ts'

export interface Case {
  readonly name: string
  readonly file: string
  /** `--set` texts */
  readonly set: readonly string[]
  readonly batch: number
  /** What the shapes of the weights do not tell the PyTorch side. */
  readonly peer: Readonly<Record<string, unknown>>
}

const published = { semsegWeight: 100, depthIgnore: null, groups: 32, lr: 2e-5, clip: 10 }

/** Stochastic depth is off on both sides: it draws random numbers, which the sides draw differently. */
const swinT = ['data.image=256 x 512', 'ratio=1.0', 'backbone.drop_path=0']

export const cases: readonly Case[] = [
  { name: 'tiny', file: 'models/taskprompter-tiny.mtl', set: [], batch: 4, peer: { ...published, semsegWeight: 10, depthIgnore: 0, groups: 8, lr: 3e-3, ratio: 1 } },
  { name: 'swin-t', file: 'models/variants/swin-t.mtl', set: swinT, batch: 1, peer: { ...published, ratio: 1 } },
  { name: 'swin-t-batch-2', file: 'models/variants/swin-t.mtl', set: swinT, batch: 2, peer: { ...published, ratio: 1 } },
  { name: 'full', file: 'models/taskprompter.mtl', set: [], batch: 1, peer: { ...published, ratio: 0.75 } },
  { name: 'released-tiny', file: 'test/fixtures/models/tiny_a_head.mtl', set: [], batch: 2, peer: { ...published, depthIgnore: -1, groups: 16, ratio: 0.75, upsample: 2, merge: 'sum' } },
  { name: 'baseline-tiny', file: 'test/fixtures/models/baseline_tiny_a.mtl', set: [], batch: 2, peer: { ...published, groups: 16, ratio: 0.75 } },
]

export const caseOf = (name: string): Case => {
  const found = cases.find(c => c.name === name)
  if (found === undefined) throw new Error(`there is no case "${name}": choose one of ${cases.map(c => c.name).join(', ')}`)
  return found
}

/** Sixteen-digit hashes decide; the same numbers on every machine. */
const uniform = (name: string, count: number): Float32Array => generate(name, [count], 0.5, 0.5)

/** Plausible targets: a twentieth of the pixels without label, one point of a hundred an object. */
function target({ name, type: { dtype, shape } }: ProgramInput): TensorData {
  const u = uniform(name, sizeOf(shape))
  const ints = (of: (v: number) => number): TensorData => ({ dtype: 'int32', shape, data: Int32Array.from(u, of) })
  const floats = (of: (v: number) => number): TensorData => ({ dtype: 'float32', shape, data: u.map(of) })
  if (name === 'target/semseg/labels') return ints(v => v > 0.95 ? 255 : Math.floor(v * 20))
  if (name === 'target/depth/depth') return floats(v => v > 0.9 ? 0 : 1 + 60 * v)
  if (name.endsWith('/label')) return ints(v => v < 0.01 ? Math.floor(v * 600) : 6)
  if (name.endsWith('/direction')) return ints(v => v < 0.5 ? 0 : 1)
  if (name.endsWith('/has_boxes')) return floats(() => 1)
  return dtype === 'int32' ? ints(v => Math.floor(2 * v)) : floats(v => 0.1 + 2 * v)
}

export function feedsOf(program: Pick<Program, 'inputs'>): Record<string, TensorData> {
  const feeds: Record<string, TensorData> = {}
  for (const input of program.inputs) {
    if (input.role === 'input') feeds[input.name] = { dtype: 'float32', shape: input.type.shape, data: generate('input/image', input.type.shape, 2, 0) }
    if (input.role === 'target') feeds[input.name] = target(input)
  }
  return feeds
}

export const stateOf = (program: Pick<Program, 'inputs'>): Record<string, TensorData> => Object.fromEntries(program.inputs.filter(i => ['parameter', 'state', 'moment'].includes(i.role)).map(({ name, role, type }) => {
  if (type.dtype === 'int32') return [name, { dtype: 'int32', shape: type.shape, data: new Int32Array(sizeOf(type.shape)) }]
  return [name, role === 'moment' ? { dtype: 'float32', shape: type.shape, data: new Float32Array(sizeOf(type.shape)) } : generatedParameter(name, type.shape)]
}))

const containerType = { float32: 'F32', int32: 'I32', bool: 'BOOL' } as const

export const stored = (tensors: Readonly<Record<string, TensorData>>): Map<string, StoredTensor> =>
  new Map(Object.entries(tensors).map(([name, { dtype, shape, data }]) => [name, { dtype: containerType[dtype], shape, bytes: bytesView(data) }]))
