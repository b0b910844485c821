// What an engine is tried with: a network of the usual parts that trains for three steps, and the values that it should give.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { elaborate } from '../../compiler/index.ts'
import { interpret, toTensorData } from '../../compiler/ir/interpreter.ts'
import type { Program, ProgramInput } from '../../compiler/ir/program.ts'
import { sizeOf, type TensorData } from '../../compiler/ir/types.ts'
import { optimise } from '../../compiler/passes/index.ts'
import { optimiserScalars } from '../../compiler/training/scalars.ts'
import { buildTrainingStep } from '../../compiler/training/step.ts'
import type { HostTensors } from '../engines/engine.ts'
import { initialValue, randomStream } from '../weights/initialise.ts'
import { packageRoot } from '../worker-path.ts'

/** Convolution, batch norm, shifted attention, layer norm, resizing, two losses, clipping, Adam. No parameter has a gradient that is zero but for rounding: Adam would make steps of it. */
export const trialText = `import { BatchNorm2d, LayerNorm, Linear, Mlp } from "mtlc:lib/layers.mtl"
import { CrossEntropy, L1Loss } from "mtlc:lib/losses.mtl"

block Convolution(out: int, stride: int = 1) {
  param weight: [out, C, 3, 3] = kaiming_uniform()
  forward(x: [B, C, H, W]) -> [B, out, _, _] = conv2d(x, weight, stride = stride, padding = 1)
}

block Attention(heads: int) {
  norm1 = LayerNorm()
  qkv = Linear(3 * C, biased = false)
  proj = Linear(C)
  norm2 = LayerNorm()
  mlp = Mlp(2 * C)
  forward(x: [B, N, C]) -> [B, N, C] {
    let parts = x |> norm1 |> qkv |> reshape([B, N, 3, heads, C / heads]) |> transpose([2, 0, 3, 1, 4])
    let scores = matmul(parts[0], parts[1], trans_b = true) * (1 / sqrt(C / heads))
    let mixed = matmul(softmax(scores), parts[2]) |> transpose([0, 2, 1, 3]) |> reshape([B, N, C])
    let y = x + proj(mixed)
    return y + mlp(norm2(y))
  }
}

block Backbone(width: int) {
  stem = [Convolution(width, stride = 2), BatchNorm2d(), relu, Convolution(width, stride = 2)]
  attention = Attention(heads = 2)
  forward(x: [B, C, H, W]) -> [B, width, H / 4, W / 4] {
    let tokens = stem(x) |> roll([1, 2], [2, 3]) |> flatten(2) |> swap(1, 2)
    return attention(tokens) |> swap(1, 2) |> reshape([B, width, H / 4, W / 4])
  }
}

block Head(out: int, size: size) {
  conv = Convolution(out)
  forward(x: [B, C, H, W]) -> [B, out, size[0], size[1]] = x |> conv |> resize(size)
}

model Trial {
  data cityscapes3d { image = 32 x 64 }
  task semseg = segmentation(classes = cityscapes.classes) { head = Head(19, data.image); loss = CrossEntropy() }
  task depth = depth() { head = Head(1, data.image); loss = L1Loss(ignore = 0); weight = 0.1 }
  backbone = Backbone(width = 16)
  forward(image: [B, 3, H, W]) {
    let x = backbone(image)
    return {for t in tasks: t.head(x)}
  }
  train { optimizer = adam(lr = 1e-3, eps = 1e-4); clip_norm = 1; batch = 2; steps = 3 }
}
`

/** A training step, the values it begins with, what it is fed at each step, and what it should give. Plain data. */
export interface Trial {
  readonly program: Program
  readonly state: HostTensors
  readonly feeds: readonly HostTensors[]
  /** The losses of each step. */
  readonly losses: readonly HostTensors[]
  /** Parameters, moments and statistics after the last step. */
  readonly after: HostTensors
}

const random = ({ name, type: { dtype, shape } }: ProgramInput): TensorData => {
  const draw = randomStream(0, name)
  if (dtype === 'int32') return { dtype, shape, data: Int32Array.from({ length: sizeOf(shape) }, () => { const v = draw(); return v < 0.05 ? 255 : Math.floor(19 * v) }) }
  return { dtype: 'float32', shape, data: Float32Array.from({ length: sizeOf(shape) }, () => name === 'image' ? 4 * draw() - 2 : 40 * draw()) }
}

const stateful = ['parameter', 'state', 'moment']

/** Compiles the network and lets the interpreter, which computes in float64, train it: less than a second. */
export function makeTrial(): Trial {
  const host = { read: (path: string) => path === 'trial.mtl' ? trialText : path.startsWith('mtlc:') ? readFileSync(join(packageRoot(), 'models', path.slice(5)), 'utf8') : undefined }
  const { model, diagnostics } = elaborate('trial.mtl', host, { mode: 'train' })
  if (model === undefined) throw new Error(`internal: the trial network does not compile: ${diagnostics.map(d => d.message).join('; ')}`)
  const program = optimise(buildTrainingStep(model), { differentiated: true })
  const state = Object.fromEntries(program.inputs.filter(i => stateful.includes(i.role)).map(i => [i.name, initialValue(i, 0)]))
  const fixed = Object.fromEntries(program.inputs.filter(i => i.role === 'input' || i.role === 'target').map(i => [i.name, random(i)]))
  const feeds = Array.from({ length: model.train.steps }, (_, step): HostTensors => ({ ...fixed, ...Object.fromEntries(Object.entries(optimiserScalars(model.train, step)).map(([name, v]) => [name, { dtype: 'float32', shape: [], data: Float32Array.of(v) }])) }))
  let current: HostTensors = state
  const losses = feeds.map(given => {
    const found = Object.fromEntries(Object.entries(interpret(program, { ...current, ...given }).outputs).map(([name, v]) => [name, toTensorData(v)]))
    const isState = (name: string): boolean => name in state
    current = { ...current, ...Object.fromEntries(Object.entries(found).filter(([name]) => isState(name))) }
    return Object.fromEntries(Object.entries(found).filter(([name]) => !isState(name)))
  })
  return { program, state, feeds, losses, after: current }
}

/** The largest difference of any tensor of `expected` over its largest value, and that tensor's name. NaN where something is missing. */
export function largestDifference(found: HostTensors, expected: HostTensors): { readonly name: string; readonly relative: number } {
  let worst = { name: '', relative: 0 }
  for (const [name, { data }] of Object.entries(expected)) {
    const relative = relativeDifference(found[name]?.data, data)
    if (Number.isNaN(relative)) return { name, relative }
    if (relative > worst.relative) worst = { name, relative }
  }
  return worst
}

function relativeDifference(mine: TensorData['data'] | undefined, data: TensorData['data']): number {
  if (mine?.length !== data.length) return NaN
  let [difference, scale] = [0, 0]
  for (let i = 0; i < data.length; i++) {
    // Math.max keeps NaN.
    difference = Math.max(difference, Math.abs(mine[i] - data[i]))
    scale = Math.max(scale, Math.abs(data[i]))
  }
  return difference === 0 ? 0 : difference / scale
}
